// How long an HTTP/1.x connection may take, and how much it may move before it is the others' turn.
#include <algorithm>
#include <chrono>
#include <cstdint>

#include "weir/server/http1_connection.hpp"
#include "weir/server/worker.hpp"

namespace weir::server {

namespace {
/// Bytes of a body that one connection moves in a turn of the loop, about: then it is the others' turn.
constexpr std::uint64_t turn_bytes = 256 * 1024;
}  // namespace

/// Moves the deadline. Cheap when it moves back, as it does with every request: the timer is armed again only when the
/// deadline moves forward, and on_timer() looks at due_.
void Http1Connection::set_timer(Instant due) noexcept {
  due_ = due;
  if (due != Instant::max() && (!armed() || this->Timer::due() > due)) worker_.loop().arm(*this, due);
}

/// From now on bytes must move at the minimal rate.
void Http1Connection::watch_stall() noexcept {
  if (stalled_watch_) return;
  stalled_watch_ = true;
  stall_since_ = worker_.loop().now();
  stall_received_ = received_;
  stall_delivered_ = output_.delivered(*stream_);
  set_timer(later(stall_since_, worker_.limits().stall_timeout));
}

/// What has moved since watch_stall(). Once a request is answered, whoever does not read its answer cannot make up for
/// it by sending.
std::uint64_t Http1Connection::moved_since_watch() const noexcept {
  const std::uint64_t now = output_.delivered(*stream_);
  const std::uint64_t taken = now - std::min(now, stall_delivered_);
  const bool answered = state_ != State::exchange && (!output_.empty() || stream_->unsent() != 0);
  return answered ? taken : taken + received_ - stall_received_;
}

/// Nothing waits to be written any more: what the client sends is watched on, and where it is the client's turn its
/// time begins only now, if it was slow to take the answer.
void Http1Connection::output_left() noexcept {
  const bool was_slow = stalled_watch_;
  stalled_watch_ = body_wait_ || state_ == State::discard;
  if (!was_slow || state_ != State::head) return;
  const Limits& limits = worker_.limits();
  set_timer(later(worker_.loop().now(), exchange_ == nullptr ? limits.idle_timeout : limits.header_timeout));
}

void Http1Connection::on_timer() noexcept {
  const Instant now = worker_.loop().now();
  if (due_ == Instant::max()) return;
  if (now < due_) return worker_.loop().arm(*this, due_);
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
  const std::uint64_t moved = moved_since_watch();
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

/// Tells the worker what has moved since the last time.
void Http1Connection::count_moved() noexcept {
  const std::uint64_t turn = worker_.loop().stats().turns.load(std::memory_order_relaxed);
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

}  // namespace weir::server
