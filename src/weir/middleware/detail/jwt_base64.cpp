#include "weir/middleware/detail/jwt_base64.hpp"

#include <array>
#include <cstdint>

namespace weir::middleware {
namespace {

constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::uint8_t not_a_digit = 0xff;

constexpr auto values = [] {
  std::array<std::uint8_t, 256> table{};
  table.fill(not_a_digit);
  for (std::size_t i = 0; i < alphabet.size(); ++i) {
    table[static_cast<unsigned char>(alphabet[i])] = static_cast<std::uint8_t>(i);
  }
  return table;
}();

constexpr unsigned value_of(char c) noexcept {
  return values[static_cast<unsigned char>(c)];
}

}  // namespace

std::optional<std::size_t> decode_base64url(std::string_view text, char* out) noexcept {
  const char* const begin = out;
  const auto put = [&out](std::uint32_t byte) { *out++ = static_cast<char>(byte & 0xff); };
  unsigned seen = 0;  // Digits are below 64; what is none sets the bits above.
  while (text.size() >= 4) {
    const unsigned a = value_of(text[0]);
    const unsigned b = value_of(text[1]);
    const unsigned c = value_of(text[2]);
    const unsigned d = value_of(text[3]);
    seen |= a | b | c | d;
    const std::uint32_t bits = a << 18 | b << 12 | c << 6 | d;
    put(bits >> 16);
    put(bits >> 8);
    put(bits);
    text.remove_prefix(4);
  }
  if (text.size() == 1) return std::nullopt;
  if (text.size() >= 2) {
    const unsigned a = value_of(text[0]);
    const unsigned b = value_of(text[1]);
    const unsigned c = text.size() == 3 ? value_of(text[2]) : 0;
    seen |= a | b | c;
    const std::uint32_t bits = a << 18 | b << 12 | c << 6;
    put(bits >> 16);
    if (text.size() == 3) put(bits >> 8);
    if ((bits & (text.size() == 3 ? 0xffU : 0xffffU)) != 0) return std::nullopt;
  }
  if (seen >= 64) return std::nullopt;
  return static_cast<std::size_t>(out - begin);
}

std::optional<std::string> decode_base64url(std::string_view text) {
  std::string bytes(decoded_size(text.size()), '\0');
  const auto size = decode_base64url(text, bytes.data());
  if (!size) return std::nullopt;
  bytes.resize(*size);
  return bytes;
}

std::string encode_base64url(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size() / 3 * 4 + 3);
  const auto byte = [&bytes](std::size_t i) -> std::uint32_t { return static_cast<unsigned char>(bytes[i]); };
  const auto digit = [&text](std::uint32_t value) { text.push_back(alphabet[value & 63]); };
  for (; bytes.size() >= 3; bytes.remove_prefix(3)) {
    const std::uint32_t bits = byte(0) << 16 | byte(1) << 8 | byte(2);
    digit(bits >> 18);
    digit(bits >> 12);
    digit(bits >> 6);
    digit(bits);
  }
  if (!bytes.empty()) {
    const std::uint32_t bits = byte(0) << 16 | (bytes.size() == 2 ? byte(1) << 8 : 0);
    digit(bits >> 18);
    digit(bits >> 12);
    if (bytes.size() == 2) digit(bits >> 6);
  }
  return text;
}

}  // namespace weir::middleware
