#include "weir/operations/server_metrics.hpp"

#include <atomic>
#include <string>
#include <utility>

#include "weir/telemetry/log_metrics.hpp"
#include "weir/telemetry/process_metrics.hpp"

namespace weir {

namespace {
double seconds(std::uint64_t ns) noexcept {
  return static_cast<double>(ns) / 1e9;
}
}  // namespace

std::vector<MetricCallback> register_server_metrics(MetricsRegistry& registry, ServerGauges gauges) {
  std::vector<MetricCallback> callbacks = register_process_metrics(registry);
  const auto gauge = [&](const char* name, const char* help, std::function<double()> read) {
    if (read) callbacks.push_back(registry.gauge_callback({.name = name, .help = help}, {}, std::move(read)));
  };
  const auto counter = [&](const char* name, const char* help, std::function<double()> read) {
    if (read) callbacks.push_back(registry.counter_callback({.name = name, .help = help}, {}, std::move(read)));
  };
  gauge("weir_connections_open", "Client connections that are open.", std::move(gauges.open_connections));
  counter("weir_connections_accepted_total", "Client connections accepted.", std::move(gauges.accepted_connections));
  counter("weir_connections_refused_total", "Client connections refused over the limit.",
          std::move(gauges.refused_connections));
  gauge("weir_requests_active", "Requests being served now, cancelled ones that still run included.",
        std::move(gauges.active_requests));

  for (std::size_t i = 0; i < gauges.loops.size(); ++i) {
    EventLoop::Stats* stats = &gauges.loops[i]->stats();
    const std::vector<std::string> loop = {std::to_string(i)};
    callbacks.push_back(registry.gauge_callback(
        {.name = "weir_loop_lag_seconds", .help = "By how much the last timer came too late.", .labels = {"loop"}},
        loop, [stats] { return seconds(stats->last_lag_ns.load(std::memory_order_relaxed)); }));
    callbacks.push_back(registry.gauge_callback(
        {.name = "weir_loop_lag_max_seconds",
         .help = "By how much a timer came too late at most since the last scrape.",
         .labels = {"loop"}},
        loop, [stats] { return seconds(stats->max_lag_ns.exchange(0, std::memory_order_relaxed)); }));
    callbacks.push_back(registry.counter_callback(
        {.name = "weir_loop_turns_total", .help = "Turns of the event loop.", .labels = {"loop"}}, loop,
        [stats] { return static_cast<double>(stats->turns.load(std::memory_order_relaxed)); }));
  }

  if (gauges.log != nullptr) {
    for (MetricCallback& callback : register_log_metrics(registry, *gauges.log)) {
      callbacks.push_back(std::move(callback));
    }
  }
  return callbacks;
}

}  // namespace weir
