// What a WebSocket sends.
#include <array>
#include <cstring>
#include <new>
#include <utility>

#include "weir/web/detail/published_message.hpp"
#include "weir/web/detail/websocket_codecs.hpp"
#include "weir/web/detail/websocket_connection.hpp"

namespace weir::detail {

using websocket::FrameFlags;
using websocket::Opcode;

namespace {
/// Published messages that wait for the end of one that goes out in parts.
constexpr std::size_t max_held = 64;
/// Of long messages, to be written at once.
constexpr std::size_t gathered_output = 64 * 1024;
}  // namespace

bool WebSocketConnection::write(Opcode opcode, std::string_view data, bool last) noexcept try {
  if (state_ != State::open) return false;
  const bool whole = last && !fragmenting_;
  const Opcode first = fragmenting_ ? Opcode::continuation : opcode;
  if (!(whole && accepted_.deflate && data.size() >= options().compression.threshold &&
        append_compressed(first, data))) {
    append_frame(first, data, {.final = last});
  }
  fragmenting_ = !last;
  if (last && accepted_.metrics != nullptr) accepted_.metrics->sent.add();
  if (last && !held_.empty()) {
    for (const auto& message : std::exchange(held_, {})) append_published(message);
  }
  flush_later();
  return true;
} catch (const std::bad_alloc&) {
  fail(CloseCode::internal_error, "no memory for the message");
  return false;
}

void WebSocketConnection::append_frame(Opcode opcode, std::string_view data, FrameFlags flags) {
  if (data.size() >= server::OutputQueue::copy_below) {
    std::array<char, websocket::max_frame_header> header;
    const std::size_t size = websocket::write_frame_header(header.data(), opcode, data.size(), flags);
    return append_large({header.data(), size}, data);
  }
  Buffer& out = output_.tail();
  char* const to = out.reserve_more(websocket::max_frame_header + data.size());
  const std::size_t size = websocket::write_frame_header(to, opcode, data.size(), flags);
  if (!data.empty()) std::memcpy(to + size, data.data(), data.size());
  out.advance(size + data.size());
}

/// A long payload goes out from where it lies; only what the stream does not take now is copied. But where more of the
/// client's messages are here already, a copy costs less than a write of its own for each answer.
void WebSocketConnection::append_large(std::string_view header, std::string_view data) {
  const bool more_follows = processing_ && !unparsed().empty();
  if (more_follows && output_.pending() + data.size() <= gathered_output) {
    Buffer& out = output_.tail();
    if (out.capacity() == 0) static_cast<void>(out.reserve_more(gathered_output));
    out.append(header);
    out.append(data);
    return;
  }
  if (broken_) return;
  broken_ = output_.write_through(*stream_, header, data) == server::OutputQueue::Flush::failed;
  if (broken_) loop().defer(*this);
}

/// False: it would not become smaller.
bool WebSocketConnection::append_compressed(Opcode opcode, std::string_view data) {
  WebSocketCodecs& codecs = WebSocketCodecs::of_this_thread();
  const websocket::DeflateAgreement& agreed = *accepted_.deflate;
  websocket::Deflater::Options wanted;
  wanted.window_bits = agreed.server_window_bits;
  wanted.memory_level = options().compression.memory_level;
  wanted.level = options().compression.level;
  if (agreed.server_context && deflater_ == nullptr) deflater_ = std::make_unique<websocket::Deflater>(wanted);
  websocket::Deflater& deflater = agreed.server_context ? *deflater_ : codecs.deflater(wanted);
  Buffer& packed = codecs.scratch();
  packed.clear();
  const bool good = deflater.compress(data, agreed.server_context, packed);
  if (!good || (!agreed.server_context && packed.size() >= data.size())) {
    packed.release();
    return false;
  }
  append_frame(opcode, packed.view(), {.compressed = true});
  packed.release();  // To the thread's lists.
  return true;
}

void WebSocketConnection::append_close(CloseCode code, std::string_view reason) noexcept try {
  std::array<char, websocket::max_control_payload> payload;
  const std::size_t size = websocket::write_close_payload(payload.data(), {code, reason});
  append_frame(Opcode::close, {payload.data(), size}, {});
} catch (const std::bad_alloc&) {
  broken_ = true;
}

void WebSocketConnection::flush() noexcept {
  if (state_ == State::dead || output_.empty()) return;
  if (output_.flush(*stream_) == server::OutputQueue::Flush::failed) gone();
}

// --- what is published ---

void WebSocketConnection::deliver(const std::shared_ptr<const PublishedMessage>& message) noexcept try {
  if (state_ != State::open) return;
  const bool too_much = full() || held_.size() >= max_held;
  if (too_much && options().slow_subscriber == SlowSubscriber::close) {
    return fail(CloseCode::policy_violation, "the subscriber is too slow");
  }
  // A publisher that waits has looked before; what it does not wait for is dropped here, too.
  if (too_much && (options().slow_subscriber == SlowSubscriber::drop || held_.size() >= max_held)) {
    if (accepted_.metrics != nullptr) accepted_.metrics->dropped.add();
    return;
  }
  if (fragmenting_) {
    held_.push_back(message);
  } else {
    append_published(message);
    flush_later();
  }
} catch (const std::bad_alloc&) {
  fail(CloseCode::internal_error, "no memory for the message");
}

void WebSocketConnection::append_published(const std::shared_ptr<const PublishedMessage>& message) {
  const bool packed = !message->packed.empty() && accepted_.deflate && accepted_.deflate->server_window_bits == 15;
  // The client's decompressor sees what our own compressor for it has not: nothing may be referred to behind that.
  if (packed && deflater_ != nullptr) deflater_->forget();
  const std::string_view frame = packed ? message->packed.view() : message->frame.view();
  if (frame.size() < server::OutputQueue::copy_below) {
    output_.append(frame);
  } else {
    output_.append(http::Body(http::SharedBody{message, frame}));
  }
  if (accepted_.metrics != nullptr) accepted_.metrics->sent.add();
}

// --- those that wait for room ---

void WebSocketConnection::add_sender(WebSocket::Send& sender) noexcept {
  sender.next_ = nullptr;
  (last_sender_ == nullptr ? first_sender_ : last_sender_->next_) = &sender;
  last_sender_ = &sender;
}

void WebSocketConnection::forget_sender(const WebSocket::Send& sender) noexcept {
  WebSocket::Send* before = nullptr;
  for (WebSocket::Send* at = first_sender_; at != nullptr; before = at, at = at->next_) {
    if (at != &sender) continue;
    (before == nullptr ? first_sender_ : before->next_) = at->next_;
    if (last_sender_ == at) last_sender_ = before;
    return;
  }
}

void WebSocketConnection::wake_senders() noexcept {
  while (senders_may_go_on()) {
    WebSocket::Send* sender = first_sender_;
    first_sender_ = sender->next_;
    if (first_sender_ == nullptr) last_sender_ = nullptr;
    sender->waiting_ = false;
    sender->sent_ = state_ == State::open;
    sender->awaiting_.resume();
  }
}

}  // namespace weir::detail
