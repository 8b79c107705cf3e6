// What a WebSocket receives: from bytes to the messages that the handler gets.
#include <algorithm>
#include <array>
#include <limits>
#include <new>
#include <utility>

#include "weir/web/detail/websocket_codecs.hpp"
#include "weir/web/detail/websocket_connection.hpp"

namespace weir::detail {

using websocket::FrameEvent;
using websocket::Opcode;

namespace {

/// Bytes read at once into a message that is long.
constexpr std::size_t message_read_size = 256 * 1024;
/// From this much that is left of a frame on it is read to where it belongs.
constexpr std::size_t direct_read_from = 16 * 1024;

}  // namespace

void WebSocketConnection::on_readable() noexcept {
  if (state_ == State::lingering) return read_over();
  processing_ = true;
  bool whole = false;
  const bool direct = state_ == State::open && receiver_ != nullptr && !receiver_->pieces_ && unparsed().empty() &&
                      parser_.frame_left() >= direct_read_from && !parser_.compressed();
  switch (direct ? fill_message(whole) : fill()) {
    case Fill::some:
      last_received_ = loop().now();
      awaiting_pong_ = false;
      if (state_ == State::open) {
        if (whole) resume_receiver(true);
        feed_receiver();
        handle_control_frames();
      }
      if (state_ != State::open) discard();
      break;
    case Fill::blocked:
      break;
    case Fill::ended:
    case Fill::failed:
      gone();
      break;
  }
  end_turn();
}

void WebSocketConnection::on_writable() noexcept {
  processing_ = true;
  flush();
  wake_senders();
  end_turn();
}

void WebSocketConnection::on_peer_closed() noexcept {
  // What came before can still be received; but there is nobody left to answer.
  if (state_ == State::open) return stop_.request_stop(StopReason::gone);
  peer_closed_ = true;
}

WebSocketConnection::Fill WebSocketConnection::fill() noexcept try {
  std::size_t room = 0;
  if (handed_out_ && input_.capacity() != 0) {
    room = input_.capacity() - input_.size();  // The handler looks at what is there: it stays where it is.
    if (room == 0) return Fill::blocked;
  } else {
    input_.consume(std::exchange(input_begin_, 0));
    room = read_size_ - std::min(read_size_ / 2, input_.size());
  }
  char* to = input_.reserve_more(room);
  const net::IoResult result = stream_->read(std::span(to, room));
  if (result.ok()) {
    input_.advance(result.bytes);
    if (result.bytes == room) {
      read_size_ = std::min(2 * read_size_, max_read_size);
    } else if (result.bytes < read_size_ / 4) {
      read_size_ = std::max(read_size_ / 2, min_read_size);
    }
    return result.bytes == 0 ? Fill::blocked : Fill::some;
  }
  if (result.would_block()) return Fill::blocked;
  return result.end_of_stream() ? Fill::ended : Fill::failed;
} catch (const std::bad_alloc&) {
  return Fill::failed;
}

/// Reads the rest of a long frame to the end of its message. `whole`: the receiver's message is complete.
WebSocketConnection::Fill WebSocketConnection::fill_message(bool& whole) noexcept try {
  const std::size_t room = static_cast<std::size_t>(std::min<std::uint64_t>(parser_.frame_left(), message_read_size));
  char* to = message_.reserve_more(room);
  const net::IoResult result = stream_->read(std::span(to, room));
  if (result.would_block()) return Fill::blocked;
  if (!result.ok()) return result.end_of_stream() ? Fill::ended : Fill::failed;
  whole = on_data(parser_.next(std::span(to, result.bytes)), receiver_->piece_, false);
  return Fill::some;
} catch (const std::bad_alloc&) {
  return Fill::failed;
}

/// A connection that waits holds only what it has not parsed.
void WebSocketConnection::store_input() noexcept {
  if (handed_out_) return;
  const std::size_t left = input_.size() - input_begin_;
  if (left == 0) {
    if (input_.capacity() != 0) input_.release();
  } else if (input_.capacity() > 2 * left && input_.capacity() > 256) {
    try {
      input_ = Buffer(std::string_view(input_.data() + input_begin_, left));
    } catch (const std::bad_alloc&) {
      return;  // It only costs memory.
    }
  } else {
    return;
  }
  input_begin_ = 0;
}

// --- to the handler ---

void WebSocketConnection::resume_receiver(bool got) noexcept {
  WebSocket::Receive* receiver = std::exchange(receiver_, nullptr);
  receiver->got_ = got;
  receiver->waiting_ = false;
  if (got) note_received(true);
  receiver->awaiting_.resume();
}

void WebSocketConnection::feed_receiver() noexcept {
  while (receiver_ != nullptr) {
    bool got = false;
    if (!take(receiver_->piece_, receiver_->pieces_, got)) return;
    WebSocket::Receive* receiver = std::exchange(receiver_, nullptr);
    receiver->got_ = got;
    receiver->waiting_ = false;
    receiver->awaiting_.resume();
  }
}

void WebSocketConnection::note_received(bool whole) noexcept {
  handed_out_ = true;
  if (whole && accepted_.metrics != nullptr) accepted_.metrics->received.add();
}

bool WebSocketConnection::take(WebSocketPiece& piece, bool pieces, bool& got) noexcept {
  if (handed_out_) {  // The handler is done with the last one.
    handed_out_ = false;
    if (message_.capacity() != 0) message_.release();
  }
  got = false;
  while (state_ == State::open) {
    const FrameEvent event = parser_.next(unparsed());
    input_begin_ += event.consumed;
    switch (event.kind) {
      case FrameEvent::Kind::need_more:
        return false;
      case FrameEvent::Kind::data:
        if (!on_data(event, piece, pieces)) break;
        got = true;
        note_received(!pieces || piece.last);
        return true;
      case FrameEvent::Kind::error:
        fail(websocket::close_code_of(event.error), websocket::message_of(event.error));
        break;
      case FrameEvent::Kind::ping:
      case FrameEvent::Kind::pong:
      case FrameEvent::Kind::close:
        on_control(event);
        break;
    }
  }
  return true;
}

/// While nobody receives, what is not a message is looked at all the same.
void WebSocketConnection::handle_control_frames() noexcept {
  while (state_ == State::open && receiver_ == nullptr && parser_.frame_left() == 0 && !unparsed().empty() &&
         (unparsed()[0] & 0x08) != 0) {
    const FrameEvent event = parser_.next(unparsed());
    input_begin_ += event.consumed;
    if (event.kind == FrameEvent::Kind::need_more) return;
    if (event.kind == FrameEvent::Kind::error) {
      return fail(websocket::close_code_of(event.error), websocket::message_of(event.error));
    }
    on_control(event);
  }
}

/// After our Close, until the client's: the rest of what it sends is dropped.
void WebSocketConnection::discard() noexcept {
  while (state_ == State::closing) {
    const FrameEvent event = parser_.next(unparsed());
    input_begin_ += event.consumed;
    if (event.kind == FrameEvent::Kind::need_more) return;
    if (event.kind == FrameEvent::Kind::close) on_close_frame(event.text());
    if (event.kind == FrameEvent::Kind::error) state_ = State::flushing;
  }
}

/// Until the client closes: nobody looks at what it sends. Not into the buffer, where the handler may still look at its
/// last message.
void WebSocketConnection::read_over() noexcept {
  std::array<char, 4096> unread;
  const net::IoResult result = stream_->read(unread);
  if (!result.ok() && !result.would_block()) gone();
}

void WebSocketConnection::on_control(const FrameEvent& event) noexcept {
  if (event.kind == FrameEvent::Kind::close) return on_close_frame(event.text());
  if (!within_rate() || event.kind == FrameEvent::Kind::pong) return;
  try {
    append_frame(Opcode::pong, event.text(), {});
  } catch (const std::bad_alloc&) {
    fail(CloseCode::internal_error, "no memory");
  }
  flush_later();
}

void WebSocketConnection::on_close_frame(std::string_view payload) noexcept {
  got_close_ = true;
  if (state_ == State::closing) {
    state_ = State::flushing;
    return;
  }
  bool invalid_text = false;
  const auto reason = websocket::parse_close_payload(payload, invalid_text);
  if (!reason) {
    return fail(invalid_text ? CloseCode::invalid_data : CloseCode::protocol_error, "the Close frame is malformed");
  }
  close_code_ = reason->code;
  append_close(reason->code, {});
  leave_open(State::flushing);
}

// --- data ---

/// True: `piece` is for the handler.
bool WebSocketConnection::on_data(const FrameEvent& event, WebSocketPiece& piece, bool pieces) noexcept try {
  // A frame within a message that brings nothing counts as a message: there may be any number of them.
  const bool nothing = event.payload.empty() && !event.ends && parser_.frame_left() == 0;
  if ((event.begins || nothing) && !within_rate()) return false;
  if (event.begins) {
    utf8_.reset();
    inflated_ = 0;
    message_.clear();
  }
  piece.binary = event.opcode == Opcode::binary;
  return event.compressed ? on_compressed(event, piece, pieces) : on_plain(event, piece, pieces);
} catch (const std::bad_alloc&) {
  fail(CloseCode::internal_error, "no memory for the message");
  return false;
}

bool WebSocketConnection::good_text(std::string_view data, bool last) noexcept {
  if (utf8_.feed(data) && (!last || utf8_.complete())) return true;
  fail(CloseCode::invalid_data, "the text is not UTF-8");
  return false;
}

bool WebSocketConnection::on_plain(const FrameEvent& event, WebSocketPiece& piece, bool pieces) noexcept {
  if (!piece.binary && !good_text(event.text(), event.ends)) return false;
  if (pieces) {
    piece.data = event.text();
    piece.first = event.begins;
    piece.last = event.ends;
    return !piece.data.empty() || piece.first || piece.last;
  }
  if (event.begins && event.ends) {
    piece.data = event.text();
    return true;
  }
  // It may have been read to its place already.
  if (event.payload.data() == message_.data() + message_.size()) {
    message_.advance(event.payload.size());
  } else {
    message_.append(event.text());
  }
  piece.data = message_.view();
  return event.ends;
}

bool WebSocketConnection::on_compressed(const FrameEvent& event, WebSocketPiece& piece, bool pieces) noexcept {
  const bool stateful = accepted_.deflate->client_context;
  std::string_view packed = event.text();
  if (!stateful && !(event.begins && event.ends)) {
    // The loop's decompressor is free between two turns: the message waits until it is whole.
    if (event.begins) packed_.clear();
    packed_.append(packed);
    if (!event.ends) return false;
    packed = packed_.view();
  }
  if (pieces) message_.clear();
  const std::size_t before = message_.size();
  const bool good = inflate(packed, event.ends, message_);
  if (!stateful) packed_.release();
  if (!good) return false;
  const std::string_view fresh = message_.view().substr(before);
  inflated_ += fresh.size();
  if (!piece.binary && !good_text(fresh, event.ends)) return false;
  piece.data = message_.view();
  if (!pieces) return event.ends;
  piece.first = event.begins || !stateful;
  piece.last = event.ends;
  return !piece.data.empty() || piece.first || piece.last;
}

bool WebSocketConnection::inflate(std::string_view data, bool last, Buffer& out) noexcept {
  using Outcome = websocket::Inflater::Outcome;
  const bool stateful = accepted_.deflate->client_context;
  if (stateful && inflater_ == nullptr) {
    inflater_ = std::make_unique<websocket::Inflater>(accepted_.deflate->client_window_bits);
  }
  websocket::Inflater& inflater = stateful ? *inflater_ : WebSocketCodecs::of_this_thread().inflater();
  const std::size_t most =
      options().max_message == 0 ? std::numeric_limits<std::size_t>::max() / 2 : options().max_message;
  // What was given out in pieces counts, too.
  const std::size_t given = inflated_ - std::min<std::uint64_t>(inflated_, out.size());
  const Outcome outcome = inflater.decompress(data, last, most - std::min(most, given), out);
  if (!stateful) inflater.forget();
  switch (outcome) {
    case Outcome::good:
      return true;
    case Outcome::too_big:
      fail(CloseCode::too_big, "the message is too big");
      break;
    case Outcome::corrupt:
      fail(CloseCode::invalid_data, "the compressed data is corrupt");
      break;
    case Outcome::no_memory:
      fail(CloseCode::internal_error, "no memory for the message");
      break;
  }
  return false;
}

}  // namespace weir::detail
