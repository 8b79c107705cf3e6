// What an HTTP/1.x connection writes: the calls of its exchange, and the queue that they fill.
#include <cstdint>
#include <new>
#include <utility>

#include "weir/http1/serializer.hpp"
#include "weir/server/http1_connection.hpp"
#include "weir/server/worker.hpp"

namespace weir::server {

namespace {
/// Bytes of a file that one connection writes in a turn of the loop, about, …
constexpr std::uint64_t file_turn = 1024 * 1024;
/// … and when all connections together have moved enough.
constexpr std::uint64_t small_turn = 64 * 1024;
}  // namespace

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

bool Http1Connection::may_keep_alive(const Exchange& exchange) const noexcept {
  if (!keep_alive_ || !worker_.keep_alive()) return false;
  if (peer_closed_ && unparsed().empty()) return false;  // Nothing more will come.
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
  continue_due_ = false;  // Nothing interim follows the final response (RFC 9110 section 15.2).
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
      output_left();
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

void Http1Connection::flush_later() noexcept {
  worker_.loop().defer(*this);
}

}  // namespace weir::server
