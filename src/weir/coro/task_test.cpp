#include "weir/coro/task.hpp"

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include <gtest/gtest.h>

namespace weir {
namespace {

/// Suspends whoever awaits it until open() is called.
class Gate {
 public:
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> awaiting) noexcept { waiting_ = awaiting; }
  void await_resume() const noexcept {}
  void open() { std::exchange(waiting_, nullptr).resume(); }

 private:
  std::coroutine_handle<> waiting_;
};

/// Counts its living instances.
struct Counted {
  explicit Counted(int& count) : alive(&count) { ++*alive; }
  Counted(const Counted& other) : alive(other.alive) { ++*alive; }
  Counted& operator=(const Counted&) = delete;
  ~Counted() { --*alive; }
  int* alive;
};

Task<int> answer() {
  co_return 42;
}
Task<> wait_for(Gate& gate) {
  co_await gate;
}

TEST(Task, StartsWhenItIsAwaited) {
  bool started = false;
  auto inner = [](bool& flag) -> Task<int> {
    flag = true;
    co_return 1;
  }(started);
  EXPECT_FALSE(started);
  auto outer = [](Task<int> task) -> Task<int> {
    const int value = co_await std::move(task);
    co_return value + 1;
  }(std::move(inner));
  outer.start();
  EXPECT_TRUE(started);
  ASSERT_TRUE(outer.done());
  EXPECT_EQ(outer.take(), 2);
}

TEST(Task, ResumesItsAwaiterWhenItEnds) {
  Gate gate;
  auto outer = [](Gate& g) -> Task<std::string> {
    co_await wait_for(g);
    co_return "after";
  }(gate);
  outer.start();
  EXPECT_FALSE(outer.done());
  gate.open();
  ASSERT_TRUE(outer.done());
  EXPECT_EQ(outer.take(), "after");
}

TEST(Task, MoveOnlyResults) {
  auto task = []() -> Task<std::unique_ptr<int>> { co_return std::make_unique<int>(7); }();
  task.start();
  EXPECT_EQ(*task.take(), 7);
}

TEST(Task, ExceptionsComeOutOfTheAwait) {
  auto outer = []() -> Task<std::string> {
    try {
      co_await []() -> Task<> {
        throw std::runtime_error("broken");
        co_return;
      }();
    } catch (const std::runtime_error& error) {
      co_return error.what();
    }
    co_return "nothing";
  }();
  outer.start();
  EXPECT_EQ(outer.take(), "broken");
}

TEST(Task, ExceptionsComeOutOfTake) {
  auto task = []() -> Task<int> {
    throw std::logic_error("bad");
    co_return 0;
  }();
  task.start();
  ASSERT_TRUE(task.done());
  EXPECT_THROW(task.take(), std::logic_error);
}

TEST(Task, ExceptionsPassThroughSeveralTasks) {
  struct Deep {
    static Task<int> down(int levels) {
      if (levels == 0) throw std::runtime_error("bottom");
      const int value = co_await down(levels - 1);
      co_return value;
    }
  };
  auto task = Deep::down(10);
  task.start();
  EXPECT_THROW(task.take(), std::runtime_error);
}

Task<> hold(Gate& gate, Counted) {
  co_await gate;
}
Task<> hold_and_wait(Gate& gate, Counted outer) {
  const Counted local(outer);
  co_await hold(gate, Counted(*outer.alive));
}

TEST(Task, DestroyedWhileSuspendedDestroysEverythingBelow) {
  int alive = 0;
  Gate gate;
  {
    auto task = hold_and_wait(gate, Counted(alive));
    task.start();
    EXPECT_GE(alive, 3);
  }
  EXPECT_EQ(alive, 0);
}

TEST(Task, NeverStartedDestroysItsParametersOnce) {
  int alive = 0;
  {
    auto task = [](Counted) -> Task<> { co_return; }(Counted(alive));
  }
  EXPECT_EQ(alive, 0);
}

TEST(Task, ParametersAndLocalsAreDestroyedOnce) {
  int alive = 0;
  {
    auto task = [](Counted parameter) -> Task<int> {
      const Counted local(parameter);
      const int value = co_await answer();
      co_return value;
    }(Counted(alive));
    task.start();
    EXPECT_EQ(task.take(), 42);
  }
  EXPECT_EQ(alive, 0);
}

TEST(Task, MovingHandsOverTheFrame) {
  auto first = answer();
  EXPECT_TRUE(first.valid());
  Task<int> second = std::move(first);
  EXPECT_FALSE(first.valid());  // NOLINT: moved-from tasks are empty by contract
  EXPECT_FALSE(first.done());
  Task<int> third;
  third = std::move(second);
  Task<int>& itself = third;
  third = std::move(itself);  // must survive
  third.start();
  EXPECT_EQ(third.take(), 42);
}

TEST(Task, AssigningDestroysTheOldFrame) {
  int alive = 0;
  auto make = [](Counted) -> Task<> { co_return; };
  Task<> task = make(Counted(alive));
  task = Task<>();
  EXPECT_EQ(alive, 0);
}

TEST(Task, FramesAreRecycled) {
#ifndef WEIR_SANITIZED
  const void* first = nullptr;
  for (int i = 0; i < 3; ++i) {
    auto task = [](const void*& address) -> Task<> {
      const int local = 0;
      address = &local;
      co_await std::suspend_never();
    };
    const void* address = nullptr;
    auto running = task(address);
    running.start();
    if (i == 0) first = address;
    EXPECT_EQ(address, first);
  }
#endif
}

}  // namespace
}  // namespace weir
