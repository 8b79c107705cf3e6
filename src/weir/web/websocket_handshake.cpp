#include <new>
#include <string>
#include <utility>

#include "weir/http/problem.hpp"
#include "weir/server/upgrade.hpp"
#include "weir/web/detail/websocket_connection.hpp"
#include "weir/web/detail/websocket_session.hpp"
#include "weir/web/respond.hpp"
#include "weir/websocket/handshake.hpp"

namespace weir::detail {

namespace {

using websocket::HandshakeProblem;

Response refuse(Context& ctx, Status status, std::string_view detail) {
  http::Problem problem;
  problem.status = status;
  problem.detail = detail;
  problem.instance = ctx.path();
  problem.request_id = ctx.request_id();
  return http::to_response(problem);
}

/// Makes the connection when the response has been sent.
class WebSocketUpgrade final : public server::Upgrade {
 public:
  WebSocketUpgrade(WebSocketAccepted accepted, std::unique_ptr<WebSocketSession> session) noexcept
      : accepted_(std::move(accepted)), session_(std::move(session)) {}

  void take(server::Worker& worker, std::unique_ptr<net::Stream> stream, Buffer input,
            const server::ConnectionInfo&) noexcept override {
    std::unique_ptr<WebSocketConnection> made(
        new (std::nothrow) WebSocketConnection(worker, std::move(stream), std::move(input), std::move(accepted_)));
    if (made == nullptr) return;  // The stream went with it.
    WebSocketConnection& connection = *made;
    worker.add(std::move(made));
    connection.start(*session_);
  }

 private:
  WebSocketAccepted accepted_;
  std::unique_ptr<WebSocketSession> session_;
};

}  // namespace

std::shared_ptr<const WebSocketRoute> make_websocket_route(WebSocketOptions options, std::string_view pattern) {
  auto route = std::make_shared<WebSocketRoute>();
  route->options = std::move(options);
  route->pattern = pattern;
  return route;
}

std::optional<Response> refuse_handshake(Context& ctx, const WebSocketOptions& options) {
  const http::Request& request = ctx.request();
  const HandshakeProblem found = websocket::check_handshake(request);
  switch (found) {
    case HandshakeProblem::none:
      break;
    case HandshakeProblem::not_a_websocket: {
      Response response = refuse(ctx, Status::upgrade_required, websocket::message_of(found));
      response.headers.set(HeaderId::upgrade, "websocket");
      return response;
    }
    case HandshakeProblem::wrong_version: {
      // RFC 6455 section 4.4: says which version there is.
      Response response = refuse(ctx, Status::upgrade_required, websocket::message_of(found));
      response.headers.set(HeaderId::upgrade, "websocket");
      response.headers.set(HeaderId::sec_websocket_version, websocket::version);
      return response;
    }
    case HandshakeProblem::bad_method:
      return refuse(ctx, Status::method_not_allowed, websocket::message_of(found));
    case HandshakeProblem::bad_key:
      return refuse(ctx, Status::bad_request, websocket::message_of(found));
  }
  if (request.method != Method::connect && ctx.exchange().has_body()) {
    return refuse(ctx, Status::bad_request, "the request for a WebSocket has no body");
  }
  if (options.check_origin && !websocket::origin_allowed(request, options.origins)) {
    return refuse(ctx, Status::forbidden, "pages of this origin may not connect here");
  }
  return std::nullopt;
}

Response accept_handshake(Context& ctx, std::shared_ptr<const WebSocketRoute> route,
                          std::unique_ptr<WebSocketSession> session) {
  const http::Request& request = ctx.request();
  const WebSocketOptions& options = route->options;
  WebSocketAccepted accepted;
  accepted.environment = &ctx.environment();
  accepted.metrics = ctx.states().find<WebSocketMetrics>();
  accepted.subprotocol = websocket::choose_subprotocol(request.headers, options.subprotocols);
  if (options.compression.enabled) {
    websocket::DeflateLimits limits;
    limits.server_context = options.compression.server_context;
    limits.client_context = options.compression.client_context;
    limits.server_window_bits = limits.client_window_bits = options.compression.window_bits;
    accepted.deflate = websocket::negotiate_deflate(request.headers, limits);
  }

  const bool tunnel = request.method == Method::connect;  // RFC 8441 section 5: neither 101 nor a key
  Response response(tunnel ? Status::ok : Status::switching_protocols);
  if (!tunnel) {
    const std::array<char, 28> accept = websocket::accept_key(request.headers.get(HeaderId::sec_websocket_key));
    response.headers.set(HeaderId::upgrade, "websocket");
    response.headers.set(HeaderId::sec_websocket_accept, {accept.data(), accept.size()});
  }
  if (!accepted.subprotocol.empty()) {
    response.headers.set(HeaderId::sec_websocket_protocol, accepted.subprotocol);
  }
  if (accepted.deflate) response.headers.set(HeaderId::sec_websocket_extensions, accepted.deflate->to_string());
  accepted.route = std::move(route);
  ctx.exchange().upgrade(std::make_unique<WebSocketUpgrade>(std::move(accepted), std::move(session)));
  return response;
}

}  // namespace weir::detail
