#include "weir/app/route_builder.hpp"

#include <algorithm>
#include <atomic>
#include <stdexcept>
#include <utility>

#include "weir/router/pattern.hpp"

namespace weir {

namespace {

/// Ids of endpoints, for metrics: unique in the process, because metrics outlive snapshots. The first ones are the
/// fallbacks'.
std::uint32_t next_endpoint_id() {
  static std::atomic<std::uint32_t> next{Application::fallbacks};
  return next.fetch_add(1, std::memory_order_relaxed);
}

void append_placeholders(std::string_view pattern, std::vector<std::string>& names) {
  PatternReader reader(pattern);
  PatternSegment segment;
  while (reader.next(segment)) {
    if (!segment.literal) names.emplace_back(segment.name);
  }
}

/// `own` is the part of the pattern that is the route's and not its groups'.
RoutePlaceholders placeholders_of(const Endpoint& endpoint, std::string_view own) {
  RoutePlaceholders result;
  if (endpoint.host.starts_with('{')) {  // only the first label may be one
    result.names.push_back(endpoint.host.substr(1, endpoint.host.find('}') - 1));
    result.host = 1;
  }
  std::vector<std::string> of_route;
  append_placeholders(own, of_route);
  result.own = of_route.size();
  append_placeholders(endpoint.pattern, result.names);
  return result;
}

}  // namespace

Route::Route(http::Method method, std::string pattern, std::unique_ptr<Handler> handler,
             std::shared_ptr<const GroupScope> group)
    : method_(method), pattern_(std::move(pattern)), handler_(std::move(handler)), group_(std::move(group)) {}

Route& Route::switches_protocols() {
  upgrades_ = true;
  doc_.response(http::Status::switching_protocols).description = "The connection speaks WebSocket from here on.";
  doc_.problem(http::Status::upgrade_required, "The request was no handshake of a WebSocket.");
  doc_.problem(http::Status::forbidden, "A page of this origin may not connect.");
  return *this;
}

Route& Route::form_file(std::string name, std::string description) {
  BodyDoc::Part& part = doc_.request_body("multipart/form-data").parts.emplace_back();
  part.field.name = std::move(name);
  part.field.description = std::move(description);
  part.field.required = true;
  return *this;
}

Route& Route::form_files(std::string name, std::string description) {
  form_file(std::move(name), std::move(description));
  BodyDoc::Part& part = doc_.request_body("multipart/form-data").parts.back();
  part.field.required = false;
  part.many = true;
  return *this;
}

Route& Route::responds(http::Status status, std::string description) {
  if (http::to_code(status) >= 400) {
    doc_.problem(status, std::move(description));
  } else {
    doc_.response(status).description = std::move(description);
  }
  return *this;
}

Route& Route::responds_as(http::Status status, std::string media_type, std::string description) {
  ResponseDoc& response = doc_.response(status);
  response.contents.push_back({std::move(media_type), nullptr});
  response.description = std::move(description);
  return *this;
}

Route& Route::response_header(http::Status status, std::string_view name, std::string_view description) {
  doc_.response(status).header(name, description);
  return *this;
}

Route& RouteBuilder::add(http::Method method, std::string pattern, std::unique_ptr<Handler> handler,
                         std::shared_ptr<const GroupScope> group) {
  return new_routes_.emplace_back(method, std::move(pattern), std::move(handler), std::move(group));
}

Route& RouteBuilder::add_own(http::Method method, std::string pattern, std::unique_ptr<Handler> handler) {
  own_patterns_.push_back(pattern);
  return add(method, std::move(pattern), std::move(handler), nullptr);
}

std::string RouteBuilder::notes_about_own(const std::vector<FieldError>& conflicts) const {
  std::string notes;
  for (const FieldError& conflict : conflicts) {
    if (conflict.rule != "conflict" || std::ranges::find(own_patterns_, conflict.field) == own_patterns_.end())
      continue;
    notes += "\n  " + conflict.field + " is the library's own: take another path, or switch it off (AppOptions::" +
             "operations.enabled, openapi.enabled)";
  }
  return notes;
}

bool RouteBuilder::remove(http::Method method, std::string_view pattern, std::string_view host) {
  return std::erase_if(endpoints_, [&](const std::shared_ptr<const Endpoint>& endpoint) {
           return endpoint->method == method && endpoint->pattern == pattern && endpoint->host == host;
         }) != 0;
}

void RouteBuilder::discard_new() {
  new_routes_.clear();
}

std::shared_ptr<const Endpoint> RouteBuilder::make_endpoint(Route& route, const std::vector<Middleware>& outer,
                                                            const StateMap& state, std::vector<std::string>& problems) {
  auto endpoint = std::make_shared<Endpoint>();
  std::vector<const GroupScope*> groups;  // from the innermost
  for (const GroupScope* group = route.group_.get(); group != nullptr; group = group->parent.get()) {
    groups.push_back(group);
  }
  std::ranges::reverse(groups);

  endpoint->id = next_endpoint_id();
  endpoint->method = route.method_;
  endpoint->name = std::move(route.name_);
  endpoint->body_limit = route.body_limit_;
  endpoint->timeout = route.timeout_;
  endpoint->upgrades = route.upgrades_;
  endpoint->chain = outer;
  OperationDoc declared = std::move(route.doc_);
  for (const GroupScope* group : groups) {
    endpoint->pattern += group->prefix;
    if (!group->host.empty()) endpoint->host = group->host;  // the innermost one holds
    endpoint->chain.insert(endpoint->chain.end(), group->middleware.begin(), group->middleware.end());
    declared.tags.insert(declared.tags.end(), group->tags.begin(), group->tags.end());
  }
  endpoint->pattern += route.pattern_;
  if (!route.host_.empty()) endpoint->host = std::move(route.host_);
  std::ranges::move(route.middleware_, std::back_inserter(endpoint->chain));

  std::vector<std::string> found;
  endpoint->handler = std::move(route.handler_);
  endpoint->handler->bind(placeholders_of(*endpoint, route.pattern_), state, found);
  endpoint->doc = std::move(declared);
  try {
    endpoint->handler->describe(endpoint->doc);
  } catch (const std::invalid_argument& mistake) {  // in the handler's types, such as a pattern that is none
    found.emplace_back(mistake.what());
  }
  for (const Middleware& middleware : endpoint->chain) middleware.describe(endpoint->doc);
  for (const std::string& problem : found) {
    problems.push_back(std::string(http::to_string(endpoint->method)) + " " + endpoint->pattern + ": " + problem);
  }
  return endpoint;
}

Result<std::shared_ptr<const RouteSnapshot>> RouteBuilder::build(const std::vector<Middleware>& outer,
                                                                 const StateMap& state, const RouterOptions& options) {
  std::vector<std::string> problems;
  std::vector<std::shared_ptr<const Endpoint>> endpoints = endpoints_;
  // Taken out first: what throws on the way must not leave routes whose parts have gone into an endpoint.
  std::deque<Route> added = std::exchange(new_routes_, {});
  for (Route& route : added) endpoints.push_back(make_endpoint(route, outer, state, problems));

  auto snapshot = std::make_shared<RouteSnapshot>();
  snapshot->endpoints = endpoints;
  RouteTable table(options);
  for (std::size_t i = 0; i < endpoints.size(); ++i) {
    RouteSpec spec;
    spec.method = endpoints[i]->method;
    spec.host = endpoints[i]->host;
    spec.pattern = endpoints[i]->pattern;
    spec.name = endpoints[i]->name;
    spec.endpoint = static_cast<std::uint32_t>(i);
    table.add(spec);
  }
  auto router = std::move(table).build();
  std::vector<FieldError> fields;
  std::string message;
  if (!router) {
    fields = router.error().fields();
    message = router.error().message() + notes_about_own(fields);
  }
  for (std::string& problem : problems) {
    if (!message.empty()) message += '\n';
    message += problem;
  }
  if (!message.empty())
    return std::unexpected(Error(Errc::failed_precondition, message).with_fields(std::move(fields)));
  snapshot->router = std::move(*router);
  endpoints_ = std::move(endpoints);
  return snapshot;
}

}  // namespace weir
