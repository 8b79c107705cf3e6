// Structured logging as JSON lines. The caller copies a record into a ring of its thread; a writer thread does the
// rest.
//
// One schema for every line (the fields that are known are left out when they are empty; the README has the table):
//   ts level logger msg request_id trace_id span_id, then the record's own fields
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "weir/base/error.hpp"
#include "weir/telemetry/trace.hpp"
#include "weir/time/clock.hpp"

namespace weir {

enum class LogLevel : std::uint8_t { trace, debug, info, warn, error, off };

/// "trace", "debug", … Static storage.
[[nodiscard]] std::string_view to_string(LogLevel level) noexcept;
/// Any case; "fatal" is read as error.
[[nodiscard]] std::optional<LogLevel> parse_log_level(std::string_view name) noexcept;

/// One field of a record: a key and a typed value. It borrows its texts for the duration of the call it is made for.
class LogField {
 public:
  enum class Type : std::uint8_t { text, signed_number, unsigned_number, real, boolean };

  LogField(std::string_view key, std::string_view value) noexcept : key_(key), text_(value), type_(Type::text) {}
  LogField(std::string_view key, const char* value) noexcept : LogField(key, std::string_view(value)) {}
  template <std::same_as<bool> T>
  LogField(std::string_view key, T value) noexcept : key_(key), bits_(value ? 1 : 0), type_(Type::boolean) {}
  template <std::signed_integral T>
  LogField(std::string_view key, T value) noexcept
      : key_(key), bits_(static_cast<std::uint64_t>(static_cast<std::int64_t>(value))), type_(Type::signed_number) {}
  template <std::unsigned_integral T>
    requires(!std::same_as<T, bool>)
  LogField(std::string_view key, T value) noexcept : key_(key), bits_(value), type_(Type::unsigned_number) {}
  template <std::floating_point T>
  LogField(std::string_view key, T value) noexcept
      : key_(key), bits_(std::bit_cast<std::uint64_t>(static_cast<double>(value))), type_(Type::real) {}

  [[nodiscard]] std::string_view key() const noexcept { return key_; }
  [[nodiscard]] Type type() const noexcept { return type_; }
  [[nodiscard]] std::string_view text() const noexcept { return text_; }
  /// The value's 64 bits where it is not a text.
  [[nodiscard]] std::uint64_t bits() const noexcept { return bits_; }

 private:
  std::string_view key_;
  std::string_view text_;
  std::uint64_t bits_ = 0;
  Type type_;
};
using LogFields = std::initializer_list<LogField>;

/// What ties a line to the request that it was written for. Kept by the exchange.
struct LogContext {
  std::string_view request_id;
  TraceContext trace;
};

namespace telemetry {
class LogCore;
struct LoggerState;
}  // namespace telemetry

/// Where lines go. The writer thread is the only caller, except for reopen_requested()'s effect, which it sees too.
class LogSink {
 public:
  virtual ~LogSink() = default;
  /// Writes some of `lines` (whole lines, the rest of one first if the call before was cut short) and returns how many
  /// bytes went out, more than zero; or an error, and then the writer comes back with the same bytes later.
  virtual Result<std::size_t> write(std::string_view lines) = 0;
  /// Opens the file anew after it was renamed. Called between lines.
  virtual Result<void> reopen() { return {}; }
};

[[nodiscard]] std::unique_ptr<LogSink> log_to_stderr();
[[nodiscard]] std::unique_ptr<LogSink> log_to_stdout();
/// Appends to the file, which is made when it does not exist (mode 0640).
[[nodiscard]] Result<std::unique_ptr<LogSink>> log_to_file(std::string path);
/// Calls `lines` on the writer thread with one or more whole lines. For tests.
[[nodiscard]] std::unique_ptr<LogSink> log_to_callback(std::function<void(std::string_view)> lines);

struct LogOptions {
  LogLevel level = LogLevel::info;  ///< The level of loggers that have none of their own.
  std::size_t ring_bytes = std::size_t{1}
                           << 20;  ///< Per thread that logs; rounded up to a power of two, at least 16 KiB.
  std::size_t max_threads = 256;   ///< Records of further threads are dropped.
  std::size_t max_record_bytes =
      8192;  ///< A longer record loses the ends of its longest texts; at most ring_bytes / 4.
  Duration flush_interval = std::chrono::milliseconds(100);  ///< How late a line may be.
  Duration stop_timeout = std::chrono::seconds(2);  ///< How long the end waits for a sink that does not take its lines.
  Clock* clock = nullptr;                           ///< For timestamps; null: the machine's.
};

struct LogStats {
  std::uint64_t lines = 0;         ///< Formatted by the writer.
  std::uint64_t dropped = 0;       ///< Records that found their ring full.
  std::uint64_t bytes = 0;         ///< Taken by the sink.
  std::uint64_t write_errors = 0;  ///< Failed calls of the sink.
};

/// A logger's level as the operations endpoint shows it.
struct LoggerInfo {
  std::string name;
  std::optional<LogLevel> configured;
  LogLevel effective;
};

/// A named handle to write with: cheap to copy, valid as long as its Log. Any thread. Nothing here blocks, allocates or
/// throws: a record that finds its ring full is dropped and counted, and the writer says how many were.
class Logger {
 public:
  Logger() noexcept = default;  ///< Writes nothing.

  [[nodiscard]] bool enabled(LogLevel level) const noexcept;
  void trace(std::string_view msg, LogFields fields = {}) const noexcept { log(LogLevel::trace, msg, fields); }
  void debug(std::string_view msg, LogFields fields = {}) const noexcept { log(LogLevel::debug, msg, fields); }
  void info(std::string_view msg, LogFields fields = {}) const noexcept { log(LogLevel::info, msg, fields); }
  void warn(std::string_view msg, LogFields fields = {}) const noexcept { log(LogLevel::warn, msg, fields); }
  void error(std::string_view msg, LogFields fields = {}) const noexcept { log(LogLevel::error, msg, fields); }
  void log(LogLevel level, std::string_view msg, LogFields fields = {}) const noexcept {
    if (enabled(level)) write(level, msg, fields);
  }

  /// The same logger, whose lines carry the context's ids. `context` is borrowed: the exchange outlives the handle.
  [[nodiscard]] Logger with(const LogContext& context) const noexcept {
    Logger bound = *this;
    bound.context_ = &context;
    return bound;
  }

 private:
  friend class Log;
  friend class AccessLog;
  void write(LogLevel level, std::string_view msg, LogFields fields) const noexcept;

  telemetry::LogCore* core_ = nullptr;
  const telemetry::LoggerState* state_ = nullptr;
  const LogContext* context_ = nullptr;
};

/// Owns the writer thread and the rings. One per process as a rule, made by main; it must outlive its loggers' use.
/// Lines of one thread come out in their order; those of different threads as the writer meets them (`ts` tells).
class Log {
 public:
  explicit Log(std::unique_ptr<LogSink> sink, const LogOptions& options = {});
  /// Writes what is left, for at most stop_timeout, and ends the writer.
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  /// Dots make a hierarchy: "app.users" has the level of "app" unless it has its own. At most max_names; further
  /// ones share one state.
  [[nodiscard]] Logger logger(std::string_view name);
  static constexpr std::size_t max_names = 1024;

  /// Sets a logger's level, or removes it so that it follows its parent. "" and "ROOT" are the root, which keeps its
  /// level when it is removed. The name need not have been used yet.
  /// False when there are too many names.
  bool set_level(std::string_view name, std::optional<LogLevel> level);
  /// All loggers by name, "ROOT" first.
  [[nodiscard]] std::vector<LoggerInfo> loggers() const;

  /// Waits until everything that was logged before has reached the sink. False when the time-out came first. Not for
  /// event loops.
  bool flush(Duration timeout);
  /// Has the writer reopen its file: after rotation. Async-signal-safe.
  void reopen() noexcept;
  /// From here on lines go to `sink`. What was logged before is written to the one that was there, as flush() does it
  /// for at most `timeout`; what is left then comes to the new one. Loggers stay as they are. Not for event loops.
  void redirect(std::unique_ptr<LogSink> sink, Duration timeout = std::chrono::seconds(1));
  [[nodiscard]] LogStats stats() const noexcept;

 private:
  friend class AccessLog;
  struct Names;
  std::unique_ptr<Names> names_;
  std::unique_ptr<telemetry::LogCore> core_;  // ends first: what is left in the rings names loggers
};

}  // namespace weir
