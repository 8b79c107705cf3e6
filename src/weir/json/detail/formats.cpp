// The well-known forms of text: each a small recogniser that follows the grammar of its RFC.
#include "weir/json/detail/check.hpp"
#include "weir/json/detail/number.hpp"
#include "weir/json/detail/time_text.hpp"

namespace weir::json::detail {
namespace {

constexpr bool is_alpha(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
constexpr bool is_alnum(char c) noexcept {
  return is_alpha(c) || is_digit(c);
}
constexpr bool is_hex(char c) noexcept {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}
constexpr bool is_one_of(char c, std::string_view set) noexcept {
  return set.find(c) != set.npos;
}

/// RFC 1123 section 2.1: labels of letters, digits and inner hyphens, at most 63, in all at most 253 characters.
bool is_hostname(std::string_view text) noexcept {
  if (text.empty() || text.size() > 253) return false;
  while (true) {
    const auto dot = text.find('.');
    const std::string_view label = text.substr(0, dot);
    if (label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-') return false;
    for (const char c : label) {
      if (!is_alnum(c) && c != '-') return false;
    }
    if (dot == text.npos) return true;
    text.remove_prefix(dot + 1);
  }
}

bool is_ipv4(std::string_view text) noexcept {
  for (int part = 0; part < 4; ++part) {
    unsigned value = 0;
    std::size_t digits = 0;
    while (digits < text.size() && is_digit(text[digits]) && digits < 4) {
      value = value * 10 + static_cast<unsigned>(text[digits++] - '0');
    }
    if (digits == 0 || digits > 3 || value > 255 || (digits > 1 && text[0] == '0')) return false;
    text.remove_prefix(digits);
    if (part == 3) return text.empty();
    if (text.empty() || text[0] != '.') return false;
    text.remove_prefix(1);
  }
  return false;
}

/// RFC 4291 section 2.2: eight groups, of which "::" may stand for one or more, the last two as IPv4.
bool is_ipv6(std::string_view text) noexcept {
  int groups = 0;
  bool compressed = false;
  if (text.starts_with("::")) {
    compressed = true;
    text.remove_prefix(2);
    if (text.empty()) return true;
  }
  while (true) {
    std::size_t digits = 0;
    while (digits < text.size() && is_hex(text[digits])) ++digits;
    if (digits < text.size() && text[digits] == '.') {
      return is_ipv4(text) && (compressed ? groups <= 5 : groups == 6);
    }
    if (digits == 0 || digits > 4) return false;
    ++groups;
    text.remove_prefix(digits);
    if (text.empty()) return compressed ? groups <= 7 : groups == 8;
    if (text[0] != ':' || groups >= 8) return false;
    text.remove_prefix(1);
    if (!text.empty() && text[0] == ':') {
      if (compressed) return false;
      compressed = true;
      text.remove_prefix(1);
      if (text.empty()) return groups <= 7;
    }
  }
}

/// RFC 5321 section 4.1.2 Mailbox; lengths of section 4.5.3.1. The domain may be an address literal.
bool is_email(std::string_view text) noexcept {
  const auto at = text.rfind('@');
  if (at == text.npos || at == 0 || at > 64 || text.size() > 254) return false;
  const std::string_view local = text.substr(0, at);
  const std::string_view domain = text.substr(at + 1);
  if (local.size() >= 2 && local.front() == '"' && local.back() == '"') {
    for (std::size_t i = 1; i + 1 < local.size(); ++i) {
      const char c = local[i];
      if (c < 0x20 || c == 0x7f || c == '"') return false;
      if (c == '\\' && (++i + 1 >= local.size() || local[i] < 0x20)) return false;
    }
  } else {
    if (local.front() == '.' || local.back() == '.' || local.find("..") != local.npos) return false;
    for (const char c : local) {
      if (!is_alnum(c) && !is_one_of(c, "!#$%&'*+/=?^_`{|}~.-")) return false;
    }
  }
  if (domain.size() > 2 && domain.front() == '[' && domain.back() == ']') {
    const std::string_view literal = domain.substr(1, domain.size() - 2);
    return literal.starts_with("IPv6:") ? is_ipv6(literal.substr(5)) : is_ipv4(literal);
  }
  return is_hostname(domain);
}

bool is_uuid(std::string_view text) noexcept {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < 36; ++i) {
    const bool hyphen = i == 8 || i == 13 || i == 18 || i == 23;
    if (hyphen ? text[i] != '-' : !is_hex(text[i])) return false;
  }
  return true;
}

/// RFC 3986: a scheme, ':', and characters of a URI with percent-escapes well-formed; at most one '#'.
bool is_uri(std::string_view text) noexcept {
  const auto colon = text.find(':');
  if (colon == text.npos || colon == 0 || !is_alpha(text[0])) return false;
  for (const char c : text.substr(0, colon)) {
    if (!is_alnum(c) && !is_one_of(c, "+-.")) return false;
  }
  bool fragment = false;
  const std::string_view rest = text.substr(colon + 1);
  for (std::size_t i = 0; i < rest.size(); ++i) {
    const char c = rest[i];
    if (c == '%') {
      if (i + 2 >= rest.size() || !is_hex(rest[i + 1]) || !is_hex(rest[i + 2])) return false;
      i += 2;
    } else if (c == '#') {
      if (fragment) return false;
      fragment = true;
    } else if (!is_alnum(c) && !is_one_of(c, "-._~:/?[]@!$&'()*+,;=")) {
      return false;
    }
  }
  return !rest.empty();
}

}  // namespace

bool has_format(std::string_view text, weir::format form) noexcept {
  Date date;
  std::int64_t seconds = 0;
  std::uint32_t nanoseconds = 0;
  switch (form) {
    case weir::format::none:
      return true;
    case weir::format::email:
      return is_email(text);
    case weir::format::uuid:
      return is_uuid(text);
    case weir::format::uri:
      return is_uri(text);
    case weir::format::date:
      return parse_date(text, date);
    case weir::format::date_time:
      return parse_timestamp(text, seconds, nanoseconds);
    case weir::format::ipv4:
      return is_ipv4(text);
    case weir::format::ipv6:
      return is_ipv6(text);
    case weir::format::hostname:
      return is_hostname(text);
  }
  return true;
}

std::string_view format_name(weir::format form) noexcept {
  switch (form) {
    case weir::format::none:
      return {};
    case weir::format::email:
      return "email";
    case weir::format::uuid:
      return "uuid";
    case weir::format::uri:
      return "uri";
    case weir::format::date:
      return "date";
    case weir::format::date_time:
      return "date-time";
    case weir::format::ipv4:
      return "ipv4";
    case weir::format::ipv6:
      return "ipv6";
    case weir::format::hostname:
      return "hostname";
  }
  return {};
}

std::string_view format_description(weir::format form) noexcept {
  switch (form) {
    case weir::format::none:
      return "anything";
    case weir::format::email:
      return "an e-mail address";
    case weir::format::uuid:
      return "a UUID";
    case weir::format::uri:
      return "a URI with a scheme";
    case weir::format::date:
      return "a date such as 2026-01-31";
    case weir::format::date_time:
      return "a time of RFC 3339 such as 2026-01-31T12:00:00Z";
    case weir::format::ipv4:
      return "an IPv4 address";
    case weir::format::ipv6:
      return "an IPv6 address";
    case weir::format::hostname:
      return "a host name";
  }
  return {};
}

}  // namespace weir::json::detail
