#include "weir/router/router.hpp"

#include <algorithm>
#include <utility>

#include "weir/router/detail/builder.hpp"
#include "weir/router/detail/snapshot.hpp"
#include "weir/router/detail/table_data.hpp"

namespace weir {

using router::TableData;

Router::Router(std::unique_ptr<const router::Snapshot> snapshot) noexcept : snapshot_(std::move(snapshot)) {}
Router::~Router() = default;

RouteMatch Router::match(const RouteRequest& request, Arena& arena) const {
  return snapshot_->match(request, arena);
}

Result<std::string> Router::url_for(std::string_view name, std::span<const UrlParam> params,
                                    std::span<const UrlParam> query) const {
  return snapshot_->url_for(name, params, query);
}

std::size_t Router::size() const noexcept {
  return snapshot_->size();
}
std::uint32_t Router::worst_case_steps() const noexcept {
  return snapshot_->max_steps();
}
const std::shared_ptr<const void>& Router::attachment() const noexcept {
  return snapshot_->attachment();
}

namespace {

/// In lower case, but for the placeholder's name.
std::string normal_host(std::string_view host) {
  std::string out(host);
  bool inside = false;
  for (auto& c : out) {
    inside = c == '{' || (inside && c != '}');
    if (!inside && c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return out;
}

/// Standard methods by their number, also when they came as text.
http::Method standard_method(const RouteSpec& route) {
  return route.method == http::Method::other ? http::parse_method(route.method_text) : route.method;
}

router::MethodCode code_of(TableData& data, const RouteSpec& route) {
  if (route.any_method) return router::any_method;
  const auto method = standard_method(route);
  const auto code = router::method_code(data.custom_methods, method, route.method_text);
  if (code != router::any_method) return code;
  const auto next = router::first_custom_method + data.custom_methods.size();
  if (next >= router::any_method) {
    data.too_many_methods = true;
    return router::first_custom_method;
  }
  data.custom_methods.emplace_back(route.method_text);
  return static_cast<router::MethodCode>(next);
}

router::TextRef keep(TableData& data, std::string_view text) {
  const router::TextRef ref{static_cast<std::uint32_t>(data.text.size()), static_cast<std::uint32_t>(text.size())};
  data.text += text;
  return ref;
}

/// Writes the texts of the remaining routes into a new pool.
void compact(TableData& data) {
  std::string old;
  old.swap(data.text);
  data.text.reserve(old.size() - data.garbage);
  for (auto& route : data.routes) {
    route.pattern = keep(data, std::string_view(old).substr(route.pattern.offset, route.pattern.size));
    route.name = keep(data, std::string_view(old).substr(route.name.offset, route.name.size));
  }
  data.garbage = 0;
}

}  // namespace

RouteTable::RouteTable(RouterOptions options) : data_(std::make_unique<TableData>()) {
  data_->options = options;
}
RouteTable::~RouteTable() = default;
RouteTable::RouteTable(RouteTable&&) noexcept = default;
RouteTable& RouteTable::operator=(RouteTable&&) noexcept = default;

RouteTable RouteTable::clone() const {
  RouteTable out;
  *out.data_ = *data_;
  return out;
}

void RouteTable::add(const RouteSpec& route) {
  auto& data = *data_;
  auto host = normal_host(route.host);
  auto known = data.host_index.find(host);
  if (known == data.host_index.end()) {
    known = data.host_index.emplace(host, static_cast<std::uint32_t>(data.hosts.size())).first;
    data.hosts.push_back(std::move(host));
  }
  data.routes.push_back({.pattern = keep(data, route.pattern),
                         .name = keep(data, route.name),
                         .endpoint = route.endpoint,
                         .host = known->second,
                         .method = code_of(data, route)});
}

bool RouteTable::remove(const RouteSpec& route) {
  auto& data = *data_;
  const auto host = data.host_index.find(normal_host(route.host));
  if (host == data.host_index.end()) return false;
  const auto code = route.any_method
                        ? router::any_method
                        : router::method_code(data.custom_methods, standard_method(route), route.method_text);
  if (code == router::any_method && !route.any_method) return false;
  const auto found = std::find_if(data.routes.begin(), data.routes.end(), [&](const auto& stored) {
    return stored.method == code && stored.host == host->second && data.view(stored.pattern) == route.pattern;
  });
  if (found == data.routes.end()) return false;
  data.garbage += found->pattern.size + found->name.size;
  data.routes.erase(found);
  if (data.garbage > 4096 && data.garbage > data.text.size() / 2) compact(data);
  return true;
}

std::size_t RouteTable::size() const noexcept {
  return data_->routes.size();
}

void RouteTable::reserve(std::size_t routes, std::size_t text_bytes) {
  data_->routes.reserve(routes);
  data_->text.reserve(text_bytes);
}

Result<std::shared_ptr<const Router>> RouteTable::build(std::shared_ptr<const void> attachment) const& {
  // The copy goes into the snapshot; what was learnt about regular expressions stays here.
  auto snapshot = router::Builder(*data_).run(std::move(attachment), data_->regexes);
  if (!snapshot) return std::unexpected(std::move(snapshot).error());
  return std::make_shared<const Router>(*std::move(snapshot));
}

Result<std::shared_ptr<const Router>> RouteTable::build(std::shared_ptr<const void> attachment) && {
  TableData data;
  data.options = data_->options;
  std::swap(data, *data_);
  auto regexes = std::move(data.regexes);
  auto snapshot = router::Builder(std::move(data)).run(std::move(attachment), regexes);
  if (!snapshot) return std::unexpected(std::move(snapshot).error());
  return std::make_shared<const Router>(*std::move(snapshot));
}

}  // namespace weir
