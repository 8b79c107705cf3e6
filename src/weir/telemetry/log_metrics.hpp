// A log's own figures as metrics.
#pragma once

#include <vector>

#include "weir/telemetry/log.hpp"
#include "weir/telemetry/metrics.hpp"

namespace weir {

/// Registers `log_lines_total`, `log_dropped_records_total`, `log_bytes_total` and `log_write_errors_total`. They stay
/// registered as long as what is returned, which must not outlive `log`.
[[nodiscard]] std::vector<MetricCallback> register_log_metrics(MetricsRegistry& registry, const Log& log);

}  // namespace weir
