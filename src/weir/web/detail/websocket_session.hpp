// From a handshake to a connection.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "weir/coro/task.hpp"
#include "weir/web/context.hpp"
#include "weir/web/websocket.hpp"

namespace weir::detail {

/// What all connections of one route share.
struct WebSocketRoute {
  WebSocketOptions options;
  std::string pattern;  ///< For the log.
};
[[nodiscard]] std::shared_ptr<const WebSocketRoute> make_websocket_route(WebSocketOptions options,
                                                                         std::string_view pattern);

/// The handler with its parameters, waiting for its connection. Destroyed once it has started.
class WebSocketSession {
 public:
  virtual ~WebSocketSession() = default;
  /// `keep` gets what must outlive the task: the handler itself, whose route may be removed meanwhile.
  virtual Task<void> start(WebSocket& socket, std::shared_ptr<const void>& keep) = 0;
};

/// The answer to a request that is no handshake, or not one to accept (RFC 6455 section 4.2.2): 426, 400, 403.
[[nodiscard]] std::optional<Response> refuse_handshake(Context& ctx, const WebSocketOptions& options);
/// The answer to one that is: 101, over HTTP/2 200. The connection takes over when it has been sent.
[[nodiscard]] Response accept_handshake(Context& ctx, std::shared_ptr<const WebSocketRoute> route,
                                        std::unique_ptr<WebSocketSession> session);

}  // namespace weir::detail
