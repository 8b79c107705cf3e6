#include "weir/runtime/signals.hpp"

#include <optional>
#include <vector>

#include <gtest/gtest.h>
#include <pthread.h>

namespace weir {
namespace {

TEST(SignalWatcher, DeliversSignalsToTheLoop) {
  EventLoop loop;
  std::vector<int> got;
  SignalWatcher watcher(loop, {SIGUSR1, SIGHUP}, [&](int signal) { got.push_back(signal); });
  ::pthread_kill(::pthread_self(), SIGUSR1);
  EXPECT_TRUE(got.empty());
  loop.run_until_idle();
  ASSERT_EQ(got, std::vector{SIGUSR1});
  ::pthread_kill(::pthread_self(), SIGHUP);
  loop.run_until_idle();
  EXPECT_EQ(got, (std::vector{SIGUSR1, SIGHUP}));
}

TEST(SignalWatcher, RestoresTheMaskAndMayBeDestroyedInItsCallback) {
  EventLoop loop;
  std::optional<SignalWatcher> watcher;
  int calls = 0;
  watcher.emplace(loop, std::initializer_list<int>{SIGUSR2}, [&](int) {
    ++calls;
    watcher.reset();
  });
  sigset_t mask;
  ::pthread_sigmask(SIG_SETMASK, nullptr, &mask);
  EXPECT_TRUE(::sigismember(&mask, SIGUSR2));
  ::pthread_kill(::pthread_self(), SIGUSR2);
  loop.run_until_idle();
  EXPECT_EQ(calls, 1);
  ::pthread_sigmask(SIG_SETMASK, nullptr, &mask);
  EXPECT_FALSE(::sigismember(&mask, SIGUSR2));
}

}  // namespace
}  // namespace weir
