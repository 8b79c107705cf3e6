#include "weir/telemetry/detail/log_core.hpp"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <csignal>
#include <exception>
#include <string>

#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#include "weir/telemetry/detail/futex.hpp"

namespace weir::telemetry {
namespace {

using Steady = std::chrono::steady_clock;

constexpr std::size_t batch_bytes = std::size_t{64} << 10;    ///< Lines are written when so much has gathered.
constexpr std::size_t release_bytes = std::size_t{16} << 10;  ///< Ring space is given back at least so often.
constexpr Duration first_retry = std::chrono::milliseconds(100);
constexpr Duration last_retry = std::chrono::seconds(5);
constexpr Duration idle_limit = std::chrono::seconds(1);
constexpr Duration drop_report_interval = std::chrono::seconds(1);

LogOptions checked(LogOptions options) {
  options.ring_bytes = std::bit_ceil(std::clamp(options.ring_bytes, std::size_t{16} << 10, std::size_t{1} << 30));
  options.max_record_bytes =
      std::clamp<std::size_t>(options.max_record_bytes, 1024, std::min(options.ring_bytes / 4, std::size_t{32} << 10));
  options.flush_interval = std::clamp<Duration>(options.flush_interval, std::chrono::milliseconds(1), idle_limit);
  return options;
}

/// Says something on stderr without ever waiting for whoever reads it.
void complain(std::string_view what) noexcept {
  pollfd out{.fd = STDERR_FILENO, .events = POLLOUT, .revents = 0};
  if (poll(&out, 1, 0) != 1 || (out.revents & POLLOUT) == 0) return;
  char text[512];
  const std::string_view shown = cut(what, sizeof text - 1);
  std::memcpy(text, shown.data(), shown.size());
  text[shown.size()] = '\n';
  static_cast<void>(!::write(STDERR_FILENO, text, shown.size() + 1));
}

/// Keys that the schema has given a meaning; a record's own field of that name gets a "_" behind it.
bool reserved_key(std::string_view key) noexcept {
  switch (key.size()) {
    case 2:
      return key == "ts";
    case 3:
      return key == "msg";
    case 5:
      return key == "level";
    case 6:
      return key == "logger";
    case 7:
      return key == "span_id";
    case 8:
      return key == "trace_id";
    case 9:
      return key == "truncated";
    case 10:
      return key == "request_id";
    default:
      return false;
  }
}

/// What a call of the sink came to. Sinks may be of the program's own: one that throws must not end the process.
template <class Call>
auto outcome_of(const Call& call) -> decltype(call()) {
  try {
    return call();
  } catch (...) {
    return fail(thrown_error().with_context("the sink threw"));
  }
}

void put_trace(JsonLine& line, const std::uint8_t* trace_id, const std::uint8_t* span_id) {
  line.literal(",\"trace_id\":\"");
  line.hex(trace_id, 16);
  line.literal("\",\"span_id\":\"");
  line.hex(span_id, 8);
  line.character('"');
}

void put_field(JsonLine& line, std::string_view key, LogField::Type type, std::uint64_t bits, std::string_view text) {
  line.literal(",\"");
  line.escaped(key);
  if (reserved_key(key)) line.character('_');
  line.literal("\":");
  switch (type) {
    case LogField::Type::text:
      line.character('"');
      line.escaped(text);
      line.character('"');
      break;
    case LogField::Type::signed_number:
      line.number(static_cast<std::int64_t>(bits));
      break;
    case LogField::Type::unsigned_number:
      line.number(bits);
      break;
    case LogField::Type::real:
      line.real(std::bit_cast<double>(bits));
      break;
    case LogField::Type::boolean:
      line.raw(bits != 0 ? "true" : "false");
      break;
  }
}

}  // namespace

std::string_view cut(std::string_view text, std::size_t size) noexcept {
  if (text.size() <= size) return text;
  while (size != 0 && (static_cast<unsigned char>(text[size]) & 0xc0) == 0x80) --size;
  return text.substr(0, size);
}

LogCore::LogCore(std::unique_ptr<LogSink> sink, const LogOptions& options)
    : options_(checked(options)),
      clock_(options.clock != nullptr ? *options.clock : Clock::system()),
      sink_(std::move(sink)),
      rings_(options.max_threads),
      lines_(batch_bytes + max_escape * options_.max_record_bytes + 1024) {
  // Signals are for the threads of the application.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  try {
    thread_ = std::thread([this] { run(); });
  } catch (...) {
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    throw;
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  pthread_setname_np(thread_.native_handle(), "weir-log");
}

LogCore::~LogCore() {
  stop_.store(true, std::memory_order_release);
  wake();
  thread_.join();
}

void LogCore::wake() noexcept {
  urgent_.store(1, std::memory_order_release);
  futex_wake(urgent_);
  wake_from_idle();
}

void LogCore::wake_from_idle() noexcept {
  if (idle_.exchange(0, std::memory_order_acq_rel) != 0) futex_wake(idle_);
}

bool LogCore::flush(Duration timeout) {
  const auto until = Steady::now() + timeout;
  const std::uint32_t wanted = flush_wanted_.fetch_add(1, std::memory_order_acq_rel) + 1;
  wake();
  for (;;) {
    const std::uint32_t done = flush_done_.load(std::memory_order_acquire);
    if (static_cast<std::int32_t>(done - wanted) >= 0) return true;
    const Duration left = until - Steady::now();
    if (left <= Duration::zero()) return false;
    futex_wait(flush_done_, done, left);
  }
}

void LogCore::reopen() noexcept {
  reopen_.store(true, std::memory_order_release);
  wake();
}

void LogCore::redirect(std::unique_ptr<LogSink> sink) {
  {
    const std::lock_guard lock(redirecting_);
    next_sink_ = std::move(sink);
  }
  reopen();
}

LogStats LogCore::stats() const noexcept {
  return {.lines = line_count_.load(std::memory_order_relaxed),
          .dropped = total_dropped(),
          .bytes = byte_count_.load(std::memory_order_relaxed),
          .write_errors = error_count_.load(std::memory_order_relaxed)};
}

std::uint64_t LogCore::total_dropped() const {
  std::uint64_t total = homeless_.load(std::memory_order_relaxed) + lost_count_.load(std::memory_order_relaxed);
  rings_.for_each([&](const LogRing& ring) { total += ring.dropped(); });
  return total;
}

void LogCore::run() {
  std::optional<Steady::time_point> give_up;
  for (;;) {
    // Read before draining: what was logged before a flush or the stop is in the rings by then.
    const bool stopping = stop_.load(std::memory_order_acquire);
    const std::uint32_t flush_wanted = flush_wanted_.load(std::memory_order_acquire);
    if (stopping && !give_up) give_up = Steady::now() + options_.stop_timeout;
    if (reopen_.exchange(false, std::memory_order_acq_rel)) reopen_now();
    const std::uint64_t lines_before = line_count_.load(std::memory_order_relaxed);
    const bool clean = drain() && write_out();
    if (clean && flush_done_.load(std::memory_order_relaxed) != flush_wanted) {
      flush_done_.store(flush_wanted, std::memory_order_release);
      futex_wake(flush_done_);
    }
    if (stopping && clean) return;
    if (stopping && Steady::now() >= *give_up) {
      return complain("weir log: the last lines could not be written before the process ended");
    }
    if (clean && line_count_.load(std::memory_order_relaxed) == lines_before) {
      idle();
    } else {
      nap();
    }
  }
}

void LogCore::nap() {
  Duration interval = options_.flush_interval;
  if (failing_)
    interval = std::min(interval, std::max<Duration>(retry_at_ - Steady::now(), std::chrono::milliseconds(1)));
  // A sink that fails is left alone until its time comes, whatever the rings say.
  if (urgent_.exchange(0, std::memory_order_acq_rel) != 0 && !failing_) return;
  futex_wait(urgent_, 0, interval);
  urgent_.store(0, std::memory_order_relaxed);
}

void LogCore::idle() {
  if (urgent_.load(std::memory_order_acquire) == 0) {
    idle_.store(1, std::memory_order_seq_cst);
    // A record committed in this very moment may have missed the flag; the limit of the sleep covers that.
    if (!pending() && urgent_.load(std::memory_order_acquire) == 0) futex_wait(idle_, 1, idle_limit);
    idle_.store(0, std::memory_order_relaxed);
    if (!pending()) return;
  }
  nap();  // let more gather behind the first record
}

bool LogCore::pending() const {
  bool any = false;
  rings_.for_each([&](const LogRing& ring) { any = any || ring.head() != ring.tail(); });
  return any;
}

bool LogCore::drain() {
  bool clean = true;
  rings_.for_each([&](LogRing& ring) { clean = clean && drain(ring); });
  if (clean) report_drops();
  return clean;
}

bool LogCore::drain(LogRing& ring) {
  const std::uint64_t head = ring.head();
  std::uint64_t at = ring.tail();
  std::uint64_t released = at;
  while (at != head) {
    if (end_ >= batch_bytes && !write_out()) break;
    const char* record = ring.record(at);
    RecordHeader header;
    std::memcpy(static_cast<void*>(&header), record, 8);
    if (header.kind != RecordKind::padding) {
      std::memcpy(static_cast<void*>(&header), record, sizeof header);
      format(record + sizeof header, header);
    }
    at += header.size;
    if (at - released >= release_bytes) {
      ring.release(at);
      released = at;
    }
  }
  ring.release(at);
  return at == head;
}

void LogCore::format(const char* record, const RecordHeader& header) {
  const JsonLine line(lines_.data() + end_);
  char* end =
      header.kind == RecordKind::event ? format_event(line, record, header) : format_access(line, record, header);
  end_ = static_cast<std::size_t>(end - lines_.data());
  line_count_.store(line_count_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
}

void LogCore::begin_line(JsonLine& line, std::int64_t wall_ns, LogLevel level, std::string_view logger) {
  line.literal("{\"ts\":\"");
  line.timestamp(timestamp_, wall_ns);
  line.literal("\",\"level\":\"");
  line.raw(to_string(level));
  line.literal("\",\"logger\":\"");
  line.escaped(logger);
}

char* LogCore::format_event(JsonLine line, const char* at, const RecordHeader& header) {
  const auto fixed = get<EventFixed>(at);
  begin_line(line, header.wall_ns, static_cast<LogLevel>(header.level), fixed.logger->name);
  std::array<std::uint8_t, 24> trace{};
  const bool has_trace = (header.flags & RecordHeader::has_trace) != 0;
  if (has_trace) trace = get<std::array<std::uint8_t, 24>>(at);
  const std::string_view request_id = get_text(at, fixed.request_id);
  line.literal("\",\"msg\":\"");
  line.escaped(get_text(at, fixed.msg));
  line.character('"');
  line.member(",\"request_id\":\"", request_id);
  if (has_trace) put_trace(line, trace.data(), trace.data() + 16);
  for (int i = 0; i < header.fields; ++i) {
    const auto field = get<EventField>(at);
    const std::string_view key = get_text(at, field.key);
    const bool is_text = field.type == LogField::Type::text;
    put_field(line, key, field.type, field.bits, is_text ? get_text(at, field.bits) : std::string_view{});
  }
  if ((header.flags & RecordHeader::truncated) != 0) line.literal(",\"truncated\":true");
  line.literal("}\n");
  return line.end();
}

char* LogCore::format_access(JsonLine line, const char* at, const RecordHeader& header) {
  const auto fixed = get<AccessFixed>(at);
  begin_line(line, header.wall_ns, static_cast<LogLevel>(header.level), fixed.logger->name);
  line.literal("\",\"msg\":\"request\"");
  const std::string_view method = get_text(at, fixed.method);
  const std::string_view path = get_text(at, fixed.path);
  const std::string_view query = get_text(at, fixed.query);
  const std::string_view route = get_text(at, fixed.route);
  const std::string_view host = get_text(at, fixed.host);
  const std::string_view peer = get_text(at, fixed.peer);
  const std::string_view user_agent = get_text(at, fixed.user_agent);
  const std::string_view protocol = get_text(at, fixed.protocol);
  line.member(",\"request_id\":\"", get_text(at, fixed.request_id));
  if ((header.flags & RecordHeader::has_trace) != 0) put_trace(line, fixed.trace_id.data(), fixed.span_id.data());
  line.member(",\"method\":\"", method);
  line.member(",\"path\":\"", path);
  line.member(",\"query\":\"", query);
  line.member(",\"route\":\"", route);
  line.literal(",\"status\":");
  line.number(fixed.status);
  line.literal(",\"duration_us\":");
  line.number(fixed.duration_ns / 1000);
  line.literal(",\"bytes_in\":");
  line.number(fixed.bytes_in);
  line.literal(",\"bytes_out\":");
  line.number(fixed.bytes_out);
  line.member(",\"peer\":\"", peer);
  line.member(",\"host\":\"", host);
  line.member(",\"user_agent\":\"", user_agent);
  line.member(",\"protocol\":\"", protocol);
  line.member(",\"error\":\"", get_text(at, fixed.error));
  if ((header.flags & RecordHeader::truncated) != 0) line.literal(",\"truncated\":true");
  line.literal("}\n");
  return line.end();
}

bool LogCore::own_line(LogLevel level, std::string_view msg, std::string_view key, std::uint64_t value) {
  if (end_ > batch_bytes && !write_out()) return false;
  JsonLine line(lines_.data() + end_);
  begin_line(line, wall_ns(), level, "weir.log");
  line.literal("\",\"msg\":\"");
  line.raw(msg);
  line.character('"');
  put_field(line, key, LogField::Type::unsigned_number, value, {});
  line.literal("}\n");
  end_ = static_cast<std::size_t>(line.end() - lines_.data());
  line_count_.store(line_count_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  return true;
}

void LogCore::report_drops() {
  const std::uint64_t dropped = total_dropped();
  if (dropped == drops_reported_) return;
  const auto now = Steady::now();
  if (now < next_drop_report_ && !stop_.load(std::memory_order_relaxed)) return;
  next_drop_report_ = now + drop_report_interval;
  if (own_line(LogLevel::warn, "log records dropped", "dropped", dropped - drops_reported_)) drops_reported_ = dropped;
}

bool LogCore::write_out() {
  if (failing_ && Steady::now() < retry_at_) return begin_ == end_;
  while (begin_ != end_) {
    const auto written = outcome_of([this] { return sink_->write({lines_.data() + begin_, end_ - begin_}); });
    if (!written) {
      sink_failed(written.error());
      return false;
    }
    begin_ += std::min(*written, end_ - begin_);
    byte_count_.fetch_add(*written, std::memory_order_relaxed);
    if (begin_ != 0) mid_line_ = lines_[begin_ - 1] != '\n';
  }
  begin_ = end_ = 0;
  if (failing_) {
    failing_ = false;
    retry_after_ = {};
    return own_line(LogLevel::warn, "log sink works again", "write_errors",
                    error_count_.load(std::memory_order_relaxed)) &&
           write_out();
  }
  return true;
}

void LogCore::sink_failed(const Error& error) {
  error_count_.fetch_add(1, std::memory_order_relaxed);
  if (!failing_) complain("weir log: " + error.message() + "; records are dropped while their ring is full");
  failing_ = true;
  retry_after_ = std::clamp<Duration>(retry_after_ * 2, first_retry, last_retry);
  retry_at_ = Steady::now() + retry_after_;
}

void LogCore::give_up_torn_line() {
  if (!mid_line_) return;
  const auto* rest = static_cast<const char*>(std::memchr(lines_.data() + begin_, '\n', end_ - begin_));
  begin_ = rest == nullptr ? end_ : static_cast<std::size_t>(rest - lines_.data()) + 1;
  mid_line_ = false;
  lost_count_.fetch_add(1, std::memory_order_relaxed);
}

void LogCore::reopen_now() {
  static_cast<void>(write_out());
  give_up_torn_line();
  std::unique_ptr<LogSink> next;
  {
    const std::lock_guard lock(redirecting_);
    next = std::move(next_sink_);
  }
  if (next != nullptr) {
    sink_ = std::move(next);
  } else if (const auto reopened = outcome_of([this] { return sink_->reopen(); }); !reopened) {
    error_count_.fetch_add(1, std::memory_order_relaxed);
    complain("weir log: " + reopened.error().message() + "; the old file stays in use");
    return;
  }
  retry_at_ = {};  // what failed before may work now
}

}  // namespace weir::telemetry
