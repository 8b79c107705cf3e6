// /health/… and /actuator/health.
#include <optional>
#include <string>

#include "weir/json/write.hpp"
#include "weir/operations/detail/json_answer.hpp"
#include "weir/operations/detail/routes.hpp"

namespace weir::operations {

namespace {

Status status_of(HealthStatus health) noexcept {
  return health == HealthStatus::up ? Status::ok : Status::service_unavailable;
}

bool shows_details(const OperationsContext& operations, Context& ctx) {
  switch (operations.options.health_details) {
    case HealthDetails::never:
      return false;
    case HealthDetails::when_authorized:
      return operations.options.authorized && operations.options.authorized(ctx);
    case HealthDetails::always:
      return true;
  }
  return false;
}

/// Appends `"status":"DOWN"` and, where they may be shown and there are any, the details.
void append_status(Buffer& out, HealthStatus status, const ComponentHealth* details) {
  out.append(R"("status":")");
  out.append(to_string(status));
  out.push_back('"');
  if (details == nullptr || details->error.empty()) return;
  out.append(R"(,"details":{"error":)");
  json::escape(out, details->error);
  out.push_back('}');
}

Task<Response> answer_group(const OperationsContext& operations, Context& ctx, HealthGroup group, bool name_groups) {
  const HealthReport report = co_await operations.health->check(group, ctx.loop());
  Buffer text;
  text.push_back('{');
  append_status(text, report.status, nullptr);
  if (!report.components.empty() && shows_details(operations, ctx)) {
    text.append(R"(,"components":{)");
    for (const ComponentHealth& component : report.components) {
      if (&component != report.components.data()) text.push_back(',');
      json::escape(text, component.name);
      text.append(":{");
      append_status(text, component.status, &component);
      text.push_back('}');
    }
    text.push_back('}');
  }
  if (name_groups) text.append(R"(,"groups":["liveness","readiness"])");
  text.push_back('}');
  co_return json_answer(status_of(report.status), std::move(text));
}

Task<Response> answer_component(const OperationsContext& operations, Context& ctx, HealthGroup group,
                                std::string_view name) {
  const std::optional<ComponentHealth> component = co_await operations.health->check_one(group, name, ctx.loop());
  if (!component) co_return detail::error_response(ctx, Error(Errc::not_found, "there is no such health check"));
  Buffer text;
  text.push_back('{');
  append_status(text, component->status, shows_details(operations, ctx) ? &*component : nullptr);
  text.push_back('}');
  co_return json_answer(status_of(component->status), std::move(text));
}

}  // namespace

void add_health_routes(Routes& routes, const OperationsContext& operations) {
  const OperationsContext* context = &operations;
  // None of these lambdas is a coroutine itself: what they capture is passed on by value.
  const auto group_route = [&](std::string pattern, HealthGroup group, Audience audience, bool name_groups) {
    add_route(routes, Method::get, std::move(pattern), audience,
              [context, group, name_groups](Context& ctx) { return answer_group(*context, ctx, group, name_groups); });
  };
  group_route("/health/live", HealthGroup::liveness, Audience::anyone, false);
  group_route("/health/ready", HealthGroup::readiness, Audience::anyone, false);
  group_route("/health/readyz", HealthGroup::readiness, Audience::anyone, false);
  group_route("/actuator/health", HealthGroup::all, Audience::anyone, true);
  group_route("/actuator/health/liveness", HealthGroup::liveness, Audience::anyone, false);
  group_route("/actuator/health/readiness", HealthGroup::readiness, Audience::anyone, false);

  const auto component_route = [&](std::string pattern, HealthGroup group) {
    add_route(routes, Method::get, std::move(pattern), Audience::anyone, [context, group](Context& ctx) {
      return answer_component(*context, ctx, group, ctx.param("component").value_or(""));
    });
  };
  component_route("/health/ready/{component}", HealthGroup::readiness);
  component_route("/actuator/health/{component}", HealthGroup::all);
}

}  // namespace weir::operations
