#include "weir/server/http2_flood_guard.hpp"

#include <algorithm>
#include <chrono>

namespace weir::server {

using http2::FrameType;

namespace {
/// A client that reads gives back its windows in steps of about this at the least, for the stream and the connection.
constexpr float bytes_per_update = 512;
}  // namespace

Http2FloodGuard::Http2FloodGuard(const Http2Limits& limits, Instant now) noexcept : limits_(&limits), filled_(now) {
  for (std::size_t kind = 0; kind < kinds; ++kind) tokens_[kind] = rate(static_cast<Kind>(kind)) * burst_seconds;
}

float Http2FloodGuard::rate(Kind kind) const noexcept {
  switch (kind) {
    case reset:
      return static_cast<float>(limits_->resets_per_second);
    case settings:
      return static_cast<float>(limits_->settings_per_second);
    case ping:
      return static_cast<float>(limits_->pings_per_second);
    case empty:
      return static_cast<float>(limits_->empty_frames_per_second);
    case priority:
      return static_cast<float>(limits_->priorities_per_second);
    case window_update:
      return static_cast<float>(limits_->window_updates_per_second);
    case other:
    case kinds:
      break;
  }
  return static_cast<float>(limits_->other_frames_per_second);
}

std::string_view Http2FloodGuard::count(const http2::FrameHeader& frame, Instant now) noexcept {
  switch (frame.type) {
    case FrameType::data:
      return take(empty, now);
    case FrameType::continuation:
      // One that is filled brings fields; their number and size have limits of their own.
      return frame.length == 0 ? take(empty, now) : std::string_view{};
    case FrameType::rst_stream:
      return take(reset, now);
    case FrameType::settings:
      return frame.ack() ? take(other, now) : take(settings, now);
    case FrameType::ping:
      return take(ping, now);
    case FrameType::priority:
    case FrameType::priority_update:
      return take(priority, now);
    case FrameType::window_update:
      return take(window_update, now);
    default:
      return take(other, now);
  }
}

std::string_view Http2FloodGuard::take(Kind kind, Instant now) noexcept {
  static constexpr std::array<std::string_view, kinds> reasons = {"HTTP/2 reset flood",
                                                                  "HTTP/2 SETTINGS flood",
                                                                  "HTTP/2 PING flood",
                                                                  "HTTP/2 flood of empty frames",
                                                                  "HTTP/2 PRIORITY flood",
                                                                  "HTTP/2 WINDOW_UPDATE flood",
                                                                  "HTTP/2 flood of unknown frames"};
  if (tokens_[kind] < 1) {
    const float seconds = std::chrono::duration<float>(now - filled_).count();
    filled_ = now;
    for (std::size_t each = 0; each < kinds; ++each) {
      const float per_second = rate(static_cast<Kind>(each));
      tokens_[each] =
          std::max(tokens_[each], std::min(tokens_[each] + per_second * seconds, per_second * burst_seconds));
    }
    if (tokens_[kind] < 1) return reasons[kind];
  }
  tokens_[kind] -= 1;
  return {};
}

void Http2FloodGuard::on_sent(std::uint64_t bytes) noexcept {
  // Enough for what is under way; more would let a client save up for a flood.
  constexpr float most = 100'000;
  float& tokens = tokens_[window_update];
  tokens = std::max(tokens, std::min(tokens + static_cast<float>(bytes) / bytes_per_update, most));
}

}  // namespace weir::server
