#include "weir/middleware/http_metrics.hpp"

#include <memory>
#include <string_view>

#include "weir/middleware/detail/measured.hpp"
#include "weir/telemetry/http_metrics.hpp"
#include "weir/web/context.hpp"

namespace weir {

namespace {

std::string_view uri_of(const Context& ctx, Status status) noexcept {
  const std::string_view route = ctx.route();
  if (route.starts_with('/')) return route;
  if (status == Status::not_found) return "NOT_FOUND";
  return http::is_redirection(status) ? "REDIRECTION" : "UNKNOWN";
}

class RequestMetrics {
 public:
  static constexpr std::string_view name = "http_metrics";

  RequestMetrics(MetricsRegistry& registry, const RequestMetricsOptions& options)
      : metrics_(std::make_unique<HttpServerMetrics>(registry, HttpMetricsOptions{.max_series = options.max_series})) {}

  void before(Context& ctx) const {
    metrics_->request_started();
    ctx.set(Started{});
  }

  void finish(Context& ctx, const Outcome& outcome) const {
    HttpObservation observation;
    observation.route_id = ctx.endpoint()->id;
    observation.status = static_cast<std::uint16_t>(http::to_code(outcome.status));
    observation.method_id = static_cast<std::uint8_t>(ctx.method());
    observation.method = ctx.method() == Method::other ? "UNKNOWN" : http::to_string(ctx.method());
    observation.uri = uri_of(ctx, outcome.status);
    observation.exception = ctx.exception();
    observation.duration = middleware::measured_duration(ctx);
    // finish() also runs where something ahead of this has answered, and before() has not been called.
    if (ctx.get<Started>() != nullptr) {
      metrics_->request_finished(observation);
    } else {
      metrics_->record(observation);
    }
  }

 private:
  struct Started {};

  std::unique_ptr<HttpServerMetrics> metrics_;
};

}  // namespace

Middleware http_metrics(MetricsRegistry& registry, const RequestMetricsOptions& options) {
  return RequestMetrics(registry, options);
}

}  // namespace weir
