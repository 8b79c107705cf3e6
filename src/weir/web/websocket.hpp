// WebSockets (RFC 6455): a route whose handler is one coroutine per connection.
//
//   app.websocket("/echo", [](weir::WebSocket& ws) -> weir::Task<void> {
//     for (;;) {
//       auto message = co_await ws.receive();
//       if (!message) break;                       // closed: by the client, by us, or by the network
//       co_await ws.send(*message);
//     }
//   });
#pragma once

#include <chrono>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "weir/coro/stop.hpp"
#include "weir/coro/task.hpp"
#include "weir/net/address.hpp"
#include "weir/runtime/event_loop.hpp"
#include "weir/websocket/frame.hpp"

namespace weir {

namespace detail {
class WebSocketConnection;
}
class Topics;

using websocket::CloseCode;

/// permessage-deflate (RFC 7692): used with clients that offer it, as browsers do.
struct WebSocketCompression {
  bool enabled = true;
  std::size_t threshold = 512;    ///< Smaller messages go out as they are.
  std::uint8_t level = 1;         ///< zlib's, 1 to 9.
  std::uint8_t memory_level = 8;  ///< zlib's, 1 to 9.
  std::uint8_t window_bits = 15;  ///< 9 to 15.
  /// Keep the state of the compressor (server) and the decompressor (client) from message to message. Messages that
  /// resemble each other become much smaller, and every connection that has sent or received one holds up to 256 KiB
  /// and 44 KiB. Without, the connections of a loop share one of each, and an idle one holds nothing.
  bool server_context = false;
  bool client_context = false;
};

/// What happens to a published message whose subscriber has not read what it got before.
enum class SlowSubscriber : std::uint8_t {
  drop,   ///< It misses the message.
  close,  ///< Its connection is closed (1008).
  wait,   ///< The publisher waits: see Topics::publish().
};

/// Options of one route. Sizes are bytes.
struct WebSocketOptions {
  /// What the server speaks; the first of the client's that is here is chosen (WebSocket::subprotocol()).
  std::vector<std::string> subprotocols = {};
  /// Pages of other sites that may connect, beside those of the request's own host: "https://app.example"; "*": all.
  std::vector<std::string> origins = {};
  /// Browsers send a page's Origin with the handshake, and cookies whoever the page belongs to: without this check any
  /// site could talk to the service in the name of its visitor. Refused with 403.
  bool check_origin = true;
  WebSocketCompression compression = {};
  std::size_t max_message = 1 << 20;      ///< Decompressed; larger ones close the connection (1009). 0: no limit.
  std::uint32_t messages_per_second = 0;  ///< On average, pings and empty frames too; more closes it (1008). 0: any.
  std::uint32_t burst = 0;                ///< How many may come at once; 0: a second's worth.
  std::size_t output_bytes = 256 * 1024;  ///< What may wait for a slow reader before send() waits.
  SlowSubscriber slow_subscriber = SlowSubscriber::close;  ///< What publishing does then.
  Duration ping_interval = std::chrono::seconds(30);  ///< A ping after so long without a byte from the client. 0: none.
  /// No byte for so long after it has reached the client: the connection is cut (1006).
  Duration pong_timeout = std::chrono::seconds(20);
  Duration close_timeout = std::chrono::seconds(5);  ///< How long the client's Close is waited for.
};

/// A whole message. `data` is valid until the next receive().
struct WebSocketMessage {
  std::string_view data;
  bool binary = false;  ///< Else text: valid UTF-8.
};

/// A part of a message that is received as it comes. `data` is valid until the next receive_piece(); it may be empty.
struct WebSocketPiece {
  std::string_view data;
  bool binary = false;
  bool first = false;  ///< The message begins with it.
  bool last = false;   ///< The message ends with it.
};

/// One open connection, for the handler given to App::websocket(); lives until the handler has ended. Belongs to its
/// loop and that loop's thread: from elsewhere, publish through Topics or loop().post().
///
/// When the handler returns while the connection is open, it is closed (1000); when it throws, too (1011). One
/// coroutine receives at a time; any number may send: messages go out whole, in the order of the calls.
class WebSocket {
 public:
  class Receive;
  class ReceivePiece;
  class Send;

  WebSocket(const WebSocket&) = delete;
  WebSocket& operator=(const WebSocket&) = delete;

  /// `auto message = co_await ws.receive();` → std::optional<WebSocketMessage>: the next message, whole; nothing when
  /// the connection is closing or gone, see close_code(). Pings are answered meanwhile. While nobody receives, the
  /// client is made to wait.
  [[nodiscard]] Receive receive() noexcept;
  /// The same piece by piece, for messages that are too large to be held: max_message bounds them still. Text is
  /// checked as it comes. Not within a message that receive() is to give out.
  [[nodiscard]] ReceivePiece receive_piece() noexcept;

  /// `co_await ws.send(text);` → bool: it is on its way; false: the connection is closed. Waits while more than
  /// output_bytes wait for the client. `data` must stay valid until then; text must be UTF-8.
  [[nodiscard]] Send send(std::string_view text) noexcept;
  [[nodiscard]] Send send(const WebSocketMessage& message) noexcept;
  [[nodiscard]] Send send_binary(std::string_view data) noexcept;
  /// A message in parts: all but the last with `last` false, of one kind, and no other send() in between.
  [[nodiscard]] Send send_piece(const WebSocketPiece& piece) noexcept;
  /// Without waiting: false when it is closed or more than output_bytes wait, and then nothing was sent.
  bool try_send(std::string_view text) noexcept;
  bool try_send(const WebSocketMessage& message) noexcept;

  /// Begins the closing handshake; what was sent before still goes out. Afterwards receive() gives nothing more. The
  /// code is one that may be sent (1000-1003, 1007-1014, 3000-4999); `reason` at most 123 bytes of UTF-8.
  void close(CloseCode code = CloseCode::normal, std::string_view reason = {}) noexcept;
  [[nodiscard]] bool open() const noexcept;
  /// Once closed: what the client's Close frame said (none_given: no code), or ours where we closed first; abnormal
  /// when the connection just ended.
  [[nodiscard]] CloseCode close_code() const noexcept;

  /// What was agreed in the handshake; empty: none.
  [[nodiscard]] std::string_view subprotocol() const noexcept;
  /// Whether messages may be compressed.
  [[nodiscard]] bool compressed() const noexcept;
  /// The other end of the connection.
  [[nodiscard]] net::SocketAddress peer() const noexcept;

  /// Gets everything that is published under this name from now on, until unsubscribe() or the end of the connection.
  /// `topics` must outlive the server. Twice is once.
  void subscribe(Topics& topics, std::string_view name);
  void unsubscribe(Topics& topics, std::string_view name) noexcept;

  /// Stops when the connection is closing or gone: for what the handler awaits beside receive().
  [[nodiscard]] StopToken stop_token() noexcept;
  [[nodiscard]] EventLoop& loop() const noexcept;
  /// `auto slept = co_await ws.sleep(1s);`: an error (cancelled) when the connection ends meanwhile.
  [[nodiscard]] auto sleep(Duration duration) noexcept { return loop().sleep(duration, stop_token()); }

 private:
  friend class detail::WebSocketConnection;
  explicit WebSocket(detail::WebSocketConnection& connection) noexcept : connection_(connection) {}
  detail::WebSocketConnection& connection_;
};

// What receive() and send() give to co_await: no coroutine frame, no allocation. They live in the awaiting coroutine's
// frame; destroying it while it waits takes them back.

class [[nodiscard]] WebSocket::Receive {
 public:
  Receive(const Receive&) = delete;
  Receive& operator=(const Receive&) = delete;
  ~Receive();
  bool await_ready() noexcept;
  void await_suspend(std::coroutine_handle<> awaiting) noexcept;
  std::optional<WebSocketMessage> await_resume() const noexcept {
    return got_ ? std::optional(WebSocketMessage{piece_.data, piece_.binary}) : std::nullopt;
  }

 protected:
  friend class WebSocket;
  friend class detail::WebSocketConnection;
  Receive(detail::WebSocketConnection& connection, bool pieces) noexcept : connection_(connection), pieces_(pieces) {}

  detail::WebSocketConnection& connection_;
  std::coroutine_handle<> awaiting_;
  WebSocketPiece piece_;
  bool pieces_;
  bool got_ = false;
  bool waiting_ = false;
};

class [[nodiscard]] WebSocket::ReceivePiece : private WebSocket::Receive {
 public:
  using Receive::await_ready;
  using Receive::await_suspend;
  std::optional<WebSocketPiece> await_resume() const noexcept { return got_ ? std::optional(piece_) : std::nullopt; }

 private:
  friend class WebSocket;
  explicit ReceivePiece(detail::WebSocketConnection& connection) noexcept : Receive(connection, true) {}
};

class [[nodiscard]] WebSocket::Send {
 public:
  Send(const Send&) = delete;
  Send& operator=(const Send&) = delete;
  ~Send();
  bool await_ready() noexcept;
  void await_suspend(std::coroutine_handle<> awaiting) noexcept;
  bool await_resume() const noexcept { return sent_; }

 private:
  friend class WebSocket;
  friend class detail::WebSocketConnection;
  Send(detail::WebSocketConnection& connection, std::string_view data, websocket::Opcode opcode, bool last) noexcept
      : connection_(connection), data_(data), opcode_(opcode), last_(last) {}

  detail::WebSocketConnection& connection_;
  std::string_view data_;
  std::coroutine_handle<> awaiting_;
  Send* next_ = nullptr;  // of those that wait
  websocket::Opcode opcode_;
  bool last_;
  bool sent_ = false;
  bool waiting_ = false;
};

}  // namespace weir
