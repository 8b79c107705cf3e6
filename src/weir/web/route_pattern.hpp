// Route patterns that the compiler checks against the handler they are registered with.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>

#include "weir/router/pattern.hpp"
#include "weir/web/typed_handler.hpp"

namespace weir {

/// A pattern made at run time: checked when the route is registered. `app.get(runtime_route(prefix + "/x"), …)`.
struct RuntimeRoute {
  std::string text;
};
[[nodiscard]] inline RuntimeRoute runtime_route(std::string text) {
  return {std::move(text)};
}

namespace detail {

// Calling one of these while a constant is computed is the compile error: its name is the message, and Path a type's.
// NOLINTBEGIN(readability-identifier-naming)
void the_pattern_is_malformed_see_router_pattern_hpp();
void the_handler_has_more_Path_parameters_than_the_pattern_has_placeholders();
void a_named_Path_parameter_is_not_in_the_pattern();
// NOLINTEND(readability-identifier-naming)

constexpr bool pattern_has(std::string_view pattern, std::string_view name) {
  PatternReader reader(pattern);
  PatternSegment segment;
  while (reader.next(segment)) {
    if (!segment.literal && segment.name == name) return true;
  }
  return false;
}
constexpr std::size_t pattern_placeholders(std::string_view pattern) {
  PatternReader reader(pattern);
  PatternSegment segment;
  std::size_t count = 0;
  while (reader.next(segment)) count += segment.literal ? 0 : 1;
  return count;
}

template <class Parameters>
struct PathParameters;
template <class... P>
struct PathParameters<std::tuple<P...>> {
  static constexpr std::size_t positional = (std::size_t{0} + ... + (positional_path<P>() ? 1 : 0));
  static constexpr bool named_in([[maybe_unused]] std::string_view pattern) {
    return ((named_path<P>().empty() || pattern_has(pattern, named_path<P>())) && ...);
  }
};

}  // namespace detail

/// The pattern parameter of App::get() and its like, as std::format_string is that of std::format(): a literal is
/// checked while compiling. With `Whole` the pattern is the whole path; a group's routes may also take placeholders of
/// the group's prefix, so there the numbers are compared at registration.
template <class F, bool Whole>
class RoutePattern {
 public:
  template <std::size_t N>
  consteval RoutePattern(const char (&literal)[N]) : text_(literal, N - 1) {  // NOLINT: literals convert
    using Paths = detail::PathParameters<typename detail::Signature<F>::Parameters>;
    PatternReader reader(text_);
    PatternSegment segment;
    while (reader.next(segment)) {
    }
    if (!reader.error().empty() && !(text_.empty() && !Whole))
      detail::the_pattern_is_malformed_see_router_pattern_hpp();
    if constexpr (Whole) {
      if (Paths::positional > detail::pattern_placeholders(text_)) {
        detail::the_handler_has_more_Path_parameters_than_the_pattern_has_placeholders();
      }
      if (!Paths::named_in(text_)) detail::a_named_Path_parameter_is_not_in_the_pattern();
    }
  }
  RoutePattern(const RuntimeRoute& route) noexcept : text_(route.text) {}  // NOLINT: converts
  template <class Text>
    requires(std::is_convertible_v<const Text&, std::string_view> && !std::is_array_v<Text>)
  RoutePattern(const Text&) {  // NOLINT: converts, to say what is wrong
    static_assert(sizeof(Text) == 0, "a pattern that is no literal is checked at the start: weir::runtime_route(text)");
  }

  [[nodiscard]] constexpr std::string_view text() const noexcept { return text_; }

 private:
  std::string_view text_;
};

}  // namespace weir
