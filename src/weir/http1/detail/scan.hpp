// Finding the byte at which a part of a message head ends, 16 bytes at a time where the processor has SSE2 (every
// x86-64 has), else one by one. Both are always compiled, so that the tests can hold one against the other.
//
// REQUIRES, for all of them: 16 readable bytes behind `end`. What they hold does not matter: nothing beyond
// `end` is ever reported.
#pragma once

#include <cstdint>

#if defined(__SSE2__)
#include <emmintrin.h>
#define WEIR_HTTP1_SSE2 1
#endif

namespace weir::http1::detail {

/// What ends a request target: everything but visible ASCII, and '#' (fragments are never sent: RFC 9110 section 7.1).
constexpr bool ends_target(char c) noexcept {
  return c <= 0x20 || c == 0x7f || c == '#';
}  // char is signed here
/// What ends a field name: ':', white space and everything that is not visible ASCII.
constexpr bool ends_name(char c) noexcept {
  return c <= 0x20 || c == 0x7f || c == ':';
}
/// What ends a field value: control characters but HTAB (RFC 9110 section 5.5).
constexpr bool ends_value(char c) noexcept {
  return (static_cast<std::uint8_t>(c) < 0x20 && c != '\t') || c == 0x7f;
}
static_assert(static_cast<char>(0x80) < 0, "ends_target and ends_name take bytes from 0x80 on as negative");

struct ScalarScan {
  /// The first byte in [p, end) that ends a target, or `end`. `query` is set to the first '?' before it, if any.
  static const char* target_end(const char* p, const char* end, const char*& query) noexcept {
    for (; p < end && !ends_target(*p); ++p) {
      if (*p == '?' && query == nullptr) query = p;
    }
    return p;
  }
  static const char* name_end(const char* p, const char* end) noexcept {
    while (p < end && !ends_name(*p)) ++p;
    return p;
  }
  static const char* value_end(const char* p, const char* end) noexcept {
    while (p < end && !ends_value(*p)) ++p;
    return p;
  }
};

#if defined(WEIR_HTTP1_SSE2)
struct Sse2Scan {
  static const char* target_end(const char* p, const char* end, const char*& query) noexcept {
    for (; p < end; p += 16) {
      const __m128i text = load(p);
      // As signed bytes, everything from 0x80 on is less than 0x21 too.
      const __m128i stop =
          _mm_or_si128(_mm_or_si128(_mm_cmplt_epi8(text, _mm_set1_epi8(0x21)), is(text, 0x7f)), is(text, '#'));
      const unsigned stops = mask(stop);
      if (query == nullptr) {
        // Marks behind the first stop are none: those bits are masked out. (0 - 1 keeps all when there is no stop.)
        const unsigned marks = mask(is(text, '?')) & ((stops & (0U - stops)) - 1U);
        if (marks != 0) {
          const char* mark = p + __builtin_ctz(marks);
          if (mark < end) query = mark;
        }
      }
      if (stops != 0) return before(p + __builtin_ctz(stops), end);
    }
    return end;
  }
  static const char* name_end(const char* p, const char* end) noexcept {
    for (; p < end; p += 16) {
      const __m128i text = load(p);
      const __m128i stop =
          _mm_or_si128(_mm_or_si128(_mm_cmplt_epi8(text, _mm_set1_epi8(0x21)), is(text, 0x7f)), is(text, ':'));
      if (const unsigned stops = mask(stop)) return before(p + __builtin_ctz(stops), end);
    }
    return end;
  }
  static const char* value_end(const char* p, const char* end) noexcept {
    for (; p < end; p += 16) {
      const __m128i text = load(p);
      const __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(text, _mm_set1_epi8(0x1f)), text);
      const __m128i stop = _mm_or_si128(_mm_andnot_si128(is(text, '\t'), control), is(text, 0x7f));
      if (const unsigned stops = mask(stop)) return before(p + __builtin_ctz(stops), end);
    }
    return end;
  }

 private:
  static __m128i load(const char* p) noexcept { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)); }
  static __m128i is(__m128i text, char c) noexcept { return _mm_cmpeq_epi8(text, _mm_set1_epi8(c)); }
  static unsigned mask(__m128i bytes) noexcept { return static_cast<unsigned>(_mm_movemask_epi8(bytes)); }
  static const char* before(const char* at, const char* end) noexcept { return at < end ? at : end; }
};
using Scan = Sse2Scan;
#else
using Scan = ScalarScan;
#endif

}  // namespace weir::http1::detail
