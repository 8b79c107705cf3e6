// Drives one WebSocket: a Stream on one side, the frame parser and the handler's coroutine on the other.
#pragma once

#include <coroutine>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "weir/base/buffer.hpp"
#include "weir/base/recycle.hpp"
#include "weir/coro/stop.hpp"
#include "weir/coro/task.hpp"
#include "weir/net/stream.hpp"
#include "weir/server/connection.hpp"
#include "weir/server/output_queue.hpp"
#include "weir/server/worker.hpp"
#include "weir/time/timer_wheel.hpp"
#include "weir/web/detail/websocket_session.hpp"
#include "weir/web/websocket.hpp"
#include "weir/web/websocket_metrics.hpp"
#include "weir/websocket/deflate.hpp"
#include "weir/websocket/extension.hpp"
#include "weir/websocket/frame_parser.hpp"
#include "weir/websocket/utf8.hpp"

namespace weir {

struct ChainEnvironment;

namespace detail {

class TopicLane;
struct PublishedMessage;
struct TopicSubscription;

/// What the handshake found out.
struct WebSocketAccepted {
  std::shared_ptr<const WebSocketRoute> route;  // shared by the route's connections, which may outlive it
  const ChainEnvironment* environment = nullptr;
  const WebSocketMetrics* metrics = nullptr;
  std::string_view subprotocol;  ///< In the route's options.
  std::optional<websocket::DeflateAgreement> deflate;
};

/// One connection, from the 101 to its end. Owned by the worker; loop thread only. It is destroyed when the stream has
/// ended and the handler has returned. While nothing moves it owns no buffer: neither for input nor for output, nor,
/// unless a context is kept, for compression.
class WebSocketConnection final : public server::Connection,
                                  private net::StreamHandler,
                                  private Timer,
                                  private Deferred {
 public:
  WebSocketConnection(server::Worker& worker, std::unique_ptr<net::Stream> stream, Buffer input,
                      WebSocketAccepted accepted) noexcept;
  ~WebSocketConnection() override;

  /// Once, when the worker has it: starts the handler and looks at what has come already.
  void start(WebSocketSession& session) noexcept;

  // server::Connection
  void drain() noexcept override;
  void close_now() noexcept override;
  void abandon() noexcept override;

  // --- for WebSocket and its awaiters ---
  [[nodiscard]] bool is_open() const noexcept { return state_ == State::open; }
  [[nodiscard]] const WebSocketOptions& options() const noexcept { return accepted_.route->options; }
  [[nodiscard]] const WebSocketAccepted& accepted() const noexcept { return accepted_; }
  [[nodiscard]] CloseCode close_code() const noexcept { return close_code_; }
  [[nodiscard]] StopToken stop_token() noexcept { return stop_.token(); }
  [[nodiscard]] EventLoop& loop() const noexcept { return worker_.loop(); }
  [[nodiscard]] net::SocketAddress peer() const noexcept;
  void close(CloseCode code, std::string_view reason) noexcept;
  /// The next piece or message, if it is there. True: nothing to wait for (`got` tells whether there is one).
  [[nodiscard]] bool take(WebSocketPiece& piece, bool pieces, bool& got) noexcept;
  void wait_for_message(WebSocket::Receive& receiver) noexcept;
  [[nodiscard]] bool has_receiver() const noexcept { return receiver_ != nullptr; }
  void forget_receiver(const WebSocket::Receive& receiver) noexcept {
    if (receiver_ == &receiver) receiver_ = nullptr;
  }
  /// Appends a frame. False: not open.
  bool write(websocket::Opcode opcode, std::string_view data, bool last) noexcept;
  [[nodiscard]] bool full() const noexcept { return output_.pending() > options().output_bytes; }
  void add_sender(WebSocket::Send& sender) noexcept;
  void forget_sender(const WebSocket::Send& sender) noexcept;

  // --- for topics ---
  /// Appends what was published, or does what the route says for slow subscribers.
  void deliver(const std::shared_ptr<const PublishedMessage>& message) noexcept;
  /// Whether a lane must wait for this one.
  [[nodiscard]] bool holds_up() const noexcept {
    return state_ == State::open && options().slow_subscriber == SlowSubscriber::wait && full();
  }
  /// Its topics' lanes are told when it holds up no longer.
  void tell_lanes_later() noexcept { lanes_wait_ = true; }
  void subscribe(Topics& topics, std::string_view name);
  void unsubscribe(Topics& topics, std::string_view name) noexcept;

 private:
  enum class State : std::uint8_t {
    open,
    closing,    ///< Our Close is sent, the client's is waited for; what else comes is read over.
    flushing,   ///< No more will be read; what was written goes out.
    lingering,  ///< It has gone out; the client is read until it closes, or it might never see the last frame.
    dead,       ///< The stream is closed; the handler may still run.
  };

  // net::StreamHandler, Timer, Deferred
  void on_readable() noexcept override;
  void on_writable() noexcept override;
  void on_hangup() noexcept override { gone(); }
  void on_peer_closed() noexcept override;
  void on_timer() noexcept override;
  void on_deferred() noexcept override;

  // Input
  /// Bytes read at once: a recycled block, a larger one for those who send much.
  static constexpr std::size_t min_read_size = 32 * 1024;
  static constexpr std::size_t max_read_size = 128 * 1024;
  enum class Fill : std::uint8_t { some, blocked, ended, failed };
  Fill fill() noexcept;
  Fill fill_message(bool& whole) noexcept;
  void resume_receiver(bool got) noexcept;
  void note_received(bool whole) noexcept;
  [[nodiscard]] std::span<char> unparsed() noexcept {
    return {input_.data() + input_begin_, input_.size() - input_begin_};
  }
  void feed_receiver() noexcept;
  void handle_control_frames() noexcept;
  void on_control(const websocket::FrameEvent& event) noexcept;
  void on_close_frame(std::string_view payload) noexcept;
  void discard() noexcept;
  void read_over() noexcept;
  bool on_data(const websocket::FrameEvent& event, WebSocketPiece& piece, bool pieces) noexcept;
  bool on_plain(const websocket::FrameEvent& event, WebSocketPiece& piece, bool pieces) noexcept;
  bool on_compressed(const websocket::FrameEvent& event, WebSocketPiece& piece, bool pieces) noexcept;
  bool inflate(std::string_view data, bool last, Buffer& out) noexcept;
  [[nodiscard]] bool good_text(std::string_view data, bool last) noexcept;
  [[nodiscard]] bool within_rate() noexcept;
  void store_input() noexcept;

  // Output
  void append_frame(websocket::Opcode opcode, std::string_view data, websocket::FrameFlags flags);
  void append_large(std::string_view header, std::string_view data);
  bool append_compressed(websocket::Opcode opcode, std::string_view data);
  void append_close(CloseCode code, std::string_view reason) noexcept;
  void flush() noexcept;
  void flush_later() noexcept {
    if (!processing_) loop().defer(*this);
  }
  [[nodiscard]] bool senders_may_go_on() const noexcept {
    return first_sender_ != nullptr && (state_ != State::open || output_.pending() <= options().output_bytes / 2);
  }
  void wake_senders() noexcept;
  void append_published(const std::shared_ptr<const PublishedMessage>& message);

  // Life
  void end_turn() noexcept;
  void fail(CloseCode code, std::string_view why) noexcept;
  void leave_open(State next) noexcept;
  void finish_stream() noexcept;
  void gone() noexcept;
  void on_handler_end() noexcept;
  void update_interest() noexcept;
  void arm_keepalive() noexcept;
  void check_keepalive(Instant now) noexcept;
  bool ping_is_under_way() noexcept;
  void leave_topics() noexcept;
  void tell_waiting_lanes() noexcept;
  void handler_threw(std::string_view what) noexcept;
  struct Runner;
  static Runner run(WebSocketConnection& self, Task<void> handler);

  server::Worker& worker_;
  std::unique_ptr<net::Stream> stream_;
  WebSocketAccepted accepted_;
  std::shared_ptr<const void> keep_;
  WebSocket socket_;
  std::coroutine_handle<> handler_;  // the runner's frame, which owns the handler's; null once it has ended
  WebSocket::Receive* receiver_ = nullptr;
  WebSocket::Send* first_sender_ = nullptr;
  WebSocket::Send* last_sender_ = nullptr;
  TopicSubscription* subscriptions_ = nullptr;
  StopSource stop_;

  Buffer input_;  // [input_begin_, size()) is not parsed yet
  std::size_t input_begin_ = 0;
  std::size_t read_size_ = min_read_size;
  Buffer message_;  // what has come of a message in several pieces; or its decompressed form
  Buffer packed_;   // what has come of a compressed message
  recycle::Vector<std::shared_ptr<const PublishedMessage>> held_;  // published while a message goes out in parts
  server::OutputQueue output_;
  websocket::FrameParser parser_;
  websocket::Utf8Validator utf8_;
  std::unique_ptr<websocket::Inflater> inflater_;  // where a context is kept, from the first message on
  std::unique_ptr<websocket::Deflater> deflater_;

  Instant last_received_{};
  Instant ping_sent_{};
  Instant drain_at_ = Instant::max();
  Instant rate_time_{};               // when the messages so far would be due at the allowed rate
  std::uint64_t ping_end_ = 0;        // bytes written once the ping is
  std::uint64_t delivered_mark_ = 0;  // what the client had taken when the wait for the pong began
  std::uint64_t inflated_ = 0;        // of the current message, where it is received in pieces
  CloseCode close_code_ = CloseCode::abnormal;
  State state_ = State::open;
  bool got_close_ = false;
  bool awaiting_pong_ = false;
  bool processing_ = false;  // on the stack: it flushes
  bool handed_out_ = false;  // the receiver has a view of a message
  bool broken_ = false;      // the stream failed within a send: told later
  bool handler_ended_ = false;
  bool fragmenting_ = false;  // within a message that send_piece() began
  bool lanes_wait_ = false;
  bool peer_closed_ = false;
};

}  // namespace detail
}  // namespace weir
