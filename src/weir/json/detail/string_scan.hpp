// Finding what ends or interrupts a run of plain characters in a string, 16 bytes at a time where SSE2 is.
#pragma once

#include <cstdint>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace weir::json::detail {

/// The first '"' or '\\' at or behind `p`. REQUIRES: there is a '"' before `end`.
inline const char* find_quote_or_backslash(const char* p, const char* end) noexcept {
#ifdef __SSE2__
  const __m128i quote = _mm_set1_epi8('"');
  const __m128i backslash = _mm_set1_epi8('\\');
  while (end - p >= 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    const auto hits = static_cast<unsigned>(
        _mm_movemask_epi8(_mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, backslash))));
    if (hits != 0) return p + __builtin_ctz(hits);
    p += 16;
  }
#endif
  while (*p != '"' && *p != '\\') ++p;
  return p;
}

}  // namespace weir::json::detail
