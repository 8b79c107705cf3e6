#include "weir/http/cookie.hpp"

#include <cstddef>

#include "weir/http/chars.hpp"

namespace weir::http {
namespace {

std::string_view trim(std::string_view text) noexcept {
  while (!text.empty() && chars::is(text.front(), chars::space)) text.remove_prefix(1);
  while (!text.empty() && chars::is(text.back(), chars::space)) text.remove_suffix(1);
  return text;
}

bool starts_with_ignoring_case(std::string_view text, std::string_view start) noexcept {
  return text.size() >= start.size() && equals_ignoring_case(text.substr(0, start.size()), start);
}

bool is_cookie_value(std::string_view value) noexcept {
  for (const char c : value) {
    if (!chars::is(c, chars::cookie)) return false;
  }
  return true;
}

// av-octets: no control characters and no ';'.
bool is_attribute_value(std::string_view value) noexcept {
  return is_field_value(value) && value.find_first_of(";\t") == std::string_view::npos;
}

// What a browser would refuse, in words; empty when nothing.
std::string_view flaw_of(const SetCookie& c) noexcept {
  if (!is_token(c.name)) return "the name is not a token";
  if (!is_cookie_value(c.value))
    return "the value has a character that must be encoded (space, quote, comma, semicolon, backslash, not ASCII)";
  if (!is_attribute_value(c.path) || (!c.path.empty() && c.path.front() != '/'))
    return "the path does not begin with '/' or has a forbidden character";
  if (!is_attribute_value(c.domain)) return "the domain has a forbidden character";
  if (c.same_site == SameSite::none && !c.secure) return "SameSite=None needs secure";
  if (c.partitioned && !c.secure) return "partitioned needs secure";
  if (starts_with_ignoring_case(c.name, "__Secure-") && !c.secure) return "the prefix __Secure- needs secure";
  if (starts_with_ignoring_case(c.name, "__Host-") && (!c.secure || c.path != "/" || !c.domain.empty())) {
    return "the prefix __Host- needs secure, path \"/\" and no domain";
  }
  return {};
}

}  // namespace

std::optional<Cookie> next_cookie(std::string_view& rest) noexcept {
  while (!rest.empty()) {
    const std::size_t end = rest.find(';');
    const std::string_view pair = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    const std::size_t equals = pair.find('=');
    if (equals == std::string_view::npos) continue;
    Cookie cookie{trim(pair.substr(0, equals)), trim(pair.substr(equals + 1))};
    if (cookie.name.empty()) continue;
    if (cookie.value.size() >= 2 && cookie.value.front() == '"' && cookie.value.back() == '"') {
      cookie.value = cookie.value.substr(1, cookie.value.size() - 2);
    }
    return cookie;
  }
  return std::nullopt;
}

std::optional<std::string_view> find_cookie(const HeaderView& headers, std::string_view name) noexcept {
  std::optional<std::string_view> found;
  each_cookie(headers, [&](const Cookie& cookie) {
    if (!found && cookie.name == name) found = cookie.value;
  });
  return found;
}

Result<std::string> format_set_cookie(const SetCookie& cookie) {
  if (const std::string_view flaw = flaw_of(cookie); !flaw.empty()) {
    return fail(Errc::invalid_argument, "cookie " + cookie.name + ": " + std::string(flaw));
  }
  std::string text = cookie.name + '=' + cookie.value;
  if (cookie.max_age_seconds) {
    const std::int64_t age = *cookie.max_age_seconds < 0 ? 0 : *cookie.max_age_seconds;
    text += "; Max-Age=" + std::to_string(age);
  }
  if (!cookie.domain.empty()) text += "; Domain=" + cookie.domain;
  if (!cookie.path.empty()) text += "; Path=" + cookie.path;
  if (cookie.secure) text += "; Secure";
  if (cookie.http_only) text += "; HttpOnly";
  text += cookie.same_site == SameSite::lax      ? "; SameSite=Lax"
          : cookie.same_site == SameSite::strict ? "; SameSite=Strict"
                                                 : "; SameSite=None";
  if (cookie.partitioned) text += "; Partitioned";
  return text;
}

Result<void> add_cookie(Headers& headers, const SetCookie& cookie) {
  auto text = format_set_cookie(cookie);
  if (!text) return std::unexpected(std::move(text.error()));
  if (!headers.add(HeaderId::set_cookie, *text)) {
    return fail(Errc::too_large, "cookie " + cookie.name + ": the header section is full");
  }
  return {};
}

}  // namespace weir::http
