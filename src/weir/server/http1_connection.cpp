#include "weir/server/http1_connection.hpp"

#include <algorithm>
#include <new>
#include <string>
#include <utility>

#include "weir/base/contracts.hpp"
#include "weir/http1/serializer.hpp"
#include "weir/http2/session.hpp"
#include "weir/server/http2_connection.hpp"
#include "weir/server/worker.hpp"

namespace weir::server {

namespace {
/// Bytes asked for in one read between requests; with the padding and a little rest it stays in one recycled block.
constexpr std::size_t read_size = 32 * 1024 - 2 * http1::padding;
/// The same while a body is received.
constexpr std::size_t body_read_size = 128 * 1024 - 2 * http1::padding;
/// Bytes of a body that one connection moves in a turn of the loop, about: then it is the others' turn.
constexpr std::uint64_t turn_bytes = 256 * 1024;
/// The same of a file, which is cheaper, …
constexpr std::uint64_t file_turn = 1024 * 1024;
/// … and when all connections together have moved enough.
constexpr std::uint64_t small_turn = 64 * 1024;

http1::ParserLimits parser_limits(const Limits& limits) noexcept {
  http1::ParserLimits result;
  result.max_target = limits.target_bytes;
  result.max_head = limits.header_bytes;
  result.max_headers = std::min(limits.header_count, max_header_count);
  result.body.max_trailer_bytes = limits.trailer_bytes;
  return result;
}
}  // namespace

Http1Connection::Http1Connection(Worker& worker, std::unique_ptr<net::Stream> stream, Service& service,
                                 const net::SocketAddress& local) noexcept
    : worker_(worker),
      service_(service),
      stream_(std::move(stream)),
      peer_(stream_->peer()),
      parser_(parser_limits(worker.limits())),
      head_({}) {
  info_.peer = &peer_;
  info_.local = &local;
  stream_->set_handler(this);
  set_timer(worker_loop().now() + worker_.limits().header_timeout);
}

Http1Connection::~Http1Connection() {
  WEIR_ASSERT(exchange_ == nullptr);
}

EventLoop& Http1Connection::worker_loop() const noexcept {
  return worker_.loop();
}

// --- events of the stream ---

void Http1Connection::on_readable() noexcept {
  switch (state_) {
    case State::head:
    case State::discard: {
      const Fill filled = fill(read_size);
      if (filled == Fill::some) return process();
      if (filled == Fill::blocked) return store_input();
      // Between requests this is how a kept-alive connection ends; within one there is nobody left to answer.
      return destroy_soon(filled == Fill::failed);
    }
    case State::upgrading:
      return;
    case State::exchange: {
      if (body_wait_) {
        body_wait_ = false;
        exchange_->on_body_readable();
        // The window of the stall check goes on as long as the reader waits again: bytes that drip do not restart it.
        if (!body_wait_ && output_.empty()) stalled_watch_ = false;
        return update_interest();
      }
      if (!parser_.body().complete()) return stream_->want(false, !output_.empty());  // Nobody pulls: let it wait.
      if (input_.size() - input_begin_ >= read_size / 2) return stream_->want(false, !output_.empty());
      // Read ahead: the next pipelined request, or the news that the client has gone.
      const std::size_t room = input_.capacity() - input_.size();
      if (room <= http1::padding) return stream_->want(false, !output_.empty());
      switch (fill(std::min(room - http1::padding, read_size))) {
        case Fill::some:
        case Fill::blocked:
          return;
        case Fill::ended:
          return on_peer_closed();
        case Fill::failed:
          return destroy_soon(true);
      }
      return;
    }
    case State::closing:
    case State::lingering:
      input_.clear();
      input_begin_ = 0;
      switch (fill(read_size)) {
        case Fill::some:
        case Fill::blocked:
          input_.release();
          return;
        case Fill::ended:
          peer_closed_ = true;
          input_.release();
          if (state_ == State::lingering) return destroy_soon(false);
          return update_interest();
        case Fill::failed:
          return destroy_soon(true);
      }
      return;
    case State::closed:
      return;
  }
}

void Http1Connection::on_writable() noexcept {
  if (!flush() || !output_.empty()) return;
  switch (state_) {
    case State::exchange:
      if (exchange_ != nullptr) exchange_->on_writable();
      if (state_ != State::closed) update_interest();
      return;
    case State::head:
    case State::discard:
      return process();
    case State::closing:
      return linger_or_close();
    case State::upgrading:
      return hand_over();
    case State::lingering:
    case State::closed:
      return;
  }
}

void Http1Connection::on_hangup() noexcept {
  destroy_soon(true);
}

void Http1Connection::on_peer_closed() noexcept {
  peer_closed_ = true;
  keep_alive_ = false;
  if (exchange_ != nullptr && state_ == State::exchange) exchange_->on_peer_closed();
  if (state_ != State::closed) update_interest();
}

// --- input ---

Http1Connection::Fill Http1Connection::fill(std::size_t room) noexcept try {
  char* to = input_.reserve_more(room + http1::padding);
  const net::IoResult result = stream_->read(std::span(to, room));
  if (result.ok()) {
    if (received_ == 0) meet_peer();
    input_.advance(result.bytes);
    received_ += result.bytes;
    return result.bytes == 0 ? Fill::blocked : Fill::some;
  }
  if (result.would_block()) return Fill::blocked;
  return result.end_of_stream() ? Fill::ended : Fill::failed;
} catch (const std::bad_alloc&) {
  return Fill::failed;
}

/// With the first bytes the layers below know whom they talk to: the PROXY header has told the address, TLS the rest.
void Http1Connection::meet_peer() noexcept {
  peer_ = stream_->peer();
  info_.security = stream_->security();
}

void Http1Connection::process() noexcept {
  if (processing_) return;
  processing_ = true;
  parse_requests();
  processing_ = false;
  if (state_ == State::closed || !flush()) return;
  if (state_ == State::closing) return linger_or_close();
  if (state_ == State::upgrading) return hand_over();
  store_input();
  update_interest();
}

void Http1Connection::parse_requests() noexcept {
  // A client that does not read its answers is not asked for more requests.
  while (output_.pending() < worker_.limits().output_bytes) {
    if (state_ == State::discard) {
      if (!discard_body()) return;
    } else if (state_ == State::head) {
      if (unparsed().empty() || !parse_head()) return;
    } else {
      return;
    }
  }
}

/// What a connection's first bytes say. A client that negotiated a protocol (RFC 7301) has to speak it.
Http1Connection::Speaks Http1Connection::protocol_of_client() const noexcept {
  const std::string_view bytes = unparsed();
  const Limits& limits = worker_.limits();
  const std::string_view negotiated = info_.security == nullptr ? std::string_view{} : info_.security->alpn;
  // No method of HTTP/1 begins as the preface does (RFC 9113 section 3.4).
  if (bytes.front() == 'P' && http2::preface.starts_with(bytes.substr(0, http2::preface.size()))) {
    if (limits.http2.enabled && (negotiated.empty() || negotiated == "h2")) {
      return bytes.size() < http2::preface.size() ? Speaks::perhaps_http2 : Speaks::http2;
    }
  }
  return limits.http1_enabled && negotiated != "h2" ? Speaks::http1 : Speaks::nothing;
}

/// Another connection goes on with the stream; this one ends.
void Http1Connection::become_http2() noexcept try {
  auto next = std::make_unique<Http2Connection>(worker_, std::move(stream_), service_, *info_.local);
  Http2Connection& added = *next;
  state_ = State::closed;
  if (armed()) worker_loop().cancel(*this);
  worker_.add(std::move(next));
  added.begin(unparsed());
  input_.release();
  worker_loop().defer(*this);  // which destroys it
} catch (const std::bad_alloc&) {
  state_ = State::closed;
  if (armed()) worker_loop().cancel(*this);
  worker_loop().defer(*this);
}

bool Http1Connection::parse_head() noexcept {
  const bool begins = exchange_ == nullptr;
  if (begins && requests_ == 0) {
    switch (protocol_of_client()) {
      case Speaks::http1:
        break;
      case Speaks::http2:
        become_http2();
        return false;
      case Speaks::perhaps_http2:
        return false;
      case Speaks::nothing:  // An answer would be in a language that the client does not expect.
        service_.on_refused(info_, http::Status::bad_request, "the first bytes are no HTTP/2 preface");
        destroy_soon(false);
        return false;
    }
  }
  if (begins) {
    try {
      exchange_ = &worker_.pool().acquire();
    } catch (const std::bad_alloc&) {
      refuse(http::Status::service_unavailable, "no memory for another request");
      return false;
    }
    head_ = http1::RequestHead(exchange_->field_slots());
  }
  const http1::HeadResult result = parser_.parse_head(unparsed(), head_);
  if (result.state == http1::ParseState::need_more) {
    if (parser_.idle()) {  // Nothing but an empty line so far.
      worker_.pool().release(*std::exchange(exchange_, nullptr));
    } else if (begins) {
      set_timer(worker_loop().now() + worker_.limits().header_timeout);
    }
    return false;
  }
  if (result.state == http1::ParseState::error) {
    refuse(http1::status_of(result.error), http1::message_of(result.error));
    return false;
  }
  begin_exchange(result.size);
  return true;
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
  keep_alive_ = head_.keep_alive && !peer_closed_ && worker_.keep_alive() &&
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

/// Reads over what the handler left of the body. True when the next head can be parsed.
bool Http1Connection::discard_body() noexcept {
  while (!parser_.body().complete()) {
    const http1::BodyResult result = parser_.parse_body(unparsed());
    input_begin_ += result.consumed;
    discarded_ += result.data.size();
    if (result.state == http1::ParseState::error || discarded_ > worker_.limits().discard_bytes) {
      begin_closing();
      return false;
    }
    if (result.state == http1::ParseState::need_more && result.consumed == 0) {
      watch_stall();
      return false;
    }
  }
  state_ = State::head;
  stalled_watch_ = false;
  parser_.reset();
  set_timer(worker_loop().now() + worker_.limits().idle_timeout);
  return true;
}

/// A connection that waits holds only what it has not parsed: nothing between requests, the begun head otherwise.
void Http1Connection::store_input() noexcept {
  if (state_ == State::exchange) return;  // The request's views point into it.
  const std::size_t left = input_.size() - input_begin_;
  if (left == 0) {
    input_.release();
  } else if (input_.capacity() > 2 * (left + http1::padding) || input_begin_ != 0) {
    try {
      Buffer small;
      static_cast<void>(small.reserve_more(left + http1::padding));
      small.append(unparsed());
      input_ = std::move(small);
    } catch (const std::bad_alloc&) {
      return;  // It only costs memory.
    }
  }
  input_begin_ = 0;
}

BodyPiece Http1Connection::pull_body(Exchange& exchange) noexcept {
  for (;;) {
    if (parser_.body().complete()) return {BodyPiece::Kind::end, {}};
    const http1::BodyResult result = parser_.parse_body(unparsed());
    input_begin_ += result.consumed;
    if (result.state == http1::ParseState::error) return body_failed(result.error);
    if (!result.data.empty()) {
      continue_due_ = false;
      return {BodyPiece::Kind::data, result.data};
    }
    if (result.state == http1::ParseState::complete) return {BodyPiece::Kind::end, {}};
    if (result.consumed != 0) continue;
    if (peer_closed_) return body_failed(http1::ParseError::truncated);

    // More must be read. The head stays with the exchange; the body goes through a block of its own.
    try {
      if (input_begin_ != input_.size() || input_begin_ != 0) {
        Buffer block;
        const std::uint64_t expected = head_.framing == http1::Framing::length ? head_.content_length : body_read_size;
        static_cast<void>(block.reserve_more(
            static_cast<std::size_t>(std::clamp<std::uint64_t>(expected, 4096, body_read_size)) + http1::padding));
        block.append(unparsed());
        if (exchange.keeps()) {
          input_ = std::move(block);
        } else {
          exchange.keep(std::exchange(input_, std::move(block)));
        }
        input_begin_ = 0;
      }
    } catch (const std::bad_alloc&) {
      exchange.fail_body(Error(Errc::unavailable, "no memory for the request body"));
      keep_alive_ = false;
      return {BodyPiece::Kind::error, {}};
    }
    const std::size_t held = input_.size();
    const std::size_t room =
        input_.capacity() > held + http1::padding ? input_.capacity() - held - http1::padding : 4096;
    switch (had_its_turn() ? Fill::blocked : fill(std::min(room, body_read_size))) {
      case Fill::some:
        break;
      case Fill::blocked:  // What is there already makes the stream readable again in the next turn.
        if (std::exchange(continue_due_, false)) {
          output_.append(http1::continue_response);
          if (!flush()) return {BodyPiece::Kind::error, {}};
        }
        body_wait_ = true;
        watch_stall();
        update_interest();
        return {BodyPiece::Kind::wait, {}};
      case Fill::ended:
        peer_closed_ = true;
        return body_failed(http1::ParseError::truncated);
      case Fill::failed:
        destroy_soon(true);
        return {BodyPiece::Kind::error, {}};
    }
  }
}

BodyPiece Http1Connection::body_failed(http1::ParseError error) noexcept {
  keep_alive_ = false;
  const http::Status status = http1::status_of(error);
  const Errc code = status == http::Status::content_too_large ? Errc::too_large : Errc::invalid_argument;
  exchange_->fail_body(Error(code, std::string(http1::message_of(error))));
  return {BodyPiece::Kind::error, {}};
}

// --- output ---

bool Http1Connection::may_keep_alive(const Exchange& exchange) const noexcept {
  if (!keep_alive_ || !worker_.keep_alive()) return false;
  if (exchange.body_error() != nullptr || exchange.timed_out()) return false;
  if (parser_.body().complete()) return true;
  // The rest of the body has to be read over. A client that waits for 100 Continue may never send it.
  if (continue_due_) return false;
  if (head_.framing != http1::Framing::length) return true;
  return head_.content_length - parser_.body().received() <= worker_.limits().discard_bytes;
}

void Http1Connection::send_interim(Exchange&, http::Status status, const http::Headers& headers) {
  if (head_.request.version == http::Version::http_1_0) return;  // RFC 9110 section 15.2
  http1::write_informational(status, headers, output_.tail());
  if (!processing_) flush_later();
}

/// The answer that ends HTTP on this connection (RFC 9110 section 7.8).
void Http1Connection::send_switch(Exchange& exchange, http::Response& response) {
  http1::ResponseContext context;
  context.date = worker_.date();
  http1::write_switching_protocols(response.headers.get(http::HeaderId::upgrade), response.headers, context,
                                   output_.tail());
  upgrade_ = exchange.take_upgrade();
  if (!processing_) flush_later();
  exchange.finish(0, !peer_closed_);
}

/// Gives the stream away once the 101 has left; what is left of this connection ends.
void Http1Connection::hand_over() noexcept {
  if (!output_.empty()) return update_interest();
  Buffer rest = std::move(input_);
  rest.consume(std::exchange(input_begin_, 0));
  if (rest.empty()) rest.release();
  state_ = State::closed;
  if (armed()) worker_loop().cancel(*this);
  stream_->set_handler(nullptr);
  const std::unique_ptr<Upgrade> upgrade = std::move(upgrade_);
  upgrade->take(worker_, std::move(stream_), std::move(rest), info_);
  worker_loop().defer(*this);  // which destroys it
}

void Http1Connection::send_response(Exchange& exchange, http::Response& response) noexcept try {
  if (response.status == http::Status::switching_protocols) {
    // Not asked for, without an upgrade, or with a body that is still to come: a promise that nobody keeps.
    if (!head_.upgrade || !exchange.upgrades() || !parser_.body().complete()) return abort_response(exchange);
    return send_switch(exchange, response);
  }
  http1::ResponseContext context;
  context.method = head_.request.method;
  context.version = head_.request.version;
  context.keep_alive = may_keep_alive(exchange);
  context.date = worker_.date();
  const http1::WrittenHead written = http1::write_head(response, context, output_.tail());
  keep_alive_ = written.keep_alive;
  chunked_ = written.chunked;
  if (response.body.stream() != nullptr) {
    count_moved();  // What went before is not this body's.
    if (!written.send_body) {
      exchange.finish(0, true);
    }
    if (!processing_) flush_later();
    return;
  }
  std::uint64_t sent = 0;
  if (written.send_body) {
    sent = response.body.length().value_or(0);
    if (written.chunked && sent != 0) http1::write_chunk_header(sent, output_.tail());
    output_.append(std::move(response.body));
    if (written.chunked) {
      if (sent != 0) output_.append(http1::chunk_end);
      http1::write_last_chunk(response.trailers.get(), output_.tail());
    }
  }
  if (!processing_) flush_later();
  exchange.finish(sent, !peer_closed_);
} catch (const std::bad_alloc&) {
  abort_response(exchange);
}

bool Http1Connection::write_body(Exchange&, std::string_view data) {
  if (chunked_) {
    http1::write_chunk(data, output_.tail());
  } else {
    output_.append(data);
  }
  const bool enough = had_its_turn();
  if (!enough && output_.pending() < worker_.limits().output_bytes) {
    if (!processing_) flush_later();
    return true;
  }
  if (!flush()) return true;
  const bool room = output_.pending() < worker_.limits().output_bytes;
  if (!room) update_interest();
  if (room && enough) {
    flush_later();  // which tells the writer to go on
    return false;
  }
  return room;
}

bool Http1Connection::write_body_file(Exchange& exchange, http::FileBody file) {
  const std::uint64_t length = file.length();
  if (length == 0) return true;
  if (chunked_) http1::write_chunk_header(length, output_.tail());
  output_.append(std::move(file));
  if (chunked_) output_.append(http1::chunk_end);
  return flush_body(exchange);
}

bool Http1Connection::flush_body(Exchange&) noexcept {
  if (!flush()) return true;
  if (output_.empty()) return true;
  update_interest();
  return false;
}

void Http1Connection::end_body(Exchange& exchange, const http::Headers* trailers) noexcept try {
  if (chunked_) http1::write_last_chunk(trailers, output_.tail());
  if (!processing_) flush_later();
  static_cast<void>(exchange);
} catch (const std::bad_alloc&) {
  abort_response(exchange);
}

void Http1Connection::abort_response(Exchange&) noexcept {
  destroy_soon(true);
}

/// Writes what waits. False: the connection is gone.
bool Http1Connection::flush() noexcept {
  if (state_ == State::closed) return false;
  if (output_.empty()) return true;
  const bool long_one = output_.pending() >= small_turn;  // Short answers are not worth counting.
  const OutputQueue::Flush flushed =
      output_.flush(*stream_, long_one && worker_.turn_budget().spent() ? small_turn : file_turn);
  if (long_one) count_moved();
  switch (flushed) {
    case OutputQueue::Flush::done:
      stalled_watch_ = body_wait_;
      return true;
    case OutputQueue::Flush::blocked:
      watch_stall();
      return true;
    case OutputQueue::Flush::failed:
      destroy_soon(true);
      return false;
  }
  return true;
}

// --- the end ---

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
  set_timer(worker_loop().now() + worker_.limits().linger_timeout);
  update_interest();
}

void Http1Connection::detach_exchange(StopReason reason) noexcept {
  Exchange* exchange = std::exchange(exchange_, nullptr);
  if (exchange == nullptr) return;
  if (state_ == State::exchange) {
    if (!exchange->keeps()) exchange->keep(std::move(input_));
    exchange->detach(reason);
  } else {
    worker_.pool().release(*exchange);
  }
}

void Http1Connection::destroy_soon(bool reset) noexcept {
  if (state_ == State::closed) return;
  detach_exchange(worker_.draining() ? StopReason::shutdown : StopReason::gone);
  state_ = State::closed;
  if (armed()) worker_loop().cancel(*this);
  stream_->set_handler(nullptr);
  stream_->close(reset);
  output_.clear();
  input_.release();
  worker_loop().defer(*this);
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
  const Instant soon = worker_loop().now() + worker_.limits().linger_timeout;
  if (output_.empty() && soon < due_) set_timer(soon);
}

void Http1Connection::close_now() noexcept {
  destroy_soon(state_ != State::head);
}

// --- readiness and time ---

void Http1Connection::update_interest() noexcept {
  bool read = false;
  switch (state_) {
    case State::head:
    case State::discard:
      read = output_.pending() < worker_.limits().output_bytes;
      break;
    case State::exchange:
      read = body_wait_ || (parser_.body().complete() && !peer_closed_ && input_.size() - input_begin_ < read_size / 2);
      break;
    case State::closing:
    case State::lingering:
      read = !peer_closed_;
      break;
    case State::upgrading:
      break;  // What comes is the next protocol's.
    case State::closed:
      return;
  }
  stream_->want(read, !output_.empty() || (state_ == State::closing && stream_->unsent() != 0));
}

/// Moves the deadline. Cheap when it moves back, as it does with every request: the timer is armed again only when the
/// deadline moves forward, and on_timer() looks at due_.
void Http1Connection::set_timer(Instant due) noexcept {
  due_ = due;
  if (due != Instant::max() && (!armed() || this->Timer::due() > due)) worker_loop().arm(*this, due);
}

/// Tells the worker what has moved since the last time.
void Http1Connection::count_moved() noexcept {
  const std::uint64_t turn = worker_loop().stats().turns.load(std::memory_order_relaxed);
  if (turn != turn_) {
    turn_ = turn;
    turn_mark_ = moved_;
  }
  const std::uint64_t moved = received_ + output_.written() + output_.pending();
  worker_.turn_budget().spend(moved - moved_);
  moved_ = moved;
}

/// Whether the body of this exchange has moved so much in this turn of the loop that others should be served first:
/// enough, or anything at all when all connections together have moved enough. A client that keeps up with us would
/// otherwise have the loop for itself until its gigabytes are through.
bool Http1Connection::had_its_turn() noexcept {
  count_moved();
  const std::uint64_t share = moved_ - turn_mark_;
  return share >= turn_bytes || (share != 0 && worker_.turn_budget().spent());
}

/// From now on bytes must move (in either direction) at the minimal rate.
void Http1Connection::watch_stall() noexcept {
  if (stalled_watch_) return;
  stalled_watch_ = true;
  stall_since_ = worker_loop().now();
  stall_mark_ = received_ + output_.written();
  set_timer(stall_since_ + worker_.limits().stall_timeout);
}

void Http1Connection::on_timer() noexcept {
  const Instant now = worker_loop().now();
  if (due_ == Instant::max()) return;
  if (now < due_) return worker_loop().arm(*this, due_);
  const Limits& limits = worker_.limits();
  switch (state_) {
    case State::head:
      if (!output_.empty()) break;
      if (exchange_ == nullptr) return destroy_soon(false);
      return refuse(http::Status::request_timeout, "the request head took too long to arrive");
    case State::lingering:
      return destroy_soon(false);
    case State::exchange:
    case State::closing:
    case State::discard:
    case State::upgrading:
      break;
    case State::closed:
      return;
  }
  if (!stalled_watch_) {
    due_ = Instant::max();
    return;
  }
  const std::uint64_t moved = received_ + output_.written() - stall_mark_;
  const auto seconds = std::chrono::duration<double>(now - stall_since_).count();
  if (moved != 0 && static_cast<double>(moved) >= static_cast<double>(limits.min_rate) * seconds) {
    stalled_watch_ = false;
    return watch_stall();
  }
  if (body_wait_ && output_.empty() && exchange_ != nullptr) {
    body_wait_ = false;
    stalled_watch_ = false;
    keep_alive_ = false;
    exchange_->fail_body(Error(Errc::deadline_exceeded, "the request body arrives too slowly"));
    exchange_->on_body_readable();
    if (state_ != State::closed) update_interest();
    return;
  }
  destroy_soon(true);
}

}  // namespace weir::server
