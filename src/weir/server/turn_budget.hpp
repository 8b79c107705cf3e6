// How the connections of a worker share a turn of its loop.
#pragma once

#include <cstdint>

#include "weir/runtime/event_loop.hpp"

namespace weir::server {

/// Counts what all connections of one loop move of their bodies in one turn of it. Once that is spent, each of the
/// others moves only a little and goes on in the next turn: so hundreds of downloads that begin at the same moment do
/// not keep a short request waiting until all their buffers are filled.
class TurnBudget {
 public:
  /// A millisecond's worth or less, in the clear.
  static constexpr std::uint64_t bytes = 1024 * 1024;

  explicit TurnBudget(const EventLoop& loop) noexcept : loop_(loop) {}

  void spend(std::uint64_t moved) noexcept {
    follow();
    moved_ += moved;
  }
  [[nodiscard]] bool spent() noexcept {
    follow();
    return moved_ >= bytes;
  }

 private:
  void follow() noexcept {
    const std::uint64_t turn = loop_.stats().turns.load(std::memory_order_relaxed);
    if (turn != turn_) moved_ = 0;
    turn_ = turn;
  }

  const EventLoop& loop_;
  std::uint64_t turn_ = 0;
  std::uint64_t moved_ = 0;
};

}  // namespace weir::server
