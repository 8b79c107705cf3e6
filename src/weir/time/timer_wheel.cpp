#include "weir/time/timer_wheel.hpp"

#include <algorithm>
#include <bit>

#include "weir/base/contracts.hpp"

// A timer's tick and the wheel's current one, written in base 64, agree in their leading digits; the first digit in
// which they differ says the level, and the timer's digit there says the slot. So every slot of a level is due before
// every slot of the levels above it, and none is behind the current time. Only the top level wraps round.

namespace weir {

TimerWheel::~TimerWheel() {
  for (Timer* first : first_) {
    while (first != nullptr) {
      Timer* next = first->next_;
      first->wheel_ = nullptr;
      first = next;
    }
  }
}

// Rounded up: a timer must not fire before its time.
std::uint64_t TimerWheel::tick_of(Instant due) const noexcept {
  if (due <= start_) return 0;
  const auto elapsed = static_cast<std::uint64_t>((due - start_).count());
  constexpr auto unit = static_cast<std::uint64_t>(tick.count());
  return (elapsed + unit - 1) / unit;
}

void TimerWheel::link(Timer& timer, std::uint16_t place) noexcept {
  Timer*& first = first_[place];
  timer.place_ = place;
  timer.previous_ = nullptr;
  timer.next_ = first;
  if (first != nullptr) first->previous_ = &timer;
  first = &timer;
  if (place < overdue) occupied_[place >> slot_bits] |= std::uint64_t{1} << (place & (slots - 1));
}

void TimerWheel::link_firing(Timer& timer) noexcept {
  timer.place_ = firing;
  timer.previous_ = last_firing_;
  timer.next_ = nullptr;
  (last_firing_ == nullptr ? first_[firing] : last_firing_->next_) = &timer;
  last_firing_ = &timer;
}

void TimerWheel::unlink(Timer& timer) noexcept {
  Timer*& first = first_[timer.place_];
  (timer.previous_ == nullptr ? first : timer.previous_->next_) = timer.next_;
  if (timer.next_ != nullptr) {
    timer.next_->previous_ = timer.previous_;
  } else if (timer.place_ == firing) {
    last_firing_ = timer.previous_;
  }
  if (first == nullptr && timer.place_ < overdue) {
    occupied_[timer.place_ >> slot_bits] &= ~(std::uint64_t{1} << (timer.place_ & (slots - 1)));
  }
}

void TimerWheel::place(Timer& timer) noexcept {
  const std::uint64_t wanted = tick_of(timer.due_);
  if (wanted <= now_) return link(timer, overdue);
  // What is further away than the wheel reaches waits in its last slot, and is placed anew when that comes.
  constexpr std::uint64_t reach = std::uint64_t{1} << (levels * slot_bits);
  const std::uint64_t at = std::min(wanted, now_ + reach - 1);
  const auto digits = static_cast<unsigned>(std::bit_width((at ^ now_) | (slots - 1)) - 1) / slot_bits;
  const unsigned level = std::min(digits, levels - 1);
  const auto slot = static_cast<unsigned>(at >> (level * slot_bits)) & (slots - 1);
  link(timer, static_cast<std::uint16_t>(level * slots + slot));
}

void TimerWheel::arm(Timer& timer, Instant due) noexcept {
  if (timer.wheel_ != nullptr) {
    WEIR_DEBUG_ASSERT(timer.wheel_ == this);
    // Later than it stands: it is looked at when its slot comes, and finds its new one then.
    if (due >= timer.due_ && timer.place_ < overdue) {
      timer.due_ = due;
      return;
    }
    unlink(timer);
  } else {
    timer.wheel_ = this;
    ++armed_;
  }
  timer.due_ = due;
  place(timer);
}

void TimerWheel::cancel(Timer& timer) noexcept {
  if (timer.wheel_ == nullptr) return;
  WEIR_DEBUG_ASSERT(timer.wheel_ == this);
  unlink(timer);
  timer.wheel_ = nullptr;
  --armed_;
}

std::optional<TimerWheel::Next> TimerWheel::next_slot() const noexcept {
  for (unsigned level = 0; level < levels; ++level) {
    if (occupied_[level] == 0) continue;
    const unsigned shift = level * slot_bits;
    const auto here = static_cast<unsigned>(now_ >> shift) & (slots - 1);
    // The slot after the current one comes first, the current one (possible on the top level only) last.
    const auto turned = std::rotr(occupied_[level], static_cast<int>((here + 1) & (slots - 1)));
    const unsigned slot = (here + 1 + static_cast<unsigned>(std::countr_zero(turned))) & (slots - 1);
    const std::uint64_t range = std::uint64_t{1} << (shift + slot_bits);
    std::uint64_t at = (now_ & ~(range - 1)) + (std::uint64_t{slot} << shift);
    if (at <= now_) at += range;
    return Next{at, level, slot};
  }
  return std::nullopt;
}

// Moves the timers of a slot whose time has come to where they belong now.
void TimerWheel::open_slot(const Next& next) noexcept {
  now_ = next.tick;
  const unsigned place_index = next.level * slots + next.slot;
  Timer* timer = first_[place_index];
  first_[place_index] = nullptr;
  occupied_[next.level] &= ~(std::uint64_t{1} << next.slot);
  while (timer != nullptr) {
    Timer* following = timer->next_;
    if (tick_of(timer->due_) <= now_) {
      link_firing(*timer);
    } else {
      place(*timer);
    }
    timer = following;
  }
}

Duration TimerWheel::advance(Instant now) noexcept {
  if (now < start_) return Duration::zero();
  const auto target = static_cast<std::uint64_t>((now - start_).count()) / static_cast<std::uint64_t>(tick.count());
  while (Timer* timer = first_[overdue]) {
    unlink(*timer);
    link_firing(*timer);
  }
  const Timer* last_overdue = last_firing_;
  for (auto next = next_slot(); next && next->tick <= target; next = next_slot()) open_slot(*next);
  now_ = std::max(now_, target);

  Duration lag = Duration::zero();
  const Timer* first_on_time = last_overdue == nullptr ? first_[firing] : last_overdue->next_;
  if (first_on_time != nullptr) lag = now - first_on_time->due_;
  // Callbacks may take any timer out of the list, and what they arm goes elsewhere: now_ is past it.
  while (Timer* timer = first_[firing]) {
    unlink(*timer);
    timer->wheel_ = nullptr;
    --armed_;
    timer->on_timer();
  }
  return lag;
}

std::optional<Instant> TimerWheel::next_due() const noexcept {
  if (first_[overdue] != nullptr) return start_ + tick * static_cast<std::int64_t>(now_);
  const auto next = next_slot();
  if (!next) return std::nullopt;
  return start_ + tick * static_cast<std::int64_t>(next->tick);
}

}  // namespace weir
