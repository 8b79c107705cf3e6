// Where time comes from. Nothing in Weir asks the system for the time except through a Clock, so tests can own it.
#pragma once

#include <algorithm>
#include <chrono>

namespace weir {

using Duration = std::chrono::nanoseconds;
/// Monotonic time: for time-outs and durations. Its epoch means nothing.
using Instant = std::chrono::time_point<std::chrono::steady_clock, Duration>;
/// Calendar time (UTC): for dates in headers, logs and tokens.
using WallTime = std::chrono::time_point<std::chrono::system_clock, Duration>;

/// `delay` after `from`. Where no such time exists it is Instant::max(), which is never: Duration::max() can be meant
/// as a time-out that does not pass.
[[nodiscard]] constexpr Instant later(Instant from, Duration delay) noexcept {
  return delay > Instant::max() - std::max(from, Instant{}) ? Instant::max() : from + delay;
}

/// A source of time. Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual Instant now() const noexcept = 0;
  [[nodiscard]] virtual WallTime wall() const noexcept = 0;
  /// True for a clock that only moves when told to: an event loop with such a clock does not sleep until a timer is
  /// due, its owner advances the clock and runs the loop.
  [[nodiscard]] virtual bool manual() const noexcept { return false; }

  /// The machine's clocks. Lives as long as the process.
  static Clock& system() noexcept;
};

}  // namespace weir
