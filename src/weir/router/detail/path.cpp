#include "weir/router/detail/path.hpp"

#include <bit>
#include <cstring>

namespace weir::router {
namespace {

static_assert(std::endian::native == std::endian::little, "the scan below takes the lowest byte for the first");

constexpr std::uint64_t every(char c) noexcept {
  return 0x0101010101010101U * static_cast<unsigned char>(c);
}
/// 0x80 in each byte of `word` that is `c`, 0 in the others.
constexpr std::uint64_t equal_bytes(std::uint64_t word, char c) noexcept {
  constexpr std::uint64_t low = 0x7f7f7f7f7f7f7f7f;
  const auto x = word ^ every(c);
  return ~(((x & low) + low) | x | low);
}

constexpr int hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

Path::Form Path::assign(std::string_view raw, std::size_t max_segments, Arena& arena) {
  count_ = 0;
  verb_size_ = unescaped;
  if (raw.empty() || raw.front() != '/' || raw.size() >= not_asked) return Form::not_absolute;
  text_ = raw;
  if (!split(max_segments) && !decode(raw, max_segments, arena)) return Form::malformed;
  begin_[count_] = static_cast<std::uint32_t>(text_.size() + 1);
  return Form::good;
}

/// Eight bytes at a time. False when there is a percent sign: then decode() does it all again.
bool Path::split(std::size_t max_segments) noexcept {
  const char* p = text_.data();
  const std::size_t n = text_.size();
  begin_segment(1);
  std::size_t at = 1;
  while (at < n) {
    if (count_ == max_segments) return std::memchr(p + at, '%', n - at) == nullptr;
    std::uint64_t word;
    std::size_t skip = 0;  // bytes of the word that were looked at before
    if (at + 8 <= n) {
      word = load64(p + at);
    } else if (n >= 8) {
      skip = at - (n - 8);
      at = n - 8;
      word = load64(p + at);
    } else {
      word = 0;
      std::memcpy(&word, p + at, n - at);
    }
    if (equal_bytes(word, '%') != 0) return false;
    auto slashes = equal_bytes(word, '/') >> (8 * skip) << (8 * skip);
    for (; slashes != 0 && count_ < max_segments; slashes &= slashes - 1) {
      begin_segment(at + static_cast<std::size_t>(std::countr_zero(slashes)) / 8 + 1);
    }
    at += 8;
  }
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
      if (count_ < max_segments) begin_segment(size + 1);
    } else if (c == ':') {
      colon = size;
    }
    out[size++] = c;
  }
  text_ = {out, size};
  verb_size_ = colon == unescaped ? unescaped - 1 : size - colon - 1;
  return true;
}

}  // namespace weir::router
