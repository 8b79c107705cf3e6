#include "weir/websocket/mask.hpp"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace weir::websocket {

void apply_mask(char* data, std::size_t size, MaskKey key) noexcept {
#if defined(__SSE2__)
  const __m128i wide = _mm_set1_epi32(static_cast<int>(key.value));
  const auto step = [&wide](char* at) {
    auto* const block = reinterpret_cast<__m128i*>(at);
    _mm_storeu_si128(block, _mm_xor_si128(_mm_loadu_si128(block), wide));
  };
  for (; size >= 64; data += 64, size -= 64) {
    step(data);
    step(data + 16);
    step(data + 32);
    step(data + 48);
  }
  for (; size >= 16; data += 16, size -= 16) step(data);
#endif
  const std::uint64_t word = (std::uint64_t{key.value} << 32) | key.value;
  for (; size >= 8; data += 8, size -= 8) {
    std::uint64_t block = 0;
    std::memcpy(&block, data, 8);
    block ^= word;
    std::memcpy(data, &block, 8);
  }
  char bytes[4];
  key.write(bytes);
  for (std::size_t i = 0; i < size; ++i) data[i] = static_cast<char>(data[i] ^ bytes[i % 4]);
}

}  // namespace weir::websocket
