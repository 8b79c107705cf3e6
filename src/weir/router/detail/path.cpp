#include "weir/router/detail/path.hpp"

#include <bit>
#include <cstring>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace weir::router {
namespace {

/// A text of less than 16 bytes with zeros behind it.
Ends padded16(const char* p, std::size_t n) noexcept {
  if (n <= 8) return {padded8(p, n), 0};
  return {load64(p), load64(p + n - 8) >> (8 * (16 - n))};
}

// Sixteen bytes of a path, and which of them are a character: bit i stands for byte i.
#if defined(__SSE2__)
using Block = __m128i;
Block load_block(const char* p) noexcept {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
}
Block load_short(const char* p, std::size_t n) noexcept {  // n < 16, zeros behind
  const auto [low, high] = padded16(p, n);
  return _mm_set_epi64x(static_cast<std::int64_t>(high), static_cast<std::int64_t>(low));
}
std::uint64_t bytes_equal(Block block, char c) noexcept {
  return static_cast<std::uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(block, _mm_set1_epi8(c))));
}
#else
using Block = Ends;
Block load_block(const char* p) noexcept {
  return {load64(p), load64(p + 8)};
}
Block load_short(const char* p, std::size_t n) noexcept {
  return padded16(p, n);
}
std::uint64_t bytes_equal(std::uint64_t word, char c) noexcept {
  constexpr std::uint64_t low = 0x7f7f7f7f7f7f7f7f;
  const auto x = word ^ (0x0101010101010101U * static_cast<unsigned char>(c));
  const auto found = ~(((x & low) + low) | x | low);  // 0x80 in each byte that is equal
  return (found >> 7) * 0x0102040810204080U >> 56;    // gathers the eight bits
}
std::uint64_t bytes_equal(Block block, char c) noexcept {
  return bytes_equal(block.first, c) | bytes_equal(block.last, c) << 8;
}
#endif

constexpr int hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

/// False when there is a percent sign: then decode() does it all again.
bool Path::split(std::size_t max_segments) noexcept {
  const char* const p = text_;
  const std::size_t n = size_;
  std::size_t count = 0;
  const auto begin_at = [&](std::size_t at) {
    hash_[count] = not_hashed;
    begin_[count++] = static_cast<std::uint32_t>(at);
  };
  const auto end_at = [&](std::size_t at) {
    begin_[count] = static_cast<std::uint32_t>(at + 1);
    count_ = count;
  };
  begin_at(1);
  std::size_t at = 0;
  std::uint64_t seen = ~std::uint64_t{1};  // the first slash is done
  while (at < n) {
    const auto block = at + 16 <= n ? load_block(p + at) : n >= 16 ? load_block(p + n - 16) : load_short(p, n);
    if (at + 16 > n && n >= 16) {  // the last block overlaps the one before
      seen &= ~std::uint64_t{0} << (at - (n - 16));
      at = n - 16;
    }
    if (bytes_equal(block, '%') != 0) return false;
    for (auto slashes = bytes_equal(block, '/') & seen; slashes != 0; slashes &= slashes - 1) {
      if (count == max_segments) {
        end_at(n);
        return std::memchr(p + at, '%', n - at) == nullptr;
      }
      begin_at(at + static_cast<std::size_t>(std::countr_zero(slashes)) + 1);
    }
    seen = ~std::uint64_t{0};
    at += 16;
  }
  end_at(n);
  return true;
}

/// RFC 3986 section 2.1. False for an escape without two digits and for %00, which no handler expects in a text.
bool Path::decode(std::string_view raw, std::size_t max_segments, Arena& arena) {
  auto* const out = static_cast<char*>(arena.bump(raw.size(), 1));
  std::size_t size = 0;
  std::size_t colon = unescaped;
  count_ = 0;
  for (std::size_t i = 0; i < raw.size(); ++i) {
    char c = raw[i];
    if (c == '%') {
      if (i + 2 >= raw.size()) return false;
      const int high = hex_digit(raw[i + 1]);
      const int low = hex_digit(raw[i + 2]);
      if (high < 0 || low < 0 || (high | low) == 0) return false;
      c = static_cast<char>(high << 4 | low);
      i += 2;
    } else if (c == '/') {
      colon = unescaped;
      if (count_ < max_segments) {
        hash_[count_] = not_hashed;
        begin_[count_++] = static_cast<std::uint32_t>(size + 1);
      }
    } else if (c == ':') {
      colon = size;
    }
    out[size++] = c;
  }
  text_ = out;
  size_ = size;
  begin_[count_] = static_cast<std::uint32_t>(size + 1);
  verb_size_ = colon == unescaped ? unescaped - 1 : size - colon - 1;
  return true;
}

}  // namespace weir::router
