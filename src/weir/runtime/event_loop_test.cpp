#include "weir/runtime/event_loop.hpp"

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "weir/base/recycle.hpp"
#include "weir/runtime/loop_group.hpp"
#include "weir/runtime/processors.hpp"
#include "weir/runtime/run_task.hpp"
#include "weir/time/manual_clock.hpp"

namespace weir {
namespace {

using namespace std::chrono_literals;

/// An eventfd: readable after signal().
class Event final : public IoHandler {
 public:
  Event() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  ~Event() { ::close(fd_); }
  void signal() const {
    const std::uint64_t one = 1;
    EXPECT_EQ(::write(fd_, &one, sizeof one), 8);
  }
  void on_io(std::uint32_t events) noexcept override {
    ++calls;
    last = events;
    if (then) then();
  }
  int fd() const { return fd_; }
  int calls = 0;
  std::uint32_t last = 0;
  std::function<void()> then;

 private:
  int fd_;
};

struct Later final : Deferred {
  explicit Later(std::function<void()> f) : function(std::move(f)) {}
  void on_deferred() noexcept override { function(); }
  std::function<void()> function;
};

struct Alarm final : Timer {
  explicit Alarm(std::function<void()> f) : function(std::move(f)) {}
  void on_timer() noexcept override { function(); }
  std::function<void()> function;
};

// Descriptors
// ------------------------------------------------------------------------------------------------------------

TEST(EventLoop, TellsReadinessInEveryTurn) {
  EventLoop loop;
  Event event;
  ASSERT_TRUE(loop.add(event.fd(), io::readable, event));
  loop.run_once(false);
  EXPECT_EQ(event.calls, 0);
  event.signal();
  loop.run_once(true);
  loop.run_once(true);
  EXPECT_EQ(event.calls, 2);
  EXPECT_EQ(event.last, io::readable);
  loop.modify(event.fd(), io::writable, event);
  loop.run_once(true);
  EXPECT_EQ(event.last, io::writable);
  loop.modify(event.fd(), io::none, event);
  loop.run_once(false);
  EXPECT_EQ(event.calls, 3);
  loop.remove(event.fd());
  loop.remove(event.fd());
}

TEST(EventLoop, AddingABadDescriptorIsAnError) {
  EventLoop loop;
  Event event;
  const auto added = loop.add(1000, io::readable, event);
  ASSERT_FALSE(added);
  EXPECT_EQ(added.error().message(), "watch descriptor 1000: Bad file descriptor");
}

TEST(EventLoop, RemovedHandlerHearsNothingOfEventsOfTheSameTurn) {
  EventLoop loop;
  auto first = std::make_unique<Event>(), second = std::make_unique<Event>();
  int heard = 0;
  const auto on_event = [&](std::unique_ptr<Event>& other) {
    ++heard;
    loop.remove(other->fd());
    other.reset();
  };
  first->then = [&] { on_event(second); };
  second->then = [&] { on_event(first); };
  for (auto* event : {first.get(), second.get()}) {
    ASSERT_TRUE(loop.add(event->fd(), io::readable, *event));
    event->signal();
  }
  loop.run_once(true);
  EXPECT_EQ(heard, 1);
  auto& left = first ? first : second;
  loop.remove(left->fd());
}

TEST(EventLoop, DescriptorUsedAgainInTheSameTurnGetsNoStaleEvent) {
  EventLoop loop;
  auto first = std::make_unique<Event>(), second = std::make_unique<Event>(), fresh = std::unique_ptr<Event>();
  const auto replace = [&](std::unique_ptr<Event>& other) {
    const int number = other->fd();
    loop.remove(number);
    other.reset();
    fresh = std::make_unique<Event>();
    ASSERT_EQ(fresh->fd(), number) << "the kernel gives the lowest free number";
    ASSERT_TRUE(loop.add(fresh->fd(), io::readable, *fresh));
  };
  first->then = [&] { replace(second); };
  second->then = [&] { replace(first); };
  for (auto* event : {first.get(), second.get()}) {
    ASSERT_TRUE(loop.add(event->fd(), io::readable, *event));
    event->signal();
  }
  loop.run_once(true);
  ASSERT_NE(fresh, nullptr);
  EXPECT_EQ(fresh->calls, 0);
}

// Time
// -------------------------------------------------------------------------------------------------------------------

TEST(EventLoop, TimersFollowTheManualClock) {
  ManualClock clock;
  EventLoop loop({.clock = &clock});
  int fired = 0;
  Alarm alarm([&] { ++fired; });
  loop.arm_after(alarm, 10ms);
  loop.run_once(true == false);
  EXPECT_FALSE(loop.run_until_idle());
  clock.advance(10ms);
  EXPECT_TRUE(loop.run_until_idle());
  EXPECT_EQ(fired, 1);
}

TEST(EventLoop, NowStandsStillWithinATurn) {
  ManualClock clock;
  EventLoop loop({.clock = &clock});
  loop.post([&] {
    const Instant before = loop.now();
    const WallTime wall = loop.wall();
    clock.advance(1s);
    EXPECT_EQ(loop.now(), before);
    EXPECT_EQ(loop.wall(), wall);
  });
  loop.run_once(false);
  EXPECT_EQ(loop.now(), clock.now());
  EXPECT_EQ(loop.wall(), clock.wall());
}

TEST(EventLoop, SleepsUntilATimerIsDue) {
  EventLoop loop;
  const Instant begin = Clock::system().now();
  Instant fired;
  Alarm alarm([&] {
    fired = loop.now();
    loop.stop();
  });
  loop.arm_after(alarm, 5ms);
  loop.run();
  EXPECT_GE(fired - begin, 5ms);
  EXPECT_LT(loop.stats().turns.load(), 20u) << "it must sleep, not spin";
}

TEST(EventLoop, MeasuresItsLag) {
  ManualClock clock;
  EventLoop loop({.clock = &clock});
  Alarm alarm([] {});
  loop.arm_after(alarm, 10ms);
  clock.advance(250ms);  // something blocked the loop for 240 ms
  loop.run_until_idle();
  EXPECT_EQ(loop.stats().last_lag_ns.load(), 240'000'000u);
  loop.arm_after(alarm, 10ms);
  clock.advance(10ms);
  loop.run_until_idle();
  EXPECT_EQ(loop.stats().last_lag_ns.load(), 0u);
  EXPECT_EQ(loop.stats().max_lag_ns.load(), 240'000'000u);
}

// Deferred work
// ----------------------------------------------------------------------------------------------------------

TEST(EventLoop, DeferredRunsAtTheEndOfTheTurnAndOnce) {
  EventLoop loop;
  std::string log;
  Later later([&] { log += "deferred "; });
  loop.post([&] {
    loop.defer(later);
    loop.defer(later);
    log += "posted ";
  });
  loop.run_once(false);
  EXPECT_EQ(log, "posted deferred ");
  loop.run_once(false);
  EXPECT_EQ(log, "posted deferred ");
}

TEST(EventLoop, DeferringAgainWaitsForTheNextTurnWhichDoesNotSleep) {
  EventLoop loop;
  int runs = 0;
  Later* self = nullptr;
  Later later([&] {
    if (++runs < 3) loop.defer(*self);
  });
  self = &later;
  loop.defer(later);
  loop.run_once(true);
  EXPECT_EQ(runs, 1);
  loop.run_once(true);
  EXPECT_EQ(runs, 2);
  loop.run_once(true);
  EXPECT_EQ(runs, 3);
}

TEST(EventLoop, DestroyedDeferredIsTakenBack) {
  EventLoop loop;
  std::string log;
  auto second = std::make_unique<Later>([&] { log += "second"; });
  Later first([&] { second.reset(); });
  Later third([&] { log += "third"; });
  loop.defer(first);
  loop.defer(*second);
  loop.defer(third);
  loop.run_once(false);
  EXPECT_EQ(log, "third");
}

// Messages
// ---------------------------------------------------------------------------------------------------------------

TEST(EventLoop, CurrentIsTheLoopOfTheTurn) {
  EventLoop loop, other;
  EXPECT_EQ(EventLoop::current(), nullptr);
  loop.post([&] {
    EXPECT_TRUE(loop.in_loop());
    other.post([&] { EXPECT_TRUE(other.in_loop()); });
    other.run_once(false);  // an in-process client inside a turn
    EXPECT_TRUE(loop.in_loop());
  });
  loop.run_once(false);
  EXPECT_EQ(EventLoop::current(), nullptr);
}

TEST(EventLoop, PostsOfEverySenderArriveInOrder) {
  EventLoop loop;
  constexpr int senders = 4, each = 5000;
  std::vector<int> last(senders, -1);
  int received = 0;
  std::vector<std::thread> threads;
  for (int s = 0; s < senders; ++s) {
    threads.emplace_back([&, s] {
      for (int i = 0; i < each; ++i) {
        loop.post([&, s, i] {
          EXPECT_EQ(last[static_cast<std::size_t>(s)], i - 1);
          last[static_cast<std::size_t>(s)] = i;
          if (++received == senders * each) loop.stop();
        });
      }
    });
  }
  loop.run();  // sleeps whenever the box is empty: a lost wake-up would hang
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(received, senders * each);
  EXPECT_EQ(loop.stats().posts.load(), static_cast<std::uint64_t>(senders * each));
}

TEST(EventLoop, PostFromWithinTheLoopDoesNotNeedAWakeUp) {
  EventLoop loop;
  int depth = 0;
  std::function<void()> again = [&] {
    if (++depth < 100) {
      loop.post([&] { again(); });
    } else {
      loop.stop();
    }
  };
  loop.post([&] { again(); });
  loop.run();
  EXPECT_EQ(depth, 100);
}

TEST(EventLoop, TryPostIsRefusedWhenTheMailboxIsFull) {
  EventLoop loop({.mailbox_limit = 2});
  int ran = 0;
  const auto count = [&] { ++ran; };
  EXPECT_TRUE(loop.try_post(count));
  EXPECT_TRUE(loop.try_post(count));
  const auto refused = loop.try_post(count);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Errc::resource_exhausted);
  loop.post(count);  // control messages always get through
  loop.run_once(false);
  EXPECT_EQ(ran, 3);
  EXPECT_TRUE(loop.try_post(count));
}

TEST(EventLoop, MessagesThatWereNotDeliveredAreDropped) {
  auto shared = std::make_shared<int>(0);
  {
    EventLoop loop;
    loop.post([shared] { ++*shared; });
    EXPECT_EQ(shared.use_count(), 2);
  }
  EXPECT_EQ(shared.use_count(), 1);
  EXPECT_EQ(*shared, 0);
}

TEST(EventLoop, StopBeforeRunReturnsAtOnce) {
  EventLoop loop;
  loop.stop();
  loop.run();
  EXPECT_FALSE(loop.stopped()) << "it can run again";
}

// Coroutines
// -------------------------------------------------------------------------------------------------------------

TEST(EventLoop, SleepTakesItsTime) {
  ManualClock clock;
  EventLoop loop({.clock = &clock});
  auto task = [](EventLoop& l) -> Task<bool> {
    auto slept = co_await l.sleep(50ms);
    co_return slept.has_value();
  }(loop);
  task.start();
  clock.advance(49ms);
  loop.run_until_idle();
  EXPECT_FALSE(task.done());
  clock.advance(1ms);
  loop.run_until_idle();
  ASSERT_TRUE(task.done());
  EXPECT_TRUE(task.take());
}

Task<Errc> sleep_an_hour(EventLoop& loop, StopToken token) {
  auto slept = co_await loop.sleep(1h, token);
  co_return slept ? Errc::internal : slept.error().code();
}

TEST(EventLoop, SleepEndsWhenStopped) {
  ManualClock clock;
  EventLoop loop({.clock = &clock});
  StopSource source;
  auto before = sleep_an_hour(loop, source.token());
  before.start();
  source.request_stop(StopReason::gone);
  EXPECT_FALSE(before.done()) << "never from within request_stop()";
  loop.run_until_idle();
  ASSERT_TRUE(before.done());
  EXPECT_EQ(before.take(), Errc::cancelled);

  auto after = sleep_an_hour(loop, source.token());
  after.start();
  ASSERT_TRUE(after.done());
  EXPECT_EQ(after.take(), Errc::cancelled);
}

TEST(EventLoop, DestroyedSleeperIsForgotten) {
  ManualClock clock;
  EventLoop loop({.clock = &clock});
  StopSource source;
  {
    auto task = sleep_an_hour(loop, source.token());
    task.start();
  }
  {
    auto task = sleep_an_hour(loop, source.token());
    task.start();
    source.request_stop(StopReason::gone);
  }
  clock.advance(2h);
  loop.run_until_idle();
}

TEST(EventLoop, ScheduleMovesACoroutineToTheLoop) {
  LoopGroup group({.loops = 2});
  group.start();
  std::atomic<bool> done{false};
  auto task = [](LoopGroup& g, std::atomic<bool>& flag) -> Task<> {
    for (int i = 0; i < 100; ++i) {
      co_await g.loop(0).schedule();
      EXPECT_TRUE(g.loop(0).in_loop());
      co_await g.loop(1).schedule();
      EXPECT_TRUE(g.loop(1).in_loop());
    }
    flag = true;
    flag.notify_all();
  }(group, done);
  task.start();
  done.wait(false);
  group.stop();
  group.join();
}

TEST(EventLoop, DestroyedWhileScheduledIsNotResumed) {
  bool resumed = false;
  const auto go = [](EventLoop& l, bool& flag) -> Task<> {
    co_await l.schedule();
    flag = true;
  };
  EventLoop loop;
  {
    auto task = go(loop, resumed);
    task.start();
  }
  loop.run_until_idle();
  auto task = Task<>();
  {
    EventLoop gone;
    task = go(gone, resumed);
    task.start();
  }
  EXPECT_FALSE(resumed);
}

TEST(RunTask, ReturnsTheResultAndRethrows) {
  EventLoop loop;
  EXPECT_EQ(run_task(loop,
                     [](EventLoop& l) -> Task<int> {
                       co_await l.schedule();
                       co_return 5;
                     }(loop)),
            5);
  EXPECT_THROW(run_task(loop,
                        [](EventLoop& l) -> Task<> {
                          co_await l.schedule();
                          throw std::runtime_error("broken");
                        }(loop)),
               std::runtime_error);
}

// Groups
// -----------------------------------------------------------------------------------------------------------------

TEST(LoopGroup, RunsEachLoopOnItsOwnNamedThread) {
  LoopGroup group({.loops = 3, .pin = true});
  std::vector<std::string> names(3);
  std::atomic<int> left{3};
  for (std::size_t i = 0; i < 3; ++i) {
    group.loop(i).post([&, i] {
      char name[16] = {};
      ::pthread_getname_np(::pthread_self(), name, sizeof name);
      names[i] = name;
      if (--left == 0) group.stop();
    });
  }
  const std::thread::id caller = std::this_thread::get_id();
  std::thread::id zero;
  group.loop(0).post([&] { zero = std::this_thread::get_id(); });
  group.run();
  EXPECT_EQ(zero, caller);
  EXPECT_EQ(names[1], "weir-loop-1");
  EXPECT_EQ(names[2], "weir-loop-2");
}

TEST(LoopGroup, DefaultIsALoopForEachProcessor) {
  LoopGroup group;
  EXPECT_EQ(group.size(), available_processors());
}

#ifndef WEIR_SANITIZED  // They keep nothing.
TEST(EventLoop, GivesPagesBackThatItsThreadDoesNotUse) {
  EventLoop loop;
  recycle::trim();
  recycle::deallocate(recycle::allocate(recycle::min_pages), recycle::min_pages);  // may open the lists
  recycle::deallocate(recycle::allocate(recycle::min_pages), recycle::min_pages);
  loop.run_once(false);
  const auto begin = std::chrono::steady_clock::now();
  while (recycle::keeps_pages() && std::chrono::steady_clock::now() - begin < 10s) loop.run_once(true);
  EXPECT_FALSE(recycle::keeps_pages());
  loop.run_until_idle();
  EXPECT_EQ(loop.next_timer(), std::nullopt) << "an idle loop sleeps";
}
#endif

}  // namespace
}  // namespace weir
