// start() on a system that gives too little, and what it leaves behind.
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include "weir/app/app.hpp"
#include "weir/app/test_client.hpp"

namespace weir {
namespace {

#ifndef WEIR_SANITIZED  // Sanitizers need the address space.

/// Descriptors, or threads, of this process.
std::ptrdiff_t count_in_proc(std::string_view what) {
  return std::distance(std::filesystem::directory_iterator(std::filesystem::path("/proc/self") / what), {});
}

/// While it lives the process may get only so much more memory: the stack of a thread is not to be had then.
class LittleRoom {
 public:
  explicit LittleRoom(rlim_t bytes) {
    long pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    ::getrlimit(RLIMIT_AS, &before_);
    const rlimit little{static_cast<rlim_t>(pages) * 4096 + bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_AS, &little);
  }
  LittleRoom(const LittleRoom&) = delete;
  LittleRoom& operator=(const LittleRoom&) = delete;
  ~LittleRoom() { ::setrlimit(RLIMIT_AS, &before_); }

 private:
  rlimit before_{};
};

/// Runs `check` in a process of its own; what it returns, when that is not empty, is shown as the failure.
void in_own_process(const std::function<std::string()>& check) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto run = [&check] {
    const std::string failure = check();
    static_cast<void>(!::write(STDERR_FILENO, failure.data(), failure.size()));
    ::_exit(failure.empty() ? 0 : 1);
  };
  EXPECT_EXIT(run(), ::testing::ExitedWithCode(0), "^$");
}

AppOptions many_loops() {
  AppOptions options;
  options.log.file = "/dev/null";
  options.listen = {"127.0.0.1:0"};
  options.threads = 64;
  options.blocking_threads = 1;
  return options;
}

TEST(AppStart, IsUndoneWhenALoopGetsNoThread) {
  in_own_process([]() -> std::string {
    App app(many_loops());
    std::string events;
    app.on_start([&events]() -> Result<void> {
      events += "start ";
      return {};
    });
    app.on_stop([&events] { events += "stop "; });
    // What stays: the log and the pool.
    static_cast<void>(app.logger());
    static_cast<void>(app.blocking());
    const auto descriptors = count_in_proc("fd");
    const auto threads = count_in_proc("task");
    {
      const LittleRoom few_stacks(rlim_t{64} << 20);
      const Result<void> started = app.start();
      if (started) return "it started";
      const std::string& why = started.error().message();
      if (!why.starts_with("cannot start the event loops' threads: ")) return why;
      if (why.find("lower --threads") == std::string::npos) return why;
    }
    if (count_in_proc("fd") != descriptors) return "descriptors are left";
    if (count_in_proc("task") != threads) return "threads are left";
    if (events != "start stop ") return events;
    if (const Result<void> again = app.start(); !again) return again.error().message();
    if (app.addresses().size() != 1) return "it does not listen";
    app.stop();
    return events == "start stop start stop " ? "" : events;
  });
}

TEST(AppStart, SaysThatTheLogGetsNoThread) {
  in_own_process([]() -> std::string {
    App app(many_loops());
    {
      const LittleRoom no_stack(rlim_t{1} << 20);
      const Result<void> started = app.start();
      if (started) return "it started";
      if (!started.error().message().starts_with("cannot start the log's thread: ")) return started.error().message();
    }
    if (const Result<void> again = app.start(); !again) return again.error().message();
    app.stop();
    return "";
  });
}

TEST(AppStart, SaysThatThereAreNoDescriptorsForSignals) {
  const auto run = [] {
    App app(many_loops());
    const rlimit none{0, 0};
    ::setrlimit(RLIMIT_NOFILE, &none);
    ::_exit(app.run());
  };
  EXPECT_EXIT(run(), ::testing::ExitedWithCode(1), "cannot make the loop that waits for signals: .*ulimit -n");
}

#endif

TEST(AppStart, SaysThatRoutesComeTooLate) {
  AppOptions options;
  options.log.file = "/dev/null";
  options.listen = {"127.0.0.1:0"};
  options.threads = 1;
  App app(options);
  bool late = true;
  app.on_start([&]() -> Result<void> {
    if (late) {
      app.get("/late", [] { return "late"; });
      return {};
    }
    return app.add_routes([](Group& routes) { routes.get("/late", [] { return "in time"; }); });
  });
  const Result<void> started = app.start();
  ASSERT_FALSE(started);
  EXPECT_NE(started.error().message().find("use App::add_routes()"), std::string::npos) << started.error().message();
  late = false;
  ASSERT_TRUE(app.start());
  app.stop();
  EXPECT_EQ(app.test().get("/late").body, "in time");
}

TEST(AppStart, SurvivesWhateverHooksThrow) {
  AppOptions options;
  options.log.file = "/dev/null";
  options.listen = {"127.0.0.1:0"};
  options.threads = 1;
  App app(options);
  bool broken = true;
  app.on_start([&broken]() -> Result<void> {
    if (broken) throw Error(Errc::unavailable, "the database is away");
    return {};
  });
  app.on_listening([] { throw 1; });
  app.on_stop([] { throw Error(Errc::internal, "nothing to stop"); });
  const Result<void> started = app.start();
  ASSERT_FALSE(started);
  EXPECT_NE(started.error().message().find("a start hook threw: the database is away"), std::string::npos);
  broken = false;
  ASSERT_TRUE(app.start());
  app.stop();
}

TEST(AppStart, RunsItsHooksAgainAfterAFailure) {
  AppOptions options;
  options.log.file = "/dev/null";
  options.listen = {"127.0.0.1:99999"};
  App app(options);
  std::string events;
  app.on_start([&events]() -> Result<void> {
    events += "start ";
    return {};
  });
  app.on_stop([&events] { events += "stop "; });
  EXPECT_FALSE(app.start());
  EXPECT_EQ(events, "start stop ");
  app.options().listen = {"127.0.0.1:0"};
  ASSERT_TRUE(app.start());
  app.stop();
  EXPECT_EQ(events, "start stop start stop ");
}

}  // namespace
}  // namespace weir
