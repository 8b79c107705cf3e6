#include "weir/json/detail/sink.hpp"

#include <cstdint>

#include "weir/json/detail/utf8.hpp"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace weir::json::detail {
namespace {

constexpr std::size_t longest_escape = 6;  // \u001f

/// Writes one character of `p` (which may be a sequence of several bytes) and moves `p` behind it.
char* put_character(char* to, const char*& p, const char* end) noexcept {
  static constexpr char hex[] = "0123456789abcdef";
  const auto c = static_cast<unsigned char>(*p);
  if (c >= 0x80) {
    const unsigned n = utf8_sequence(p, end);
    if (n == 0) {
      ++p;
      return to + put_utf8(to, 0xfffd);
    }
    std::memcpy(to, p, n);
    p += n;
    return to + n;
  }
  ++p;
  if (c >= 0x20 && c != '"' && c != '\\') {
    *to++ = static_cast<char>(c);
    return to;
  }
  *to++ = '\\';
  switch (c) {
    case '"':
      *to++ = '"';
      return to;
    case '\\':
      *to++ = '\\';
      return to;
    case '\b':
      *to++ = 'b';
      return to;
    case '\f':
      *to++ = 'f';
      return to;
    case '\n':
      *to++ = 'n';
      return to;
    case '\r':
      *to++ = 'r';
      return to;
    case '\t':
      *to++ = 't';
      return to;
    default:
      break;
  }
  std::memcpy(to, "u00", 3);
  to[3] = hex[c >> 4];
  to[4] = hex[c & 15];
  return to + 5;
}

constexpr bool is_plain(char c) noexcept {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';
}

#ifdef __SSE2__
/// Copies fewer than 16 bytes, in two pieces that may overlap.
inline void copy_short(char* to, const char* from, unsigned n) noexcept {
  const auto both_ends = [=]<class Word>(Word) {
    Word first;
    Word last;
    std::memcpy(&first, from, sizeof first);
    std::memcpy(&last, from + n - sizeof last, sizeof last);
    std::memcpy(to, &first, sizeof first);
    std::memcpy(to + n - sizeof last, &last, sizeof last);
  };
  if (n >= 8) return both_ends(std::uint64_t{});
  if (n >= 4) return both_ends(std::uint32_t{});
  for (unsigned i = 0; i < n; ++i) to[i] = from[i];
}
#endif

}  // namespace

void Sink::put_string(std::string_view text) {
  const char* p = text.data();
  const char* const end = p + text.size();
  char* to = room(text.size() + 18);  // the quotes, and a whole step of 16 behind the last byte
  *to++ = '"';
#ifdef __SSE2__
  // 16 bytes at a time are copied and tested for what needs care: quotes, backslashes, controls, and bytes above 0x7f,
  // which as signed numbers are below 0x20 like the controls.
  const __m128i quote = _mm_set1_epi8('"');
  const __m128i backslash = _mm_set1_epi8('\\');
  const __m128i space = _mm_set1_epi8(0x20);
  while (end - p >= 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    const __m128i special = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, backslash)),
                                         _mm_cmplt_epi8(bytes, space));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), bytes);
    const auto hits = static_cast<unsigned>(_mm_movemask_epi8(special));
    if (hits != 0) {
      const auto plain = __builtin_ctz(hits);
      at_ = to + plain;
      return put_escaped(p + plain, end);
    }
    p += 16;
    to += 16;
  }
#endif
#ifdef __SSE2__
  // The rest is shorter than a step: it is copied first, and tested in the output, where a whole step can be read.
  const auto rest = static_cast<unsigned>(end - p);
  copy_short(to, p, rest);
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(to));
  const __m128i special = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, backslash)),
                                       _mm_cmplt_epi8(bytes, space));
  const auto hits = static_cast<unsigned>(_mm_movemask_epi8(special)) & ((1U << rest) - 1);
  const unsigned plain = hits == 0 ? rest : static_cast<unsigned>(__builtin_ctz(hits));
  to += plain;
  p += plain;
#else
  while (p != end && is_plain(*p)) *to++ = *p++;
#endif
  at_ = to;
  if (p != end) return put_escaped(p, end);
  *to++ = '"';
  at_ = to;
}

// The rest of a string that needs care, up to its closing quote.
void Sink::put_escaped(const char* p, const char* end) {
  while (p != end) {
    // Space for a stretch: whatever it holds, it grows by at most the longest escape per byte.
    const char* const stretch = end - p > 64 ? p + 64 : end;
    char* to = room(64 * longest_escape + 2);
    while (p < stretch) {
      if (is_plain(*p)) {
        *to++ = *p++;
      } else {
        to = put_character(to, p, end);
      }
    }
    at_ = to;
  }
  put('"');
}

}  // namespace weir::json::detail
