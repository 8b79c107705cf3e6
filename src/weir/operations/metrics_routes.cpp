// /actuator/prometheus and /actuator/metrics.
#include <string_view>

#include "weir/http/headers.hpp"
#include "weir/json/write.hpp"
#include "weir/operations/detail/json_answer.hpp"
#include "weir/operations/detail/routes.hpp"

namespace weir::operations {

namespace {

Response scrape(MetricsRegistry& metrics, Context& ctx) {
  ScrapeOptions options;
  options.format = metrics_format_for(ctx.header(HeaderId::accept));
  http::for_each_token(ctx.query("includedNames").value_or(""),
                       [&](std::string_view name) { options.included_names.push_back(name); });
  Buffer text;
  metrics.write(text, options);
  Response response(Status::ok, http::Body(std::move(text)));
  response.headers.set_static(HeaderId::content_type, content_type(options.format));
  response.headers.set_static(HeaderId::cache_control, "no-store");
  return response;
}

/// The families' names, from the lines "# TYPE name type" of the text format.
Response names(MetricsRegistry& metrics) {
  constexpr std::string_view type_line = "# TYPE ";
  Buffer all;
  metrics.write(all);
  Buffer text;
  text.append(R"({"names":[)");
  bool first = true;
  std::string_view rest = all.view();
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(line.size() == rest.size() ? line.size() : line.size() + 1);
    if (!line.starts_with(type_line)) continue;
    const std::string_view named = line.substr(type_line.size());
    if (!first) text.push_back(',');
    first = false;
    json::escape(text, named.substr(0, named.find(' ')));
  }
  text.append("]}");
  return json_answer(Status::ok, std::move(text));
}

}  // namespace

void add_metrics_routes(Routes& routes, const OperationsContext& operations) {
  MetricsRegistry* metrics = operations.metrics;
  add_route(routes, Method::get, "/actuator/prometheus", Audience::monitoring,
            [metrics](Context& ctx) { return scrape(*metrics, ctx); });
  add_route(routes, Method::get, "/actuator/metrics", Audience::monitoring,
            [metrics](Context&) { return names(*metrics); });
}

}  // namespace weir::operations
