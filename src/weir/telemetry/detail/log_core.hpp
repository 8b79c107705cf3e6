// The writer's side of the log: drains the rings, formats, writes.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "weir/telemetry/detail/json_line.hpp"
#include "weir/telemetry/detail/log_ring.hpp"
#include "weir/telemetry/log.hpp"

namespace weir::telemetry {

/// One name's state. Never freed while the log lives: records in the rings point to it.
struct LoggerState {
  std::string name;
  std::atomic<LogLevel> effective;
};

class LogCore {
 public:
  LogCore(std::unique_ptr<LogSink> sink, const LogOptions& options);
  ~LogCore();

  // Any thread.

  /// Room for a record of `size` bytes in the calling thread's ring. Null: dropped, and counted.
  [[nodiscard]] char* reserve(std::size_t size) noexcept {
    LogRing* ring = rings_.local([this] { return std::make_shared<LogRing>(options_.ring_bytes); });
    if (ring == nullptr) [[unlikely]] {
      homeless_.fetch_add(1, std::memory_order_relaxed);
      return nullptr;
    }
    return ring->reserve(size);
  }
  /// Publishes what reserve() gave to this thread.
  void commit() noexcept {
    LogRing* ring = rings_.local([] { return std::shared_ptr<LogRing>(); });
    if (ring->commit()) [[unlikely]]
      wake();
    if (idle_.load(std::memory_order_relaxed) != 0) [[unlikely]]
      wake_from_idle();
  }

  [[nodiscard]] std::int64_t wall_ns() const noexcept { return clock_.wall().time_since_epoch().count(); }
  [[nodiscard]] const LogOptions& options() const noexcept { return options_; }

  bool flush(Duration timeout);
  void reopen() noexcept;
  /// The writer takes the new sink between lines, before it looks at the rings again.
  void redirect(std::unique_ptr<LogSink> sink);
  [[nodiscard]] LogStats stats() const noexcept;

 private:
  void wake() noexcept;
  void wake_from_idle() noexcept;

  // The writer thread.
  void run();
  void nap();
  void idle();
  [[nodiscard]] bool pending() const;
  /// Formats what the rings hold. False when it stopped because the sink does not take its lines.
  bool drain();
  bool drain(LogRing& ring);
  void format(const char* record, const RecordHeader& header);
  char* format_event(JsonLine line, const char* at, const RecordHeader& header);
  char* format_access(JsonLine line, const char* at, const RecordHeader& header);
  void begin_line(JsonLine& line, std::int64_t wall_ns, LogLevel level, std::string_view logger);
  void report_drops();
  /// A line of the log about itself. False when there is no room for it now.
  bool own_line(LogLevel level, std::string_view msg, std::string_view key, std::uint64_t value);
  /// Hands the formatted lines to the sink. False when some are left.
  bool write_out();
  void sink_failed(const Error& error);
  void reopen_now();
  /// Before another file takes over: the rest of a half-written line would be its torn beginning.
  void give_up_torn_line();
  [[nodiscard]] std::uint64_t total_dropped() const;

  LogOptions options_;
  Clock& clock_;
  std::unique_ptr<LogSink> sink_;  // the writer's
  std::mutex redirecting_;
  std::unique_ptr<LogSink> next_sink_;  // guarded by redirecting_
  ThreadSlots<LogRing> rings_;
  std::atomic<std::uint64_t> homeless_{0};  // dropped because their thread has no ring

  // Futex words. urgent_: do not nap. idle_: the writer sleeps until the first record.
  alignas(64) std::atomic<std::uint32_t> urgent_{0};
  alignas(64) std::atomic<std::uint32_t> idle_{0};
  alignas(64) std::atomic<std::uint32_t> flush_wanted_{0};
  std::atomic<std::uint32_t> flush_done_{0};
  std::atomic<bool> reopen_{false};
  std::atomic<bool> stop_{false};

  // The writer's own.
  std::vector<char> lines_;  // formatted, from begin_ to end_ not written yet
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  TimestampWriter timestamp_;
  bool failing_ = false;
  bool mid_line_ = false;  // the sink took a line's first part only
  Duration retry_after_{};
  std::chrono::steady_clock::time_point retry_at_{};
  std::uint64_t drops_reported_ = 0;
  std::chrono::steady_clock::time_point next_drop_report_{};

  std::atomic<std::uint64_t> line_count_{0};
  std::atomic<std::uint64_t> byte_count_{0};
  std::atomic<std::uint64_t> error_count_{0};
  std::atomic<std::uint64_t> lost_count_{0};  // lines given up by the writer itself

  std::thread thread_;
};

/// Copies `text` to `at` and moves `at` behind it.
inline void put(char*& at, std::string_view text) noexcept {
  if (text.empty()) return;  // whose address may be null, which memcpy does not take
  std::memcpy(at, text.data(), text.size());
  at += text.size();
}
template <class T>
void put(char*& at, const T& value) noexcept
  requires std::is_trivially_copyable_v<T> && (!std::is_same_v<T, std::string_view>)
{
  std::memcpy(at, &value, sizeof value);
  at += sizeof value;
}
template <class T>
T get(const char*& at) noexcept {
  T value;
  std::memcpy(&value, at, sizeof value);
  at += sizeof value;
  return value;
}
inline std::string_view get_text(const char*& at, std::size_t size) noexcept {
  const std::string_view text(at, size);
  at += size;
  return text;
}
/// At most `size` bytes of `text`, not ending inside of a UTF-8 sequence.
std::string_view cut(std::string_view text, std::size_t size) noexcept;

/// An access record behind its header; the texts follow in the order of their sizes.
struct AccessFixed {
  const LoggerState* logger;
  std::int64_t duration_ns;
  std::uint64_t bytes_in;
  std::uint64_t bytes_out;
  TraceId trace_id;
  SpanId span_id;
  std::uint16_t status;
  std::uint16_t path;
  std::uint16_t query;
  std::uint16_t route;
  std::uint16_t user_agent;
  std::uint8_t method;
  std::uint8_t host;
  std::uint8_t peer;
  std::uint8_t protocol;
  std::uint8_t request_id;
  std::uint8_t error;
};
static_assert(sizeof(AccessFixed) == 72);

/// An event record behind its header: then the trace (24 bytes, if any), request id, msg, fields.
struct EventFixed {
  const LoggerState* logger;
  std::uint16_t msg;
  std::uint8_t request_id;
};

/// One field of an event: then its key and, of a text, its bytes.
struct EventField {
  std::uint64_t bits;  // the value, or the text's size
  LogField::Type type;
  std::uint8_t key;
};

}  // namespace weir::telemetry
