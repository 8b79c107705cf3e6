// What frames are made of (RFC 6455 section 5), and writing them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "weir/websocket/mask.hpp"

namespace weir::websocket {

enum class Opcode : std::uint8_t {
  continuation = 0x0,
  text = 0x1,
  binary = 0x2,
  close = 0x8,
  ping = 0x9,
  pong = 0xa,
};

/// Why a connection ends (RFC 6455 section 7.4.1 and the IANA registry).
enum class CloseCode : std::uint16_t {
  normal = 1000,
  going_away = 1001,
  protocol_error = 1002,
  unsupported_data = 1003,
  none_given = 1005,  ///< Never on the wire: a Close frame without a code.
  abnormal = 1006,    ///< Never on the wire: the connection ended without a Close frame.
  invalid_data = 1007,
  policy_violation = 1008,
  too_big = 1009,
  missing_extension = 1010,
  internal_error = 1011,
  service_restart = 1012,
  try_again_later = 1013,
};

/// Whether a peer may send this code in a Close frame.
[[nodiscard]] bool is_sendable(std::uint16_t code) noexcept;

/// What a Close frame says.
struct CloseReason {
  CloseCode code = CloseCode::none_given;
  std::string_view text;  ///< UTF-8, at most 123 bytes.
};

/// The most that a control frame carries (RFC 6455 section 5.5).
inline constexpr std::size_t max_control_payload = 125;
/// The longest header: 2 bytes, 8 of length, 4 of mask.
inline constexpr std::size_t max_frame_header = 14;

struct FrameFlags {
  bool final = true;
  bool compressed = false;  ///< RSV1 (RFC 7692 section 6): in the first frame of a message only.
};

/// Writes the header of an unmasked frame to `to`, which has room for max_frame_header bytes; returns its size.
std::size_t write_frame_header(char* to, Opcode opcode, std::uint64_t length, FrameFlags flags = {}) noexcept;
/// The same for a client's frame. The payload has to be masked with `key` by the caller.
std::size_t write_masked_header(char* to, Opcode opcode, std::uint64_t length, MaskKey key,
                                FrameFlags flags = {}) noexcept;
/// Writes a Close frame's payload: nothing for none_given. `to` has room for max_control_payload bytes; a longer text
/// is cut, between code points.
std::size_t write_close_payload(char* to, CloseReason reason) noexcept;
/// Reads one: nothing when it is malformed (RFC 6455 section 5.5.1 and 7.4): one byte, a code that nobody may send; and
/// `invalid_text` is set where its text is no UTF-8.
[[nodiscard]] std::optional<CloseReason> parse_close_payload(std::string_view payload, bool& invalid_text) noexcept;

}  // namespace weir::websocket
