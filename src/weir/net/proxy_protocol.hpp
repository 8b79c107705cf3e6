// The PROXY protocol, versions 1 and 2: a load balancer tells whom it forwards for, in the first bytes of a connection.
// The specification is doc/proxy-protocol.txt of HAProxy.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>

#include "weir/net/address.hpp"
#include "weir/net/cidr.hpp"
#include "weir/net/stream_filter.hpp"

namespace weir::net {

/// The longest header that is taken. A version 1 line has at most 107 bytes; version 2 may carry values (TLVs), which
/// are skipped.
inline constexpr std::size_t max_proxy_header = 4096;

struct ProxyHeader {
  enum class State : std::uint8_t {
    complete,
    need_more,  ///< Everything so far could be the beginning of a header.
    malformed,
  };
  State state = State::need_more;
  std::size_t size = 0;  ///< Its bytes, once complete.
  /// False: the proxy speaks for itself (a health check), or does not know. The addresses of the connection hold.
  bool has_addresses = false;
  SocketAddress source;
  SocketAddress destination;
};

/// Reads a header from the first bytes of a connection. Resumable: call it with all the bytes so far.
[[nodiscard]] ProxyHeader parse_proxy_header(std::string_view bytes) noexcept;

/// A filter for connections of which the trusted peers begin with a PROXY header: they must; one without a header ends.
/// What other peers send is taken as it comes. The stream's peer() tells the client's address once the first byte
/// behind the header has been read. `trusted` is copied. `on_refused` hears of the peers whose connections end so, on
/// the loop of each; it must not throw.
[[nodiscard]] StreamFilterFactory proxy_protocol(CidrSet trusted,
                                                 std::function<void(const SocketAddress& peer)> on_refused = {});

/// Applies `first`, then `second` to what that gave. Either may be empty.
[[nodiscard]] StreamFilterFactory chain(StreamFilterFactory first, StreamFilterFactory second);

}  // namespace weir::net
