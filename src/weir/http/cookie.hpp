// Cookies (RFC 6265bis).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "weir/base/error.hpp"
#include "weir/http/headers.hpp"

namespace weir::http {

/// One pair of a Cookie field. The value has no quotes around it; it is not decoded (cookies have no encoding of their
/// own).
struct Cookie {
  std::string_view name;
  std::string_view value;
};

/// Takes the next pair off the front of a Cookie value; nothing at the end. Pieces without '=' or name are left out.
std::optional<Cookie> next_cookie(std::string_view& rest) noexcept;

/// Calls `f(Cookie)` for every cookie of a request, in order; HTTP/2 may bring several Cookie fields.
template <class F>
void each_cookie(const HeaderView& headers, F&& f) {
  headers.each(HeaderId::cookie, [&](std::string_view rest) {
    while (const auto cookie = next_cookie(rest)) f(*cookie);
  });
}

/// The value of the first cookie with this name (case matters); nothing when it is not there.
std::optional<std::string_view> find_cookie(const HeaderView& headers, std::string_view name) noexcept;

enum class SameSite : std::uint8_t { lax, strict, none };

/// A cookie to set. The defaults are the safe ones: Secure, HttpOnly, SameSite=Lax, Path=/, for this host only, until
/// the browser is closed. Loosening them is visible: `{.name = "theme", .value = "dark", .http_only = false}`.
struct SetCookie {
  std::string name;
  std::string value;
  std::string path = "/";
  std::string domain;                           ///< Empty: this host only. A domain includes all hosts below it.
  std::optional<std::int64_t> max_age_seconds;  ///< None: until the browser is closed; 0 or less: delete it.
  bool secure = true;
  bool http_only = true;
  SameSite same_site = SameSite::lax;
  bool partitioned = false;  ///< CHIPS; needs secure.
};

/// The value of Set-Cookie. Errc::invalid_argument with the reason for what a browser would refuse or misread: a name
/// that is no token, a value with other bytes than cookie-octets (encode it first), a path or domain with ';' or
/// control characters, SameSite=None or Partitioned without Secure, __Secure- without Secure, __Host- without Secure
/// and Path=/ or with a domain (RFC 6265bis section 4.1.3).
Result<std::string> format_set_cookie(const SetCookie& cookie);

/// format_set_cookie() and adds the field.
Result<void> add_cookie(Headers& headers, const SetCookie& cookie);

}  // namespace weir::http
