// http_server_requests_seconds, as Spring Boot names and labels it.
#pragma once

#include <cstddef>

#include "weir/telemetry/metrics.hpp"
#include "weir/web/middleware.hpp"

namespace weir {

struct RequestMetricsOptions {
  bool enabled = true;            ///< Looked at by production_chain().
  std::size_t max_series = 1000;  ///< See MetricOptions::max_series.
};

/// Counts every exchange in `http_server_requests_seconds` and those that run in `http_server_requests_active`.
/// `registry` outlives the chain. The label `uri` is the route's pattern; where no route matched it is "NOT_FOUND" for
/// 404, "REDIRECTION" for 3xx and "UNKNOWN" otherwise, so that clients cannot make up series. Durations as in the
/// access log.
[[nodiscard]] Middleware http_metrics(MetricsRegistry& registry, const RequestMetricsOptions& options = {});

}  // namespace weir
