// How long an HTTP/1.x connection may take, and how much it may move before it is the others' turn.
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

/// From now on bytes must move (in either direction) at the minimal rate.
void Http1Connection::watch_stall() noexcept {
  if (stalled_watch_) return;
  stalled_watch_ = true;
  stall_since_ = worker_.loop().now();
  stall_mark_ = received_ + output_.written();
  set_timer(stall_since_ + worker_.limits().stall_timeout);
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
