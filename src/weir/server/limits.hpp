// Every bound that a server keeps, with its default.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "weir/time/clock.hpp"

namespace weir::server {

/// The size of the table that header fields are parsed into: Limits::header_count may not be above it.
inline constexpr std::size_t max_header_count = 100;

/// Sizes are bytes. Zero means "no limit" only where it says so. What is answered when a limit is passed stands behind
/// each; "closed" means that the connection ends without an answer because none could be understood.
struct Limits {
  std::size_t target_bytes = 8 * 1024;          ///< Request target: 414.
  std::size_t header_bytes = 16 * 1024;         ///< Request line and header section: 431.
  std::size_t header_count = max_header_count;  ///< Header fields: 431.
  std::size_t trailer_bytes = 4 * 1024;         ///< Trailer section: 431.
  std::uint64_t body_bytes = 4ull << 20;        ///< Request body, unless the route says otherwise: 413. 0: no limit.
  std::uint64_t discard_bytes =
      256 * 1024;  ///< Unread request body that is read and dropped to keep a connection; past it: closed.

  Duration header_timeout = std::chrono::seconds(10);  ///< First byte of a request to the end of its head: 408.
  Duration idle_timeout = std::chrono::seconds(75);    ///< Kept-alive connection without a request: closed.
  Duration request_timeout =
      std::chrono::seconds(30);  ///< End of the head to the start of the answer: 503, work cancelled. 0: none.
  Duration stall_timeout =
      std::chrono::seconds(10);  ///< Nothing moved of a body that is being received (408) or sent (closed).
  std::uint64_t min_rate =
      240;  ///< Bytes/s that a body must move on average after the stall time-out has passed once. 0: any.
  Duration linger_timeout =
      std::chrono::seconds(2);  ///< How long a closing connection is still read, so that the last answer arrives; and
                                ///< how long, in a drain, a new connection may take to send its request.

  std::size_t connections = 65536;            ///< Open connections of the whole server: 503 and closed.
  std::uint64_t requests_per_connection = 0;  ///< Then `Connection: close`. 0: no limit.
  std::size_t output_bytes =
      256 * 1024;  ///< Output waiting for a slow reader; above it nothing more is parsed or produced.
};

}  // namespace weir::server
