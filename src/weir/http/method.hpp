// Request methods (RFC 9110 section 9, RFC 5789 for PATCH).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace weir::http {

/// `other` is any method that is not one of the standard ones; its text stays in the request.
enum class Method : std::uint8_t { get, head, post, put, patch, del, options, connect, trace, other };

inline constexpr std::size_t method_count = 10;

/// "GET" and so on; "OTHER" for Method::other. Static storage.
std::string_view to_string(Method method) noexcept;

/// The method with this name; names are case-sensitive (RFC 9110 section 9.1).
Method parse_method(std::string_view text) noexcept;

/// Methods that do not change the resource (RFC 9110 section 9.2.1).
constexpr bool is_safe(Method m) noexcept {
  return m == Method::get || m == Method::head || m == Method::options || m == Method::trace;
}
/// Methods that may be repeated (RFC 9110 section 9.2.2).
constexpr bool is_idempotent(Method m) noexcept {
  return is_safe(m) || m == Method::put || m == Method::del;
}

}  // namespace weir::http
