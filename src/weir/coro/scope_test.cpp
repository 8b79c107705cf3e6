#include "weir/coro/scope.hpp"

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace weir {
namespace {

class Gate {
 public:
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> awaiting) noexcept { waiting_ = awaiting; }
  void await_resume() const noexcept {}
  void open() { std::exchange(waiting_, nullptr).resume(); }

 private:
  std::coroutine_handle<> waiting_;
};

Task<> pass(Gate& gate, std::string& log, char name) {
  co_await gate;
  log += name;
}
Task<> at_once(std::string& log) {
  log += '!';
  co_return;
}
Task<> failing(Gate& gate, const char* what) {
  co_await gate;
  throw std::runtime_error(what);
}
/// Ends when the scope asks it to.
Task<> until_stopped(StopToken token, Gate& gate, StopReason& reason) {
  {
    StopCallback callback(token, [&] { reason = token.reason(); });
    co_await gate;
  }
}

TEST(Scope, JoinWaitsForAllChildren) {
  Gate a, b;
  std::string log;
  auto parent = [](Gate& first, Gate& second, std::string& out) -> Task<> {
    Scope scope;
    scope.spawn(pass(first, out, 'a'));
    scope.spawn(pass(second, out, 'b'));
    scope.spawn(at_once(out));
    EXPECT_EQ(scope.size(), 2u);
    co_await scope.join();
    out += '.';
  }(a, b, log);
  parent.start();
  EXPECT_EQ(log, "!");
  b.open();
  EXPECT_FALSE(parent.done());
  a.open();
  ASSERT_TRUE(parent.done());
  EXPECT_EQ(log, "!ba.");
}

TEST(Scope, JoinOfNothingDoesNotWait) {
  auto parent = []() -> Task<> {
    Scope scope;
    co_await scope.join();
  }();
  parent.start();
  EXPECT_TRUE(parent.done());
}

TEST(Scope, FirstExceptionIsRethrownByJoinAndStopsTheOthers) {
  Gate fails, fails_later, waits;
  StopReason reason = StopReason::none;
  std::string caught;
  auto parent = [](Gate& f, Gate& l, Gate& w, StopReason& r, std::string& out) -> Task<> {
    Scope scope;
    scope.spawn(failing(f, "first"));
    scope.spawn(failing(l, "second"));
    scope.spawn(until_stopped(scope.token(), w, r));
    try {
      co_await scope.join();
    } catch (const std::runtime_error& error) {
      out = error.what();
    }
  }(fails, fails_later, waits, reason, caught);
  parent.start();
  fails.open();
  EXPECT_EQ(reason, StopReason::gone);
  fails_later.open();
  EXPECT_FALSE(parent.done());
  waits.open();
  ASSERT_TRUE(parent.done());
  EXPECT_EQ(caught, "first");
}

TEST(Scope, StopReachesTheChildren) {
  Gate gate;
  StopReason reason = StopReason::none;
  Scope scope;
  scope.spawn(until_stopped(scope.token(), gate, reason));
  scope.request_stop(StopReason::shutdown);
  EXPECT_EQ(reason, StopReason::shutdown);
  EXPECT_EQ(scope.size(), 1u) << "a child ends when it wants to";
  gate.open();
  EXPECT_EQ(scope.size(), 0u);
}

TEST(Scope, ChildrenMaySpawnSiblings) {
  Gate first, second;
  std::string log;
  Scope scope;
  scope.spawn([](Scope& s, Gate& a, Gate& b, std::string& out) -> Task<> {
    co_await a;
    s.spawn(pass(b, out, 's'));
  }(scope, first, second, log));
  auto joining = [](Scope& s) -> Task<> { co_await s.join(); }(scope);
  joining.start();
  first.open();
  EXPECT_FALSE(joining.done());
  second.open();
  EXPECT_TRUE(joining.done());
  EXPECT_EQ(log, "s");
}

TEST(Scope, ChildsFrameIsGoneBeforeJoinReturns) {
  struct Note {
    std::string& log;
    ~Note() { log += "child gone "; }
  };
  Gate gate;
  std::string log;
  auto parent = [](Gate& g, std::string& out) -> Task<> {
    Scope scope;
    scope.spawn([](Gate& inner, std::string& to) -> Task<> {
      const Note note{to};
      co_await inner;
    }(g, out));
    co_await scope.join();
    out += "joined";
  }(gate, log);
  parent.start();
  gate.open();
  EXPECT_EQ(log, "child gone joined");
}

TEST(Scope, DropDestroysChildrenWhereTheyStand) {
  Gate gate;
  std::string log;
  Scope scope;
  scope.spawn(pass(gate, log, 'x'));
  scope.spawn(pass(gate, log, 'y'));
  scope.drop();
  EXPECT_EQ(scope.size(), 0u);
  EXPECT_EQ(log, "");
}

TEST(ScopeDeathTest, LeavingChildrenBehindEndsTheProcess) {
  EXPECT_DEATH(
      {
        Gate gate;
        std::string log;
        Scope scope;
        scope.spawn(pass(gate, log, 'x'));
      },
      "join\\(\\) or drop\\(\\)");
}

}  // namespace
}  // namespace weir
