#include "weir/websocket/frame_parser.hpp"

#include <algorithm>

namespace weir::websocket {

namespace {

std::uint64_t read_length(const char* at, std::size_t width) noexcept {
  std::uint64_t length = 0;
  for (std::size_t i = 0; i < width; ++i) length = (length << 8) | static_cast<unsigned char>(at[i]);
  return length;
}

}  // namespace

CloseCode close_code_of(FrameError error) noexcept {
  return error == FrameError::message_too_big ? CloseCode::too_big : CloseCode::protocol_error;
}

std::string_view message_of(FrameError error) noexcept {
  switch (error) {
    case FrameError::none:
      return "no error";
    case FrameError::reserved_bits:
      return "a reserved bit is set";
    case FrameError::reserved_opcode:
      return "the opcode is reserved";
    case FrameError::not_masked:
      return "a client's frame is not masked";
    case FrameError::masked:
      return "a server's frame is masked";
    case FrameError::long_control:
      return "a control frame has more than 125 bytes";
    case FrameError::fragmented_control:
      return "a control frame is fragmented";
    case FrameError::nothing_to_continue:
      return "a continuation without a message";
    case FrameError::message_not_finished:
      return "a message begins within another";
    case FrameError::length_not_minimal:
      return "a length is not in its shortest form";
    case FrameError::message_too_big:
      return "the message is too big";
  }
  return "unknown error";
}

FrameEvent FrameParser::fail(FrameError error) const noexcept {
  FrameEvent event;
  event.kind = FrameEvent::Kind::error;
  event.error = error;
  return event;
}

FrameEvent FrameParser::next(std::span<char> input) noexcept {
  if (left_ != 0) return input.empty() ? FrameEvent{} : piece(input, 0);
  if (input.size() < 2) return {};
  const auto first = static_cast<unsigned char>(input[0]);
  const auto second = static_cast<unsigned char>(input[1]);
  const bool final = (first & 0x80) != 0;
  const bool compressed = (first & 0x40) != 0;
  const bool is_control = (first & 0x08) != 0;
  const auto opcode = static_cast<Opcode>(first & 0x0f);
  const bool masked = (second & 0x80) != 0;

  // What the first two bytes tell is refused at once (RFC 6455 section 5.2), not when the rest has come.
  if ((first & 0x30) != 0) return fail(FrameError::reserved_bits);
  if (compressed && (!compression_ || is_control || opcode == Opcode::continuation)) {
    return fail(FrameError::reserved_bits);  // RFC 7692 section 6.1
  }
  if ((first & 0x07) > 2) return fail(FrameError::reserved_opcode);
  if (masked != from_client_) return fail(masked ? FrameError::masked : FrameError::not_masked);
  std::uint64_t length = second & 0x7f;
  if (is_control) {
    if (!final) return fail(FrameError::fragmented_control);
    if (length > max_control_payload) return fail(FrameError::long_control);
  } else if (opcode == Opcode::continuation) {
    if (!in_message_) return fail(FrameError::nothing_to_continue);
  } else if (in_message_) {
    return fail(FrameError::message_not_finished);
  }

  std::size_t header = 2;
  if (length >= 126) {
    const std::size_t width = length == 126 ? 2 : 8;
    if (input.size() < header + width) return {};
    length = read_length(&input[header], width);
    header += width;
    if (length < (width == 2 ? 126U : 65536U) || length >> 63 != 0) return fail(FrameError::length_not_minimal);
  }
  if (masked) header += 4;
  if (is_control) {
    if (input.size() < header + length) return {};
    return control(input, header, static_cast<std::size_t>(length));
  }
  const std::uint64_t so_far = opcode == Opcode::continuation ? message_size_ : 0;
  if (length > max_message_ || so_far > max_message_ - length) return fail(FrameError::message_too_big);
  if (input.size() < header) return {};

  if (opcode != Opcode::continuation) {
    opcode_ = opcode;
    compressed_ = compressed;
    first_ = true;
    in_message_ = true;
  }
  message_size_ = so_far + length;
  final_ = final;
  left_ = length;
  if (masked) key_ = MaskKey::read(&input[header - 4]);
  return piece(input, header);
}

FrameEvent FrameParser::control(std::span<char> input, std::size_t header, std::size_t length) const noexcept {
  const auto opcode = static_cast<Opcode>(input[0] & 0x0f);
  FrameEvent event;
  event.kind = opcode == Opcode::ping   ? FrameEvent::Kind::ping
               : opcode == Opcode::pong ? FrameEvent::Kind::pong
                                        : FrameEvent::Kind::close;
  event.opcode = opcode;
  event.begins = event.ends = true;
  event.consumed = header + length;
  event.payload = input.subspan(header, length);
  if (from_client_) apply_mask(event.payload.data(), length, MaskKey::read(&input[header - 4]));
  return event;
}

/// What there is of the current data frame, behind `header` bytes of the input.
FrameEvent FrameParser::piece(std::span<char> input, std::size_t header) noexcept {
  const std::size_t size = static_cast<std::size_t>(std::min<std::uint64_t>(left_, input.size() - header));
  FrameEvent event;
  event.kind = FrameEvent::Kind::data;
  event.opcode = opcode_;
  event.compressed = compressed_;
  event.consumed = header + size;
  event.payload = input.subspan(header, size);
  if (from_client_) {
    apply_mask(event.payload.data(), size, key_);
    key_ = key_.from(size);
  }
  left_ -= size;
  event.begins = first_;
  first_ = false;
  event.ends = final_ && left_ == 0;
  if (event.ends) in_message_ = false;
  return event;
}

}  // namespace weir::websocket
