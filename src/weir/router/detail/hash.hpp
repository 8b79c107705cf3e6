// Hashing and comparing short texts without calls: segments of paths have a few bytes.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace weir::router {

inline std::uint64_t load64(const char* p) noexcept {
  std::uint64_t value;
  std::memcpy(&value, p, sizeof value);
  return value;
}
inline std::uint32_t load32(const char* p) noexcept {
  std::uint32_t value;
  std::memcpy(&value, p, sizeof value);
  return value;
}

/// The two halves of a 128-bit product, folded.
inline std::uint64_t mix(std::uint64_t a, std::uint64_t b) noexcept {
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

inline constexpr std::uint64_t hash_seed_1 = 0x9e3779b97f4a7c15;
inline constexpr std::uint64_t hash_seed_2 = 0xd1b54a32d192ed03;

/// The first and the last bytes of a text of at most 16, overlapping where it is shorter: equal for equal texts of one
/// length, and no byte outside the text is read.
struct Ends {
  std::uint64_t first;
  std::uint64_t last;
};
inline Ends ends(const char* p, std::size_t n) noexcept {
  if (n >= 8) return {load64(p), load64(p + n - 8)};
  if (n >= 4) return {load32(p), load32(p + n - 4)};
  if (n == 0) return {0, 0};
  const auto byte = [p](std::size_t i) { return static_cast<std::uint64_t>(static_cast<unsigned char>(p[i])); };
  return {byte(0) << 16 | byte(n >> 1) << 8 | byte(n - 1), 0};
}

/// A text of at most 8 bytes with zeros behind it.
inline std::uint64_t padded8(const char* p, std::size_t n) noexcept {
  static_assert(std::endian::native == std::endian::little);
  if (n >= 4) return load32(p) | static_cast<std::uint64_t>(load32(p + n - 4)) << (8 * (n - 4));
  const auto byte = [p](std::size_t i) { return static_cast<std::uint64_t>(static_cast<unsigned char>(p[i])); };
  if (n == 0) return 0;
  return byte(0) | byte(n >> 1) << (8 * (n >> 1)) | byte(n - 1) << (8 * (n - 1));
}

/// A hash for tables whose keys the operator chose: an attacker picks only what is looked up.
inline std::uint64_t hash_text(std::string_view text) noexcept {
  const char* p = text.data();
  std::size_t n = text.size();
  std::uint64_t state = hash_seed_1;
  for (; n > 16; p += 16, n -= 16) state = mix(load64(p) ^ state, load64(p + 8) ^ hash_seed_2);
  const auto [first, last] = ends(p, n);
  return mix(first ^ state, last ^ (hash_seed_2 + text.size()));
}

/// Whether `a` and `b`, each `n` bytes, are equal.
inline bool same_text(const char* a, const char* b, std::size_t n) noexcept {
  for (; n > 16; a += 16, b += 16, n -= 16) {
    if (((load64(a) ^ load64(b)) | (load64(a + 8) ^ load64(b + 8))) != 0) return false;
  }
  const auto x = ends(a, n);
  const auto y = ends(b, n);
  return ((x.first ^ y.first) | (x.last ^ y.last)) == 0;
}

/// Maps a key to [0, size), so that the sizes of tables need not be powers of two.
inline std::uint32_t slot_of(std::uint64_t key, std::uint32_t size) noexcept {
  const auto spread = (key * hash_seed_1) >> 32;
  return static_cast<std::uint32_t>((spread * size) >> 32);
}

/// The text of a segment as one number. At most short_size bytes are the number, and `meta` is their count: equal
/// exactly for equal texts. Of a longer text the number is a hash; `meta` has long_bit.
struct SegmentKey {
  static constexpr std::size_t short_size = 8;
  static constexpr std::uint32_t long_bit = 0x80000000;
  std::uint64_t key;
  std::uint32_t meta;

  static SegmentKey of(std::string_view text) noexcept {
    if (text.size() > short_size) return {hash_text(text), long_bit};
    return {padded8(text.data(), text.size()), static_cast<std::uint32_t>(text.size())};
  }
};

}  // namespace weir::router
