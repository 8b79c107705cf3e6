// The access log: one line a request, at the price of copying its texts once.
#pragma once

#include <cstdint>
#include <string_view>

#include "weir/telemetry/log.hpp"

namespace weir {

/// One finished exchange. All texts are borrowed for the call. There is no field for headers, so Authorization and
/// Cookie cannot get into the log.
struct AccessEntry {
  WallTime when{};  ///< The end of the request; the epoch means "now" (the loop's cached time saves 25 ns).
  std::string_view method;
  std::string_view path;        ///< Without the query.
  std::string_view query = {};  ///< Logged only when AccessLogOptions says so.
  std::string_view route = {};  ///< The template, or empty.
  std::string_view host = {};
  std::string_view peer = {};  ///< The client's address as text.
  std::string_view user_agent = {};
  std::string_view protocol = {};  ///< "HTTP/1.1"
  std::string_view request_id = {};
  const TraceContext* trace = nullptr;  ///< Null or invalid: no trace fields.
  std::string_view error = {};          ///< Why it ended, when not with its answer: "client_gone", "deadline".
  int status = 0;
  Duration duration{};
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
};

struct AccessLogOptions {
  bool query = false;  ///< Queries may hold tokens: off unless asked for.
  bool user_agent = true;
  bool host = true;
  std::size_t max_path_bytes = 1024;  ///< Of path, query and route each; the rest is cut off.
  std::size_t max_user_agent_bytes = 256;
};

/// Writes entries through a Log under the logger name "access": level info, from status 500 on error. Any thread; never
/// blocks or allocates. Lives no longer than its Log.
class AccessLog {
 public:
  explicit AccessLog(Log& log, const AccessLogOptions& options = {});

  /// Whether a line of this status would be written: ask before collecting an entry.
  [[nodiscard]] bool enabled(int status) const noexcept { return logger_.enabled(level_of(status)); }
  void write(const AccessEntry& entry) const noexcept;

 private:
  [[nodiscard]] static LogLevel level_of(int status) noexcept {
    return status >= 500 ? LogLevel::error : LogLevel::info;
  }

  telemetry::LogCore* core_;
  Logger logger_;
  AccessLogOptions options_;
};

}  // namespace weir
