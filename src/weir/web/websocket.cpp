#include "weir/web/websocket.hpp"

#include "weir/base/contracts.hpp"
#include "weir/web/detail/websocket_connection.hpp"

namespace weir {

WebSocket::Receive WebSocket::receive() noexcept {
  return Receive(connection_, false);
}
WebSocket::ReceivePiece WebSocket::receive_piece() noexcept {
  return ReceivePiece(connection_);
}
WebSocket::Send WebSocket::send(std::string_view text) noexcept {
  return Send(connection_, text, websocket::Opcode::text, true);
}
WebSocket::Send WebSocket::send_binary(std::string_view data) noexcept {
  return Send(connection_, data, websocket::Opcode::binary, true);
}
WebSocket::Send WebSocket::send(const WebSocketMessage& message) noexcept {
  return message.binary ? send_binary(message.data) : send(message.data);
}
WebSocket::Send WebSocket::send_piece(const WebSocketPiece& piece) noexcept {
  return Send(connection_, piece.data, piece.binary ? websocket::Opcode::binary : websocket::Opcode::text, piece.last);
}

bool WebSocket::try_send(std::string_view text) noexcept {
  return !connection_.full() && connection_.write(websocket::Opcode::text, text, true);
}
bool WebSocket::try_send(const WebSocketMessage& message) noexcept {
  if (!message.binary) return try_send(message.data);
  return !connection_.full() && connection_.write(websocket::Opcode::binary, message.data, true);
}

void WebSocket::close(CloseCode code, std::string_view reason) noexcept {
  connection_.close(code, reason);
}
bool WebSocket::open() const noexcept {
  return connection_.is_open();
}
CloseCode WebSocket::close_code() const noexcept {
  return connection_.close_code();
}
std::string_view WebSocket::subprotocol() const noexcept {
  return connection_.accepted().subprotocol;
}
bool WebSocket::compressed() const noexcept {
  return connection_.accepted().deflate.has_value();
}
net::SocketAddress WebSocket::peer() const noexcept {
  return connection_.peer();
}
void WebSocket::subscribe(Topics& topics, std::string_view name) {
  connection_.subscribe(topics, name);
}
void WebSocket::unsubscribe(Topics& topics, std::string_view name) noexcept {
  connection_.unsubscribe(topics, name);
}
StopToken WebSocket::stop_token() noexcept {
  return connection_.stop_token();
}
EventLoop& WebSocket::loop() const noexcept {
  return connection_.loop();
}

// --- awaiters ---

bool WebSocket::Receive::await_ready() noexcept {
  WEIR_ASSERT(!connection_.has_receiver() && "one coroutine receives from a WebSocket at a time");
  return connection_.take(piece_, pieces_, got_);
}

void WebSocket::Receive::await_suspend(std::coroutine_handle<> awaiting) noexcept {
  awaiting_ = awaiting;
  waiting_ = true;
  connection_.wait_for_message(*this);
}

WebSocket::Receive::~Receive() {
  if (waiting_) connection_.forget_receiver(*this);
}

bool WebSocket::Send::await_ready() noexcept {
  sent_ = connection_.write(opcode_, data_, last_);
  return !sent_ || !connection_.full();
}

void WebSocket::Send::await_suspend(std::coroutine_handle<> awaiting) noexcept {
  awaiting_ = awaiting;
  waiting_ = true;
  connection_.add_sender(*this);
}

WebSocket::Send::~Send() {
  if (waiting_) connection_.forget_sender(*this);
}

}  // namespace weir
