// Which bytes are UTF-8: text from peers goes into logs and labels, whose readers refuse anything else.
#pragma once

#include <cstddef>

namespace weir::telemetry {

/// The size of the well-formed UTF-8 sequence at `at` (RFC 3629 §4: no surrogates, nothing overlong, nothing above
/// U+10FFFF), or 0. `left` is how many bytes there are, at least 1.
inline std::size_t utf8_sequence(const char* at, std::size_t left) noexcept {
  const auto byte = [at](std::size_t i) { return static_cast<unsigned char>(at[i]); };
  const auto tail = [&](std::size_t i) { return (byte(i) & 0xc0) == 0x80; };
  const unsigned char first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return left >= 2 && tail(1) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    if (left < 3 || !tail(1) || !tail(2)) return 0;
    if ((first == 0xe0 && byte(1) < 0xa0) || (first == 0xed && byte(1) > 0x9f)) return 0;
    return 3;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    if (left < 4 || !tail(1) || !tail(2) || !tail(3)) return 0;
    if ((first == 0xf0 && byte(1) < 0x90) || (first == 0xf4 && byte(1) > 0x8f)) return 0;
    return 4;
  }
  return 0;
}

}  // namespace weir::telemetry
