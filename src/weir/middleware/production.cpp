#include "weir/middleware/production.hpp"

namespace weir {

std::vector<Middleware> production_chain(const ProductionOptions& options, Telemetry telemetry) {
  std::vector<Middleware> chain;
  if (options.http_metrics.enabled && telemetry.metrics != nullptr) {
    chain.push_back(http_metrics(*telemetry.metrics, options.http_metrics));
  }
  if (options.request_id.enabled) chain.push_back(request_id(options.request_id));
  if (options.trace_context.enabled) chain.push_back(trace_context(options.trace_context));
  if (options.access_log.enabled && telemetry.log != nullptr) {
    chain.push_back(access_log(*telemetry.log, options.access_log));
  }
  if (options.recovery.enabled && telemetry.metrics != nullptr) chain.push_back(recovery(*telemetry.metrics));
  if (options.security_headers.enabled) chain.push_back(security_headers(options.security_headers));
  if (options.deadline.enabled) chain.push_back(deadline(options.deadline));
  if (options.body_limit.enabled) chain.push_back(body_limit(options.body_limit));
  return chain;
}

}  // namespace weir
