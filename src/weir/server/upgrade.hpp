// Taking over a connection's bytes: how a request ends HTTP on its connection (RFC 9110 section 7.8, RFC 8441).
#pragma once

#include <memory>

#include "weir/base/buffer.hpp"
#include "weir/net/stream.hpp"

namespace weir::server {

class Worker;
struct ConnectionInfo;

/// What goes on with the bytes behind a response that switches protocols. Given to Exchange::upgrade() before the
/// response: over HTTP/1.1 that has status 101 with the new protocol's name in Upgrade, over HTTP/2 (extended CONNECT,
/// Request::protocol) status 200.
///
/// take() is called once, when the response's head is on its way and the exchange is over; an Upgrade whose response
/// was replaced (by a middleware, a time-out) or whose client went away is destroyed without it. Over HTTP/1.1 `stream`
/// is the connection's own, over HTTP/2 a stream made of the HTTP/2 stream; whoever takes it need not know.
class Upgrade {
 public:
  Upgrade() noexcept = default;
  Upgrade(const Upgrade&) = delete;
  Upgrade& operator=(const Upgrade&) = delete;
  virtual ~Upgrade() = default;

  /// On the worker's loop. The stream has no handler: set one in this very call. `input` is what was read behind the
  /// request, perhaps nothing. `connection` and what it points to live until this returns, `connection.local` as long
  /// as the worker's connections. Hand what goes on to Worker::add(), so that drains and the count know of it.
  virtual void take(Worker& worker, std::unique_ptr<net::Stream> stream, Buffer input,
                    const ConnectionInfo& connection) noexcept = 0;
};

}  // namespace weir::server
