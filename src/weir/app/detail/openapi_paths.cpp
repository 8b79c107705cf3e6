#include "weir/app/detail/openapi_paths.hpp"

#include <algorithm>
#include <map>

#include "weir/router/pattern.hpp"

namespace weir::detail {

namespace {

/// The pattern with its placeholders as `name` has them.
template <class F>
std::string write_pattern(std::string_view pattern, F&& name) {
  std::string path;
  PatternReader reader(pattern);
  PatternSegment segment;
  while (reader.next(segment)) {
    path += '/';
    path += segment.text;
    if (segment.literal) continue;
    path += '{';
    path += name(segment);
    path += '}';
    path += segment.suffix;
  }
  return path.empty() ? "/" : path;
}

}  // namespace

std::string path_template(std::string_view pattern) {
  return write_pattern(pattern, [](const PatternSegment& segment) { return segment.name; });
}

std::vector<std::string_view> placeholders_of(std::string_view pattern) {
  std::vector<std::string_view> names;
  PatternReader reader(pattern);
  PatternSegment segment;
  while (reader.next(segment)) {
    if (!segment.literal) names.push_back(segment.name);
  }
  return names;
}

std::vector<DocumentedPath> documented_paths(std::span<const std::shared_ptr<const Endpoint>> endpoints) {
  std::vector<DocumentedPath> paths;
  std::map<std::string, std::size_t> by_shape;  // the template without names
  for (const std::shared_ptr<const Endpoint>& endpoint : endpoints) {
    if (endpoint->doc.hidden) continue;
    const std::string_view pattern = endpoint->pattern;
    const auto nameless = [](const PatternSegment&) { return std::string_view(); };
    const auto [at, added] = by_shape.emplace(write_pattern(pattern, nameless), paths.size());
    if (added) paths.push_back({path_template(pattern), placeholders_of(pattern), {}});
    std::vector<DocumentedOperation>& operations = paths[at->second].operations;
    const auto same = std::ranges::find_if(
        operations, [&](const DocumentedOperation& other) { return other.shown->method == endpoint->method; });
    if (same == operations.end()) {
      operations.push_back({endpoint.get(), {}});
    } else {
      same->others.push_back(endpoint.get());
    }
  }
  return paths;
}

std::string called(const Endpoint& endpoint) {
  return std::string(http::to_string(endpoint.method)) + ' ' + endpoint.host + endpoint.pattern;
}

}  // namespace weir::detail
