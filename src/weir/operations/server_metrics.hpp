// Metrics of the server itself: connections, the loops' lag, the log's losses.
#pragma once

#include <functional>
#include <vector>

#include "weir/runtime/event_loop.hpp"
#include "weir/telemetry/log.hpp"
#include "weir/telemetry/metrics.hpp"

namespace weir {

/// Where the values come from. They are read at each scrape, on the scraping thread, so the functions must be safe to
/// call from any. An empty function or list leaves its metrics out.
struct ServerGauges {
  std::function<double()> open_connections;
  std::function<double()> accepted_connections;  ///< Since the start.
  std::function<double()> refused_connections;   ///< Since the start: over the limit.
  std::function<double()> active_requests;
  std::vector<EventLoop*> loops;
  const Log* log = nullptr;
};

/// Registers, together with register_process_metrics() (among them process_pss_bytes) and register_log_metrics():
///   weir_connections_open, weir_connections_accepted_total, weir_connections_refused_total, weir_requests_active
///   weir_loop_lag_seconds{loop}       by how much the last timer came too late
///   weir_loop_lag_max_seconds{loop}   the most since the last scrape
///   weir_loop_turns_total{loop}
/// They stay registered as long as what is returned, which must go before what `gauges` points to.
[[nodiscard]] std::vector<MetricCallback> register_server_metrics(MetricsRegistry& registry, ServerGauges gauges);

}  // namespace weir
