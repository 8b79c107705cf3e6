// A table and a path from one input, lines of patterns and then the path: the packed tree agrees with the plain reading
// of the rules, whatever the bytes, and nothing is read outside the path.
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "weir/base/contracts.hpp"
#include "weir/router/detail/reference.hpp"
#include "weir/router/router.hpp"

namespace {

using weir::RouteOutcome;

/// A router of those patterns that are right and new, and the same for the reference.
std::shared_ptr<const weir::Router> build(const std::vector<std::string_view>& patterns, weir::TrailingSlash slash,
                                          std::vector<weir::router::ReferenceRoute>& kept) {
  for (const auto pattern : patterns) {
    if (kept.size() == 16 || !weir::inspect_pattern(pattern).ok()) continue;
    kept.push_back({weir::http::Method::get, std::string(pattern), static_cast<std::uint32_t>(kept.size())});
    weir::RouteTable table({.trailing_slash = slash, .max_regex_length = 32, .max_regex_program = 200});
    for (const auto& route : kept) table.add({.pattern = route.pattern, .endpoint = route.endpoint});
    if (!table.build().has_value()) kept.pop_back();
  }
  weir::RouteTable table({.trailing_slash = slash});
  for (const auto& route : kept) table.add({.pattern = route.pattern, .endpoint = route.endpoint});
  return table.build().value();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0 || size > 2048) return 0;
  const auto slash = static_cast<weir::TrailingSlash>(data[0] % 3);
  std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  std::vector<std::string_view> patterns;
  for (auto end = rest.find('\n'); end != std::string_view::npos; end = rest.find('\n')) {
    patterns.push_back(rest.substr(0, end));
    rest.remove_prefix(end + 1);
  }
  std::vector<weir::router::ReferenceRoute> kept;
  const auto router = build(patterns, slash, kept);

  // A copy of exactly its size, so that a sanitizer sees reads outside it.
  const auto copy = std::make_unique<char[]>(rest.size());
  std::memcpy(copy.get(), rest.data(), rest.size());
  const std::string_view path(copy.get(), rest.size());
  weir::Arena arena;
  const auto match = router->match({.path = path}, arena);
  if (match.outcome == RouteOutcome::redirect) {
    WEIR_ASSERT(match.location.size() == path.size() + 1 || match.location.size() + 1 == path.size());
    WEIR_ASSERT(!match.location.starts_with("//"));
    WEIR_ASSERT(router->match({.path = match.location}, arena).outcome == RouteOutcome::found);
  }
  // The reference reads plain paths and plain patterns.
  bool escapes = path.empty() || path.front() != '/' || path.find('%') != std::string_view::npos;
  for (const auto& route : kept) escapes = escapes || route.pattern.find('%') != std::string::npos;
  if (escapes || slash == weir::TrailingSlash::ignore) return 0;
  const auto expected = weir::router::Reference(kept).match(weir::http::Method::get, path);
  WEIR_ASSERT(expected.endpoint.has_value() == (match.outcome == RouteOutcome::found));
  if (!expected.endpoint) return 0;
  WEIR_ASSERT(match.endpoint == *expected.endpoint && match.params.size() == expected.values.size());
  for (std::size_t i = 0; i < expected.values.size(); ++i) WEIR_ASSERT(match.params.value(i) == expected.values[i]);
  return 0;
}
