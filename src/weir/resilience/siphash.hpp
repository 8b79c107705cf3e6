// SipHash: a keyed hash for tables that strangers fill.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace weir::resilience {

/// SipHash-c-d by Aumasson and Bernstein ("SipHash: a fast short-input PRF", 2012), 64 bits out. Without the key an
/// outsider cannot make keys collide. 1-3 is what hash tables use; 2-4 is the one with published test vectors.
template <int CompressionRounds, int FinalRounds>
class SipHash {
 public:
  constexpr SipHash(std::uint64_t key0, std::uint64_t key1) noexcept : key0_(key0), key1_(key1) {}

  [[nodiscard]] std::uint64_t operator()(const void* data, std::size_t size) const noexcept {
    State s{key0_ ^ 0x736f6d6570736575u, key1_ ^ 0x646f72616e646f6du, key0_ ^ 0x6c7967656e657261u,
            key1_ ^ 0x7465646279746573u};
    const auto* at = static_cast<const unsigned char*>(data);
    for (std::size_t left = size; left >= 8; left -= 8, at += 8) s.absorb(load(at, 8));
    s.absorb(load(at, size & 7) | (std::uint64_t{size & 0xff} << 56));
    s.v2 ^= 0xff;
    s.template rounds<FinalRounds>();
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
  }

 private:
  struct State {
    std::uint64_t v0, v1, v2, v3;

    template <int Count>
    void rounds() noexcept {
      for (int i = 0; i < Count; ++i) {
        v0 += v1, v1 = std::rotl(v1, 13) ^ v0, v0 = std::rotl(v0, 32);
        v2 += v3, v3 = std::rotl(v3, 16) ^ v2;
        v0 += v3, v3 = std::rotl(v3, 21) ^ v0;
        v2 += v1, v1 = std::rotl(v1, 17) ^ v2, v2 = std::rotl(v2, 32);
      }
    }
    void absorb(std::uint64_t word) noexcept {
      v3 ^= word;
      rounds<CompressionRounds>();
      v0 ^= word;
    }
  };

  /// `count` bytes, little-endian.
  static std::uint64_t load(const unsigned char* from, std::size_t count) noexcept {
    std::uint64_t word = 0;
    if (count == 8) {
      std::memcpy(&word, from, 8);
      if constexpr (std::endian::native == std::endian::big) word = __builtin_bswap64(word);
      return word;
    }
    for (std::size_t i = 0; i < count; ++i) word |= std::uint64_t{from[i]} << (8 * i);
    return word;
  }

  std::uint64_t key0_;
  std::uint64_t key1_;
};

using SipHash13 = SipHash<1, 3>;
using SipHash24 = SipHash<2, 4>;

}  // namespace weir::resilience
