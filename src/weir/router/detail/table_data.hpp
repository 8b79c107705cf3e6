// What RouteTable collects: routes in a few bytes each, their texts in one pool.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "weir/router/detail/constraint.hpp"
#include "weir/router/router.hpp"

namespace weir::router {

/// A method as a number: http::Method for the standard ones, from `custom` on the table's own, `any` for all the rest.
using MethodCode = std::uint8_t;
inline constexpr MethodCode first_custom_method = static_cast<MethodCode>(http::Method::other);
inline constexpr MethodCode any_method = 63;
/// Methods as a set: bit c is the method with code c.
using MethodSet = std::uint64_t;
constexpr MethodSet method_bit(MethodCode code) noexcept {
  return MethodSet{1} << code;
}

/// A part of the text pool.
struct TextRef {
  std::uint32_t offset = 0;
  std::uint32_t size = 0;
};

struct StoredRoute {
  TextRef pattern;
  TextRef name;
  std::uint32_t endpoint;
  std::uint32_t host;  ///< Index in TableData::hosts.
  MethodCode method;
};

/// Lets unordered containers of std::string be asked with a string_view.
struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>{}(text); }
};
template <class T>
using TextMap = std::unordered_map<std::string, T, TextHash, std::equal_to<>>;

struct TableData {
  RouterOptions options;
  std::string text;
  std::vector<StoredRoute> routes;
  std::vector<std::string> hosts{""};  ///< In lower case; the first is "any host".
  TextMap<std::uint32_t> host_index{{"", 0}};
  std::vector<std::string> custom_methods;
  bool too_many_methods = false;
  std::size_t garbage = 0;  ///< Bytes of `text` that belong to removed routes.
  /// Expressions that were found right, by their text: compiled programs survive from snapshot to snapshot.
  TextMap<std::shared_ptr<const LazyRegex>> regexes;

  [[nodiscard]] std::string_view view(TextRef ref) const noexcept {
    return std::string_view(text).substr(ref.offset, ref.size);
  }
};

/// The code of a method, or `any_method` for a custom one that the table does not know.
[[nodiscard]] inline MethodCode method_code(const std::vector<std::string>& custom, http::Method method,
                                            std::string_view text) noexcept {
  if (method != http::Method::other) return static_cast<MethodCode>(method);
  for (std::size_t i = 0; i < custom.size(); ++i) {
    if (custom[i] == text) return static_cast<MethodCode>(first_custom_method + i);
  }
  return any_method;
}
[[nodiscard]] inline std::string_view method_name(const std::vector<std::string>& custom, MethodCode code) noexcept {
  if (code == any_method) return "any method";
  if (code < first_custom_method) return http::to_string(static_cast<http::Method>(code));
  return custom[code - first_custom_method];
}

}  // namespace weir::router
