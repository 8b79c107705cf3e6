// The extension permessage-deflate (RFC 7692): which parameters client and server agree on.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "weir/http/headers.hpp"

namespace weir::websocket {

/// What the server wants of permessage-deflate.
struct DeflateLimits {
  /// Keep the server's compressor between messages: they become smaller, and the connection holds a compressor of its
  /// own (up to 256 KiB, see window_bits and memory_level in Deflater) from its first message on.
  bool server_context = false;
  /// Let clients keep theirs: the connection holds a decompressor of its own (up to 44 KiB).
  bool client_context = false;
  std::uint8_t server_window_bits = 15;  ///< 9 to 15: the server compresses with at most 2^n bytes of history.
  std::uint8_t client_window_bits = 15;  ///< 9 to 15: asked of clients that can be asked.
};

/// What was agreed.
struct DeflateAgreement {
  bool server_context = true;  ///< The server's compressor keeps its context from message to message.
  bool client_context = true;
  std::uint8_t server_window_bits = 15;
  std::uint8_t client_window_bits = 15;
  bool say_server_bits = false;  ///< Whether the answer names them.
  bool say_client_bits = false;

  /// The element of Sec-WebSocket-Extensions that answers: "permessage-deflate; server_no_context_takeover".
  [[nodiscard]] std::string to_string() const;
};

/// The first offer of permessage-deflate in Sec-WebSocket-Extensions that can be accepted (section 7.1); nothing when
/// there is none. Offers with unknown, repeated or malformed parameters are declined, as is one that asks the server
/// for a window of 2^8 bytes: zlib cannot do that.
[[nodiscard]] std::optional<DeflateAgreement> negotiate_deflate(const http::HeaderView& headers,
                                                                const DeflateLimits& limits);
/// The same for one field value.
[[nodiscard]] std::optional<DeflateAgreement> negotiate_deflate(std::string_view offers, const DeflateLimits& limits);

}  // namespace weir::websocket
