#include "weir/json/detail/base64.hpp"

#include <array>
#include <cstdint>

namespace weir::json::detail {
namespace {
constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr std::array<std::int8_t, 256> make_values() {
  std::array<std::int8_t, 256> values{};
  for (auto& value : values) value = -1;
  for (std::size_t i = 0; i < alphabet.size(); ++i) {
    values[static_cast<unsigned char>(alphabet[i])] = static_cast<std::int8_t>(i);
  }
  return values;
}
constexpr auto values = make_values();
}  // namespace

std::size_t base64_decoded_size(std::string_view text) noexcept {
  if (text.size() % 4 != 0) return 0;
  const std::size_t size = text.size() / 4 * 3;
  if (text.ends_with("==")) return size - 2;
  return text.ends_with("=") ? size - 1 : size;
}

bool base64_decode(std::string_view text, std::byte* out) noexcept {
  if (text.size() % 4 != 0) return false;
  for (int padding = 0; padding < 2 && text.ends_with('='); ++padding) text.remove_suffix(1);
  std::uint32_t bits = 0;
  unsigned have = 0;
  for (const char c : text) {
    const int value = values[static_cast<unsigned char>(c)];
    if (value < 0) return false;
    bits = bits << 6 | static_cast<std::uint32_t>(value);
    have += 6;
    if (have >= 8) {
      have -= 8;
      *out++ = static_cast<std::byte>(bits >> have & 0xff);
    }
  }
  return (bits & ((1U << have) - 1)) == 0;
}

void base64_encode(const std::byte* bytes, std::size_t size, char* out) noexcept {
  const auto byte = [&](std::size_t i) { return i < size ? std::to_integer<std::uint32_t>(bytes[i]) : 0U; };
  for (std::size_t i = 0; i < size; i += 3) {
    const std::uint32_t bits = byte(i) << 16 | byte(i + 1) << 8 | byte(i + 2);
    *out++ = alphabet[bits >> 18];
    *out++ = alphabet[bits >> 12 & 63];
    *out++ = i + 1 < size ? alphabet[bits >> 6 & 63] : '=';
    *out++ = i + 2 < size ? alphabet[bits & 63] : '=';
  }
}

}  // namespace weir::json::detail
