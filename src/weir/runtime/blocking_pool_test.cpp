#include "weir/runtime/blocking_pool.hpp"

#include <chrono>
#include <fstream>
#include <latch>
#include <memory>
#include <semaphore>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include "weir/runtime/loop_group.hpp"
#include "weir/runtime/run_task.hpp"

namespace weir {
namespace {

/// Starts a task in the next turn of a loop, as a handler would be.
template <class T>
struct Start final : Deferred {
  Start(EventLoop& loop, Task<T>& owned) : task(owned) { loop.defer(*this); }
  void on_deferred() noexcept override { task.start(); }
  Task<T>& task;
};

TEST(BlockingPool, RunsOnAnotherThreadAndComesBackToTheLoop) {
  EventLoop loop;
  BlockingPool pool({.threads = 1});
  const auto result = run_task(loop, [](EventLoop& l, BlockingPool& p) -> Task<std::string> {
    const auto here = std::this_thread::get_id();
    auto there = co_await p.run([] { return std::this_thread::get_id(); });
    EXPECT_TRUE(l.in_loop());
    EXPECT_NE(*there, here);
    EXPECT_EQ(std::this_thread::get_id(), here);
    co_return "back";
  }(loop, pool));
  EXPECT_EQ(result, "back");
}

TEST(BlockingPool, ResultsOfEveryKind) {
  EventLoop loop;
  BlockingPool pool;
  run_task(loop, [](BlockingPool& p) -> Task<> {
    Result<void> nothing = co_await p.run([] {});
    EXPECT_TRUE(nothing);
    Result<std::unique_ptr<int>> moved = co_await p.run([] { return std::make_unique<int>(3); });
    EXPECT_EQ(**moved, 3);
    Result<int> flat = co_await p.run([]() -> Result<int> { return fail(Errc::not_found, "no such user"); });
    EXPECT_EQ(flat.error().message(), "no such user");
    auto owned = std::make_unique<int>(4);
    auto owning = p.run([value = std::move(owned)] { return *value; });
    Result<int> captured = co_await owning;
    EXPECT_EQ(*captured, 4);
  }(pool));
}

TEST(BlockingPool, ExceptionsComeOutOfTheAwait) {
  EventLoop loop;
  BlockingPool pool;
  EXPECT_THROW(run_task(loop,
                        [](BlockingPool& p) -> Task<> {
                          auto result = co_await p.run([]() -> int { throw std::runtime_error("disk on fire"); });
                          static_cast<void>(result);
                        }(pool)),
               std::runtime_error);
}

/// Keeps the only thread of a pool busy until release().
class Blocker {
 public:
  explicit Blocker(EventLoop& loop, BlockingPool& pool) : task_(block(pool, started_, go_)), start_(loop, task_) {
    loop.run_until_idle();
    started_.acquire();
  }
  void release() { go_.release(); }
  bool done() const { return task_.done(); }

 private:
  static Task<> block(BlockingPool& pool, std::binary_semaphore& started, std::binary_semaphore& go) {
    auto result = co_await pool.run([&started, &go] {
      started.release();
      go.acquire();
    });
    EXPECT_TRUE(result);
  }
  std::binary_semaphore started_{0}, go_{0};
  Task<> task_;
  Start<void> start_;
};

Task<Errc> call(BlockingPool& pool, std::shared_ptr<int> calls, StopToken stop = {}) {
  auto counting = pool.run([calls] { ++*calls; }, stop);
  auto result = co_await counting;
  co_return result ? Errc::unknown : result.error().code();
}

TEST(BlockingPool, FullQueueRefusesAtOnce) {
  EventLoop loop;
  BlockingPool pool({.threads = 1, .queue_limit = 1});
  Blocker blocker(loop, pool);
  auto calls = std::make_shared<int>(0);
  auto waiting = call(pool, calls), refused = call(pool, calls);
  Start start_waiting(loop, waiting);
  Start start_refused(loop, refused);
  loop.run_until_idle();
  EXPECT_FALSE(waiting.done());
  ASSERT_TRUE(refused.done());
  EXPECT_EQ(refused.take(), Errc::unavailable);
  EXPECT_EQ(pool.stats().refused.load(), 1u);
  blocker.release();
  while (!waiting.done() || !blocker.done()) loop.run_once(true);
  EXPECT_EQ(*calls, 1);
}

TEST(BlockingPool, ThreadsLeaveSignalsToOthers) {
  EventLoop loop;
  BlockingPool pool({.threads = 1});
  sigset_t before;
  ::pthread_sigmask(SIG_SETMASK, nullptr, &before);
  EXPECT_EQ(::sigismember(&before, SIGUSR2), 0) << "the one who made the pool gets its signals again";
  struct Look {
    static Task<int> at(BlockingPool& threads) {
      auto call = threads.run([] {
        sigset_t mask;
        ::pthread_sigmask(SIG_SETMASK, nullptr, &mask);
        return ::sigismember(&mask, SIGUSR2) + ::sigismember(&mask, SIGTERM);
      });
      const Result<int> blocked = co_await call;
      co_return blocked.value_or(-1);
    }
  };
  auto task = Look::at(pool);
  Start start(loop, task);
  while (!task.done()) loop.run_once(true);
  EXPECT_EQ(task.take(), 2);
}

TEST(BlockingPool, DestroyedWhileWaitingIsNotCalled) {
  EventLoop loop;
  BlockingPool pool({.threads = 1});
  Blocker blocker(loop, pool);
  auto calls = std::make_shared<int>(0);
  {
    auto task = call(pool, calls);
    Start start(loop, task);
    loop.run_until_idle();
  }
  blocker.release();
  while (!blocker.done()) loop.run_once(true);
  pool.stop();
  loop.run_until_idle();
  EXPECT_EQ(*calls, 0);
  EXPECT_EQ(calls.use_count(), 1) << "the function is gone";
}

TEST(BlockingPool, DestroyedWhileRunningDropsTheResult) {
  EventLoop loop;
  BlockingPool pool({.threads = 1});
  auto result = std::make_shared<int>(1);
  auto gates = std::make_shared<std::pair<std::binary_semaphore, std::binary_semaphore>>(0, 0);
  {
    auto task = [](BlockingPool& p, std::shared_ptr<int> value, decltype(gates) g) -> Task<> {
      auto holding = p.run([value, g] {
        g->first.release();
        g->second.acquire();
        return value;
      });
      auto got = co_await holding;
      ADD_FAILURE() << "resumed after it was destroyed";
    }(pool, result, gates);
    Start start(loop, task);
    loop.run_until_idle();
    gates->first.acquire();
  }
  gates->second.release();
  pool.stop();
  loop.run_until_idle();
  EXPECT_EQ(result.use_count(), 1);
}

TEST(BlockingPool, StopTokenEndsTheWaitButNotTheCall) {
  EventLoop loop;
  BlockingPool pool({.threads = 1});
  Blocker blocker(loop, pool);
  auto calls = std::make_shared<int>(0);
  StopSource source;
  auto task = call(pool, calls, source.token());
  Start start(loop, task);
  loop.run_until_idle();
  source.request_stop(StopReason::deadline);
  loop.run_until_idle();
  ASSERT_TRUE(task.done());
  EXPECT_EQ(task.take(), Errc::cancelled);

  auto late = call(pool, calls, source.token());
  Start start_late(loop, late);
  loop.run_until_idle();
  EXPECT_EQ(late.take(), Errc::cancelled);
  blocker.release();
  while (!blocker.done()) loop.run_once(true);
  EXPECT_EQ(*calls, 0);
}

TEST(BlockingPool, StoppingFinishesWhatRunsAndRefusesTheRest) {
  EventLoop loop;
  BlockingPool pool({.threads = 1});
  Blocker blocker(loop, pool);
  auto calls = std::make_shared<int>(0);
  auto waiting = call(pool, calls);
  Start start(loop, waiting);
  loop.run_until_idle();
  // The pool joins its threads: let the running call go once stopping has begun to wait for it.
  std::thread helper([&] { blocker.release(); });
  pool.stop();
  helper.join();
  loop.run_until_idle();
  EXPECT_TRUE(blocker.done());
  ASSERT_TRUE(waiting.done());
  auto late = call(pool, calls);
  Start start_late(loop, late);
  loop.run_until_idle();
  EXPECT_EQ(late.take(), Errc::unavailable);
}

TEST(BlockingPool, MayStartAgain) {
  EventLoop loop;
  BlockingPool pool({.threads = 2});
  for (int life = 0; life < 3; ++life) {
    pool.stop();
    pool.start();
    pool.start();
    auto calls = std::make_shared<int>(0);
    auto task = call(pool, calls);
    Start start(loop, task);
    while (!task.done()) loop.run_once(true);
    EXPECT_EQ(*calls, 1) << life;
  }
}

#ifndef WEIR_SANITIZED  // They keep nothing.
TEST(BlockingPool, ThreadsGivePagesBackThatTheyDoNotUse) {
  EventLoop loop;
  BlockingPool pool({.threads = 1});
  run_task(loop, [](BlockingPool& p) -> Task<> {
    static_cast<void>(co_await p.run([] {
      for (int i = 0; i < 2; ++i) {  // The first one may open the lists.
        recycle::deallocate(recycle::allocate(recycle::min_pages), recycle::min_pages);
      }
      EXPECT_TRUE(recycle::keeps_pages());
    }));
    static_cast<void>(co_await p.run([] {}));
    Result<bool> kept = co_await p.run([] { return recycle::keeps_pages(); });
    EXPECT_FALSE(*kept);
  }(pool));
}
#endif

TEST(BlockingPool, ForgetsALoopThatGoes) {
  EventLoop staying;
  BlockingPool pool({.threads = 1});
  Blocker blocker(staying, pool);
  auto calls = std::make_shared<int>(0);
  auto kept = call(pool, calls);
  Start start_kept(staying, kept);
  {
    EventLoop going;
    auto waiting = call(pool, calls);
    Start start(going, waiting);
    going.run_until_idle();
    pool.forget(going);  // does not wait for what other loops have running
    going.run_until_idle();
    ASSERT_TRUE(waiting.done());
    EXPECT_EQ(waiting.take(), Errc::unavailable);
  }
  staying.run_until_idle();
  blocker.release();
  while (!kept.done() || !blocker.done()) staying.run_once(true);
  EXPECT_EQ(kept.take(), Errc::unknown);
  EXPECT_EQ(*calls, 1) << "the other loop's call is none of its business";
}

TEST(BlockingPool, WaitsForWhatRunsBeforeItForgetsALoop) {
  BlockingPool pool({.threads = 1});
  auto owned = std::make_shared<int>(1);
  {
    EventLoop going;
    std::binary_semaphore started{0};
    {
      auto task = [](BlockingPool& p, std::shared_ptr<int> value, std::binary_semaphore& begun) -> Task<> {
        auto slow = p.run([value, &begun] {
          begun.release();
          std::this_thread::sleep_for(std::chrono::milliseconds(20));
        });
        auto result = co_await slow;
        ADD_FAILURE() << "resumed after it was destroyed";
      }(pool, owned, started);
      Start start(going, task);
      going.run_until_idle();
      started.acquire();
    }
    pool.forget(going);
    EXPECT_TRUE(going.run_until_idle()) << "the call has come back";
    EXPECT_EQ(owned.use_count(), 1);
  }
}

TEST(BlockingPool, ServesSeveralLoops) {
  LoopGroup group({.loops = 2});
  BlockingPool pool({.threads = 2});
  constexpr int each = 500;
  std::atomic<int> left{2};
  const auto work = [](EventLoop& loop, BlockingPool& p, LoopGroup& g, std::atomic<int>& l) -> Task<> {
    for (int i = 0; i < each; ++i) {
      auto twice = co_await p.run([i] { return 2 * i; });
      EXPECT_EQ(*twice, 2 * i);
      EXPECT_TRUE(loop.in_loop());
    }
    if (--l == 0) g.stop();
  };
  auto first = work(group.loop(0), pool, group, left), second = work(group.loop(1), pool, group, left);
  Start start_first(group.loop(0), first);
  Start start_second(group.loop(1), second);
  group.run();
  EXPECT_EQ(left.load(), 0);
  EXPECT_EQ(pool.stats().executed.load() + pool.stats().running.load(), 2u * each);
}

#ifndef WEIR_SANITIZED  // Sanitizers need the address space.
TEST(BlockingPool, SaysThatTheSystemGivesNoMoreThreads) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto make_too_many = [] {
    long pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    const rlim_t room = static_cast<rlim_t>(pages) * 4096 + (rlim_t{64} << 20);  // A few stacks.
    const rlimit few{room, room};
    if (::setrlimit(RLIMIT_AS, &few) != 0) ::_exit(2);
    try {
      const BlockingPool pool({.threads = 1000});
    } catch (const std::system_error&) {
      ::_exit(0);
    }
    ::_exit(1);
  };
  EXPECT_EXIT(make_too_many(), ::testing::ExitedWithCode(0), "");
}
#endif

}  // namespace
}  // namespace weir
