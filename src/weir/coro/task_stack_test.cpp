// That awaiting tasks takes no stack for good. CMakeLists.txt compiles this file without optimisation, where g++ makes
// no tail calls; its types are its own, so that the linker does not take their code from an optimised file.
#include <coroutine>
#include <utility>

#include <gtest/gtest.h>

#include "weir/coro/task.hpp"

namespace weir {
namespace {

constexpr int rounds = 1'000'000;

struct Number {
  int value;
};

/// Suspends whoever awaits it until open() is called; `at_once` opens it before the suspension is complete.
class Gate {
 public:
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> awaiting) noexcept {
    waiting_ = awaiting;
    if (at_once) open();
  }
  void await_resume() const noexcept {}
  void open() { std::exchange(waiting_, nullptr).resume(); }

  bool at_once = false;

 private:
  std::coroutine_handle<> waiting_;
};

Task<Number> number(int value) {
  co_return Number{value};
}

Task<Number> number_through(Gate& gate, int value) {
  if (value % 1000 == 0) co_await gate;
  co_return Number{value};
}

Task<Number> pair(Gate& gate, int value) {
  const Number first = co_await number_through(gate, value);
  const Number second = co_await number(1);
  co_return Number{first.value + second.value};
}

TEST(TaskStack, AMillionTasksThatEndAtOnce) {
  struct Work {
    static Task<long> sum() {
      long result = 0;
      for (int i = 0; i < rounds; ++i) {
        const Number n = co_await number(i);
        result += n.value;
      }
      co_return result;
    }
  };
  auto task = Work::sum();
  task.start();
  ASSERT_TRUE(task.done());
  EXPECT_EQ(task.take(), 1L * rounds * (rounds - 1) / 2);
}

struct Sum {
  static Task<long> of(Gate& gate) {
    long result = 0;
    for (int i = 0; i < rounds; ++i) {
      const Number n = co_await pair(gate, i);
      result += n.value;
    }
    co_return result;
  }
};

TEST(TaskStack, TasksInsideOfTasksThatWaitNowAndThen) {
  Gate gate;
  auto task = Sum::of(gate);
  task.start();
  int waits = 0;
  for (; !task.done(); ++waits) gate.open();
  EXPECT_EQ(waits, rounds / 1000);
  EXPECT_EQ(task.take(), 1L * rounds * (rounds - 1) / 2 + rounds);
}

// The task ends while it is being started, but inside the call that was to suspend it.
TEST(TaskStack, TasksResumedBeforeTheyHaveSuspended) {
  Gate gate;
  gate.at_once = true;
  auto task = Sum::of(gate);
  task.start();
  ASSERT_TRUE(task.done());
  EXPECT_EQ(task.take(), 1L * rounds * (rounds - 1) / 2 + rounds);
}

// A task that is being started resumes others, which end and go on with their own awaiters.
TEST(TaskStack, ATaskResumesAnotherWhileItIsStarted) {
  struct Work {
    static Task<Number> opener(Gate& gate) {
      gate.open();
      co_return Number{1};
    }
    static Task<long> opens(Gate& gate, Task<long>& other) {
      long result = 0;
      while (!other.done()) {
        const Number n = co_await opener(gate);
        result += n.value;
      }
      co_return result;
    }
  };
  Gate gate;
  auto waiting = Sum::of(gate);
  waiting.start();
  auto opening = Work::opens(gate, waiting);
  opening.start();
  ASSERT_TRUE(opening.done());
  EXPECT_EQ(opening.take(), rounds / 1000);
  EXPECT_EQ(waiting.take(), 1L * rounds * (rounds - 1) / 2 + rounds);
}

// Dropped in the middle of a wait; the next one gets the same frames.
TEST(TaskStack, DroppedTasksLeaveNothingBehind) {
  Gate gate;
  {
    auto task = Sum::of(gate);
    task.start();
    EXPECT_FALSE(task.done());
  }
  auto task = Sum::of(gate);
  task.start();
  while (!task.done()) gate.open();
  EXPECT_EQ(task.take(), 1L * rounds * (rounds - 1) / 2 + rounds);
}

}  // namespace
}  // namespace weir
