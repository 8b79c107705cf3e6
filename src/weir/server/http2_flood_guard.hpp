// Tells clients that keep a server busy for nothing from clients that use HTTP/2.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "weir/http2/session.hpp"
#include "weir/server/limits.hpp"
#include "weir/time/clock.hpp"

namespace weir::server {

/// Counts what costs us work and a client almost nothing (RFC 9113 section 10.5), in one bucket of tokens for each kind
/// of it: Http2Limits says how many come back in a second, and a bucket holds those of `burst_seconds`. What asks for
/// something useful (requests, data) costs nothing here; other limits bound it.
class Http2FloodGuard {
 public:
  static constexpr unsigned burst_seconds = 10;

  Http2FloodGuard(const Http2Limits& limits, Instant now) noexcept;

  /// Why the client is to be cut off; empty: it may go on. Static storage.
  [[nodiscard]] std::string_view on_frame(const http2::FrameHeader& frame, Instant now) noexcept {
    // The frames that requests are made of.
    if (frame.type == http2::FrameType::headers) return {};
    if (frame.type == http2::FrameType::data && (frame.length != 0 || frame.end_stream())) return {};
    return count(frame, now);
  }
  /// A stream came to nothing, neither by the client's RST_STREAM, which is counted as a frame, nor by our will or
  /// inability: a client can make us reset streams without a single one.
  [[nodiscard]] std::string_view on_reset(Instant now) noexcept { return take(reset, now); }
  /// Bytes were written: the client may answer them with updates of its windows.
  void on_sent(std::uint64_t bytes) noexcept;

 private:
  enum Kind : std::uint8_t { reset, settings, ping, empty, priority, window_update, other, kinds };
  [[nodiscard]] std::string_view count(const http2::FrameHeader& frame, Instant now) noexcept;
  [[nodiscard]] std::string_view take(Kind kind, Instant now) noexcept;
  [[nodiscard]] float rate(Kind kind) const noexcept;

  const Http2Limits* limits_;
  Instant filled_;  // when the buckets were last filled up
  std::array<float, kinds> tokens_{};
};

}  // namespace weir::server
