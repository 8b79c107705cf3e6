// A fast hash of bodies.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace weir::middleware {

/// 64 bits out of any bytes, the same in every process and on every machine of one byte order. Fast (a multiplication
/// for 16 bytes) and well mixed, but whoever wants to can make bodies that collide.
inline std::uint64_t body_hash(std::string_view bytes) noexcept {
  __extension__ using Wide = unsigned __int128;
  // The fractional parts of the square roots of the first primes.
  constexpr std::uint64_t k0 = 0x6a09e667f3bcc908;
  constexpr std::uint64_t k1 = 0xbb67ae8584caa73b;
  constexpr std::uint64_t k2 = 0x3c6ef372fe94f82b;
  constexpr std::uint64_t k3 = 0xa54ff53a5f1d36f1;
  const auto fold = [](std::uint64_t a, std::uint64_t b) {
    const Wide product = static_cast<Wide>(a) * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
  };
  const auto load = [](const char* from) {
    std::uint64_t word = 0;
    std::memcpy(&word, from, sizeof word);
    return word;
  };
  // Two chains, so that one multiplication does not wait for the other. What was there before is added in again,
  // because a product with zero would forget it.
  std::uint64_t one = k0 ^ bytes.size();
  std::uint64_t two = k1;
  const auto take = [&](const char* block) {
    one = fold(load(block) ^ k2, load(block + 8) ^ one) + std::rotl(one, 23);
    two = fold(load(block + 16) ^ k3, load(block + 24) ^ two) + std::rotl(two, 29);
  };
  const char* at = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= 32; left -= 32, at += 32) take(at);
  if (left != 0) {
    char last[32] = {};
    std::memcpy(last, at, left);
    take(last);
  }
  const std::uint64_t both = fold(one ^ k3, two ^ k2) ^ one;
  return fold(both ^ k0, two ^ k1) ^ both;
}

}  // namespace weir::middleware
