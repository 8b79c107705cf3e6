// Every bound that a server keeps, with its default.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "weir/time/clock.hpp"

namespace weir::server {

/// The size of the table that header fields are parsed into: Limits::header_count may not be above it.
inline constexpr std::size_t max_header_count = 100;

/// Bounds of HTTP/2 connections, beside those of Limits, which hold for every protocol. The rates are per connection;
/// ten times as many may come at once. Who passes one is cut off with GOAWAY (ENHANCE_YOUR_CALM).
struct Http2Limits {
  bool enabled = true;  ///< Off: connections that begin with HTTP/2's preface are refused as bad HTTP/1.

  std::uint32_t concurrent_streams = 128;         ///< Requests that one connection may have open: refused.
  std::uint32_t stream_window = 256 * 1024;       ///< Request body that may wait for its handler: the client waits.
  std::uint32_t connection_window = 1024 * 1024;  ///< The same for all streams of a connection together.
  std::size_t stream_output_bytes = 64 * 1024;    ///< Streamed response body that may wait: the handler waits.
  std::uint32_t continuations = 8;                ///< CONTINUATION frames of one head: cut off.

  std::uint32_t resets_per_second = 50;          ///< Streams that come to nothing: reset, malformed or refused.
  std::uint32_t settings_per_second = 10;        ///< SETTINGS frames.
  std::uint32_t pings_per_second = 20;           ///< PING frames.
  std::uint32_t empty_frames_per_second = 50;    ///< DATA without data and CONTINUATION, unless it ends something.
  std::uint32_t priorities_per_second = 200;     ///< PRIORITY and PRIORITY_UPDATE frames.
  std::uint32_t window_updates_per_second = 50;  ///< WINDOW_UPDATE frames, beside those that our output explains.
  std::uint32_t other_frames_per_second = 20;    ///< Frames of unknown types, GOAWAY.
};

/// Sizes are bytes. Zero means "no limit" only where it says so. What is answered when a limit is passed stands behind
/// each; "closed" means that the connection ends without an answer because none could be understood.
struct Limits {
  std::size_t target_bytes = 8 * 1024;           ///< Request target: 414.
  std::size_t header_bytes = 16 * 1024;          ///< Request line and header section: 431.
  std::size_t header_count = max_header_count;   ///< Header fields: 431.
  std::size_t trailer_bytes = 4 * 1024;          ///< Trailer section: 413.
  std::size_t chunk_extension_bytes = 4 * 1024;  ///< Extensions of all chunks of a body: 400.
  std::uint64_t body_bytes = 4ull << 20;         ///< Request body, unless the route says otherwise: 413. 0: no limit.
  std::uint64_t discard_bytes =
      256 * 1024;  ///< Unread request body that is read and dropped to keep a connection; past it: closed.

  Duration header_timeout = std::chrono::seconds(10);  ///< First byte of a request to the end of its head: 408.
  Duration idle_timeout = std::chrono::seconds(75);    ///< Kept-alive connection without a request: closed.
  Duration request_timeout =
      std::chrono::seconds(30);  ///< End of the head, or of the last of the body that has arrived so far, to the start
                                 ///< of the answer: 503, work cancelled. 0: none.
  Duration stall_timeout =
      std::chrono::seconds(10);  ///< Nothing moved of a body that is being received (408) or sent (closed).
  std::uint64_t min_rate =
      240;  ///< Bytes/s that a body must move on average after the stall time-out has passed once. 0: any.
  Duration linger_timeout =
      std::chrono::seconds(2);  ///< How long a closing connection is still read, so that the last answer arrives; and
                                ///< how long, in a drain, a new connection may take to send its request.

  /// Connections of the whole server: 503 and closed. One whose client has gone counts until its handlers have ended.
  std::size_t connections = 65536;
  std::uint64_t requests_per_connection = 0;  ///< Then `Connection: close`. 0: no limit.
  std::size_t output_bytes =
      256 * 1024;  ///< Output waiting for a slow reader; above it nothing more is parsed or produced.

  bool http1_enabled = true;  ///< Off: connections that do not begin with HTTP/2's preface are closed.
  Http2Limits http2;
};

}  // namespace weir::server
