#include "weir/web/detail/websocket_connection.hpp"

#include <algorithm>
#include <chrono>
#include <exception>
#include <new>
#include <utility>

#include "weir/base/contracts.hpp"
#include "weir/web/context.hpp"

namespace weir::detail {

using websocket::Opcode;

namespace {

/// What may wait beside output_bytes before a client that does not read is not read either: answers to pings.
constexpr std::size_t control_output = 64 * 1024;

/// A number that has nothing to do with when the connection came.
std::uint64_t scatter(std::uint64_t x) noexcept {  // splitmix64
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

websocket::FrameParser::Options parser_options(const WebSocketAccepted& accepted) noexcept {
  websocket::FrameParser::Options options;
  options.compression = accepted.deflate.has_value();
  options.max_message = accepted.route->options.max_message;
  return options;
}

}  // namespace

// --- life ---

WebSocketConnection::WebSocketConnection(server::Worker& worker, std::unique_ptr<net::Stream> stream, Buffer input,
                                         WebSocketAccepted accepted) noexcept
    : worker_(worker),
      stream_(std::move(stream)),
      accepted_(std::move(accepted)),
      socket_(*this),
      input_(std::move(input)),
      parser_(parser_options(accepted_)) {
  stream_->set_handler(this);
  last_received_ = loop().now();
  arm_keepalive();
  if (accepted_.metrics != nullptr) accepted_.metrics->active.add(1);
}

WebSocketConnection::~WebSocketConnection() {
  WEIR_ASSERT(handler_ == nullptr && subscriptions_ == nullptr);
  if (accepted_.metrics != nullptr) {
    accepted_.metrics->active.add(-1);
    accepted_.metrics->count_close(close_code_);
  }
}

void WebSocketConnection::on_handler_end() noexcept {
  handler_ended_ = true;
  if (state_ == State::open) close(CloseCode::normal, {});
  loop().defer(*this);  // where its frame is destroyed
}

/// What begins the end: nobody may send any more, who waits is told.
void WebSocketConnection::leave_open(State next) noexcept {
  if (state_ == State::open) {
    leave_topics();
    stop_.request_stop(worker_.draining() ? StopReason::shutdown : StopReason::gone);
  }
  state_ = next;
  if (next != State::dead) loop().arm(*this, later(loop().now(), options().close_timeout));
  loop().defer(*this);
}

void WebSocketConnection::close(CloseCode code, std::string_view reason) noexcept {
  if (state_ != State::open) return;
  close_code_ = code;
  append_close(code, reason);
  leave_open(State::closing);
}

/// Ends it for something that the client did, or that we cannot do.
void WebSocketConnection::fail(CloseCode code, std::string_view why) noexcept {
  if (state_ == State::open) {
    close_code_ = code;
    append_close(code, why);
  }
  if (state_ == State::open || state_ == State::closing) leave_open(State::flushing);
}

/// Everything is written. After a whole closing handshake the server closes first (RFC 6455 section 7.1.1).
void WebSocketConnection::finish_stream() noexcept {
  if ((got_close_ && unparsed().empty()) || peer_closed_) return gone();
  // Closing with unread bytes would reset the connection, and the reset overtake the Close frame.
  stream_->shutdown_write();
  state_ = State::lingering;
  loop().arm(*this, later(loop().now(), worker_.limits().linger_timeout));
}

/// The stream is of no more use, or not needed any more.
void WebSocketConnection::gone() noexcept {
  if (state_ == State::dead) return;
  leave_open(State::dead);
  if (armed()) loop().cancel(*this);
  stream_->set_handler(nullptr);
  stream_->close(false);
  output_.clear();
}

void WebSocketConnection::drain() noexcept {
  if (state_ != State::open) return;
  const Duration spread = worker_.drain_spread();
  if (spread <= Duration::zero()) return close(CloseCode::going_away, "the server is going away");
  const auto fraction = scatter(reinterpret_cast<std::uintptr_t>(this)) % 1024;
  drain_at_ = later(loop().now(), spread / 1024 * static_cast<std::int64_t>(fraction));
  arm_keepalive();
}

void WebSocketConnection::close_now() noexcept {
  if (state_ == State::dead) return;
  if (state_ == State::open) {
    close_code_ = CloseCode::going_away;
    append_close(CloseCode::going_away, "the server is going away");
  }
  flush();  // A Close frame of a moment ago may still wait, too.
  gone();
}

void WebSocketConnection::abandon() noexcept {
  if (handler_ != nullptr) std::exchange(handler_, nullptr).destroy();
  handler_ended_ = true;
  gone();
  loop().defer(*this);
}

void WebSocketConnection::on_deferred() noexcept {
  if (broken_) gone();
  if (handler_ended_ && handler_ != nullptr) std::exchange(handler_, nullptr).destroy();
  if (state_ == State::dead && handler_ended_) return worker_.remove(*this);  // Destroys this.
  processing_ = true;
  feed_receiver();
  wake_senders();
  handle_control_frames();
  end_turn();
}

/// After whatever happened: what was written goes out, what is not needed is given back.
void WebSocketConnection::end_turn() noexcept {
  processing_ = false;
  if (broken_) gone();
  flush();
  if (state_ == State::flushing && output_.empty()) finish_stream();
  if (senders_may_go_on()) loop().defer(*this);
  if (lanes_wait_ && !holds_up()) tell_waiting_lanes();
  store_input();
  update_interest();
}

void WebSocketConnection::update_interest() noexcept {
  bool read = false;
  // While the handler looks at a message the buffer stays where it is, and as large as it is.
  const bool room = !handed_out_ || input_.capacity() == 0 || input_.size() < input_.capacity();
  switch (state_) {
    case State::open:
      // What waits already is read on when the handler asks for it; pings are answered while it does not.
      read = (receiver_ != nullptr || (unparsed().empty() && room)) &&
             output_.pending() <= options().output_bytes + control_output;
      break;
    case State::closing:
      read = room;
      break;
    case State::lingering:
      read = true;
      break;
    case State::flushing:
      break;
    case State::dead:
      return;
  }
  stream_->want(read && !peer_closed_, !output_.empty());
}

net::SocketAddress WebSocketConnection::peer() const noexcept {
  return stream_->peer();
}

// --- time ---

void WebSocketConnection::arm_keepalive() noexcept {
  Instant due = drain_at_;
  if (options().ping_interval > Duration::zero()) {
    due = std::min(due, awaiting_pong_ ? later(ping_sent_, options().pong_timeout)
                                       : later(last_received_, options().ping_interval));
  }
  if (due != Instant::max()) loop().arm(*this, due);
}

/// A client on a slow network sees the ping when it has taken, at the minimal rate, what was sent before.
bool WebSocketConnection::ping_is_under_way() noexcept {
  const std::uint64_t delivered = output_.delivered(*stream_);
  const std::uint64_t before = std::exchange(delivered_mark_, std::max(delivered, delivered_mark_));
  if (before >= ping_end_ || delivered <= before) return false;
  const double least = static_cast<double>(std::max<std::uint64_t>(worker_.limits().min_rate, 1)) *
                       std::chrono::duration<double>(options().pong_timeout).count();
  return static_cast<double>(delivered - before) >= least;
}

void WebSocketConnection::check_keepalive(Instant now) noexcept {
  if (options().ping_interval <= Duration::zero()) return arm_keepalive();
  // While the handler takes its time nothing is read, so nothing can be said of the client.
  const bool reading = receiver_ != nullptr;
  if (awaiting_pong_ && now >= later(ping_sent_, options().pong_timeout)) {
    if (ping_is_under_way()) {
      ping_sent_ = now;
    } else if (reading || output_.written() < ping_end_) {
      return gone();
    } else {
      awaiting_pong_ = false;
      last_received_ = now;
    }
  } else if (!awaiting_pong_ && now >= later(last_received_, options().ping_interval)) {
    awaiting_pong_ = true;
    ping_sent_ = now;
    delivered_mark_ = output_.delivered(*stream_);
    try {
      append_frame(Opcode::ping, {}, {});
      ping_end_ = output_.written() + output_.pending();
    } catch (const std::bad_alloc&) {
      return gone();
    }
    flush_later();
  }
  arm_keepalive();
}

void WebSocketConnection::on_timer() noexcept {
  switch (state_) {
    case State::open: {
      const Instant now = loop().now();
      if (now >= drain_at_) return close(CloseCode::going_away, "the server is going away");
      return check_keepalive(now);
    }
    case State::closing:
    case State::flushing:
    case State::lingering:
      return gone();
    case State::dead:
      return;
  }
}

bool WebSocketConnection::within_rate() noexcept {
  const std::uint32_t rate = options().messages_per_second;
  if (rate == 0) return true;
  // GCRA: each message is due an interval after the one before; a burst may be that far ahead of its time.
  const Duration interval = Duration(std::chrono::seconds(1)) / rate;
  const std::uint32_t burst = options().burst == 0 ? rate : options().burst;
  const Instant now = loop().now();
  rate_time_ = std::max(rate_time_, now);
  if (rate_time_ - now > interval * (burst - 1)) {
    fail(CloseCode::policy_violation, "too many messages");
    return false;
  }
  rate_time_ += interval;
  return true;
}

// --- the handler ---

/// The frame around the handler's: ends the connection when the handler ends.
struct WebSocketConnection::Runner {
  struct promise_type : RecycledFrame {
    Runner get_return_object() noexcept { return {std::coroutine_handle<promise_type>::from_promise(*this)}; }
    std::suspend_always initial_suspend() const noexcept { return {}; }
    std::suspend_always final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    void unhandled_exception() const noexcept { WEIR_ASSERT(false && "the runner catches everything"); }
  };
  std::coroutine_handle<> handle;
};

WebSocketConnection::Runner WebSocketConnection::run(WebSocketConnection& self, Task<void> handler) {
  try {
    co_await std::move(handler);
  } catch (...) {
    self.handler_threw(thrown_error().message());
  }
  self.on_handler_end();
}

void WebSocketConnection::start(WebSocketSession& session) noexcept {
  processing_ = true;
  try {
    handler_ = run(*this, session.start(socket_, keep_)).handle;
    handler_.resume();
  } catch (...) {  // No memory for its frame.
    handler_ended_ = true;
    fail(CloseCode::internal_error, "no memory for another connection");
  }
  if (!unparsed().empty()) {
    feed_receiver();
    handle_control_frames();
  }
  end_turn();
}

void WebSocketConnection::handler_threw(std::string_view what) noexcept {
  if (accepted_.environment != nullptr) {
    accepted_.environment->log.error("a WebSocket handler threw",
                                     {{"what", what}, {"route", accepted_.route->pattern}});
  }
  close(CloseCode::internal_error, {});
}

void WebSocketConnection::wait_for_message(WebSocket::Receive& receiver) noexcept {
  receiver_ = &receiver;
  flush_later();  // Which also reads on.
}

}  // namespace weir::detail
