#include "weir/coro/stop.hpp"

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include <gtest/gtest.h>

namespace weir {
namespace {

TEST(StopToken, DefaultMadeNeverStops) {
  const StopToken token;
  EXPECT_FALSE(token.stop_requested());
  EXPECT_EQ(token.reason(), StopReason::none);
  bool called = false;
  StopCallback callback(token, [&] { called = true; });
  EXPECT_FALSE(called);
}

TEST(StopSource, FirstReasonStays) {
  StopSource source;
  const StopToken token = source.token();
  source.request_stop(StopReason::deadline);
  source.request_stop(StopReason::shutdown);
  EXPECT_TRUE(token.stop_requested());
  EXPECT_EQ(token.reason(), StopReason::deadline);
  source.reset();
  EXPECT_FALSE(token.stop_requested());
}

TEST(StopSource, RunsCallbacksOnceInTheOrderOfRegistration) {
  StopSource source;
  std::string order;
  StopCallback a(source.token(), [&] { order += 'a'; });
  StopCallback b(source.token(), [&] { order += 'b'; });
  StopCallback c(source.token(), [&] { order += 'c'; });
  source.request_stop(StopReason::gone);
  source.request_stop(StopReason::gone);
  EXPECT_EQ(order, "abc");
}

TEST(StopCallback, RunsAtOnceWhenStoppedBefore) {
  StopSource source;
  source.request_stop(StopReason::gone);
  bool called = false;
  StopCallback callback(source.token(), [&] { called = true; });
  EXPECT_TRUE(called);
}

TEST(StopCallback, DestroyedIsNotCalled) {
  StopSource source;
  int calls = 0;
  auto first = [&] { ++calls; };
  std::optional<StopCallback<decltype(first)>> a, b, c;
  a.emplace(source.token(), first);
  b.emplace(source.token(), first);
  c.emplace(source.token(), first);
  b.reset();
  source.request_stop(StopReason::gone);
  EXPECT_EQ(calls, 2);
}

TEST(StopCallback, MayDestroyAndRegisterOthers) {
  StopSource source;
  bool second_called = false, third_called = false;
  auto second = [&] { second_called = true; };
  auto third = [&] { third_called = true; };
  std::optional<StopCallback<decltype(second)>> victim;
  std::optional<StopCallback<decltype(third)>> late;
  StopCallback first(source.token(), [&] {
    victim.reset();
    late.emplace(source.token(), third);
  });
  victim.emplace(source.token(), second);
  source.request_stop(StopReason::gone);
  EXPECT_FALSE(second_called);
  EXPECT_TRUE(third_called) << "registered after the stop: runs at once";
}

TEST(StopCallback, MayDestroyItself) {
  StopSource source;
  struct Own {
    Own(StopToken token, std::unique_ptr<Own>& owner) : callback(token, [&owner] { owner.reset(); }) {}
    StopCallback<std::function<void()>> callback;
  };
  std::unique_ptr<Own> own;
  own = std::make_unique<Own>(source.token(), own);
  source.request_stop(StopReason::gone);
  EXPECT_EQ(own, nullptr);
}

TEST(StopToken, OtherThreadsMaySeeTheStop) {
  StopSource source;
  std::atomic<bool> seen{false};
  std::thread watcher([&, token = source.token()] {
    while (!token.stop_requested()) std::this_thread::yield();
    seen = token.reason() == StopReason::shutdown;
  });
  source.request_stop(StopReason::shutdown);
  watcher.join();
  EXPECT_TRUE(seen);
}

}  // namespace
}  // namespace weir
