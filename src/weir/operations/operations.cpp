#include "weir/operations/operations.hpp"

#include <chrono>

#include "weir/json/write.hpp"
#include "weir/operations/detail/json_answer.hpp"
#include "weir/operations/detail/routes.hpp"

namespace weir {

namespace {

std::uint64_t uptime_ms(const OperationsContext& operations, const Context& ctx) {
  const Duration up = ctx.now() - operations.started;
  return up.count() < 0 ? 0
                        : static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(up).count());
}

Response healthz(const OperationsContext& operations, Context& ctx) {
  Buffer text;
  text.append(R"({"status":"ok","uptime_ms":)");
  json::append_number(text, uptime_ms(operations, ctx));
  text.push_back('}');
  return operations::json_answer(Status::ok, std::move(text));
}

/// Appends `"key":"value"` with a comma before it unless it is the first; nothing for an empty value.
void append_member(Buffer& out, std::string_view key, std::string_view value) {
  if (value.empty()) return;
  if (!out.view().ends_with('{')) out.push_back(',');
  json::escape(out, key);
  out.push_back(':');
  json::escape(out, value);
}

Response info(const OperationsContext& operations, Context& ctx) {
  const AppInfo& app = operations.options.info;
  Buffer text;
  text.append(R"({"build":{)");
  append_member(text, "name", app.name);
  append_member(text, "version", app.version);
  append_member(text, "time", app.build_time);
  text.push_back('}');
  if (!app.git_commit.empty() || !app.git_branch.empty()) {
    text.append(R"(,"git":{)");
    append_member(text, "branch", app.git_branch);
    if (!app.git_commit.empty()) {
      if (!app.git_branch.empty()) text.push_back(',');
      text.append(R"("commit":{)");
      append_member(text, "id", app.git_commit);
      text.push_back('}');
    }
    text.push_back('}');
  }
  text.append(R"(,"uptime_ms":)");
  json::append_number(text, uptime_ms(operations, ctx));
  text.push_back('}');
  return operations::json_answer(Status::ok, std::move(text));
}

}  // namespace

std::vector<OperationRoute> operations_routes(const OperationsContext& operations) {
  operations::Routes routes;
  const OperationsContext* context = &operations;
  operations::add_route(routes, Method::get, "/healthz", Audience::anyone,
                        [context](Context& ctx) { return healthz(*context, ctx); });
  if (operations.health != nullptr) operations::add_health_routes(routes, operations);
  if (operations.metrics != nullptr) operations::add_metrics_routes(routes, operations);
  operations::add_route(routes, Method::get, "/actuator/info", Audience::monitoring,
                        [context](Context& ctx) { return info(*context, ctx); });
  if (operations.log != nullptr) operations::add_logger_routes(routes, operations);
  return routes;
}

}  // namespace weir
