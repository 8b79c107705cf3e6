#include "weir/telemetry/log.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <mutex>

#include "weir/telemetry/detail/log_core.hpp"

namespace weir {

using telemetry::LoggerState;

namespace {
constexpr std::array<std::string_view, 6> level_names = {"trace", "debug", "info", "warn", "error", "off"};
constexpr std::string_view root_name = "ROOT";
}  // namespace

std::string_view to_string(LogLevel level) noexcept {
  const auto index = static_cast<std::size_t>(level);
  return index < level_names.size() ? level_names[index] : "off";
}

std::optional<LogLevel> parse_log_level(std::string_view name) noexcept {
  const auto same = [name](std::string_view known) {
    return std::equal(name.begin(), name.end(), known.begin(), known.end(), [](char a, char b) {
      return (a >= 'A' && a <= 'Z' ? static_cast<char>(a + ('a' - 'A')) : a) == b;
    });
  };
  for (std::size_t i = 0; i < level_names.size(); ++i) {
    if (same(level_names[i])) return static_cast<LogLevel>(i);
  }
  if (same("fatal")) return LogLevel::error;
  return std::nullopt;
}

/// The names and their levels. Levels are read through LoggerState::effective without the lock.
struct Log::Names {
  struct Entry {
    std::unique_ptr<LoggerState> state;
    std::optional<LogLevel> configured;
  };

  std::mutex mutex;
  std::map<std::string, Entry, std::less<>> entries;
  LogLevel root;
  std::unique_ptr<LoggerState> root_state;
  std::unique_ptr<LoggerState> shared_state;  // of all names beyond max_names

  explicit Names(LogLevel level) : root(level), root_state(make("ROOT")), shared_state(make("__other__")) { update(); }

  static std::unique_ptr<LoggerState> make(std::string_view name) {
    auto state = std::make_unique<LoggerState>();
    state->name = name.substr(0, 128);
    return state;
  }

  Entry* find(std::string_view name) {
    const auto at = entries.find(name);
    if (at != entries.end()) return &at->second;
    if (entries.size() >= max_names) return nullptr;
    Entry& made = entries[std::string(name)];
    made.state = make(name);
    return &made;
  }

  /// The nearest level going up the dots.
  LogLevel effective(std::string_view name) const {
    for (;;) {
      const auto at = entries.find(name);
      if (at != entries.end() && at->second.configured) return *at->second.configured;
      const std::size_t dot = name.rfind('.');
      if (dot == std::string_view::npos) return root;
      name = name.substr(0, dot);
    }
  }

  void update() {
    for (auto& [name, entry] : entries) entry.state->effective.store(effective(name), std::memory_order_relaxed);
    root_state->effective.store(root, std::memory_order_relaxed);
    shared_state->effective.store(root, std::memory_order_relaxed);
  }
};

Log::Log(std::unique_ptr<LogSink> sink, const LogOptions& options)
    : names_(std::make_unique<Names>(options.level)),
      core_(std::make_unique<telemetry::LogCore>(std::move(sink), options)) {}
Log::~Log() = default;

Logger Log::logger(std::string_view name) {
  Logger logger;
  logger.core_ = core_.get();
  if (name.empty() || name == root_name) {
    logger.state_ = names_->root_state.get();
    return logger;
  }
  const std::lock_guard lock(names_->mutex);
  const auto* entry = names_->find(name);
  logger.state_ = entry == nullptr ? names_->shared_state.get() : entry->state.get();
  names_->update();
  return logger;
}

bool Log::set_level(std::string_view name, std::optional<LogLevel> level) {
  const std::lock_guard lock(names_->mutex);
  if (name.empty() || name == root_name) {
    if (level) names_->root = *level;
  } else {
    auto* entry = names_->find(name);
    if (entry == nullptr) return false;
    entry->configured = level;
  }
  names_->update();
  return true;
}

std::vector<LoggerInfo> Log::loggers() const {
  const std::lock_guard lock(names_->mutex);
  std::vector<LoggerInfo> all = {{std::string(root_name), names_->root, names_->root}};
  for (const auto& [name, entry] : names_->entries) {
    all.push_back({name, entry.configured, entry.state->effective.load(std::memory_order_relaxed)});
  }
  return all;
}

bool Log::flush(Duration timeout) {
  return core_->flush(timeout);
}
void Log::reopen() noexcept {
  core_->reopen();
}
void Log::redirect(std::unique_ptr<LogSink> sink, Duration timeout) {
  static_cast<void>(core_->flush(timeout));
  core_->redirect(std::move(sink));
}
LogStats Log::stats() const noexcept {
  return core_->stats();
}

bool Logger::enabled(LogLevel level) const noexcept {
  return state_ != nullptr && level >= state_->effective.load(std::memory_order_relaxed) && level < LogLevel::off;
}

void Logger::write(LogLevel level, std::string_view msg, LogFields fields) const noexcept {
  using telemetry::cut;
  using telemetry::EventField;
  using telemetry::EventFixed;
  using telemetry::put;
  using telemetry::RecordHeader;
  constexpr std::size_t max_key = 64;
  constexpr std::size_t max_request_id = 128;

  const std::string_view request_id =
      context_ == nullptr ? std::string_view{} : cut(context_->request_id, max_request_id);
  const bool has_trace = context_ != nullptr && context_->trace.valid();

  // What does not depend on the texts, then the texts.
  const std::size_t max_bytes = core_->options().max_record_bytes;
  std::size_t base = sizeof(RecordHeader) + sizeof(EventFixed) + request_id.size() + (has_trace ? 24U : 0U) + 7;
  std::size_t texts = msg.size();
  std::size_t text_count = 1;
  std::size_t field_count = 0;
  bool truncated = false;
  for (const LogField& field : fields) {
    const std::size_t more = sizeof(EventField) + cut(field.key(), max_key).size();
    if (base + more + 64 > max_bytes || field_count == 255) {
      truncated = true;
      break;
    }
    base += more;
    texts += field.text().size();
    text_count += field.type() == LogField::Type::text ? 1 : 0;
    ++field_count;
  }
  // Too much: each text may have its equal share of the room.
  std::size_t text_limit = max_bytes;
  if (base + texts > max_bytes) {
    text_limit = (max_bytes - base) / text_count;
    truncated = true;
    texts = cut(msg, text_limit).size();
    for (std::size_t i = 0; i < field_count; ++i) texts += cut((fields.begin() + i)->text(), text_limit).size();
  }

  const std::size_t size = (base + texts) & ~std::size_t{7};  // base has the 7 for rounding up
  char* at = core_->reserve(size);
  if (at == nullptr) return;
  const RecordHeader header{.size = static_cast<std::uint32_t>(size),
                            .kind = telemetry::RecordKind::event,
                            .level = static_cast<std::uint8_t>(level),
                            .fields = static_cast<std::uint8_t>(field_count),
                            .flags = static_cast<std::uint8_t>((has_trace ? RecordHeader::has_trace : 0) |
                                                               (truncated ? RecordHeader::truncated : 0)),
                            .wall_ns = core_->wall_ns()};
  put(at, header);
  const std::string_view shown = cut(msg, text_limit);
  put(at, EventFixed{.logger = state_,
                     .msg = static_cast<std::uint16_t>(shown.size()),
                     .request_id = static_cast<std::uint8_t>(request_id.size())});
  if (has_trace) {
    put(at, context_->trace.trace_id);
    put(at, context_->trace.span_id);
  }
  put(at, request_id);
  put(at, shown);
  for (std::size_t i = 0; i < field_count; ++i) {
    const LogField& field = *(fields.begin() + i);
    const std::string_view key = cut(field.key(), max_key);
    const std::string_view text = cut(field.text(), text_limit);
    put(at, EventField{.bits = field.type() == LogField::Type::text ? text.size() : field.bits(),
                       .type = field.type(),
                       .key = static_cast<std::uint8_t>(key.size())});
    put(at, key);
    put(at, text);
  }
  core_->commit();
}

}  // namespace weir
