// What an HTTP/1.x connection reads: heads, bodies, and when it reads at all.
#include <algorithm>
#include <cstdint>
#include <new>
#include <span>
#include <string>
#include <utility>

#include "weir/http1/serializer.hpp"
#include "weir/http2/session.hpp"
#include "weir/server/http1_connection.hpp"
#include "weir/server/worker.hpp"

namespace weir::server {

namespace {
/// Bytes asked for in one read between requests; with the padding and a little rest it stays in one recycled block.
constexpr std::size_t read_size = 32 * 1024 - 2 * http1::padding;
/// The same while a body is received.
constexpr std::size_t body_read_size = 128 * 1024 - 2 * http1::padding;
}  // namespace

void Http1Connection::on_readable() noexcept {
  switch (state_) {
    case State::head:
    case State::discard: {
      const Fill filled = fill(read_size);
      if (filled == Fill::some) return process();
      if (filled == Fill::blocked) return store_input();
      if (filled == Fill::failed) return destroy_soon(true);
      // Between requests this is how a kept-alive connection ends. An answer that is on its way still arrives: a client
      // may close its side only (RFC 9112 section 9.6).
      peer_closed_ = true;
      return begin_closing();
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
        case Fill::ended:  // Requests that came before it are still answered.
          peer_closed_ = true;
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
  if (worker_.draining() && state_ == State::head) drain();  // What it still had to do is done.
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
  // No request of HTTP/1 has the first line of the preface (RFC 9113 section 3.4): what follows is for HTTP/2 to judge.
  constexpr std::string_view first_line = http2::preface.substr(0, http2::preface.find('\n') + 1);
  if (bytes.front() == 'P' && first_line.starts_with(bytes.substr(0, first_line.size()))) {
    if (limits.http2.enabled && (negotiated.empty() || negotiated == "h2")) {
      const bool cut = bytes.size() < http2::preface.size() && http2::preface.starts_with(bytes);
      return cut ? Speaks::perhaps_http2 : Speaks::http2;
    }
  }
  // The head of a TLS record with a handshake in it (RFC 8446 section 5.1), in the clear: https for http.
  if (info_.security == nullptr && bytes.starts_with("\x16\x03")) return Speaks::tls;
  return limits.http1_enabled && negotiated != "h2" ? Speaks::http1 : Speaks::nothing;
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
      case Speaks::tls:
        refuse(http::Status::bad_request, "the client speaks TLS, and this listener does not");
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
      set_timer(later(worker_.loop().now(), worker_.limits().header_timeout));
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

/// Whether all of the request is here: what the client does now says nothing of its body any more.
bool Http1Connection::request_arrived() const noexcept {
  if (parser_.body().complete()) return true;
  return head_.framing == http1::Framing::length &&
         head_.content_length - parser_.body().received() <= unparsed().size();
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
  const bool too_large = status == http::Status::content_too_large || error == http1::ParseError::trailers_too_large;
  const Errc code = too_large ? Errc::too_large : Errc::invalid_argument;
  exchange_->fail_body(Error(code, std::string(http1::message_of(error))));
  return {BodyPiece::Kind::error, {}};
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
  set_timer(later(worker_.loop().now(), worker_.limits().idle_timeout));
  return true;
}

}  // namespace weir::server
