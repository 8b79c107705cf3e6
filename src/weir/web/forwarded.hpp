// Whom a request is from when proxies stand in between: RFC 7239, and the X-Forwarded fields that came before it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "weir/base/arena.hpp"
#include "weir/http/headers.hpp"
#include "weir/net/address.hpp"
#include "weir/net/cidr.hpp"

namespace weir {

/// The fields that the proxies write. Only one kind is read: a proxy that writes one passes the other on as the client
/// sent it.
enum class ForwardedFields : std::uint8_t {
  x_forwarded,  ///< X-Forwarded-For, X-Forwarded-Proto, X-Forwarded-Host
  forwarded,    ///< Forwarded (RFC 7239)
};

/// Proxies that are believed. None by default: any client can write such fields.
struct TrustedProxies {
  /// Their addresses: "10.0.0.0/8", "2001:db8::/32", "127.0.0.1", "unix" for all on Unix sockets.
  std::vector<std::string> ranges;
  /// They must set, or remove, all of the fields of this kind.
  ForwardedFields fields = ForwardedFields::x_forwarded;
};

/// What the proxies said. Views into the request's fields; empty where they said nothing (usable).
struct Forwarded {
  net::SocketAddress client;   ///< The first address from the right that is no trusted proxy's. Without a port.
  std::string_view scheme;     ///< "http" or "https".
  std::string_view authority;  ///< The host that the client asked for.
};

/// Reads the fields of a request whose connection comes from `peer`, a trusted proxy. Goes from the right to the left
/// as far as the proxies are trusted, so that what a client wrote itself is never believed. Scheme and host are those
/// that were written by the proxy that saw the client.
[[nodiscard]] Forwarded read_forwarded(const http::HeaderView& headers, const net::SocketAddress& peer,
                                       const net::CidrSet& trusted, ForwardedFields fields) noexcept;

}  // namespace weir
