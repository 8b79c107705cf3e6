#include "weir/websocket/frame.hpp"

#include <algorithm>
#include <cstring>

#include "weir/websocket/utf8.hpp"

namespace weir::websocket {

namespace {

constexpr char masked_bit = static_cast<char>(0x80);

std::size_t write_header(char* to, Opcode opcode, std::uint64_t length, FrameFlags flags, char mask) noexcept {
  to[0] =
      static_cast<char>(static_cast<unsigned>(opcode) | (flags.final ? 0x80U : 0U) | (flags.compressed ? 0x40U : 0U));
  if (length < 126) {
    to[1] = static_cast<char>(static_cast<char>(length) | mask);
    return 2;
  }
  const std::size_t width = length < 65536 ? 2 : 8;
  to[1] = static_cast<char>((width == 2 ? 126 : 127) | mask);
  for (std::size_t i = 0; i < width; ++i) to[2 + i] = static_cast<char>(length >> (8 * (width - 1 - i)));
  return 2 + width;
}

}  // namespace

bool is_sendable(std::uint16_t code) noexcept {
  if (code >= 3000) return code <= 4999;  // for libraries and applications
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014);
}

std::size_t write_frame_header(char* to, Opcode opcode, std::uint64_t length, FrameFlags flags) noexcept {
  return write_header(to, opcode, length, flags, 0);
}

std::size_t write_masked_header(char* to, Opcode opcode, std::uint64_t length, MaskKey key, FrameFlags flags) noexcept {
  const std::size_t size = write_header(to, opcode, length, flags, masked_bit);
  key.write(to + size);
  return size + 4;
}

std::size_t write_close_payload(char* to, CloseReason reason) noexcept {
  if (reason.code == CloseCode::none_given || reason.code == CloseCode::abnormal) return 0;
  const auto code = static_cast<std::uint16_t>(reason.code);
  to[0] = static_cast<char>(code >> 8);
  to[1] = static_cast<char>(code & 0xff);
  std::size_t size = std::min(reason.text.size(), max_control_payload - 2);
  if (size < reason.text.size()) {
    while (size != 0 && (static_cast<unsigned char>(reason.text[size]) & 0xc0) == 0x80) --size;
  }
  if (size != 0) std::memcpy(to + 2, reason.text.data(), size);
  return size + 2;
}

std::optional<CloseReason> parse_close_payload(std::string_view payload, bool& invalid_text) noexcept {
  invalid_text = false;
  if (payload.empty()) return CloseReason{};
  if (payload.size() < 2) return std::nullopt;
  const auto code = static_cast<std::uint16_t>((static_cast<unsigned char>(payload[0]) << 8) |
                                               static_cast<unsigned char>(payload[1]));
  if (!is_sendable(code)) return std::nullopt;
  payload.remove_prefix(2);
  if (!is_utf8(payload)) {
    invalid_text = true;
    return std::nullopt;
  }
  return CloseReason{static_cast<CloseCode>(code), payload};
}

}  // namespace weir::websocket
