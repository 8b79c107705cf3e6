#include "weir/http/detail/json_text.hpp"

#include <cstddef>
#include <cstdint>

namespace weir::http::detail {
namespace {

// The length of the UTF-8 sequence at the front of `text` (RFC 3629 section 4); 0 when there is none.
std::size_t sequence_length(std::string_view text) noexcept {
  const auto at = [&text](std::size_t i) { return static_cast<std::uint8_t>(i < text.size() ? text[i] : 0); };
  const auto continues = [&at](std::size_t i) { return (at(i) & 0xC0U) == 0x80U; };
  const std::uint8_t a = at(0);
  const std::uint8_t b = at(1);
  if (a < 0x80) return 1;
  if (a >= 0xC2 && a <= 0xDF) return continues(1) ? 2 : 0;
  if (a >= 0xE0 && a <= 0xEF) {
    if (!continues(1) || !continues(2) || (a == 0xE0 && b < 0xA0) || (a == 0xED && b > 0x9F)) return 0;
    return 3;
  }
  if (a >= 0xF0 && a <= 0xF4) {
    if (!continues(1) || !continues(2) || !continues(3) || (a == 0xF0 && b < 0x90) || (a == 0xF4 && b > 0x8F)) return 0;
    return 4;
  }
  return 0;
}

void write_escape(char c, Buffer& out) {
  static constexpr char hex[] = "0123456789abcdef";
  switch (c) {
    case '"':
      return out.append("\\\"");
    case '\\':
      return out.append("\\\\");
    case '\n':
      return out.append("\\n");
    case '\r':
      return out.append("\\r");
    case '\t':
      return out.append("\\t");
    default: {
      const auto byte = static_cast<std::uint8_t>(c);
      const char text[6] = {'\\', 'u', '0', '0', hex[byte >> 4], hex[byte & 15]};
      out.append({text, sizeof text});
    }
  }
}

bool is_plain(char c) noexcept {
  const auto byte = static_cast<std::uint8_t>(c);
  return byte >= 0x20 && byte < 0x7f && c != '"' && c != '\\';
}

}  // namespace

void write_json_string(std::string_view text, Buffer& out) {
  out.push_back('"');
  while (!text.empty()) {
    std::size_t plain = 0;
    while (plain < text.size() && is_plain(text[plain])) ++plain;
    out.append(text.substr(0, plain));
    text.remove_prefix(plain);
    if (text.empty()) break;
    const std::size_t length = sequence_length(text);
    if (length > 1) {
      out.append(text.substr(0, length));
    } else if (length == 1) {
      write_escape(text.front(), out);
    } else {
      out.append("\xEF\xBF\xBD");
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  out.push_back('"');
}

}  // namespace weir::http::detail
