// A string that can be a template argument: Query<int, "page">.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace weir {

template <std::size_t N>
struct FixedString {
  char text[N]{};
  consteval FixedString(const char (&literal)[N]) {  // NOLINT: literals convert
    std::copy_n(literal, N, text);
  }
  [[nodiscard]] constexpr std::string_view view() const noexcept { return {text, N - 1}; }
  [[nodiscard]] constexpr bool empty() const noexcept { return N == 1; }
};

}  // namespace weir
