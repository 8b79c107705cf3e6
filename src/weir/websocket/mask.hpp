// Masking (RFC 6455 section 5.3): what every client does to what it sends, and a server takes back.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace weir::websocket {

/// The four bytes of a masking key as they lie in the frame, whatever the byte order of the machine.
struct MaskKey {
  std::uint32_t value = 0;

  static MaskKey read(const char* at) noexcept {
    MaskKey key;
    std::memcpy(&key.value, at, sizeof key.value);
    return key;
  }
  void write(char* to) const noexcept { std::memcpy(to, &value, sizeof value); }
  /// The key for data that begins `offset` bytes into the payload.
  [[nodiscard]] MaskKey from(std::uint64_t offset) const noexcept {
    const int bits = static_cast<int>(offset % 4 * 8);
    if constexpr (std::endian::native == std::endian::little) return {std::rotr(value, bits)};
    return {std::rotl(value, bits)};
  }
};

/// Masks or unmasks `size` bytes in place; the first of them is the payload's first. 16 bytes at a time where the
/// processor has SSE2, else 8.
void apply_mask(char* data, std::size_t size, MaskKey key) noexcept;

}  // namespace weir::websocket
