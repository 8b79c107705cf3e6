// Character classes of RFC 9110 section 5.6.2 and RFC 3986, as one table.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace weir::http::chars {

inline constexpr std::uint8_t token = 1;  // tchar
inline constexpr std::uint8_t host = 2;   // reg-name: unreserved, sub-delims and '%'
inline constexpr std::uint8_t digit = 4;
inline constexpr std::uint8_t hex = 8;
inline constexpr std::uint8_t unreserved = 16;  // RFC 3986 section 2.3
inline constexpr std::uint8_t cookie = 32;      // cookie-octet (RFC 6265 section 4.1.1)
inline constexpr std::uint8_t etag = 64;        // etagc (RFC 9110 section 8.8.3)
inline constexpr std::uint8_t space = 128;      // SP and HTAB

consteval std::array<std::uint8_t, 256> make_table() {
  std::array<std::uint8_t, 256> table{};
  const auto mark = [&table](const char* set, std::uint8_t bits) {
    for (; *set != '\0'; ++set) table[static_cast<std::uint8_t>(*set)] |= bits;
  };
  for (int c = 0; c < 256; ++c) {
    const bool is_digit = c >= '0' && c <= '9';
    const bool is_alpha = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    auto& bits = table[static_cast<std::size_t>(c)];
    if (is_digit || is_alpha) bits |= token | host | unreserved;
    if (is_digit) bits |= digit;
    if (is_digit || (c >= 'A' && c <= 'F') || (c >= 'a' && c <= 'f')) bits |= hex;
    if (c == 0x21 || (c >= 0x23 && c <= 0x2b) || (c >= 0x2d && c <= 0x3a) || (c >= 0x3c && c <= 0x5b) ||
        (c >= 0x5d && c <= 0x7e)) {
      bits |= cookie;
    }
    if (c == 0x21 || (c >= 0x23 && c <= 0x7e) || c >= 0x80) bits |= etag;
  }
  mark("!#$%&'*+-.^_`|~", token);
  mark("-._~", host | unreserved);
  mark("!$&'()*+,;=%", host);
  mark(" \t", space);
  return table;
}
inline constexpr std::array<std::uint8_t, 256> table = make_table();

/// Whether `c` is in one of the classes.
constexpr bool is(char c, std::uint8_t classes) noexcept {
  return (table[static_cast<std::uint8_t>(c)] & classes) != 0;
}

/// The value of a hexadecimal digit; 16 or more for anything else.
constexpr unsigned hex_value(char c) noexcept {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  const char lower = static_cast<char>(c | 0x20);
  if (lower >= 'a' && lower <= 'f') return static_cast<unsigned>(lower - 'a' + 10);
  return 16;
}

constexpr char to_lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

}  // namespace weir::http::chars
