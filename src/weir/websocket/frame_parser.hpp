// Frames from bytes (RFC 6455 section 5.2), strict, in place, resumable at every byte.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "weir/websocket/frame.hpp"

namespace weir::websocket {

enum class FrameError : std::uint8_t {
  none,
  reserved_bits,         ///< An extension bit that was not negotiated (1002).
  reserved_opcode,       ///< 1002
  not_masked,            ///< A client must mask (section 5.1): 1002.
  masked,                ///< A server must not: 1002.
  long_control,          ///< A control frame above 125 bytes: 1002.
  fragmented_control,    ///< 1002
  nothing_to_continue,   ///< A continuation without a message: 1002.
  message_not_finished,  ///< A message begins within another: 1002.
  length_not_minimal,    ///< The length could be said in fewer bytes, or has its highest bit set: 1002.
  message_too_big,       ///< Above FrameParser::Options::max_message: 1009.
};

[[nodiscard]] CloseCode close_code_of(FrameError error) noexcept;
/// A short sentence for the Close frame and the log. Static storage.
[[nodiscard]] std::string_view message_of(FrameError error) noexcept;

/// Something that was found. `payload` lies in the input, unmasked, and is valid as long as those bytes stay.
struct FrameEvent {
  enum class Kind : std::uint8_t {
    need_more,  ///< Nothing whole: keep what is not consumed and come again with more behind it.
    data,       ///< A piece of a message: what there is of a frame's payload. May be empty.
    ping,       ///< Control frames are whole.
    pong,
    close,
    error,  ///< See error: the connection is of no more use.
  };
  Kind kind = Kind::need_more;
  Opcode opcode = Opcode::continuation;  ///< Of the message, for data: text or binary.
  bool begins = false;                   ///< The message's first piece.
  bool ends = false;                     ///< Its last.
  bool compressed = false;               ///< The message is (RSV1 in its first frame).
  FrameError error = FrameError::none;
  std::size_t consumed = 0;  ///< Bytes of the input that this event has used up.
  std::span<char> payload;

  [[nodiscard]] std::string_view text() const noexcept { return {payload.data(), payload.size()}; }
};

/// Parses what one peer sends. Holds no buffer: a header or a control frame that is cut stays in the caller's (at most
/// 139 bytes); of a data frame every byte is given out as soon as it is there. The events' payloads, joined, do not
/// depend on how the input was cut.
class FrameParser {
 public:
  struct Options {
    bool from_client = true;              ///< Frames must be masked; else they must not be.
    bool compression = false;             ///< permessage-deflate was negotiated: RSV1 is allowed.
    std::uint64_t max_message = 1 << 20;  ///< Bytes of a message's payload as sent, over all its frames. 0: no limit.
  };

  FrameParser() noexcept = default;
  explicit FrameParser(const Options& options) noexcept
      : max_message_(options.max_message == 0 ? ~std::uint64_t{0} : options.max_message),
        from_client_(options.from_client),
        compression_(options.compression) {}

  /// The next event at the front of `input`, whose bytes may be changed (unmasked). Call it until need_more.
  [[nodiscard]] FrameEvent next(std::span<char> input) noexcept;

  /// Bytes of the current data frame's payload that are to come; 0 between frames.
  [[nodiscard]] std::uint64_t frame_left() const noexcept { return left_; }
  /// Within a message: after its first piece and before its last.
  [[nodiscard]] bool in_message() const noexcept { return in_message_; }
  /// Whether the current message is compressed.
  [[nodiscard]] bool compressed() const noexcept { return compressed_; }

 private:
  [[nodiscard]] FrameEvent fail(FrameError error) const noexcept;
  [[nodiscard]] FrameEvent control(std::span<char> input, std::size_t header, std::size_t length) const noexcept;
  [[nodiscard]] FrameEvent piece(std::span<char> input, std::size_t header) noexcept;

  std::uint64_t max_message_ = 1 << 20;
  std::uint64_t left_ = 0;                // of the current frame's payload
  std::uint64_t message_size_ = 0;        // announced so far by the message's frames
  MaskKey key_;                           // for the next byte of the payload
  Opcode opcode_ = Opcode::continuation;  // of the message
  bool from_client_ = true;
  bool compression_ = false;
  bool in_message_ = false;
  bool final_ = false;  // the current frame is the message's last
  bool first_ = false;  // the next piece is the message's first
  bool compressed_ = false;
};

}  // namespace weir::websocket
