// The error codes of RST_STREAM and GOAWAY (RFC 9113 section 7).
#pragma once

#include <cstdint>
#include <string_view>

namespace weir::http2 {

/// A peer may send any number: values outside of the list are possible and mean nothing special.
enum class ErrorCode : std::uint32_t {
  no_error = 0,
  protocol_error = 1,
  internal_error = 2,
  flow_control_error = 3,
  settings_timeout = 4,
  stream_closed = 5,
  frame_size_error = 6,
  refused_stream = 7,  ///< Nothing was done for the request: the client may send it again.
  cancel = 8,
  compression_error = 9,
  connect_error = 10,
  enhance_your_calm = 11,
  inadequate_security = 12,
  http_1_1_required = 13,
};

/// The name in the enum, "unknown" for other numbers. Static storage.
std::string_view to_string(ErrorCode code) noexcept;

}  // namespace weir::http2
