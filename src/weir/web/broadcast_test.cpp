#include "weir/web/broadcast.hpp"

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "weir/coro/task.hpp"
#include "weir/runtime/loop_group.hpp"
#include "weir/runtime/run_task.hpp"

namespace weir {
namespace {

using Errors = std::vector<Errc>;

TEST(Broadcast, GivesEverySubscriberEverythingInOrder) {
  Broadcast<int> hub;
  EventLoop loop;
  const auto scenario = [](Broadcast<int>& shared) -> Task<void> {
    auto a = shared.subscribe();
    shared.publish(1);
    auto b = shared.subscribe();
    shared.publish(2);
    for (const int expected : {1, 2}) {
      auto got = co_await a.next();
      EXPECT_EQ(**got, expected);
      EXPECT_EQ(got->number, static_cast<std::uint64_t>(expected));
    }
    auto got = co_await b.next();
    EXPECT_EQ(**got, 2) << "only what is published after subscribe()";
    EXPECT_EQ(a.dropped() + b.dropped(), 0u);
  };
  run_task(loop, scenario(hub));
  EXPECT_EQ(hub.subscribers(), 0u);
}

TEST(Broadcast, DropsTheOldestOfASlowSubscriber) {
  Broadcast<int> hub({.queue = 3});
  EventLoop loop;
  const auto scenario = [](Broadcast<int>& shared) -> Task<void> {
    auto slow = shared.subscribe();
    for (int i = 0; i < 2; ++i) shared.publish(i);
    auto first = co_await slow.next();  // the loop has taken 0 and 1
    EXPECT_EQ(**first, 0);
    for (int i = 2; i < 10; ++i) shared.publish(i);
    co_await EventLoop::current()->schedule();
    for (const int expected : {7, 8, 9}) {
      auto got = co_await slow.next();
      EXPECT_EQ(**got, expected);
    }
    EXPECT_EQ(slow.dropped(), 6u);
    EXPECT_EQ(slow.dropped(), 0u);
  };
  run_task(loop, scenario(hub));
}

TEST(Broadcast, ReplaysItsHistory) {
  Broadcast<int> hub({.queue = 2, .history = 4, .first_number = 100});
  EventLoop loop;
  for (int i = 0; i < 6; ++i) EXPECT_EQ(hub.publish(i), 100u + static_cast<unsigned>(i));
  const auto scenario = [](Broadcast<int>& shared) -> Task<void> {
    auto behind = shared.subscribe(100);
    EXPECT_EQ(behind.dropped(), 1u) << "101 is not in the history any more";
    for (const int expected : {2, 3, 4, 5}) {
      auto got = co_await behind.next();
      EXPECT_EQ(**got, expected);
    }
    auto earlier_life = shared.subscribe(5000);
    auto got = co_await earlier_life.next();
    EXPECT_EQ(**got, 2);
  };
  run_task(loop, scenario(hub));
}

TEST(Broadcast, StopsWaiting) {
  Broadcast<int> hub;
  EventLoop loop;
  StopSource stop;
  Errors errors;
  const auto wait = [](Broadcast<int>& shared, StopToken token, Errors& out) -> Task<void> {
    auto subscription = shared.subscribe();
    auto got = co_await subscription.next(token);
    out.push_back(got.error().code());
    got = co_await subscription.next(token);
    out.push_back(got.error().code());
    got = co_await subscription.next();
    out.push_back(got ? Errc::internal : got.error().code());
  };
  loop.post([&] { stop.request_stop(StopReason::gone); });
  loop.post([&] { hub.close(); });
  run_task(loop, wait(hub, stop.token(), errors));
  EXPECT_EQ(errors, (Errors{Errc::cancelled, Errc::cancelled, Errc::out_of_range}));
}

TEST(Broadcast, OutlivedByItsSubscriptions) {
  EventLoop loop;
  const auto scenario = []() -> Task<void> {
    auto hub = std::make_unique<Broadcast<int>>();
    auto subscription = hub->subscribe();
    hub->publish(1);
    hub.reset();
    auto got = co_await subscription.next();
    EXPECT_EQ(**got, 1);
    got = co_await subscription.next();
    EXPECT_EQ(got.error().code(), Errc::out_of_range);
  };
  run_task(loop, scenario());
}

/// Counts what it sees until the broadcast closes, checking the order.
Task<void> count_all(Broadcast<std::uint64_t>& hub, std::atomic<std::uint64_t>& seen, std::atomic<int>& ready,
                     std::atomic<int>& done) {
  auto subscription = hub.subscribe();
  ready.fetch_add(1);
  std::uint64_t last = 0;
  for (;;) {
    auto got = co_await subscription.next();
    if (!got) break;
    EXPECT_GT(got->number, last);
    last = got->number;
    seen.fetch_add(1);
  }
  seen.fetch_add(subscription.dropped());
  done.fetch_add(1);
}

TEST(Broadcast, ReachesSubscribersOnOtherLoops) {
  constexpr int per_loop = 5;
  constexpr std::uint64_t publishers = 2;
  constexpr std::uint64_t each = 2000;
  Broadcast<std::uint64_t> hub({.queue = 16});
  std::atomic<std::uint64_t> seen{0};
  std::atomic<int> ready{0};
  std::atomic<int> done{0};
  LoopGroup loops({.loops = 2});
  std::vector<Task<void>> tasks(2 * per_loop);
  loops.start();
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    loops.loop(i % 2).post([&, i] {
      tasks[i] = count_all(hub, seen, ready, done);
      tasks[i].start();
    });
  }
  while (ready != 2 * per_loop) std::this_thread::yield();
  std::vector<std::thread> threads;
  for (std::uint64_t p = 0; p < publishers; ++p) {
    threads.emplace_back([&hub] {
      for (std::uint64_t i = 0; i < each; ++i) hub.publish(i);
    });
  }
  for (std::thread& thread : threads) thread.join();
  hub.close();
  while (done != 2 * per_loop) std::this_thread::yield();
  loops.stop();
  loops.join();
  EXPECT_EQ(seen, 2 * per_loop * publishers * each) << "seen or counted as dropped";
  EXPECT_EQ(hub.subscribers(), 0u);
}

}  // namespace
}  // namespace weir
