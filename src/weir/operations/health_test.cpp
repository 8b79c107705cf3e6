#include "weir/operations/health.hpp"

#include <atomic>
#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "weir/runtime/run_task.hpp"
#include "weir/time/manual_clock.hpp"

namespace weir {
namespace {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

class HealthTest : public testing::Test {
 protected:
  /// What the registry answers to a question whose checks do not wait, or that waits until the clock is moved.
  struct Question {
    std::optional<HealthReport> report;
    Task<void> task;
  };
  static Task<void> ask_into(std::optional<HealthReport>& out, HealthRegistry& health, HealthGroup group,
                             EventLoop& loop) {
    HealthReport report = co_await health.check(group, loop);
    out = std::move(report);
  }
  void ask(Question& question, HealthGroup group = HealthGroup::readiness) {
    question.task = ask_into(question.report, health_, group, loop_);
    question.task.start();
    loop_.run_until_idle();
  }
  HealthReport ask_now(HealthGroup group = HealthGroup::readiness) {
    Question question;
    ask(question, group);
    EXPECT_TRUE(question.report) << "the check waits";
    return question.report.value_or(HealthReport{});
  }
  void advance(Duration by) {
    clock_.advance(by);
    loop_.run_until_idle();
  }

  ManualClock clock_;
  EventLoop loop_{EventLoop::Options{.clock = &clock_}};
  HealthRegistry health_;
};

TEST_F(HealthTest, IsUpWithoutChecks) {
  EXPECT_EQ(ask_now(HealthGroup::liveness).status, HealthStatus::up);
  EXPECT_EQ(ask_now(HealthGroup::readiness).status, HealthStatus::up);
}

TEST_F(HealthTest, AFailedCheckIsDownAndSaysWhy) {
  health_.add("disk", [] { return Result<void>(); });
  health_.add("db", []() -> Result<void> { return fail(Errc::unavailable, "connection refused"); });
  const HealthReport report = ask_now();
  EXPECT_EQ(report.status, HealthStatus::down);
  ASSERT_EQ(report.components.size(), 2U);
  EXPECT_EQ(report.components[0].status, HealthStatus::up);
  EXPECT_EQ(report.components[1].name, "db");
  EXPECT_EQ(report.components[1].status, HealthStatus::down);
  EXPECT_EQ(report.components[1].error, "connection refused");
}

TEST_F(HealthTest, LivenessAsksOnlyItsOwnChecks) {
  health_.add("db", []() -> Result<void> { return fail(Errc::unavailable, "gone"); });
  EXPECT_EQ(ask_now(HealthGroup::liveness).status, HealthStatus::up);
  health_.add("deadlock", []() -> Result<void> { return fail(Errc::internal, "stuck"); },
              {.readiness = false, .liveness = true});
  EXPECT_EQ(ask_now(HealthGroup::liveness).status, HealthStatus::down);
  EXPECT_EQ(ask_now(HealthGroup::readiness).components.size(), 1U);
  EXPECT_EQ(ask_now(HealthGroup::all).components.size(), 2U);
}

TEST_F(HealthTest, DrainingFailsReadinessButNotLiveness) {
  health_.set_draining(true);
  EXPECT_EQ(ask_now(HealthGroup::readiness).status, HealthStatus::out_of_service);
  EXPECT_EQ(ask_now(HealthGroup::liveness).status, HealthStatus::up);
  health_.set_draining(false);
  health_.set_ready(false);
  EXPECT_EQ(ask_now(HealthGroup::readiness).status, HealthStatus::out_of_service);
  health_.set_ready(true);
  EXPECT_EQ(ask_now(HealthGroup::readiness).status, HealthStatus::up);
}

TEST_F(HealthTest, RemembersResultsForAWhile) {
  int calls = 0;
  health_.add("db",
              [&calls] {
                ++calls;
                return Result<void>();
              },
              {.cache_for = 5s});
  for (int i = 0; i < 10; ++i) static_cast<void>(ask_now());
  EXPECT_EQ(calls, 1);
  advance(4999ms);
  static_cast<void>(ask_now());
  EXPECT_EQ(calls, 1);
  advance(1ms);
  static_cast<void>(ask_now());
  EXPECT_EQ(calls, 2);
}

TEST_F(HealthTest, ACheckThatThrowsIsDown) {
  health_.add("db", []() -> Result<void> { throw std::runtime_error("boom"); });
  health_.add("queue", []() -> Task<Result<void>> {
    throw std::runtime_error("bang");
    co_return Result<void>();
  });
  const HealthReport report = ask_now();
  ASSERT_EQ(report.components.size(), 2U);
  EXPECT_NE(report.components[0].error.find("boom"), std::string::npos);
  EXPECT_NE(report.components[1].error.find("bang"), std::string::npos);
}

TEST_F(HealthTest, ChecksThatWaitRunBesideEachOther) {
  for (const char* name : {"a", "b"}) {
    health_.add(name, [this]() -> Task<Result<void>> {
      auto slept = co_await loop_.sleep(300ms);
      co_return slept;
    });
  }
  Question question;
  ask(question);
  EXPECT_FALSE(question.report);
  advance(301ms);
  ASSERT_TRUE(question.report) << "one after the other they would take 600 ms";
  EXPECT_EQ(question.report->status, HealthStatus::up);
  EXPECT_GE(question.report->components[0].duration, 300ms);
}

TEST_F(HealthTest, ACheckThatTakesTooLongIsDownAndIsNotStartedAgain) {
  int calls = 0;
  health_.add("db",
              [this, &calls]() -> Task<Result<void>> {
                ++calls;
                auto slept = co_await loop_.sleep(10s);
                co_return slept;
              },
              {.timeout = 500ms, .cache_for = 100ms});
  Question question;
  ask(question);
  EXPECT_FALSE(question.report);
  advance(501ms);
  ASSERT_TRUE(question.report);
  EXPECT_EQ(question.report->status, HealthStatus::down);
  EXPECT_EQ(question.report->components[0].error, "no result within 500 ms");
  // It still hangs: nobody waits for it again, and it is not piled up.
  advance(1s);
  EXPECT_EQ(ask_now().status, HealthStatus::down);
  EXPECT_EQ(calls, 1);
  // It ends, late: the next question begins a new one.
  advance(10s);
  Question next;
  ask(next);
  EXPECT_EQ(calls, 2);
  advance(501ms);
  EXPECT_TRUE(next.report);
  advance(10s);
}

TEST_F(HealthTest, OthersGetTheLastResultWhileACheckRuns) {
  int calls = 0;
  health_.add("db",
              [this, &calls]() -> Task<Result<void>> {
                ++calls;
                auto slept = co_await loop_.sleep(100ms);
                co_return slept;
              },
              {.cache_for = 1s});
  Question first;
  ask(first);
  Question second;  // Nothing is known yet: it waits too.
  ask(second);
  EXPECT_FALSE(second.report);
  advance(101ms);
  EXPECT_TRUE(first.report);
  advance(3ms);
  EXPECT_TRUE(second.report);
  EXPECT_EQ(calls, 1);
  advance(2s);
  Question third;
  ask(third);
  EXPECT_FALSE(third.report);
  EXPECT_EQ(calls, 2);
  EXPECT_EQ(ask_now().status, HealthStatus::up) << "what was known before";
  advance(101ms);
  EXPECT_TRUE(third.report);
}

TEST_F(HealthTest, AnAskerMayGoAway) {
  health_.add("db", [this]() -> Task<Result<void>> {
    auto slept = co_await loop_.sleep(100ms);
    co_return slept;
  });
  {
    Question question;
    ask(question);
  }
  advance(101ms);
  EXPECT_EQ(ask_now().status, HealthStatus::up);
}

TEST_F(HealthTest, MayEndWhileACheckRuns) {
  HealthRegistry health;
  health.add("db", [this]() -> Task<Result<void>> {
    auto slept = co_await loop_.sleep(100ms);
    co_return slept;
  });
  std::optional<HealthReport> report;
  Task<void> task = ask_into(report, health, HealthGroup::all, loop_);
  task.start();
  task = {};
}

TEST_F(HealthTest, RefusesNamesThatAreTakenOrReserved) {
  health_.add("db", [] { return Result<void>(); });
  EXPECT_THROW(health_.add("db", [] { return Result<void>(); }), std::invalid_argument);
  EXPECT_THROW(health_.add("", [] { return Result<void>(); }), std::invalid_argument);
  EXPECT_THROW(health_.add("liveness", [] { return Result<void>(); }), std::invalid_argument);
}

/// Asks `times` times, turn by turn.
Task<void> ask_often(HealthRegistry& health, EventLoop& loop, int times, std::atomic<int>& up) {
  for (int i = 0; i < times; ++i) {
    const HealthReport report = co_await health.check(HealthGroup::all, loop);
    if (report.status == HealthStatus::up && report.components.size() == 2) up.fetch_add(1);
    co_await loop.schedule();
  }
}

TEST(HealthRegistry, ServesSeveralLoopsAtOnce) {
  constexpr int askers = 3;
  constexpr int times = 200;
  HealthRegistry health;
  std::atomic<int> calls{0};
  std::atomic<int> up{0};
  // Old at once, so that every question may begin a run.
  const HealthCheckOptions options{.timeout = 60s, .cache_for = Duration::zero()};
  health.add(
      "now",
      [&calls] {
        calls.fetch_add(1);
        return Result<void>();
      },
      options);
  health.add(
      "later",
      [&calls]() -> Task<Result<void>> {
        calls.fetch_add(1);
        co_await EventLoop::current()->schedule();
        co_return Result<void>();
      },
      options);
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < askers; ++i) {
      threads.emplace_back([&] {
        EventLoop loop;
        run_task(loop, ask_often(health, loop, times, up));
        loop.run_until_idle();  // What a run has deferred.
      });
    }
  }
  EXPECT_EQ(up.load(), askers * times);
  EXPECT_GE(calls.load(), 2);
}

}  // namespace
}  // namespace weir
