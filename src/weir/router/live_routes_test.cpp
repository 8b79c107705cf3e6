#include "weir/router/live_routes.hpp"

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir {
namespace {

using ::testing::HasSubstr;

TEST(LiveRoutes, RoutesComeAndGo) {
  LiveRoutes routes;
  RouteReader reader(routes);
  Arena arena;
  const auto outcome = [&](std::string_view path) { return reader.pin()->match({.path = path}, arena).outcome; };
  EXPECT_EQ(outcome("/a"), RouteOutcome::not_found);
  ASSERT_TRUE(routes.add({.pattern = "/a"}));
  EXPECT_EQ(outcome("/a"), RouteOutcome::found);
  ASSERT_TRUE(routes.remove({.pattern = "/a"}));
  EXPECT_EQ(outcome("/a"), RouteOutcome::not_found);
  EXPECT_EQ(routes.remove({.pattern = "/a"}).error().code(), Errc::not_found);
}

TEST(LiveRoutes, AWrongChangeChangesNothing) {
  LiveRoutes routes;
  ASSERT_TRUE(routes.add({.pattern = "/u/{id}", .endpoint = 1}));
  const auto version = routes.version();
  EXPECT_THAT(routes.add({.pattern = "/u/{name}", .endpoint = 2}).error().message(), HasSubstr("conflicts with"));
  EXPECT_THAT(routes.add({.pattern = "/{x:[}"}).error().message(), HasSubstr("'{' without '}'"));
  EXPECT_EQ(routes.version(), version);
  ASSERT_TRUE(routes.add({.pattern = "/ok"}));
  Arena arena;
  EXPECT_EQ(routes.snapshot()->match({.path = "/u/7"}, arena).endpoint, 1u);
}

TEST(LiveRoutes, RequestsKeepTheSnapshotTheyBeganWith) {
  LiveRoutes routes;
  ASSERT_TRUE(routes.update([](RouteTable& table) { table.add({.pattern = "/a/{x}", .endpoint = 1}); },
                            std::make_shared<const std::string>("first")));
  RouteReader reader(routes);
  Arena arena;
  auto running = reader.pin();
  const auto match = running->match({.path = "/a/1"}, arena);
  const std::weak_ptr<const Router> first = routes.snapshot();

  ASSERT_TRUE(routes.update([](RouteTable& table) { table.remove({.pattern = "/a/{x}"}); },
                            std::make_shared<const std::string>("second")));
  {
    auto next = reader.pin();
    EXPECT_EQ(next->match({.path = "/a/1"}, arena).outcome, RouteOutcome::not_found);
    EXPECT_EQ(reader.held(), 2u);
    EXPECT_EQ(*static_cast<const std::string*>(running->attachment().get()), "first");
    EXPECT_EQ(*static_cast<const std::string*>(next->attachment().get()), "second");
    EXPECT_EQ(match.pattern, "/a/{x}");  // its text is still there
    EXPECT_EQ(match.params.name(0), "x");
    running = std::move(next);
  }
  EXPECT_EQ(reader.held(), 1u);
  EXPECT_TRUE(first.expired());
}

TEST(LiveRoutes, ReadersAndWritersTogether) {
  // Under ThreadSanitizer this is the proof that a snapshot is published safely, regular expressions included.
  LiveRoutes routes;
  ASSERT_TRUE(routes.add({.pattern = "/always/{x:[a-z]+}", .endpoint = 1}));
  std::atomic<bool> stop = false;
  std::atomic<int> wrong = 0;
  std::atomic<std::uint64_t> seen = 0;
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&] {
      RouteReader reader(routes);
      Arena arena;
      while (!stop.load(std::memory_order_relaxed)) {
        const auto pin = reader.pin();
        const auto always = pin->match({.path = "/always/abc"}, arena);
        if (always.endpoint != 1 || always.params.value(0) != "abc") ++wrong;
        const auto sometimes = pin->match({.path = "/sometimes/7"}, arena);
        if (sometimes.outcome == RouteOutcome::found) {
          if (sometimes.endpoint != 2 || sometimes.pattern != "/sometimes/{id}") ++wrong;
          seen.fetch_add(1, std::memory_order_relaxed);
        }
        arena.reset();
      }
    });
  }
  for (int i = 0; i < 200 || seen.load() == 0; ++i) {
    ASSERT_TRUE(routes.add({.pattern = "/sometimes/{id}", .endpoint = 2}));
    ASSERT_TRUE(routes.remove({.pattern = "/sometimes/{id}"}));
  }
  stop = true;
  for (auto& reader : readers) reader.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_GT(seen, 0u);
}

}  // namespace
}  // namespace weir
