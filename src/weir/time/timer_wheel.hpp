// Timers in constant time: a hierarchical timing wheel (Varghese and Lauck, 1987) of intrusive timers.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "weir/time/clock.hpp"

namespace weir {

class TimerWheel;

/// Something that happens at a time. Derive from it and arm it with a wheel (or through the event loop that owns the
/// wheel); its destructor cancels it. Lives on the wheel's thread. Not copyable, does not move.
class Timer {
 public:
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  [[nodiscard]] bool armed() const noexcept { return wheel_ != nullptr; }
  /// When it is to fire; meaningless while not armed().
  [[nodiscard]] Instant due() const noexcept { return due_; }

 protected:
  Timer() noexcept = default;
  virtual ~Timer();
  /// The timer is not armed any more when this runs; it may arm itself again, and arm, cancel and destroy any timer,
  /// itself included.
  virtual void on_timer() noexcept = 0;

 private:
  friend class TimerWheel;
  TimerWheel* wheel_ = nullptr;
  Timer* previous_ = nullptr;
  Timer* next_ = nullptr;
  Instant due_{};
  std::uint16_t place_ = 0;  // the list it is in
};

/// Arming, re-arming and cancelling cost O(1) and allocate nothing; firing costs O(1) amortised. Ticks are 1 ms: a
/// timer fires in the first advance() to the tick that holds its due time or a later one, never before its due time.
/// Timers fire in the order of their ticks; within one tick the order is unspecified. One thread. Must outlive no armed
/// timer: the destructor disarms what is left.
class TimerWheel {
 public:
  static constexpr Duration tick = std::chrono::milliseconds(1);

  explicit TimerWheel(Instant start) noexcept : start_(start) {}
  TimerWheel(const TimerWheel&) = delete;
  TimerWheel& operator=(const TimerWheel&) = delete;
  ~TimerWheel();

  /// Arms, or arms anew, for `due`. A timer due now or in the past fires in the next advance(). Moving an armed timer
  /// to a later time is one store: the wheel looks at it again when the old time comes.
  void arm(Timer& timer, Instant due) noexcept;
  /// Does nothing when the timer is not armed.
  void cancel(Timer& timer) noexcept;

  /// Fires what is due at `now`, and returns by how much the timer that waited longest was late (0 if none fired;
  /// timers that were armed for the past do not count). Time that goes back is ignored. A timer that a callback arms
  /// for `now` or earlier fires in the next advance(), so that a callback cannot keep this one from ending. Not
  /// re-entrant.
  Duration advance(Instant now) noexcept;

  /// When to call advance() next: never later than the first timer's tick; it may be earlier (a timer that stands in a
  /// coarse slot, or that was moved to a later time), and then advance() fires nothing. Nothing when no timer is armed.
  [[nodiscard]] std::optional<Instant> next_due() const noexcept;

  [[nodiscard]] std::size_t armed() const noexcept { return armed_; }

 private:
  static constexpr unsigned slot_bits = 6;
  static constexpr unsigned slots = 1U << slot_bits;
  static constexpr unsigned levels = 6;  // 64 ms, 4 s, 4 min, 4.7 h, 12 days, 2.2 years
  static constexpr std::uint16_t overdue = levels * slots;
  static constexpr std::uint16_t firing = overdue + 1;

  struct Next {
    std::uint64_t tick;
    unsigned level;
    unsigned slot;
  };

  [[nodiscard]] std::uint64_t tick_of(Instant due) const noexcept;
  [[nodiscard]] std::optional<Next> next_slot() const noexcept;
  void place(Timer& timer) noexcept;
  void link(Timer& timer, std::uint16_t place) noexcept;
  void link_firing(Timer& timer) noexcept;
  void unlink(Timer& timer) noexcept;
  void open_slot(const Next& next) noexcept;

  Instant start_;
  std::uint64_t now_ = 0;  // in ticks since start_; every armed timer in a slot is to fire after it
  std::size_t armed_ = 0;
  std::array<std::uint64_t, levels> occupied_{};
  std::array<Timer*, levels * slots + 2> first_{};
  Timer* last_firing_ = nullptr;
};

inline Timer::~Timer() {
  if (wheel_ != nullptr) wheel_->cancel(*this);
}

}  // namespace weir
