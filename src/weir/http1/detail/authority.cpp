#include "weir/http1/detail/authority.hpp"

#include <cstddef>

#include "weir/http/chars.hpp"

namespace weir::http1::detail {
namespace {

namespace chars = http::chars;

bool is_port(std::string_view text) noexcept {
  unsigned value = 0;
  for (const char c : text) {
    if (!chars::is(c, chars::digit)) return false;
    value = value * 10 + static_cast<unsigned>(c - '0');
    if (value > 65535) return false;
  }
  return true;  // "host:" is allowed: port = *DIGIT
}

// The length of the host at the front; 0 when there is none.
std::size_t host_length(std::string_view text) noexcept {
  if (text.starts_with('[')) {
    // IP-literal. The address itself is not examined beyond its alphabet: names are resolved elsewhere.
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos || end < 3) return 0;
    for (const char c : text.substr(1, end - 1)) {
      if (!chars::is(c, chars::hex) && c != ':' && c != '.') return 0;
    }
    return end + 1;
  }
  std::size_t n = 0;
  for (; n < text.size() && chars::is(text[n], chars::host); ++n) {
    if (text[n] == '%' &&
        (n + 2 >= text.size() || !chars::is(text[n + 1], chars::hex) || !chars::is(text[n + 2], chars::hex))) {
      return 0;
    }
  }
  return n;
}

}  // namespace

bool is_authority(std::string_view text) noexcept {
  const std::size_t n = host_length(text);
  if (n == 0) return false;
  return n == text.size() || (text[n] == ':' && is_port(text.substr(n + 1)));
}

bool is_authority_with_port(std::string_view text) noexcept {
  const std::size_t n = host_length(text);
  return n != 0 && n + 1 < text.size() && text[n] == ':' && is_port(text.substr(n + 1));
}

}  // namespace weir::http1::detail
