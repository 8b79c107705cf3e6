#include "weir/telemetry/log_metrics.hpp"

namespace weir {

std::vector<MetricCallback> register_log_metrics(MetricsRegistry& registry, const Log& log) {
  std::vector<MetricCallback> callbacks;
  const auto counter = [&](const char* name, const char* help, std::uint64_t LogStats::* figure) {
    callbacks.push_back(registry.counter_callback({.name = name, .help = help}, {},
                                                  [&log, figure] { return static_cast<double>(log.stats().*figure); }));
  };
  counter("log_lines_total", "Log lines formatted.", &LogStats::lines);
  counter("log_dropped_records_total", "Log records dropped because a ring was full.", &LogStats::dropped);
  counter("log_bytes_total", "Bytes of log lines written.", &LogStats::bytes);
  counter("log_write_errors_total", "Failed attempts to write or reopen the log.", &LogStats::write_errors);
  return callbacks;
}

}  // namespace weir
