#include "weir/server/http2_connection.hpp"

#include <algorithm>
#include <array>
#include <new>
#include <utility>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "weir/base/contracts.hpp"
#include "weir/server/worker.hpp"

namespace weir::server {

using http2::ErrorCode;

namespace {

constexpr std::size_t read_size = 64 * 1024;
/// Reads of one turn: then it is the others' turn.
constexpr int reads_per_turn = 4;
/// Bytes that are put into frames before they are written. A few frames of each kind fill a segment of the network;
/// more would only delay what becomes urgent meanwhile.
constexpr std::size_t write_size = 128 * 1024;
/// Bytes written in one turn.
constexpr std::uint64_t turn_bytes = 1024 * 1024;

http2::SessionOptions session_options(const Limits& limits) noexcept {
  http2::SessionOptions options;
  options.concurrent_streams = limits.http2.concurrent_streams;
  options.stream_window = limits.http2.stream_window;
  options.connection_window = limits.http2.connection_window;
  options.header_list_bytes = static_cast<std::uint32_t>(limits.header_bytes + 32 * limits.header_count);
  options.continuations = limits.http2.continuations;
  options.extended_connect = true;
  return options;
}

/// While it lives, small writes wait for what follows: the head of a frame leaves together with its part of a file.
class HeldOutput {
 public:
  explicit HeldOutput(int fd) noexcept : fd_(fd) { hold(1); }
  HeldOutput(const HeldOutput&) = delete;
  HeldOutput& operator=(const HeldOutput&) = delete;
  ~HeldOutput() { hold(0); }

 private:
  void hold(int on) const noexcept {
    if (fd_ >= 0) static_cast<void>(::setsockopt(fd_, IPPROTO_TCP, TCP_CORK, &on, sizeof on));
  }
  int fd_;
};

}  // namespace

Http2Connection::Http2Connection(Worker& worker, std::unique_ptr<net::Stream> stream, Service& service,
                                 const net::SocketAddress& local)
    : worker_(worker),
      service_(service),
      stream_(std::move(stream)),
      peer_(stream_->peer()),
      guard_(worker.limits().http2, worker.loop().now()),
      session_(*this, session_options(worker.limits())),
      idle_since_(worker.loop().now()),
      sends_files_(stream_->fd() >= 0 && stream_->security() == nullptr) {
  info_.peer = &peer_;
  info_.local = &local;
  info_.owner = this;
  info_.protocol = http::to_string(http::Version::http_2);
  info_.security = stream_->security();
  stream_->set_handler(this);
}

Http2Connection::~Http2Connection() {
  while (first_ != nullptr) delete std::exchange(first_, first_->next_);
}

const Limits& Http2Connection::limits() const noexcept {
  return worker_.limits();
}
EventLoop& Http2Connection::loop() const noexcept {
  return worker_.loop();
}
ExchangePool& Http2Connection::pool() const noexcept {
  return worker_.pool();
}
std::string_view Http2Connection::date() const noexcept {
  return worker_.date();
}

void Http2Connection::begin(std::string_view input) noexcept {
  feed(input);
  pump();
}

// --- events of the stream ---

void Http2Connection::on_readable() noexcept {
  if (state_ == State::lingering) return read_over();
  std::array<char, read_size> buffer;
  for (int i = 0; i < reads_per_turn && state_ == State::open; ++i) {
    const net::IoResult result = stream_->read(buffer);
    if (result.would_block()) break;
    // Nobody half-closes HTTP/2: an end is the end.
    if (!result.ok()) return destroy_soon(result.error());
    feed({buffer.data(), result.bytes});
    if (result.bytes < buffer.size()) break;
  }
  pump();
}

void Http2Connection::on_writable() noexcept {
  pump();
}

void Http2Connection::on_hangup() noexcept {
  destroy_soon(true);
}

/// What comes after the end has no meaning any more.
void Http2Connection::read_over() noexcept {
  std::array<char, read_size> buffer;
  const net::IoResult result = stream_->read(buffer);
  if (result.would_block()) return;
  if (!result.ok()) return destroy_soon(result.error());
  discarded_ += result.bytes;
  if (discarded_ > limits().discard_bytes) destroy_soon(true);
}

// --- input ---

void Http2Connection::feed(std::string_view bytes) noexcept {
  if (state_ != State::open || bytes.empty()) return;
  const bool outer = std::exchange(working_, true);
  const bool good = session_.receive(bytes);
  while (first_ready_ != nullptr) {
    Http2Stream* const stream = first_ready_;
    first_ready_ = std::exchange(stream->next_ready_, nullptr);
    if (first_ready_ == nullptr) last_ready_ = &first_ready_;
    stream->ready_ = false;
    stream->deliver();
  }
  working_ = outer;
  if (!good && state_ == State::open) {
    detach_streams(StopReason::gone);
    if (drain_ != Drain::ended) drain_ = Drain::ended;
  }
}

void Http2Connection::deliver_later(Http2Stream& stream) noexcept {
  if (std::exchange(stream.ready_, true)) return;
  *last_ready_ = &stream;
  last_ready_ = &stream.next_ready_;
  if (!working_) loop().defer(*this);
}

http2::StreamHandler* Http2Connection::on_stream(http2::StreamId id) noexcept try {
  if (some_dead_) reap();
  // Handlers that do not notice that their clients have gone count too, or resets would let a client have any number.
  if (live_ >= 2 * limits().http2.concurrent_streams || state_ != State::open) {
    count_reset();
    return nullptr;
  }
  Exchange& exchange = pool().acquire();
  Http2Stream* stream = nullptr;
  try {
    stream = new Http2Stream(*this, id, exchange);
  } catch (const std::bad_alloc&) {
    pool().release(exchange);
    return nullptr;
  }
  stream->next_ = first_;
  if (first_ != nullptr) first_->previous_ = stream;
  first_ = stream;
  ++open_;
  ++live_;
  ++requests_;
  head_open_ = true;
  head_since_ = loop().now();
  const std::uint64_t most = limits().requests_per_connection;
  if (!worker_.keep_alive() || (most != 0 && requests_ >= most)) begin_drain();
  return stream;
} catch (const std::bad_alloc&) {
  return nullptr;
}

std::string_view Http2Connection::on_frame(const http2::FrameHeader& frame) noexcept {
  return guard_.on_frame(frame, loop().now());
}

void Http2Connection::on_settings() noexcept {
  settled_ = true;
}

void Http2Connection::on_ping_answer() noexcept {
  if (drain_ == Drain::announced) end_requests();
}

void Http2Connection::on_failure(ErrorCode code, std::string_view why) noexcept {
  const http::Status status = code == ErrorCode::enhance_your_calm ? http::Status::too_many_requests
                              : code == ErrorCode::internal_error  ? http::Status::internal_server_error
                                                                   : http::Status::bad_request;
  service_.on_refused(info_, status, why.empty() ? http2::to_string(code) : why);
}

void Http2Connection::count_reset() noexcept {
  const std::string_view why = guard_.on_reset(loop().now());
  if (!why.empty()) session_.fail(ErrorCode::enhance_your_calm, why);
}

void Http2Connection::on_stream_end() noexcept {
  some_dead_ = true;
  if (--open_ == 0) idle_since_ = loop().now();
}

// --- output ---

void Http2Connection::output_wanted() noexcept {
  if (working_) {
    more_ = true;
  } else if (state_ != State::closed) {
    loop().defer(*this);
  }
}

/// Frames for what was answered, one write for all of them, and what follows from that; again as long as it moves.
void Http2Connection::pump() noexcept {
  if (state_ != State::open || working_) return;
  working_ = true;
  std::uint64_t budget = turn_bytes;
  while (pump_once(budget)) {
  }
  working_ = false;
  if (state_ != State::open) return;
  reap();
  const bool ended = drain_ == Drain::ended && open_ == 0 && !session_.wants_output();
  if (output_.empty() && (ended || session_.over())) return linger();
  update_interest();
  update_timer();
}

/// True: there is more to do, and this turn has room for it.
bool Http2Connection::pump_once(std::uint64_t& budget) noexcept {
  more_ = false;
  if (output_.pending() < write_size) {
    Buffer& tail = output_.tail();
    if (!session_.produce(tail, write_size - static_cast<std::size_t>(output_.pending()))) {
      destroy_soon(true);
      return false;
    }
  }
  const std::uint64_t before = output_.written();
  if (!output_.empty()) {
    const HeldOutput held(output_.has_segments() ? stream_->fd() : -1);
    switch (output_.flush(*stream_)) {
      case OutputQueue::Flush::done:
        watching_output_ = false;
        break;
      case OutputQueue::Flush::blocked:
        watch_output();
        break;
      case OutputQueue::Flush::failed:
        destroy_soon(true);
        return false;
    }
  }
  const std::uint64_t written = output_.written() - before;
  guard_.on_sent(written);
  if (!settle_streams()) return false;
  if (!output_.empty()) return false;  // on_writable() goes on.
  if (written == 0 && !more_) return false;
  if (!more_ && !session_.wants_output()) return false;
  if (written >= budget) {
    loop().defer(*this);
    return false;
  }
  budget -= written;
  return true;
}

/// False: the connection is gone.
bool Http2Connection::settle_streams() noexcept {
  for (Http2Stream* stream = first_; stream != nullptr;) {
    Http2Stream* const next = stream->next_;
    stream->settle();
    if (state_ == State::closed) return false;
    stream = next;
  }
  return true;
}

void Http2Connection::reap() noexcept {
  if (!some_dead_) return;
  some_dead_ = false;
  for (Http2Stream* stream = first_; stream != nullptr;) {
    Http2Stream* const next = stream->next_;
    if (stream->dead() && !stream->ready_) {
      (stream->previous_ == nullptr ? first_ : stream->previous_->next_) = next;
      if (next != nullptr) next->previous_ = stream->previous_;
      delete stream;
      --live_;
    }
    stream = next;
  }
}

// --- the end ---

void Http2Connection::drain() noexcept {
  if (state_ != State::open) return;
  begin_drain();
  pump();
}

void Http2Connection::begin_drain() noexcept {
  if (drain_ != Drain::none) return;
  drain_ = Drain::announced;
  drain_since_ = loop().now();
  session_.announce_end();
  session_.ping();
}

void Http2Connection::end_requests() noexcept {
  drain_ = Drain::ended;
  session_.end();
  output_wanted();
}

void Http2Connection::close_now() noexcept {
  if (state_ == State::open) say_the_last();
  destroy_soon(!output_.empty());
}

/// What fits into the windows and the kernel now. Answers are cut, or the Close frames of WebSockets, which have been
/// closed before their connection (Worker::close_all() begins with what came last), would have to wait behind them.
void Http2Connection::say_the_last() noexcept {
  detach_streams(worker_.draining() ? StopReason::shutdown : StopReason::gone);
  for (Http2Stream* stream = first_; stream != nullptr; stream = stream->next_) stream->cut();
  session_.end();
  if (session_.produce(output_.tail(), write_size)) static_cast<void>(output_.flush(*stream_));
}

/// Closing a socket with unread bytes resets it, and the reset overtakes what was said last.
void Http2Connection::linger() noexcept {
  if (stream_->unsent() != 0) {
    watch_output();
    update_timer();
    return stream_->want(false, true);
  }
  detach_streams(StopReason::gone);
  stream_->shutdown_write();
  state_ = State::lingering;
  linger_since_ = loop().now();
  stream_->want(true, false);
  update_timer();
}

void Http2Connection::detach_streams(StopReason reason) noexcept {
  for (Http2Stream* stream = first_; stream != nullptr; stream = stream->next_) stream->detach(reason);
  some_dead_ = true;
}

void Http2Connection::destroy_soon(bool reset) noexcept {
  if (state_ == State::closed) return;
  state_ = State::closed;
  detach_streams(worker_.draining() ? StopReason::shutdown : StopReason::gone);
  if (armed()) loop().cancel(*this);
  stream_->set_handler(nullptr);
  stream_->close(reset);
  output_.clear();
  loop().defer(*this);
}

void Http2Connection::on_deferred() noexcept {
  if (state_ == State::closed) return worker_.remove(*this);  // Destroys this.
  pump();
}

// --- readiness and time ---

void Http2Connection::update_interest() noexcept {
  // A client that does not read its answers is not asked for more requests.
  stream_->want(output_.pending() < write_size, !output_.empty());
}

void Http2Connection::watch_output() noexcept {
  if (watching_output_) return;
  watching_output_ = true;
  output_since_ = loop().now();
  output_mark_ = output_.delivered(*stream_);
}

Instant Http2Connection::next_due() const noexcept {
  const Limits& bounds = limits();
  if (state_ == State::lingering) return later(linger_since_, bounds.linger_timeout);
  Instant due = Instant::max();
  if (watching_output_) due = std::min(due, later(output_since_, bounds.stall_timeout));
  if (head_open_) due = std::min(due, later(head_since_, bounds.header_timeout));
  if (drain_ == Drain::announced) due = std::min(due, later(drain_since_, bounds.linger_timeout));
  if (open_ == 0) due = std::min(due, idle_due());
  return due;
}

Instant Http2Connection::idle_due() const noexcept {
  return later(idle_since_, settled_ ? limits().idle_timeout : limits().header_timeout);
}

/// Cheap when the time moves back, as it does with every request: the timer is armed again only when it moves forward.
void Http2Connection::update_timer() noexcept {
  const Instant due = next_due();
  if (due != Instant::max() && (!armed() || this->Timer::due() > due)) loop().arm(*this, due);
}

void Http2Connection::on_timer() noexcept {
  const Instant now = loop().now();
  const Limits& bounds = limits();
  if (state_ == State::closed) return;
  if (now < next_due()) return update_timer();
  if (state_ == State::lingering) return destroy_soon(false);
  if (watching_output_ && now >= later(output_since_, bounds.stall_timeout)) {
    const std::uint64_t delivered = output_.delivered(*stream_);
    const std::uint64_t moved = delivered - std::min(delivered, output_mark_);
    const auto seconds = std::chrono::duration<double>(now - output_since_).count();
    if (moved == 0 || static_cast<double>(moved) < static_cast<double>(bounds.min_rate) * seconds) {
      return destroy_soon(true);
    }
    watching_output_ = false;
    watch_output();
  }
  if (head_open_ && now >= later(head_since_, bounds.header_timeout)) {
    head_open_ = false;
    session_.fail(ErrorCode::enhance_your_calm, "a request head took too long to arrive");
    detach_streams(StopReason::gone);
  } else if (drain_ == Drain::announced && now >= later(drain_since_, bounds.linger_timeout)) {
    end_requests();
  } else if (open_ == 0 && drain_ != Drain::ended && now >= idle_due()) {
    if (!settled_) return destroy_soon(false);  // It never began.
    end_requests();
  }
  pump();
}

}  // namespace weir::server
