#include "weir/websocket/utf8.hpp"

#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace weir::websocket {

namespace {

/// The first byte in [at, end) that is not ASCII, or somewhat before it, or `end`.
const char* skip_ascii(const char* at, const char* end) noexcept {
#if defined(__SSE2__)
  const auto load = [](const char* p) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)); };
  for (; end - at >= 64; at += 64) {
    const __m128i any = _mm_or_si128(_mm_or_si128(load(at), load(at + 16)), _mm_or_si128(load(at + 32), load(at + 48)));
    if (_mm_movemask_epi8(any) != 0) break;
  }
  for (; end - at >= 16; at += 16) {
    if (_mm_movemask_epi8(load(at)) != 0) return at;
  }
#endif
  for (; end - at >= 8; at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, at, 8);
    if ((word & 0x8080808080808080U) != 0) return at;
  }
  while (at < end && static_cast<unsigned char>(*at) < 0x80) ++at;
  return at;
}

}  // namespace

/// The byte that begins a sequence (RFC 3629 section 4: the grammar says which second bytes may follow).
bool Utf8Validator::lead(unsigned char byte) noexcept {
  low_ = 0x80;
  high_ = 0xbf;
  if (byte >= 0xc2 && byte <= 0xdf) {
    missing_ = 1;
  } else if (byte >= 0xe0 && byte <= 0xef) {
    missing_ = 2;
    if (byte == 0xe0) low_ = 0xa0;
    if (byte == 0xed) high_ = 0x9f;
  } else if (byte >= 0xf0 && byte <= 0xf4) {
    missing_ = 3;
    if (byte == 0xf0) low_ = 0x90;
    if (byte == 0xf4) high_ = 0x8f;
  } else {
    good_ = byte < 0x80;
  }
  return good_;
}

bool Utf8Validator::feed(std::string_view piece) noexcept {
  if (!good_) return false;
  const char* at = piece.data();
  const char* const end = at + piece.size();
  while (at < end) {
    if (missing_ == 0) {
      if (static_cast<unsigned char>(*at) < 0x80) {
        at = skip_ascii(at, end);
        if (at == end) break;
      }
      if (!lead(static_cast<unsigned char>(*at++))) return false;
      continue;
    }
    const auto byte = static_cast<unsigned char>(*at++);
    if (byte < low_ || byte > high_) {
      good_ = false;
      return false;
    }
    low_ = 0x80;
    high_ = 0xbf;
    --missing_;
  }
  return true;
}

bool is_utf8(std::string_view text) noexcept {
  Utf8Validator validator;
  return validator.feed(text) && validator.complete();
}

}  // namespace weir::websocket
