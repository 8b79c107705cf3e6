// The life of a connection: its exchanges, and its end.
#include "weir/server/http1_connection.hpp"

#include <algorithm>
#include <memory>
#include <new>
#include <optional>
#include <utility>

#include "weir/base/contracts.hpp"
#include "weir/http1/serializer.hpp"
#include "weir/server/http2_connection.hpp"
#include "weir/server/worker.hpp"

namespace weir::server {

namespace {
http1::ParserLimits parser_limits(const Limits& limits) noexcept {
  http1::ParserLimits result;
  result.max_target = limits.target_bytes;
  result.max_head = limits.header_bytes;
  result.max_headers = std::min(limits.header_count, max_header_count);
  result.body.max_trailer_bytes = limits.trailer_bytes;
  result.body.max_chunk_extensions = limits.chunk_extension_bytes;
  return result;
}
}  // namespace

Http1Connection::Http1Connection(Worker& worker, std::unique_ptr<net::Stream> stream, Service& service,
                                 const net::SocketAddress& local) noexcept
    : worker_(worker),
      service_(service),
      stream_(std::move(stream)),
      parser_(parser_limits(worker.limits())),
      head_({}) {
  info_.peer = &peer_;
  info_.local = &local;
  info_.owner = this;
  stream_->set_handler(this);
  set_timer(later(worker_.loop().now(), worker_.limits().header_timeout));
}

Http1Connection::~Http1Connection() {
  WEIR_ASSERT(exchange_ == nullptr);
}

void Http1Connection::begin_exchange(std::size_t head_size) noexcept {
  input_begin_ += head_size;
  state_ = State::exchange;
  due_ = Instant::max();
  ++requests_;
  Exchange& exchange = *exchange_;
  const Limits& limits = worker_.limits();
  exchange.begin(*this, service_, limits, info_);
  exchange.request() = head_.request;
  // What a target in absolute form says is the client's word only.
  exchange.request().scheme = info_.secure() ? "https" : "http";
  keep_alive_ = head_.keep_alive && worker_.keep_alive() &&
                (limits.requests_per_connection == 0 || requests_ < limits.requests_per_connection);
  continue_due_ = head_.expect_continue;
  chunked_ = false;
  parser_.begin_body(head_, 0);
  if (head_.framing != http1::Framing::none) {
    count_moved();  // What went before is not this body's.
    exchange.announce_body(head_.framing == http1::Framing::length ? std::optional(head_.content_length)
                                                                   : std::nullopt);
  }
  exchange.serve();
  if (exchange_ == &exchange && exchange.over()) end_exchange();
}

void Http1Connection::end_exchange() noexcept {
  worker_.pool().release(*std::exchange(exchange_, nullptr));
  body_wait_ = false;
  stalled_watch_ = false;
  if (state_ != State::exchange) return;
  if (upgrade_ != nullptr) {  // process() hands over, here or after the flush.
    state_ = State::upgrading;
    return;
  }
  if (!keep_alive_) return begin_closing();
  state_ = State::discard;
  discarded_ = 0;
  if (parser_.body().complete()) static_cast<void>(discard_body());
}

void Http1Connection::release_exchange(Exchange& exchange) noexcept {
  if (&exchange != exchange_) return;
  end_exchange();
  process();
}

void Http1Connection::let_go(Exchange& exchange) noexcept {
  if (&exchange != exchange_ || state_ != State::exchange) return;
  detach_exchange(StopReason::deadline);
  begin_closing();
}

void Http1Connection::detach_exchange(StopReason reason) noexcept {
  Exchange* exchange = std::exchange(exchange_, nullptr);
  if (exchange == nullptr) return;
  if (state_ == State::exchange) {
    if (exchange->keeps()) {
      exchange->keep_body(std::move(input_));  // The head has been put aside already.
    } else {
      exchange->keep(std::move(input_));
    }
    exchange->detach(reason);
  } else {
    worker_.pool().release(*exchange);
  }
}

/// Told while nothing was read. What was sent before the end is still to be read: the rest of a body, further requests.
void Http1Connection::on_peer_closed() noexcept {
  if (state_ == State::exchange && exchange_ != nullptr && request_arrived()) exchange_->on_peer_closed();
  if (state_ != State::closed) update_interest();
}

void Http1Connection::on_hangup() noexcept {
  destroy_soon(true);
}

void Http1Connection::on_deferred() noexcept {
  if (state_ == State::closed) return worker_.remove(*this);  // Destroys this.
  if (!flush()) return;
  if (output_.empty() && state_ == State::exchange && exchange_ != nullptr) exchange_->on_writable();
  if (state_ == State::upgrading && !processing_) return hand_over();
  if (state_ == State::closing && !processing_) return linger_or_close();
  if (state_ != State::closed) update_interest();
}

void Http1Connection::drain() noexcept {
  keep_alive_ = false;
  const auto between_requests = [this] { return state_ == State::head && parser_.idle() && output_.empty(); };
  // A request that has arrived already is still answered.
  if (between_requests()) on_readable();
  if (state_ != State::head) return;
  if (between_requests() && requests_ != 0) return stream_->unsent() == 0 ? destroy_soon(false) : begin_closing();
  // The client of a new connection is about to ask, or has begun to: it could not know. A short while is enough.
  const Instant soon = later(worker_.loop().now(), worker_.limits().linger_timeout);
  if (output_.empty() && soon < due_) set_timer(soon);
}

void Http1Connection::refuse(http::Status status, std::string_view why) noexcept {
  if (exchange_ != nullptr) worker_.pool().release(*std::exchange(exchange_, nullptr));
  service_.on_refused(info_, status, why);
  try {
    http1::write_error_response(status, why, worker_.date(), output_.tail());
  } catch (const std::bad_alloc&) {
    return destroy_soon(true);
  }
  keep_alive_ = false;
  begin_closing();
}

void Http1Connection::begin_closing() noexcept {
  if (state_ == State::closed) return;
  state_ = State::closing;
  input_.release();
  input_begin_ = 0;
  if (processing_) return;
  if (!flush()) return;
  linger_or_close();
}

void Http1Connection::linger_or_close() noexcept {
  if (!output_.empty()) return update_interest();
  if (stream_->unsent() != 0) {
    watch_stall();
    return update_interest();
  }
  if (peer_closed_) return destroy_soon(false);
  // Closing a socket with unread bytes resets it, and the reset overtakes the answer at the client (RFC 9112 section
  // 9.6): close our side only, read on for a while.
  stream_->shutdown_write();
  state_ = State::lingering;
  set_timer(later(worker_.loop().now(), worker_.limits().linger_timeout));
  update_interest();
}

void Http1Connection::close_now() noexcept {
  destroy_soon(state_ != State::head);
}

void Http1Connection::destroy_soon(bool reset) noexcept {
  if (state_ == State::closed) return;
  detach_exchange(worker_.draining() ? StopReason::shutdown : StopReason::gone);
  state_ = State::closed;
  if (armed()) worker_.loop().cancel(*this);
  stream_->set_handler(nullptr);
  stream_->close(reset);
  output_.clear();
  input_.release();
  worker_.loop().defer(*this);
}

/// Another connection goes on with the stream; this one ends.
void Http1Connection::become_http2() noexcept try {
  auto next = std::make_unique<Http2Connection>(worker_, std::move(stream_), service_, *info_.local);
  Http2Connection& added = *next;
  state_ = State::closed;
  if (armed()) worker_.loop().cancel(*this);
  worker_.add(std::move(next));
  added.begin(unparsed());
  input_.release();
  worker_.loop().defer(*this);  // which destroys it
} catch (const std::bad_alloc&) {
  state_ = State::closed;
  if (armed()) worker_.loop().cancel(*this);
  worker_.loop().defer(*this);
}

/// Gives the stream away once the 101 has left; what is left of this connection ends.
void Http1Connection::hand_over() noexcept {
  if (!output_.empty()) return update_interest();
  Buffer rest = std::move(input_);
  rest.consume(std::exchange(input_begin_, 0));
  if (rest.empty()) rest.release();
  state_ = State::closed;
  if (armed()) worker_.loop().cancel(*this);
  stream_->set_handler(nullptr);
  const std::unique_ptr<Upgrade> upgrade = std::move(upgrade_);
  upgrade->take(worker_, std::move(stream_), std::move(rest), info_);
  worker_.loop().defer(*this);  // which destroys it
}

}  // namespace weir::server
