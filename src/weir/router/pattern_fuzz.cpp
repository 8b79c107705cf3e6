// Patterns: the reader never goes outside its text, agrees with build(), and a table of what it accepts can be asked.
#include <cstdint>
#include <string_view>

#include "weir/base/contracts.hpp"
#include "weir/router/router.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view pattern(reinterpret_cast<const char*>(data), size);
  const auto info = weir::inspect_pattern(pattern);
  WEIR_ASSERT(info.count <= weir::max_route_params);
  WEIR_ASSERT(info.ok() || info.error_at <= size);

  weir::RouteTable table({.max_regex_length = 64});
  table.add({.pattern = pattern, .name = "it"});
  const auto router = table.build();
  if (!info.ok()) {
    WEIR_ASSERT(!router.has_value());
    return 0;
  }
  if (!router.has_value()) return 0;  // an expression that RE2 refuses
  weir::Arena arena;
  const auto match = (*router)->match({.path = pattern}, arena);
  WEIR_ASSERT(match.outcome != weir::RouteOutcome::found || match.params.size() == info.count);
  // A pattern without placeholders is a path, and its reverse is a path that matches.
  if (info.count == 0) {
    const auto url = (*router)->url_for("it");
    WEIR_ASSERT(url.has_value());
    const auto again = (*router)->match({.path = *url}, arena);
    WEIR_ASSERT(again.outcome == weir::RouteOutcome::found);
  }
  return 0;
}
