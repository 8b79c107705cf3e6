// A point in time by which something must be done, as a value that is handed down.
#pragma once

#include <algorithm>

#include "weir/time/clock.hpp"

namespace weir {

/// When an operation has to be over. Sixteen bytes at most, no resources; pass it by value. The default is never.
class Deadline {
 public:
  constexpr Deadline() noexcept = default;
  constexpr explicit Deadline(Instant at) noexcept : at_(at) {}

  [[nodiscard]] static constexpr Deadline never() noexcept { return {}; }

  /// `timeout` from `now`. A time-out that is not positive is already over; one past the end of the clock is never.
  [[nodiscard]] static constexpr Deadline after(Instant now, Duration timeout) noexcept {
    if (timeout > Instant::max() - std::max(now, Instant{})) return never();
    return Deadline(now + std::max(timeout, Duration::zero()));
  }

  [[nodiscard]] constexpr bool is_never() const noexcept { return at_ == Instant::max(); }
  [[nodiscard]] constexpr bool expired(Instant now) const noexcept { return now >= at_; }

  /// What is left at `now`: zero when it is over, Duration::max() when there is no deadline.
  [[nodiscard]] constexpr Duration remaining(Instant now) const noexcept {
    if (is_never()) return Duration::max();
    return now >= at_ ? Duration::zero() : at_ - now;
  }

  /// What a timer is set to; Instant::max() when there is no deadline.
  [[nodiscard]] constexpr Instant instant() const noexcept { return at_; }

  /// The earlier of the two: a callee may tighten a caller's deadline, never loosen it.
  [[nodiscard]] constexpr Deadline tightened(Deadline other) const noexcept {
    return Deadline(std::min(at_, other.at_));
  }
  [[nodiscard]] constexpr Deadline tightened(Instant now, Duration timeout) const noexcept {
    return tightened(after(now, timeout));
  }

  friend constexpr bool operator==(Deadline, Deadline) noexcept = default;
  friend constexpr auto operator<=>(Deadline, Deadline) noexcept = default;

 private:
  Instant at_ = Instant::max();
};

}  // namespace weir
