// UTF-8 (RFC 3629), one sequence at a time: for the places where text is not known to be valid.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace weir::json::detail {

/// The length of the valid sequence at `p`, or 0 if there is none. REQUIRES: p < end.
constexpr unsigned utf8_sequence(const char* p, const char* end) noexcept {
  const auto byte = [&](int i) { return static_cast<unsigned char>(p[i]); };
  const auto tail = [&](int i) { return p + i < end && (byte(i) & 0xc0) == 0x80; };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead < 0xc2) return 0;
  if (lead < 0xe0) return tail(1) ? 2 : 0;
  if (lead < 0xf0) {
    if (!tail(1) || !tail(2)) return 0;
    if (lead == 0xe0 && byte(1) < 0xa0) return 0;   // overlong
    if (lead == 0xed && byte(1) >= 0xa0) return 0;  // surrogates
    return 3;
  }
  if (lead < 0xf5) {
    if (!tail(1) || !tail(2) || !tail(3)) return 0;
    if (lead == 0xf0 && byte(1) < 0x90) return 0;   // overlong
    if (lead == 0xf4 && byte(1) >= 0x90) return 0;  // above U+10FFFF
    return 4;
  }
  return 0;
}

/// How many bytes at the start of `text` are valid.
constexpr std::size_t valid_utf8_prefix(std::string_view text) noexcept {
  std::size_t at = 0;
  while (at < text.size()) {
    const unsigned n = utf8_sequence(text.data() + at, text.data() + text.size());
    if (n == 0) break;
    at += n;
  }
  return at;
}

/// The number of code points of valid UTF-8.
constexpr std::size_t code_points(std::string_view text) noexcept {
  std::size_t n = 0;
  for (const char c : text) n += (static_cast<unsigned char>(c) & 0xc0) != 0x80 ? 1 : 0;
  return n;
}

/// Writes the code point and returns how many bytes it took, at most 4.
constexpr unsigned put_utf8(char* to, std::uint32_t c) noexcept {
  const auto put = [&](int i, std::uint32_t v) { to[i] = static_cast<char>(v); };
  if (c < 0x80) {
    put(0, c);
    return 1;
  }
  if (c < 0x800) {
    put(0, 0xc0 | (c >> 6));
    put(1, 0x80 | (c & 0x3f));
    return 2;
  }
  if (c < 0x10000) {
    put(0, 0xe0 | (c >> 12));
    put(1, 0x80 | ((c >> 6) & 0x3f));
    put(2, 0x80 | (c & 0x3f));
    return 3;
  }
  put(0, 0xf0 | (c >> 18));
  put(1, 0x80 | ((c >> 12) & 0x3f));
  put(2, 0x80 | ((c >> 6) & 0x3f));
  put(3, 0x80 | (c & 0x3f));
  return 4;
}

}  // namespace weir::json::detail
