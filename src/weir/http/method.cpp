#include "weir/http/method.hpp"

#include <array>

namespace weir::http {
namespace {
constexpr std::array<std::string_view, method_count> names = {"GET",    "HEAD",    "POST",    "PUT",   "PATCH",
                                                              "DELETE", "OPTIONS", "CONNECT", "TRACE", "OTHER"};
}

std::string_view to_string(Method method) noexcept {
  return names[static_cast<std::size_t>(method)];
}

Method parse_method(std::string_view text) noexcept {
  for (std::size_t i = 0; i + 1 < method_count; ++i) {
    if (names[i] == text) return static_cast<Method>(i);
  }
  return Method::other;
}

}  // namespace weir::http
