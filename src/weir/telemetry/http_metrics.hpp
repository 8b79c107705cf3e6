// http_server_requests_seconds: one histogram a route, method and status, found in a few nanoseconds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "weir/telemetry/metrics.hpp"

namespace weir {

/// One finished request. The texts are only read the first time that a thread sees the combination.
struct HttpObservation {
  /// Names `uri` for the life of the process: the same id never stands for two templates.
  std::uint32_t route_id = 0;
  std::uint16_t status = 0;    ///< 0 when the client went away before there was one: status "CLIENT_GONE".
  std::uint8_t method_id = 0;  ///< Names `method`.
  std::string_view method;     ///< "GET"; pass "UNKNOWN" for what is not a registered method.
  std::string_view uri;        ///< The route's template, or "NOT_FOUND", "REDIRECTION", "UNKNOWN".
  std::string_view exception;  ///< The type of the exception that the handler left with; empty: "none".
  Duration duration{};
};

struct HttpMetricsOptions {
  std::span<const Duration> buckets = default_timer_buckets();
  std::size_t max_series = 1000;  ///< See MetricOptions::max_series.
};

/// SUCCESS, REDIRECTION, CLIENT_ERROR, SERVER_ERROR, INFORMATIONAL or UNKNOWN, as Spring Boot has it.
[[nodiscard]] std::string_view http_outcome(int status) noexcept;

/// `http_server_requests_seconds_{count,sum,max,bucket}` with the labels error, exception, method, outcome, status,
/// uri, and the gauge `http_server_requests_active`. Lives as long as the chain that uses it and not longer than the
/// registry. Any thread.
class HttpServerMetrics {
 public:
  explicit HttpServerMetrics(MetricsRegistry& registry, const HttpMetricsOptions& options = {});
  ~HttpServerMetrics();
  HttpServerMetrics(const HttpServerMetrics&) = delete;
  HttpServerMetrics& operator=(const HttpServerMetrics&) = delete;

  void request_started() noexcept { active_.add(1); }
  /// Counts the request and ends request_started().
  void request_finished(const HttpObservation& request) noexcept {
    active_.add(-1);
    record(request);
  }
  void record(const HttpObservation& request) noexcept;

 private:
  struct Table;
  void record_first(Table& table, std::uint64_t key, const HttpObservation& request) noexcept;
  void record_slowly(const HttpObservation& request) noexcept;
  DurationHistogram series_of(const HttpObservation& request) const;
  static std::shared_ptr<Table> make_table();

  telemetry::MetricsCells& cells_;
  MetricFamily<DurationHistogram> family_;
  UpDownCounter active_;
  std::vector<std::uint64_t> bounds_;  // in nanoseconds, the last one UINT64_MAX
  std::size_t max_entries_;            // of one thread's table; requests of further keys are counted as overflow
  telemetry::ThreadSlots<Table> tables_{telemetry::MetricsCells::max_shards};
};

}  // namespace weir
