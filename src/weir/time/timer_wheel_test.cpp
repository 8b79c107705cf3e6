#include "weir/time/timer_wheel.hpp"

#include <algorithm>
#include <functional>
#include <memory>
#include <random>
#include <set>
#include <vector>

#include <gtest/gtest.h>

namespace weir {
namespace {

TEST(Clock, WhatNoTimeIsLaterThanIsNever) {
  const Instant now(std::chrono::hours(1));
  EXPECT_EQ(later(now, std::chrono::seconds(5)) - now, std::chrono::seconds(5));
  EXPECT_EQ(later(now, std::chrono::seconds(-5)) - now, std::chrono::seconds(-5));
  EXPECT_EQ(later(now, Duration::max()), Instant::max());
  EXPECT_EQ(later(now, Duration::max() - std::chrono::minutes(59)), Instant::max());
  EXPECT_EQ(later(Instant::max(), Duration::max()), Instant::max());
  EXPECT_EQ(later(Instant(-std::chrono::hours(1)), std::chrono::hours(2)), now);
}

using namespace std::chrono_literals;

const Instant start = Instant(1h);

struct TestTimer final : Timer {
  void on_timer() noexcept override {
    ++fired;
    if (then) then();
  }
  int fired = 0;
  std::function<void()> then;
};

TEST(TimerWheel, FiresInTheTickThatHoldsTheDueTimeAndNotBefore) {
  TimerWheel wheel(start);
  TestTimer timer;
  wheel.arm(timer, start + 5ms);
  EXPECT_TRUE(timer.armed());
  EXPECT_EQ(timer.due(), start + 5ms);
  wheel.advance(start + 5ms - 1ns);
  EXPECT_EQ(timer.fired, 0);
  wheel.advance(start + 5ms);
  EXPECT_EQ(timer.fired, 1);
  EXPECT_FALSE(timer.armed());
  wheel.advance(start + 1h);
  EXPECT_EQ(timer.fired, 1);
}

TEST(TimerWheel, DueTimesBetweenTicksAreRoundedUp) {
  TimerWheel wheel(start);
  TestTimer timer;
  wheel.arm(timer, start + 5ms + 1ns);
  wheel.advance(start + 5ms + 999us);
  EXPECT_EQ(timer.fired, 0);
  wheel.advance(start + 6ms);
  EXPECT_EQ(timer.fired, 1);
}

TEST(TimerWheel, EveryDistanceFiresInItsTick) {
  for (const Duration distance : {Duration(1ms), Duration(63ms), Duration(64ms), Duration(65ms), Duration(4095ms),
                                  Duration(4096ms), Duration(75s), Duration(10min), Duration(5h), Duration(24h * 13),
                                  Duration(24h * 365 * 2), Duration(24h * 365 * 10), Duration(24h * 365 * 100)}) {
    TimerWheel wheel(start);
    wheel.advance(start + 777ms);  // not at the start of a slot
    TestTimer timer;
    wheel.arm(timer, start + 777ms + distance);
    wheel.advance(start + 777ms + distance - 1ms);
    EXPECT_EQ(timer.fired, 0) << distance.count();
    wheel.advance(start + 777ms + distance);
    EXPECT_EQ(timer.fired, 1) << distance.count();
  }
}

TEST(TimerWheel, TheEndOfTimeDoesNotOverflow) {
  TimerWheel wheel(start);
  TestTimer never;
  wheel.arm(never, Instant::max());
  wheel.advance(start + 24h * 365 * 200);
  EXPECT_EQ(never.fired, 0);
  EXPECT_TRUE(never.armed());
}

TEST(TimerWheel, DueInThePastFiresInTheNextAdvance) {
  TimerWheel wheel(start);
  wheel.advance(start + 1s);
  TestTimer past, now;
  wheel.arm(past, start - 1s);
  wheel.arm(now, start + 1s);
  EXPECT_LE(*wheel.next_due(), start + 1s);
  wheel.advance(start + 1s);
  EXPECT_EQ(past.fired + now.fired, 2);
}

TEST(TimerWheel, RearmingForNowInACallbackWaitsForTheNextAdvance) {
  TimerWheel wheel(start);
  TestTimer timer;
  timer.then = [&] { wheel.arm(timer, start + 10ms); };
  wheel.arm(timer, start + 3ms);
  wheel.advance(start + 10ms);
  EXPECT_EQ(timer.fired, 1);
  wheel.advance(start + 10ms);
  EXPECT_EQ(timer.fired, 2);
}

TEST(TimerWheel, CallbacksMayCancelAndDestroyOthersAndThemselves) {
  TimerWheel wheel(start);
  TestTimer cancelled;
  auto destroyed = std::make_unique<TestTimer>();
  auto self = std::make_unique<TestTimer>();
  TestTimer first;
  first.then = [&] {
    wheel.cancel(cancelled);
    destroyed.reset();
  };
  self->then = [&] {
    auto keep = std::move(self->then);
    self.reset();
  };
  wheel.arm(first, start + 2ms);
  wheel.arm(*self, start + 3ms);
  wheel.arm(cancelled, start + 4ms);
  wheel.arm(*destroyed, start + 4ms);
  wheel.advance(start + 5ms);
  EXPECT_EQ(first.fired, 1);
  EXPECT_EQ(self, nullptr);
  EXPECT_EQ(cancelled.fired, 0);
  EXPECT_EQ(wheel.armed(), 0u);
}

TEST(TimerWheel, MovingToALaterTimeAndBack) {
  TimerWheel wheel(start);
  TestTimer timer;
  wheel.arm(timer, start + 10ms);
  wheel.arm(timer, start + 200ms);
  wheel.advance(start + 199ms);
  EXPECT_EQ(timer.fired, 0);
  wheel.arm(timer, start + 300ms);
  wheel.arm(timer, start + 250ms);
  wheel.advance(start + 250ms);
  EXPECT_EQ(timer.fired, 1);
}

TEST(TimerWheel, TimersMayOutliveTheWheel) {
  TestTimer timer;
  {
    TimerWheel wheel(start);
    wheel.arm(timer, start + 1s);
  }
  EXPECT_FALSE(timer.armed());
}

TEST(TimerWheel, SaysHowLateItWas) {
  TimerWheel wheel(start);
  TestTimer one, two, past;
  wheel.arm(one, start + 10ms);
  wheel.arm(two, start + 20ms);
  EXPECT_EQ(wheel.advance(start + 5ms), 0ms);
  EXPECT_EQ(wheel.advance(start + 25ms), 15ms);
  wheel.arm(past, start);
  EXPECT_EQ(wheel.advance(start + 26ms), 0ms);
}

TEST(TimerWheel, NothingArmedNothingDue) {
  TimerWheel wheel(start);
  EXPECT_FALSE(wheel.next_due());
  TestTimer timer;
  wheel.arm(timer, start + 1s);
  EXPECT_TRUE(wheel.next_due());
  wheel.cancel(timer);
  wheel.cancel(timer);
  EXPECT_FALSE(wheel.next_due());
}

// Against a reference: a sorted set of (tick, timer) ------------------------------------------------------------------

class Reference {
 public:
  explicit Reference(std::size_t timers) : due_(timers, none) {}
  void arm(std::size_t i, std::int64_t tick) { due_[i] = tick; }
  void cancel(std::size_t i) { due_[i] = none; }
  /// What has to fire now, with its ticks.
  std::multiset<std::pair<std::int64_t, std::size_t>> advance(std::int64_t tick) {
    std::multiset<std::pair<std::int64_t, std::size_t>> fired;
    for (std::size_t i = 0; i < due_.size(); ++i) {
      if (due_[i] != none && due_[i] <= tick) {
        fired.emplace(due_[i], i);
        due_[i] = none;
      }
    }
    return fired;
  }
  std::optional<std::int64_t> first() const {
    std::optional<std::int64_t> least;
    for (const std::int64_t due : due_) {
      if (due != none && (!least || due < *least)) least = due;
    }
    return least;
  }

 private:
  static constexpr std::int64_t none = -1;
  std::vector<std::int64_t> due_;
};

TEST(TimerWheel, AgreesWithASortedReference) {
  const auto seed = std::random_device()();
  SCOPED_TRACE(::testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  const auto below = [&](std::uint64_t limit) { return static_cast<std::int64_t>(random() % limit); };

  constexpr std::size_t count = 200;
  std::vector<std::size_t> fired;
  struct Numbered final : Timer {
    void on_timer() noexcept override { out->push_back(number); }
    std::vector<std::size_t>* out = nullptr;
    std::size_t number = 0;
  };
  TimerWheel wheel(start);
  Reference reference(count);
  std::vector<Numbered> timers(count);
  for (std::size_t i = 0; i < count; ++i) {
    timers[i].out = &fired;
    timers[i].number = i;
  }
  std::int64_t now = 0;  // µs
  const auto at = [](std::int64_t us) { return start + std::chrono::microseconds(us); };
  const auto tick_up = [](std::int64_t us) { return (us + 999) / 1000; };

  for (int step = 0; step < 30'000; ++step) {
    const auto i = static_cast<std::size_t>(below(count));
    const auto action = below(10);
    if (action < 6) {
      // Distances of every magnitude, from "now" to months.
      const std::int64_t due = now + below(std::uint64_t{1} << below(44));
      wheel.arm(timers[i], at(due));
      reference.arm(i, tick_up(due));
    } else if (action < 8) {
      wheel.cancel(timers[i]);
      reference.cancel(i);
    } else {
      // Sometimes to the time that the wheel asks for, otherwise anywhere.
      if (const auto next = wheel.next_due(); next && below(2) == 0) {
        ASSERT_LE(*next, at(*reference.first() * 1000)) << "the wheel would sleep too long";
        now = std::max(now, std::chrono::duration_cast<std::chrono::microseconds>(*next - start).count());
      } else {
        now += below(std::uint64_t{1} << below(36));
      }
      fired.clear();
      wheel.advance(at(now));
      const auto expected = reference.advance(now / 1000);
      ASSERT_EQ(fired.size(), expected.size()) << "step " << step;
      // The order of ticks, and within one tick any order.
      auto position = expected.begin();
      for (std::size_t k = 0; k < fired.size();) {
        std::multiset<std::size_t> got, wanted;
        for (const auto tick = position->first; position != expected.end() && position->first == tick;
             ++position, ++k) {
          got.insert(fired[k]);
          wanted.insert(position->second);
        }
        ASSERT_EQ(got, wanted) << "step " << step;
      }
    }
    ASSERT_EQ(wheel.next_due().has_value(), reference.first().has_value());
  }
}

}  // namespace
}  // namespace weir
