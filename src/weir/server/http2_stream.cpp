#include "weir/server/http2_stream.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>
#include <new>
#include <utility>

#include <sys/stat.h>
#include <unistd.h>

#include "weir/base/contracts.hpp"
#include "weir/http/problem.hpp"
#include "weir/server/http2_connection.hpp"
#include "weir/server/http2_tunnel.hpp"
#include "weir/server/worker.hpp"

namespace weir::server {

using http2::ErrorCode;

namespace {
/// Readable bytes behind a piece of a body, so that a JSON parser may load whole vectors.
constexpr std::size_t body_padding = 64;

http2::HeadLimits head_limits(const Limits& limits) noexcept {
  return {limits.target_bytes, limits.header_bytes, limits.header_count};
}

std::string_view reason_of(http::Status status) noexcept {
  switch (status) {
    case http::Status::uri_too_long:
      return "the request target is too long";
    case http::Status::request_header_fields_too_large:
      return "the header fields are too large or too many";
    case http::Status::expectation_failed:
      return "the expectation is unknown";
    default:
      return "no memory for another request";
  }
}
}  // namespace

Http2Stream::Http2Stream(Http2Connection& connection, http2::StreamId id, Exchange& exchange) noexcept
    : connection_(connection), exchange_(&exchange), id_(id) {
  head_.begin(exchange.field_slots(), exchange.arena(), head_limits(connection.limits()));
}

Http2Stream::~Http2Stream() {
  WEIR_ASSERT(exchange_ == nullptr);
  if (tunnel_ != nullptr) tunnel_->cut();
  try {
    drop_file();
  } catch (const std::bad_alloc&) {
    connection_.output().clear();  // What waits could not be sent any more.
  }
}

// --- the request ---

void Http2Stream::on_head(bool end) noexcept {
  request_ended_ = end;
  connection_.on_head_end();
  if (!head_.finish()) {
    forget_exchange();
    connection_.count_reset();
    return reset(ErrorCode::protocol_error);
  }
  if (head_.refusal() != http::Status::ok) return refuse(head_.refusal());
  Exchange& exchange = *exchange_;
  exchange.begin(*this, connection_.service(), connection_.limits(), connection_.info());
  begun_ = true;
  exchange.request() = head_.request();
  // What the client claims in :scheme is its word only.
  exchange.request().scheme = connection_.info().secure() ? "https" : "http";
  exchange.request().protocol = head_.protocol();
  if (!end) {
    continue_due_ = head_.expects_continue();
    exchange.announce_body(head_.content_length());
  }
  exchange.serve();
  if (exchange_ == &exchange && exchange.over()) forget_exchange();
}

void Http2Stream::refuse(http::Status status) noexcept {
  connection_.service().on_refused(connection_.info(), status, reason_of(status));
  forget_exchange();
  try {
    http::Problem problem;
    problem.status = status;
    problem.detail = reason_of(status);
    response_ = http::to_response(problem);
  } catch (const std::bad_alloc&) {
    return reset(ErrorCode::internal_error);
  }
  whole_ = response_.body.bytes().value_or(std::string_view{});
  ended_ = true;
  send_head(status, !whole_.empty(), whole_.size());
}

void Http2Stream::on_data(std::string_view data) noexcept {
  received_ += data.size();
  const bool tunnel = tunnel_ != nullptr || upgrade_ != nullptr;
  if (tunnel ? reset_ : exchange_ == nullptr || reset_ || exchange_->finished() || exchange_->body_error() != nullptr) {
    return connection_.session().consume(id_, data.size());
  }
  try {
    static_cast<void>(arriving_.reserve_more(data.size() + body_padding));
    arriving_.append(data);
  } catch (const std::bad_alloc&) {
    return reset(ErrorCode::internal_error);
  }
  if (tunnel_ != nullptr) tunnel_->tell_later();
  if (body_wait_) connection_.deliver_later(*this);
}

void Http2Stream::on_end() noexcept {
  request_ended_ = true;
  if (tunnel_ != nullptr) tunnel_->tell_later();
  if (body_wait_) connection_.deliver_later(*this);
}

void Http2Stream::deliver() noexcept {
  if (exchange_ == nullptr || !std::exchange(body_wait_, false)) return;
  exchange_->on_body_readable();
}

BodyPiece Http2Stream::pull_body(Exchange& exchange) noexcept {
  if (!arriving_.empty()) {
    given_.clear();
    std::swap(arriving_, given_);
    continue_due_ = false;
    connection_.session().consume(id_, given_.size());
    connection_.output_wanted();
    return {BodyPiece::Kind::data, given_.view()};
  }
  if (request_ended_) return {BodyPiece::Kind::end, {}};
  if (closed_ || reset_) {
    exchange.fail_body(Error(Errc::cancelled, "the client has gone away"));
    return {BodyPiece::Kind::error, {}};
  }
  if (std::exchange(continue_due_, false)) {
    connection_.session().inform(id_, http::Status::continue_);
    connection_.output_wanted();
  }
  body_wait_ = true;
  watch_stall();
  return {BodyPiece::Kind::wait, {}};
}

// --- the answer ---

void Http2Stream::send_head(http::Status status, bool has_body, std::optional<std::uint64_t> length) noexcept {
  http2::ResponseHead head;
  head.status = status;
  head.headers = &response_.headers;
  head.date = connection_.date();
  if (length) {
    const char* const end = std::to_chars(length_text_.data(), length_text_.data() + length_text_.size(), *length).ptr;
    head.content_length = {length_text_.data(), static_cast<std::size_t>(end - length_text_.data())};
  }
  if (!has_body) ended_ = output_done_ = true;
  continue_due_ = false;  // Nothing interim follows the final response (RFC 9110 section 15.2).
  connection_.session().respond(id_, head, has_body);
  connection_.output_wanted();
}

void Http2Stream::send_interim(Exchange&, http::Status status, const http::Headers& headers) {
  connection_.session().inform(id_, status, &headers);
  connection_.output_wanted();
}

void Http2Stream::send_response(Exchange& exchange, http::Response& response) noexcept {
  if (closed_ || reset_) return exchange.finish(0, false);
  // A promise of HTTP/1.1, which nobody can keep here (RFC 9113 section 8.6).
  if (response.status == http::Status::switching_protocols) return abort_response(exchange);
  if (!head_.protocol().empty() && http::is_success(response.status) && exchange.upgrades()) {
    return send_tunnel(exchange, response);
  }
  const bool streamed = response.body.stream() != nullptr;
  const bool head_only = exchange.request().method == http::Method::head;
  std::optional<std::uint64_t> length = response.body.length();
  const bool no_content = http::never_has_content(response.status);
  if (response.status == http::Status::reset_content) length = 0;
  response_.headers = std::move(response.headers);
  response_.trailers = std::move(response.trailers);
  const bool trailers = response_.trailers != nullptr && !response_.trailers->empty();
  const bool has_body = !head_only && !no_content && (trailers || !length.has_value() || *length != 0);
  if (no_content) length.reset();
  if (streamed) {
    send_head(response.status, has_body, length);
    if (!has_body) exchange.finish(0, true);
    return;
  }
  std::uint64_t sent = 0;
  if (has_body) {
    response_.body = std::move(response.body);
    if (http::FileBody* file = response_.body.file()) {
      file_offset_ = file->offset();
      file_seen_ = 0;
      file_left_ = file->length();
      if (file_left_ != 0) file_.emplace(std::move(*file));
    } else {
      whole_ = response_.body.bytes().value_or(std::string_view{});
    }
    sent = length.value_or(0);
  }
  ended_ = true;
  send_head(response.status, has_body, length);
  exchange.finish(sent, true);
}

void Http2Stream::wake_output() noexcept {
  if (std::exchange(deferred_, false)) connection_.session().resume(id_);
  connection_.output_wanted();
}

bool Http2Stream::write_body(Exchange&, std::string_view data) {
  if (closed_ || reset_) return false;  // cancel() wakes the writer.
  written_.append(data);
  wake_output();
  if (written_.size() - written_sent_ < connection_.limits().http2.stream_output_bytes) return true;
  wait_ = Wait::room;
  return false;
}

bool Http2Stream::write_body_file(Exchange& exchange, http::FileBody file) {
  if (file.length() == 0) return true;
  if (closed_ || reset_) return false;
  file_offset_ = file.offset();
  file_seen_ = 0;
  file_left_ = file.length();
  file_.emplace(std::move(file));
  wake_output();
  return flush_body(exchange);
}

bool Http2Stream::flush_body(Exchange&) noexcept {
  if (closed_ || reset_) return false;
  if (flushed()) return true;
  wait_ = Wait::empty;
  connection_.output_wanted();
  return false;
}

void Http2Stream::end_body(Exchange& exchange, const http::Headers* trailers) noexcept try {
  if (trailers != nullptr) response_.trailers = std::make_unique<http::Headers>(trailers->clone());
  ended_ = true;
  wake_output();
} catch (const std::bad_alloc&) {
  abort_response(exchange);
}

void Http2Stream::abort_response(Exchange& exchange) noexcept {
  reset(ErrorCode::internal_error);
  exchange.finish(sent_, false);
}

http2::Chunk Http2Stream::next_chunk(std::size_t room) noexcept {
  http2::Chunk chunk;
  const std::string_view bytes = waiting();
  if (!bytes.empty()) {
    chunk.size = std::min(room, bytes.size());
    chunk.last = ended_ && chunk.size == bytes.size() && !file_;
  } else if (file_) {
    chunk.size = static_cast<std::size_t>(std::min<std::uint64_t>(room, file_left_));
    chunk.last = ended_ && chunk.size == file_left_;
  } else if (ended_) {
    chunk.last = true;
  } else {
    deferred_ = true;
    chunk.wait = true;
    return chunk;
  }
  if (chunk.last) {
    output_done_ = true;
    chunk.trailers = response_.trailers.get();
  }
  return chunk;
}

bool Http2Stream::write_chunk(std::string_view frame_head, std::size_t size, Buffer& out) {
  if (const std::string_view bytes = waiting(); !bytes.empty()) {
    char* const to = out.reserve_more(frame_head.size() + size);
    std::memcpy(to, frame_head.data(), frame_head.size());
    std::memcpy(to + frame_head.size(), bytes.data(), size);
    out.advance(frame_head.size() + size);
    if (!whole_.empty()) {
      whole_.remove_prefix(size);
    } else if ((written_sent_ += size) == written_.size()) {
      written_.clear();
      written_sent_ = 0;
    }
  } else if (size == 0) {
    out.append(frame_head);
  } else if (!write_file_chunk(frame_head, size, out)) {
    return false;
  }
  sent_ += size;
  frames_end_ = connection_.output().written() + connection_.output().pending();
  return true;
}

bool Http2Stream::flushed() const noexcept {
  return !has_output() && connection_.output().written() >= frames_end_;
}

/// Whether the file has not become shorter than it was said to be: looked up once for all frames of one write.
bool Http2Stream::file_reaches(std::uint64_t end) noexcept {
  const std::uint64_t written = connection_.output().written();
  if (end <= file_seen_ && written == file_seen_at_) return true;
  struct stat info{};
  if (::fstat(file_->fd(), &info) != 0) return false;
  file_seen_ = static_cast<std::uint64_t>(info.st_size);
  file_seen_at_ = written;
  return end <= file_seen_;
}

bool Http2Stream::write_file_chunk(std::string_view frame_head, std::size_t size, Buffer& out) {
  if (connection_.sends_files() && size >= OutputQueue::copy_below) {
    // A file that has become shorter is found before the head of a frame is out, and costs its stream only. When it
    // happens later the bytes are promised, and no others may stand for them: then OutputQueue ends the connection.
    if (!file_reaches(file_offset_ + size)) return false;
    out.append(frame_head);
    connection_.output().append_part(file_->fd(), file_offset_, size);
  } else {
    // Read straight into the frame. A file that has become shorter than it was said to be: cut, do not lie.
    char* const to = out.reserve_more(frame_head.size() + size);
    std::memcpy(to, frame_head.data(), frame_head.size());
    for (std::size_t done = 0; done < size;) {
      char* const at = to + frame_head.size() + done;
      const ssize_t got = ::pread(file_->fd(), at, size - done, static_cast<off_t>(file_offset_ + done));
      if (got <= 0) return false;
      done += static_cast<std::size_t>(got);
    }
    out.advance(frame_head.size() + size);
  }
  file_offset_ += size;
  file_left_ -= size;
  if (file_left_ == 0) drop_file();
  return true;
}

/// Parts of it may still wait to be written.
void Http2Stream::drop_file() {
  if (!file_) return;
  connection_.output().keep(std::move(*file_));
  file_.reset();
}

void Http2Stream::settle() noexcept {
  if (closed_ || reset_) return;
  const bool room = waiting().size() < connection_.limits().http2.stream_output_bytes && !file_;
  if ((wait_ == Wait::room && room) || (wait_ == Wait::empty && flushed())) {
    wait_ = Wait::none;
    if (exchange_ != nullptr) exchange_->on_writable();
    if (closed_ || reset_) return;
  }
  if (output_done_ && !request_ended_ && exchange_ == nullptr && tunnel_ == nullptr) {
    // The answer is complete, and nobody wants the rest of the request (RFC 9113 section 8.1).
    return reset(ErrorCode::no_error);
  }
  if (tunnel_ != nullptr) {
    tunnel_->tell_later();  // Whoever has it knows how long it waits.
  } else if (has_output() || body_wait_) {
    watch_stall();
  } else if (armed()) {
    connection_.loop().cancel(*this);
  }
}

// --- the end ---

void Http2Stream::reset(ErrorCode code) noexcept {
  if (closed_ || std::exchange(reset_, true)) return;
  connection_.session().reset(id_, code);
  connection_.output_wanted();
}

/// What is left of the exchange is told that nobody waits for it, and ends by itself.
void Http2Stream::cancel(StopReason reason) noexcept {
  Exchange& exchange = *exchange_;
  body_wait_ = false;
  wait_ = Wait::none;
  exchange.fail_body(Error(Errc::cancelled, "the client has gone away"));
  if (reason == StopReason::gone) {
    exchange.on_peer_closed();
    exchange.finish(sent_, false);  // Before its coroutines go on: they see that they write for nobody.
  }
  exchange.on_body_readable();
  exchange.on_writable();
}

void Http2Stream::on_close(ErrorCode code, bool by_client) noexcept {
  closed_ = true;
  if (armed()) connection_.loop().cancel(*this);
  // What we could not do (INTERNAL_ERROR: a file that has become shorter, no memory) is not the client's doing.
  const bool ours = reset_ || code == ErrorCode::internal_error;
  if (code != ErrorCode::no_error && !ours && !by_client) connection_.count_reset();
  connection_.on_stream_end();
  upgrade_.reset();
  if (tunnel_ != nullptr) tunnel_->tell_later();
  if (exchange_ != nullptr) {
    if (!begun_) {
      connection_.on_head_end();
      forget_exchange();
    } else if (code != ErrorCode::no_error || !exchange_->finished()) {
      cancel(StopReason::gone);
    }
  }
}

void Http2Stream::forget_exchange() noexcept {
  connection_.pool().release(*std::exchange(exchange_, nullptr));
  body_wait_ = false;
  if (upgrade_ != nullptr) return begin_tunnel();
  // Of a closed stream too: the window of the connection counts it still.
  if (!arriving_.empty()) connection_.session().consume(id_, arriving_.size());
  arriving_.release();
  given_.release();
  if (closed_) connection_.bury(*this);
}

void Http2Stream::release_exchange(Exchange& exchange) noexcept {
  if (&exchange != exchange_) return;
  forget_exchange();
  connection_.output_wanted();
}

void Http2Stream::let_go(Exchange& exchange) noexcept {
  if (&exchange == exchange_) cancel(StopReason::deadline);
}

void Http2Stream::detach(StopReason reason) noexcept {
  reset_ = true;
  upgrade_.reset();
  if (tunnel_ != nullptr) tunnel_->tell_later();
  if (armed()) connection_.loop().cancel(*this);
  Exchange* const exchange = std::exchange(exchange_, nullptr);
  if (exchange == nullptr) return;
  if (!begun_) return connection_.pool().release(*exchange);
  exchange->keep(std::move(given_));  // The handler may still look at it.
  exchange->detach(reason);
}

void Http2Stream::cut() noexcept {
  if (closed_ || (tunnels_ && ended_)) return;
  connection_.session().reset(id_, ErrorCode::cancel);
}

// --- tunnels ---

/// The answer that turns the stream into a tunnel (RFC 8441 section 5).
void Http2Stream::send_tunnel(Exchange& exchange, http::Response& response) noexcept {
  response_.headers = std::move(response.headers);
  upgrade_ = exchange.take_upgrade();
  tunnels_ = true;
  send_head(response.status, true, std::nullopt);
  exchange.finish(0, true);
}

void Http2Stream::begin_tunnel() noexcept {
  const std::unique_ptr<Upgrade> upgrade = std::move(upgrade_);
  if (broken()) return;
  try {
    auto tunnel = std::make_unique<Http2Tunnel>(*this);
    tunnel_ = tunnel.get();
    upgrade->take(connection_.worker(), std::move(tunnel), Buffer(), connection_.info());
  } catch (const std::bad_alloc&) {
    reset(ErrorCode::internal_error);
  }
}

net::IoResult Http2Stream::take(std::span<char> into) noexcept {
  if (!arriving_.empty()) {
    const std::size_t part = std::min(into.size(), arriving_.size());
    if (part == 0) return net::IoResult::moved(0);
    std::memcpy(into.data(), arriving_.data(), part);
    arriving_.consume(part);
    if (arriving_.empty()) arriving_.release();
    // Of a stream that was reset, too: the window of the connection counts it still.
    connection_.session().consume(id_, part);
    connection_.output_wanted();
    return net::IoResult::moved(part);
  }
  if (request_ended_) return net::IoResult::end();
  return broken() ? net::IoResult::failed(ECONNRESET) : net::IoResult::blocked();
}

bool Http2Stream::writable() const noexcept {
  return broken() || ended_ || waiting().size() < connection_.limits().http2.stream_output_bytes;
}

net::IoResult Http2Stream::put(std::span<const iovec> pieces) noexcept try {
  if (broken() || ended_) return net::IoResult::failed(EPIPE);
  std::size_t moved = 0;
  for (const iovec& piece : pieces) {
    const std::size_t held = waiting().size();
    const std::size_t most = connection_.limits().http2.stream_output_bytes;
    const std::size_t part = std::min(piece.iov_len, held < most ? most - held : 0);
    written_.append({static_cast<const char*>(piece.iov_base), part});
    moved += part;
    if (part < piece.iov_len) break;
  }
  if (moved == 0) {
    const bool nothing = std::ranges::all_of(pieces, [](const iovec& piece) { return piece.iov_len == 0; });
    return nothing ? net::IoResult::moved(0) : net::IoResult::blocked();
  }
  wake_output();
  return net::IoResult::moved(moved);
} catch (const std::bad_alloc&) {
  return net::IoResult::failed(ENOMEM);
}

void Http2Stream::end_output() noexcept {
  if (std::exchange(ended_, true) || broken()) return;
  wake_output();
}

void Http2Stream::leave_tunnel(bool cut) noexcept {
  tunnel_ = nullptr;
  if (!arriving_.empty()) {
    connection_.session().consume(id_, arriving_.size());
    arriving_.release();
  }
  if (closed_) return connection_.bury(*this);
  if (cut) return reset(ErrorCode::cancel);
  end_output();  // What waits goes first; then settle() ends the stream.
  connection_.output_wanted();
}

// --- time ---

/// From now on bytes must move, in either direction, at the minimal rate.
void Http2Stream::watch_stall() noexcept {
  if (armed()) return;
  stall_since_ = connection_.loop().now();
  stall_mark_ = received_ + sent_;
  stall_delivered_ = has_output() ? connection_.delivered() : 0;
  connection_.loop().arm(*this, later(stall_since_, connection_.limits().stall_timeout));
}

void Http2Stream::on_timer() noexcept {
  if (closed_ || reset_) return;
  const Limits& limits = connection_.limits();
  const auto seconds = std::chrono::duration<double>(connection_.loop().now() - stall_since_).count();
  const auto enough = [&](std::uint64_t moved) {
    return moved != 0 && static_cast<double>(moved) >= static_cast<double>(limits.min_rate) * seconds;
  };
  if (enough(received_ + sent_ - stall_mark_)) return watch_stall();
  // A client that reads may get other streams first, for as long as they are: by their urgency, and one after the other
  // where they are not incremental (RFC 9218 section 10).
  const bool waits_its_turn = has_output() && !connection_.session().waits_for_window(id_);
  const std::uint64_t delivered = waits_its_turn ? connection_.delivered() : 0;
  if (enough(delivered - std::min(delivered, stall_delivered_))) return watch_stall();
  if (body_wait_ && !has_output() && exchange_ != nullptr) {
    body_wait_ = false;
    exchange_->fail_body(Error(Errc::deadline_exceeded, "the request body arrives too slowly"));
    exchange_->on_body_readable();
    return;
  }
  // A client that takes nothing for so long is not waited for.
  reset(ErrorCode::cancel);
  if (exchange_ != nullptr) cancel(StopReason::gone);
}

}  // namespace weir::server
