// The opening handshake (RFC 6455 section 4.2, RFC 8441 for HTTP/2): what a request must have, and what answers it.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "weir/http/message.hpp"

namespace weir::websocket {

/// The one version there is.
inline constexpr std::string_view version = "13";

enum class HandshakeProblem : std::uint8_t {
  none,
  not_a_websocket,  ///< A plain request: 426 with `Upgrade: websocket`.
  wrong_version,    ///< 426 with `Sec-WebSocket-Version: 13`.
  bad_method,       ///< Not GET: 405.
  bad_key,          ///< 400
};

/// What is wrong with a request for a WebSocket, by its head. Over HTTP/2 (method CONNECT, Request::protocol) there is
/// no key.
[[nodiscard]] HandshakeProblem check_handshake(const http::Request& request) noexcept;
[[nodiscard]] std::string_view message_of(HandshakeProblem problem) noexcept;

/// The value of Sec-WebSocket-Accept for a Sec-WebSocket-Key (section 4.2.2): 28 characters.
[[nodiscard]] std::array<char, 28> accept_key(std::string_view key) noexcept;

/// The first of the client's subprotocols that is among `supported`; empty: none is. The client's order is its
/// preference (section 4.1). The view is into `supported`.
[[nodiscard]] std::string_view choose_subprotocol(const http::HeaderView& headers,
                                                  std::span<const std::string> supported) noexcept;

/// Whether a browser's page may connect: its Origin has the request's own host and port (and is no http page where the
/// request is known to have come by https), or is in `allowed` ("https://app.example"; "*" allows all). Requests
/// without an Origin are no browser's, and pass: other clients can send whatever they like (section 10.2).
[[nodiscard]] bool origin_allowed(const http::Request& request, std::span<const std::string> allowed) noexcept;

}  // namespace weir::websocket
