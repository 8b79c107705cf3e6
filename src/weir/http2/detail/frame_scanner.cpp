#include "weir/http2/detail/frame_scanner.hpp"

#include <algorithm>
#include <cstring>

namespace weir::http2::detail {
namespace {

constexpr std::uint8_t data = 0;
constexpr std::uint8_t headers = 1;
constexpr std::uint8_t priority = 2;
constexpr std::uint8_t rst_stream = 3;
constexpr std::uint8_t window_update = 8;

std::uint32_t number(const char* bytes, std::size_t count) noexcept {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < count; ++i) value = value << 8U | static_cast<std::uint8_t>(bytes[i]);
  return value;
}

constexpr std::uint32_t stream_bits = 0x7fffffff;  // the highest bit is reserved, or another flag
constexpr std::size_t payload_at = 9;

bool has_rule(const char* frame) noexcept {
  const auto type = static_cast<std::uint8_t>(frame[3]);
  return (type == priority || type == window_update) && number(frame, 3) >= 4;
}

}  // namespace

FrameScanner::Broken FrameScanner::check(const char* frame, FrameObserver& observer) noexcept {
  const auto type = static_cast<std::uint8_t>(frame[3]);
  const auto stream = static_cast<StreamId>(number(frame + 5, 4) & stream_bits);
  const auto flags = static_cast<std::uint8_t>(frame[4]);
  const std::string_view why = observer.on_frame({static_cast<FrameType>(type), flags, stream, number(frame, 3)});
  if (!why.empty()) return {ErrorCode::enhance_your_calm, why};
  switch (type) {
    case data:
      // A client that ended a stream itself is in error (RFC 9113 section 5.1).
      if (stream != 0 && (stream == ended_ || observer.ended(stream))) {
        return {ErrorCode::stream_closed, "DATA of a stream that has ended"};
      }
      [[fallthrough]];
    case headers:
      if ((flags & 1U) != 0) ended_ = stream;
      return {};
    case rst_stream:
      ended_ = stream;
      return {};
    default:
      break;
  }
  if (!has_rule(frame)) return {};
  const auto value = static_cast<StreamId>(number(frame + payload_at, 4) & stream_bits);
  if (type == window_update) {
    return value == 0 ? Broken{ErrorCode::protocol_error, "WINDOW_UPDATE of nothing"} : Broken{};
  }
  if (stream == 0) return {ErrorCode::protocol_error, "PRIORITY of no stream"};
  return value == stream ? Broken{ErrorCode::protocol_error, "PRIORITY of a stream that depends on itself"} : Broken{};
}

void FrameScanner::hold(std::size_t wanted, std::string_view& bytes) noexcept {
  if (held_ >= wanted) return;
  const std::size_t part = std::min(wanted - held_, bytes.size());
  if (part != 0) std::memcpy(frame_.data() + held_, bytes.data(), part);
  held_ += part;
  bytes.remove_prefix(part);
}

FrameScanner::Broken FrameScanner::scan(std::string_view bytes, FrameObserver& observer) noexcept {
  ended_ = 0;
  while (!bytes.empty()) {
    if (skip_ != 0) {
      const std::size_t part = std::min(skip_, bytes.size());
      skip_ -= part;
      bytes.remove_prefix(part);
      continue;
    }
    const char* frame = bytes.data();
    const bool cut = held_ != 0 || bytes.size() < frame_.size();
    if (cut) {
      frame = frame_.data();
      hold(header, bytes);
      if (held_ < header) break;
      if (has_rule(frame)) hold(frame_.size(), bytes);
      if (has_rule(frame) && held_ < frame_.size()) break;
    }
    const Broken broken = check(frame, observer);
    if (!broken.why.empty()) return broken;
    skip_ = number(frame, 3);
    if (cut) {
      skip_ -= held_ - header;
      held_ = 0;
    } else {
      bytes.remove_prefix(header);
    }
  }
  return {};
}

}  // namespace weir::http2::detail
