#include "weir/http/authority.hpp"

#include <cstddef>

#include "weir/http/chars.hpp"

namespace weir::http {
namespace {

bool is_port(std::string_view text) noexcept {
  while (text.size() > 5 && text.front() == '0') text.remove_prefix(1);
  if (text.size() > 5) return false;
  unsigned value = 0;
  for (const char c : text) {
    const auto number = static_cast<unsigned>(static_cast<unsigned char>(c)) - '0';
    if (number > 9) return false;
    value = value * 10 + number;
  }
  return value <= 65535;  // "host:" is allowed: port = *DIGIT
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
  bool escapes = false;
  for (; n < text.size() && chars::is(text[n], chars::host); ++n) escapes |= text[n] == '%';
  if (escapes) {
    for (std::size_t at = text.find('%'); at < n; at = text.find('%', at + 1)) {
      if (at + 2 >= text.size() || !chars::is(text[at + 1], chars::hex) || !chars::is(text[at + 2], chars::hex))
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

}  // namespace weir::http
