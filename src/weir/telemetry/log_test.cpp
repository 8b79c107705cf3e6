#include "weir/telemetry/log.hpp"

#include <atomic>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <random>
#include <sstream>
#include <stdexcept>
#include <thread>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "weir/telemetry/access_log.hpp"
#include "weir/telemetry/detail/json_line.hpp"
#include "weir/telemetry/detail/log_ring.hpp"
#include "weir/telemetry/log_metrics.hpp"
#include "weir/time/manual_clock.hpp"

namespace weir {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

/// What the writer thread wrote, line by line.
class Lines {
 public:
  std::unique_ptr<LogSink> sink() {
    return log_to_callback([this](std::string_view lines) {
      const std::lock_guard lock(mutex_);
      text_ += lines;
    });
  }
  std::string text() const {
    const std::lock_guard lock(mutex_);
    return text_;
  }
  std::vector<std::string> all() const {
    std::vector<std::string> lines;
    std::istringstream in(text());
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    return lines;
  }

 private:
  mutable std::mutex mutex_;
  std::string text_;
};

LogOptions options_with(Clock& clock) {
  LogOptions options;
  options.clock = &clock;
  return options;
}

TEST(Log, WritesTypedFieldsAsOneJsonLine) {
  ManualClock clock;
  clock.advance(1234567ns);
  Lines lines;
  {
    Log log(lines.sink(), options_with(clock));
    log.logger("app.users")
        .warn("user \"x\" created", {{"name", "J\xc3\xb6rg\n"},
                                     {"id", 17},
                                     {"negative", std::int64_t{-5}},
                                     {"big", std::uint64_t{18446744073709551615U}},
                                     {"ratio", 0.25},
                                     {"nan", std::numeric_limits<double>::quiet_NaN()},
                                     {"ok", true},
                                     {"msg", std::string("mine")}});
  }
  EXPECT_EQ(lines.text(),
            "{\"ts\":\"2026-01-01T00:00:00.001234Z\",\"level\":\"warn\",\"logger\":\"app.users\","
            "\"msg\":\"user \\\"x\\\" created\",\"name\":\"J\xc3\xb6rg\\n\",\"id\":17,\"negative\":-5,"
            "\"big\":18446744073709551615,\"ratio\":0.25,\"nan\":\"NaN\",\"ok\":true,\"msg_\":\"mine\"}\n");
}

TEST(Log, CarriesTheIdsOfTheContext) {
  ManualClock clock;
  Lines lines;
  {
    Log log(lines.sink(), options_with(clock));
    const LogContext context{.request_id = "req-12345",
                             .trace = *parse_traceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")};
    log.logger("app").with(context).info("hello", {{"k", 1}});
    log.logger("").with(LogContext{}).info("bye");
  }
  EXPECT_THAT(lines.all(), ElementsAre(EndsWith("\"logger\":\"app\",\"msg\":\"hello\",\"request_id\":\"req-12345\","
                                                "\"trace_id\":\"4bf92f3577b34da6a3ce929d0e0e4736\","
                                                "\"span_id\":\"00f067aa0ba902b7\",\"k\":1}"),
                                       EndsWith("\"logger\":\"ROOT\",\"msg\":\"bye\"}")));
}

TEST(Log, LevelsFollowTheDotsAndChangeAtRunTime) {
  Lines lines;
  Log log(lines.sink());
  const Logger users = log.logger("app.users");
  const Logger app = log.logger("app");
  const Logger other = log.logger("apple");
  EXPECT_FALSE(users.enabled(LogLevel::debug));
  EXPECT_TRUE(users.enabled(LogLevel::info));
  EXPECT_TRUE(log.set_level("app", LogLevel::debug));
  EXPECT_TRUE(users.enabled(LogLevel::debug));
  EXPECT_TRUE(app.enabled(LogLevel::debug));
  EXPECT_FALSE(other.enabled(LogLevel::debug));
  log.set_level("app.users", LogLevel::off);
  EXPECT_FALSE(users.enabled(LogLevel::error));
  EXPECT_FALSE(users.enabled(LogLevel::off));
  log.set_level("app.users", std::nullopt);
  EXPECT_TRUE(users.enabled(LogLevel::debug));
  log.set_level("ROOT", LogLevel::error);
  EXPECT_FALSE(other.enabled(LogLevel::warn));
  log.set_level("not.used.yet", LogLevel::trace);
  EXPECT_TRUE(log.logger("not.used.yet.x").enabled(LogLevel::trace));
  const auto all = log.loggers();
  EXPECT_EQ(all[0].name, "ROOT");
  EXPECT_EQ(all[0].effective, LogLevel::error);
  EXPECT_EQ(all[1].name, "app");
  EXPECT_EQ(all[1].configured, LogLevel::debug);
  EXPECT_EQ(all[2].name, "app.users");
  EXPECT_EQ(all[2].configured, std::nullopt);
  EXPECT_EQ(all[2].effective, LogLevel::debug);
  Logger().error("goes nowhere");
}

TEST(Log, NamesAreBounded) {
  Log log(log_to_callback([](std::string_view) {}));
  for (std::size_t i = 0; i < Log::max_names + 100; ++i) log.logger("n" + std::to_string(i)).debug("x");
  EXPECT_EQ(log.loggers().size(), Log::max_names + 1);
  EXPECT_FALSE(log.set_level("one.more", LogLevel::trace));
}

TEST(LogLevel, NamesAreReadInAnyCase) {
  EXPECT_EQ(parse_log_level("WARN"), LogLevel::warn);
  EXPECT_EQ(parse_log_level("Off"), LogLevel::off);
  EXPECT_EQ(parse_log_level("FATAL"), LogLevel::error);
  EXPECT_EQ(parse_log_level("verbose"), std::nullopt);
  EXPECT_EQ(parse_log_level(""), std::nullopt);
}

TEST(Log, LongRecordsLoseTheEndsOfTheirTexts) {
  Lines lines;
  LogOptions options;
  options.max_record_bytes = 1024;
  {
    Log log(lines.sink(), options);
    std::string text;
    for (int i = 0; i < 3000; ++i) text += "\xc3\xa4";
    log.logger("a").info("short", {{"long", text}, {"number", 7}});
    log.logger("a").info(text, {{"key", "value"}});
    log.logger("a").info("fits");
  }
  const auto all = lines.all();
  ASSERT_EQ(all.size(), 3u);
  EXPECT_LT(all[0].size(), 1100u);
  EXPECT_THAT(all[0], HasSubstr("\xc3\xa4\",\"number\":7,\"truncated\":true}"));  // cut between characters
  EXPECT_THAT(all[0], HasSubstr("\"msg\":\"short\""));
  EXPECT_THAT(all[1], EndsWith("\xc3\xa4\",\"key\":\"value\",\"truncated\":true}"));
  EXPECT_THAT(all[2], EndsWith("\"msg\":\"fits\"}"));
}

TEST(Log, AFloodOfFieldsIsCutToTheRecordsBound) {
  Lines lines;
  {
    Log log(lines.sink());
    // More than fit, each with a key that is too long too.
    const std::string key(300, 'k');
    const LogField f(key, 1);
    log.logger("a").info("m",
                         {f, f, f, f, f, f, f, f, f, f, f, f, f, f, f, f, f, f, f, f, f, f, f, f, f, f, f, f, f, f,
                          f, f, f, f, f, f, f, f, f, f, f, f, f, f, f, f, f, f, f, f, f, f, f, f, f, f, f, f, f, f,
                          f, f, f, f, f, f, f, f, f, f, f, f, f, f, f, f, f, f, f, f, f, f, f, f, f, f, f, f, f, f,
                          f, f, f, f, f, f, f, f, f, f, f, f, f, f, f, f, f, f, f, f, f, f, f, f, f, f, f, f, f, f});
  }
  EXPECT_THAT(lines.text(), EndsWith(",\"truncated\":true}\n"));
  EXPECT_THAT(lines.text(), Not(HasSubstr(std::string(65, 'k'))));
}

TEST(Log, FlushWaitsForWhatWasLoggedBefore) {
  Lines lines;
  LogOptions options;
  options.flush_interval = 1s;  // without the flush the line would be later than the test allows
  Log log(lines.sink(), options);
  const Logger logger = log.logger("a");
  for (int i = 0; i < 50; ++i) {
    logger.info("line", {{"i", i}});
    ASSERT_TRUE(log.flush(10s));
    ASSERT_EQ(lines.all().size(), static_cast<std::size_t>(i) + 1);
  }
  EXPECT_EQ(log.stats().lines, 50u);
  EXPECT_EQ(log.stats().dropped, 0u);
  EXPECT_EQ(log.stats().bytes, lines.text().size());
}

/// Takes bytes only while it is open, and then in odd portions.
class GateSink final : public LogSink {
 public:
  struct State {
    std::mutex mutex;
    std::string text;
    bool open = true;
    bool portions = false;
    bool throws = false;
    std::size_t budget = SIZE_MAX;
    int reopened = 0;
  };
  explicit GateSink(State& state) : state_(state) {}
  Result<std::size_t> write(std::string_view lines) override {
    const std::lock_guard lock(state_.mutex);
    if (state_.throws) throw std::runtime_error("the connection is gone");
    if (!state_.open || state_.budget == 0) return fail(Errc::resource_exhausted, "write: No space left on device");
    std::size_t size = state_.portions ? std::min<std::size_t>(lines.size(), 7) : lines.size();
    size = std::min(size, state_.budget);
    state_.budget -= size;
    state_.text += lines.substr(0, size);
    return size;
  }
  Result<void> reopen() override {
    const std::lock_guard lock(state_.mutex);
    ++state_.reopened;
    if (state_.throws) throw std::runtime_error("there is no way back");
    state_.budget = SIZE_MAX;
    state_.text += "<reopened>\n";
    return {};
  }

 private:
  State& state_;
};

TEST(Log, FullRingDropsAndSaysSoWhenItCanAgain) {
  GateSink::State state;
  state.open = false;
  LogOptions options;
  options.ring_bytes = 16 << 10;
  Log log(std::make_unique<GateSink>(state), options);
  const Logger logger = log.logger("a");
  constexpr std::uint64_t count = 20000;
  for (std::uint64_t i = 0; i < count; ++i) logger.info("line", {{"i", i}});
  EXPECT_FALSE(log.flush(20ms));
  const LogStats during = log.stats();
  EXPECT_GT(during.dropped, 0u);
  EXPECT_GT(during.write_errors, 0u);
  {
    const std::lock_guard lock(state.mutex);
    state.open = true;
    state.portions = true;
  }
  ASSERT_TRUE(log.flush(20s));
  const std::lock_guard lock(state.mutex);
  std::istringstream in(state.text);
  std::uint64_t lines = 0;
  std::uint64_t reported = 0;
  bool recovered = false;
  std::int64_t last = -1;
  for (std::string line; std::getline(in, line);) {
    ASSERT_THAT(line, StartsWith("{\"ts\":\""));
    ASSERT_THAT(line, EndsWith("}"));
    if (const auto at = line.find("\"dropped\":"); at != std::string::npos) {
      reported += std::stoull(line.substr(at + 10));
    } else if (line.find("log sink works again") != std::string::npos) {
      recovered = true;
    } else {
      ++lines;
      const auto i = std::stoll(line.substr(line.find("\"i\":") + 4));
      ASSERT_GT(i, last);
      last = i;
    }
  }
  EXPECT_TRUE(recovered);
  EXPECT_EQ(lines + during.dropped, count);
  EXPECT_LE(reported, during.dropped);  // the rest is said in the next second
  EXPECT_GT(reported, 0u);
}

TEST(Log, NoLineIsTornWhenTheSinkFailsInTheMiddleOfOne) {
  GateSink::State state;
  state.budget = 150;  // ends inside of the second line
  Log log(std::make_unique<GateSink>(state));
  const Logger logger = log.logger("a");
  for (int i = 0; i < 5; ++i) logger.info("line", {{"i", i}});
  EXPECT_FALSE(log.flush(20ms));
  {
    const std::lock_guard lock(state.mutex);
    EXPECT_EQ(state.text.size(), 150u);
    state.budget = SIZE_MAX;
  }
  ASSERT_TRUE(log.flush(20s));
  const std::lock_guard lock(state.mutex);
  std::istringstream in(state.text);
  int lines = 0;
  for (std::string line; std::getline(in, line); ++lines) {
    EXPECT_THAT(line, StartsWith("{\"ts\":\""));
    EXPECT_THAT(line, EndsWith("}"));
  }
  EXPECT_EQ(lines, 6);  // and the one about the recovery
}

TEST(Log, ReopeningWhileAHalfWrittenLineIsStuckBeginsWithAWholeLine) {
  GateSink::State state;
  state.budget = 150;
  Log log(std::make_unique<GateSink>(state));
  const Logger logger = log.logger("a");
  for (int i = 0; i < 5; ++i) logger.info("line", {{"i", i}});
  EXPECT_FALSE(log.flush(20ms));
  log.reopen();
  ASSERT_TRUE(log.flush(20s));
  const std::lock_guard lock(state.mutex);
  EXPECT_EQ(state.reopened, 1);
  const std::string after = state.text.substr(state.text.find("<reopened>\n") + 11);
  EXPECT_THAT(after, StartsWith("{\"ts\":\""));
  EXPECT_THAT(after, HasSubstr("\"i\":4}"));
  EXPECT_THAT(after, Not(HasSubstr("\"i\":1}")));
  EXPECT_THAT(after, HasSubstr("\"msg\":\"log records dropped\",\"dropped\":1}"));
  EXPECT_EQ(log.stats().dropped, 1u);  // what the line says
}

TEST(Log, RedirectedLinesGoElsewhereFromThenOn) {
  Lines first;
  Lines second;
  Log log(first.sink());
  const Logger logger = log.logger("a");
  logger.info("before");
  log.redirect(second.sink());
  logger.info("after");
  ASSERT_TRUE(log.flush(10s));
  EXPECT_THAT(first.all(), ElementsAre(HasSubstr("\"msg\":\"before\"")));
  EXPECT_THAT(second.all(), ElementsAre(HasSubstr("\"msg\":\"after\"")));
}

TEST(Log, ASinkThatTakesNothingIsLeftWithItsLines) {
  GateSink::State state;
  state.budget = 150;  // ends inside of the second line
  Lines lines;
  Log log(std::make_unique<GateSink>(state));
  const Logger logger = log.logger("a");
  for (int i = 0; i < 5; ++i) logger.info("line", {{"i", i}});
  log.redirect(lines.sink(), 20ms);
  ASSERT_TRUE(log.flush(10s));
  EXPECT_THAT(lines.text(), StartsWith("{\"ts\":\""));
  EXPECT_THAT(lines.text(), HasSubstr("\"i\":4}"));
  EXPECT_THAT(lines.text(), Not(HasSubstr("\"i\":1}")));
}

TEST(Log, EndingGivesUpOnASinkThatNeverTakesAnything) {
  GateSink::State state;
  state.open = false;
  LogOptions options;
  options.stop_timeout = 20ms;
  Log log(std::make_unique<GateSink>(state), options);
  log.logger("a").info("lost");
}

TEST(Log, ASinkThatThrowsIsOneThatFails) {
  GateSink::State state;
  state.throws = true;
  Log log(std::make_unique<GateSink>(state));
  log.logger("a").info("line");
  log.reopen();
  EXPECT_FALSE(log.flush(20ms));
  EXPECT_GE(log.stats().write_errors, 2u);
  {
    const std::lock_guard lock(state.mutex);
    state.throws = false;
  }
  ASSERT_TRUE(log.flush(20s));
  const std::lock_guard lock(state.mutex);
  EXPECT_THAT(state.text, HasSubstr("\"msg\":\"line\"}\n"));
}

class LogFile : public testing::Test {
 protected:
  LogFile() : folder_(std::filesystem::temp_directory_path() / ("weir-log-" + std::to_string(getpid()))) {
    std::filesystem::create_directory(folder_);
  }
  ~LogFile() override { std::filesystem::remove_all(folder_); }
  LogFile(const LogFile&) = delete;
  LogFile& operator=(const LogFile&) = delete;

  std::string path(const char* name = "log") const { return folder_ / name; }
  static std::vector<std::string> lines_of(const std::string& path) {
    std::vector<std::string> lines;
    std::ifstream in(path);
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    return lines;
  }

 private:
  std::filesystem::path folder_;
};

TEST_F(LogFile, AppendsAndEndsATornLineOfAKilledProcess) {
  std::ofstream(path()) << "{\"whole\":1}\n{\"torn\":";
  {
    Log log(*log_to_file(path()));
    log.logger("a").info("one");
  }
  {
    Log log(*log_to_file(path()));
    log.logger("a").info("two");
  }
  EXPECT_THAT(lines_of(path()),
              ElementsAre("{\"whole\":1}", "{\"torn\":", HasSubstr("\"msg\":\"one\""), HasSubstr("\"msg\":\"two\"")));
}

TEST_F(LogFile, ReopensAfterRotationAndLosesNothing) {
  Log log(*log_to_file(path()));
  const Logger logger = log.logger("a");
  for (int round = 0; round < 5; ++round) {
    logger.info("before", {{"round", round}});
    ASSERT_TRUE(log.flush(10s));
    std::filesystem::rename(path(), path(("log." + std::to_string(round)).c_str()));
    logger.info("between", {{"round", round}});
    log.reopen();
    ASSERT_TRUE(log.flush(10s));
  }
  std::size_t lines = lines_of(path()).size();
  for (int round = 0; round < 5; ++round) lines += lines_of(path(("log." + std::to_string(round)).c_str())).size();
  EXPECT_EQ(lines, 10u);
}

TEST_F(LogFile, KeepsTheOldFileWhenTheNewOneCannotBeOpened) {
  Log log(*log_to_file(path()));
  const std::string moved = path("moved");
  std::filesystem::rename(path(), moved);
  std::filesystem::create_directory(path());
  log.reopen();
  log.logger("a").info("still here");
  ASSERT_TRUE(log.flush(10s));
  EXPECT_THAT(lines_of(moved), ElementsAre(HasSubstr("still here")));
  EXPECT_EQ(log.stats().write_errors, 1u);
}

TEST_F(LogFile, AFullDiskIsCountedAndSurvived) {
  LogOptions options;
  options.stop_timeout = 10ms;
  Log log(*log_to_file("/dev/full"), options);
  log.logger("a").info("no room");
  EXPECT_FALSE(log.flush(20ms));
  EXPECT_GE(log.stats().write_errors, 1u);
  EXPECT_EQ(log.stats().bytes, 0u);
}

// Standard output is a pipe whose reader does not read: the writer must not hang in it, and no line may be torn.
TEST(Log, APipeThatNobodyReadsBlocksNeitherLoggingNorFlushing) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  std::fflush(stdout);
  const int saved = dup(STDOUT_FILENO);
  ASSERT_EQ(dup2(ends[1], STDOUT_FILENO), STDOUT_FILENO);
  bool early = true;
  bool late = false;
  std::thread reader;
  std::string text;
  {
    Log log(log_to_stdout());
    const Logger logger = log.logger("a");
    for (int i = 0; i < 3000; ++i) logger.info("line", {{"i", i}});  // about four pipes full
    early = log.flush(50ms);
    reader = std::thread([&] {
      char piece[4096];
      for (ssize_t got = 0; (got = read(ends[0], piece, sizeof piece)) > 0;) {
        text.append(piece, static_cast<std::size_t>(got));
      }
    });
    late = log.flush(20s);
  }
  dup2(saved, STDOUT_FILENO);
  close(saved);
  close(ends[1]);
  reader.join();
  close(ends[0]);
  EXPECT_FALSE(early);
  EXPECT_TRUE(late);
  std::istringstream in(text);
  int i = 0;
  for (std::string line; std::getline(in, line);) {
    if (line.find("weir.log") != std::string::npos) continue;
    ASSERT_THAT(line, StartsWith("{\"ts\":\""));
    ASSERT_THAT(line, EndsWith("\"i\":" + std::to_string(i) + "}"));
    ++i;
  }
  EXPECT_EQ(i, 3000);
}

TEST(LogMetrics, ShowWhatTheLogDid) {
  MetricsRegistry registry;
  Lines lines;
  Log log(lines.sink());
  const auto registration = register_log_metrics(registry, log);
  log.logger("a").info("one");
  ASSERT_TRUE(log.flush(10s));
  Buffer out;
  registry.write(out);
  const std::string text(out.view());
  EXPECT_THAT(text, HasSubstr("\nlog_lines_total 1\n"));
  EXPECT_THAT(text, HasSubstr("\nlog_dropped_records_total 0\n"));
  EXPECT_THAT(text, HasSubstr("\nlog_write_errors_total 0\n"));
  EXPECT_THAT(text, HasSubstr("\nlog_bytes_total " + std::to_string(lines.text().size()) + "\n"));
}

TEST_F(LogFile, SaysWhyAFileCannotBeOpened) {
  const auto sink = log_to_file(path("no/such/folder"));
  ASSERT_FALSE(sink);
  EXPECT_EQ(sink.error().code(), Errc::not_found);
  EXPECT_THAT(sink.error().message(), HasSubstr("no/such/folder: No such file"));
}

// Threads log as fast as they can into rings that are too small; every record is written once or counted as dropped.
TEST(Log, ThreadsThatComeAndGoLoseOnlyWhatIsCounted) {
  Lines lines;
  LogOptions options;
  options.ring_bytes = 32 << 10;
  options.max_threads = 4;
  constexpr int rounds = 5;
  constexpr int threads = 4;
  constexpr std::uint64_t records = 3000;
  std::uint64_t dropped = 0;
  {
    Log log(lines.sink(), options);
    for (int round = 0; round < rounds; ++round) {
      std::vector<std::thread> running;
      for (int t = 0; t < threads; ++t) {
        running.emplace_back([&log, name = std::to_string(round * threads + t)] {
          const Logger logger = log.logger("t" + name);
          const std::string filler(name.size() * 10, 'x');
          for (std::uint64_t i = 0; i < records; ++i) logger.info(filler, {{"i", i}});
        });
      }
      for (auto& thread : running) thread.join();
    }
    log.flush(10s);
    dropped = log.stats().dropped;
  }
  std::map<std::string, std::int64_t> last;
  std::uint64_t written = 0;
  for (const auto& line : lines.all()) {
    ASSERT_THAT(line, StartsWith("{\"ts\":\""));
    ASSERT_THAT(line, EndsWith("}"));
    const auto logger_at = line.find("\"logger\":\"") + 10;
    const std::string logger = line.substr(logger_at, line.find('"', logger_at) - logger_at);
    if (logger == "weir.log") continue;
    const auto i = std::stoll(line.substr(line.find("\"i\":") + 4));
    const auto [at, fresh] = last.try_emplace(logger, -1);
    ASSERT_GT(i, at->second) << line;
    at->second = i;
    ++written;
  }
  EXPECT_EQ(written + dropped, records * rounds * threads);
}

TEST(Log, RecordsOfThreadsBeyondTheLimitAreDroppedAndCounted) {
  Lines lines;
  LogOptions options;
  options.max_threads = 1;
  {
    Log log(lines.sink(), options);
    log.logger("a").info("first thread");
    std::thread([&] { log.logger("a").info("second thread"); }).join();
    EXPECT_EQ(log.stats().dropped, 1u);
  }
  EXPECT_THAT(lines.text(), HasSubstr("first thread"));
  EXPECT_THAT(lines.text(), Not(HasSubstr("second thread")));
  EXPECT_THAT(lines.text(), HasSubstr("\"msg\":\"log records dropped\",\"dropped\":1}"));
}

TEST(LogRing, AsksForTheWriterOnceAQuarter) {
  telemetry::LogRing ring(1024);
  std::vector<int> woken;
  for (int i = 1; i <= 16; ++i) {
    ASSERT_NE(ring.reserve(64), nullptr);
    if (ring.commit()) woken.push_back(i);
  }
  EXPECT_THAT(woken, ElementsAre(4, 8, 12, 16));
  EXPECT_EQ(ring.reserve(64), nullptr);
  EXPECT_EQ(ring.dropped(), 1u);
  ring.release(ring.head());
  woken.clear();
  for (int i = 1; i <= 8; ++i) {
    ASSERT_NE(ring.reserve(64), nullptr);
    if (ring.commit()) woken.push_back(i);
  }
  EXPECT_THAT(woken, ElementsAre(4, 8));
}

TEST(LogRing, CarriesRecordsOfAllSizesAroundItsEnd) {
  using telemetry::LogRing;
  using telemetry::RecordHeader;
  using telemetry::RecordKind;
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  LogRing ring(1024);
  std::atomic<bool> done{false};
  constexpr std::uint64_t records = 50000;
  std::thread producer([&] {
    std::mt19937 random(seed);
    for (std::uint64_t i = 0; i < records;) {
      const std::size_t size = 32 + random() % 28 * 8;
      char* at = ring.reserve(size);
      if (at == nullptr) {
        std::this_thread::yield();
        continue;
      }
      const RecordHeader header{.size = static_cast<std::uint32_t>(size), .kind = RecordKind::event};
      std::memcpy(at, &header, sizeof header);
      std::memset(at + sizeof header, static_cast<int>(i & 0xff), size - sizeof header);
      std::memcpy(at + sizeof header, &i, sizeof i);
      static_cast<void>(ring.commit());
      ++i;
    }
    done = true;
  });
  std::uint64_t seen = 0;
  while (seen != records) {
    const std::uint64_t head = ring.head();
    std::uint64_t at = ring.tail();
    if (at == head) {
      std::this_thread::yield();
      continue;
    }
    while (at != head) {
      RecordHeader header;
      std::memcpy(static_cast<void*>(&header), ring.record(at), 8);
      if (header.kind == RecordKind::event) {
        std::uint64_t i = 0;
        std::memcpy(&i, ring.record(at) + sizeof header, sizeof i);
        ASSERT_EQ(i, seen);
        if (header.size > 24) {
          ASSERT_EQ(static_cast<unsigned char>(ring.record(at)[header.size - 1]), i & 0xff);
        }
        ++seen;
      }
      at += header.size;
    }
    ring.release(at);
  }
  producer.join();
}

std::string escape(std::string_view text, char* (*by)(char*, std::string_view) noexcept) {
  std::string out(text.size() * telemetry::max_escape, '\0');
  out.resize(static_cast<std::size_t>(by(out.data(), text) - out.data()));
  return out;
}

TEST(EscapeJson, KnowsTheSpecialCharacters) {
  EXPECT_EQ(escape("a\"b\\c\n\r\t\x01\x1f\x7f/", telemetry::escape_json), "a\\\"b\\\\c\\n\\r\\t\\u0001\\u001f\x7f/");
  EXPECT_EQ(escape("\xff\xc0\x80\xed\xa0\x80\xf4\x90\x80\x80", telemetry::escape_json), [] {
    std::string all;
    for (int i = 0; i < 10; ++i) all += "\xef\xbf\xbd";
    return all;
  }());
  EXPECT_EQ(escape("\xf0\x9f\x98\x80\xc3\xa9", telemetry::escape_json), "\xf0\x9f\x98\x80\xc3\xa9");
  EXPECT_EQ(escape("", telemetry::escape_json), "");
}

TEST(EscapeJson, FastAgreesWithPlain) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (int round = 0; round < 20000; ++round) {
    std::string text(random() % 80, ' ');
    for (char& c : text) c = static_cast<char>(random() % 8 == 0 ? random() % 256 : 'a' + random() % 26);
    ASSERT_EQ(escape(text, telemetry::escape_json), escape(text, telemetry::escape_json_plain));
  }
  // Each byte at each place of a text that ends anywhere in a block.
  for (int byte = 0; byte < 256; ++byte) {
    for (std::size_t size = 1; size < 40; ++size) {
      for (std::size_t at = 0; at < size; ++at) {
        std::string text(size, 'x');
        text[at] = static_cast<char>(byte);
        ASSERT_EQ(escape(text, telemetry::escape_json), escape(text, telemetry::escape_json_plain))
            << byte << " at " << at << " of " << size;
      }
    }
  }
}

TEST(TimestampWriter, AgreesWithTheCLibrary) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  telemetry::TimestampWriter writer;
  for (int i = 0; i < 5000; ++i) {
    const auto ns = static_cast<std::int64_t>(random() % 8'000'000'000'000'000'000) - 1'000'000'000'000'000'000;
    char text[telemetry::TimestampWriter::size];
    ASSERT_EQ(writer.write(text, ns), text + sizeof text);
    const std::int64_t ns_part = ((ns % 1'000'000'000) + 1'000'000'000) % 1'000'000'000;
    const time_t second = (ns - ns_part) / 1'000'000'000;
    tm parts{};
    gmtime_r(&second, &parts);
    char expected[64];
    const std::size_t size = strftime(expected, sizeof expected, "%Y-%m-%dT%H:%M:%S", &parts);
    std::snprintf(expected + size, sizeof expected - size, ".%06dZ", static_cast<int>(ns_part / 1000));
    ASSERT_EQ(std::string_view(text, sizeof text), expected);
  }
}

AccessEntry example_entry() {
  return {.method = "GET",
          .path = "/users/17",
          .query = "token=secret",
          .route = "/users/{id}",
          .host = "api.example",
          .peer = "192.0.2.7",
          .user_agent = "curl/8.0 \"x\"",
          .protocol = "HTTP/1.1",
          .request_id = "0123456789abcdef",
          .status = 200,
          .duration = 1234567ns,
          .bytes_in = 10,
          .bytes_out = 4096};
}

TEST(AccessLog, WritesOneLineARequest) {
  ManualClock clock;
  Lines lines;
  const TraceContext trace = *parse_traceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
  {
    Log log(lines.sink(), options_with(clock));
    const AccessLog access(log);
    AccessEntry entry = example_entry();
    entry.trace = &trace;
    access.write(entry);
    access.write({.when = clock.wall() + 1s, .method = "GET", .path = "/", .error = "deadline", .status = 503});
  }
  EXPECT_EQ(lines.text(),
            "{\"ts\":\"2026-01-01T00:00:00.000000Z\",\"level\":\"info\",\"logger\":\"access\",\"msg\":\"request\","
            "\"request_id\":\"0123456789abcdef\",\"trace_id\":\"4bf92f3577b34da6a3ce929d0e0e4736\","
            "\"span_id\":\"00f067aa0ba902b7\",\"method\":\"GET\",\"path\":\"/users/17\",\"route\":\"/users/{id}\","
            "\"status\":200,\"duration_us\":1234,\"bytes_in\":10,\"bytes_out\":4096,\"peer\":\"192.0.2.7\","
            "\"host\":\"api.example\",\"user_agent\":\"curl/8.0 \\\"x\\\"\",\"protocol\":\"HTTP/1.1\"}\n"
            "{\"ts\":\"2026-01-01T00:00:01.000000Z\",\"level\":\"error\",\"logger\":\"access\",\"msg\":\"request\","
            "\"method\":\"GET\",\"path\":\"/\",\"status\":503,\"duration_us\":0,\"bytes_in\":0,\"bytes_out\":0,"
            "\"error\":\"deadline\"}\n");
}

TEST(AccessLog, LogsQueriesOnlyWhenAskedAndCutsLongTexts) {
  Lines lines;
  {
    Log log(lines.sink());
    const AccessLog access(log, {.query = true, .user_agent = false, .host = false, .max_path_bytes = 8});
    AccessEntry entry = example_entry();
    access.write(entry);
    log.set_level("access", LogLevel::error);
    EXPECT_FALSE(access.enabled(200));
    EXPECT_TRUE(access.enabled(500));
    access.write(entry);
  }
  ASSERT_EQ(lines.all().size(), 1u);
  EXPECT_THAT(lines.text(), HasSubstr("\"path\":\"/users/1\",\"query\":\"token=se\",\"route\":\"/users/{\""));
  EXPECT_THAT(lines.text(), Not(HasSubstr("user_agent")));
  EXPECT_THAT(lines.text(), Not(HasSubstr("host")));
  EXPECT_THAT(lines.text(), HasSubstr("\"truncated\":true}"));
}

TEST(AccessLog, TheLargestEntryFitsIntoARecord) {
  Lines lines;
  const std::string huge(100000, '\x01');  // grows sixfold when escaped
  {
    Log log(lines.sink());
    const AccessLog access(log, {.query = true, .max_path_bytes = 1 << 20, .max_user_agent_bytes = 1 << 20});
    for (int i = 0; i < 300; ++i) {
      access.write({.method = huge,
                    .path = huge,
                    .query = huge,
                    .route = huge,
                    .host = huge,
                    .peer = huge,
                    .user_agent = huge,
                    .protocol = huge,
                    .request_id = huge,
                    .error = huge,
                    .status = 200});
      ASSERT_TRUE(log.flush(10s));
    }
    EXPECT_EQ(log.stats().dropped, 0u);
  }
  EXPECT_EQ(lines.all().size(), 300u);
}

}  // namespace
}  // namespace weir
