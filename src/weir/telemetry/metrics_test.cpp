#include "weir/telemetry/metrics.hpp"

#include <map>
#include <random>
#include <stdexcept>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/telemetry/http_metrics.hpp"
#include "weir/telemetry/process_metrics.hpp"
#include "weir/time/manual_clock.hpp"

namespace weir {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

std::string scrape(MetricsRegistry& registry, const ScrapeOptions& options = {}) {
  Buffer out;
  registry.write(out, options);
  return std::string(out.view());
}

TEST(Counter, IsExposedInBothFormats) {
  MetricsRegistry registry;
  const auto family = registry.counter({.name = "jobs_total", .help = "Jobs \"done\"\\\n.", .labels = {"queue"}});
  family.with({"mail"}).add();
  family.with({"mail"}).add(2);
  family.with({"a\"b\\c\nd"}).add();
  EXPECT_EQ(scrape(registry),
            "# HELP jobs_total Jobs \"done\"\\\\\\n.\n"
            "# TYPE jobs_total counter\n"
            "jobs_total{queue=\"a\\\"b\\\\c\\nd\"} 1\n"
            "jobs_total{queue=\"mail\"} 3\n");
  EXPECT_EQ(scrape(registry, {.format = MetricsFormat::openmetrics}),
            "# HELP jobs Jobs \\\"done\\\"\\\\\\n.\n"
            "# TYPE jobs counter\n"
            "jobs_total{queue=\"a\\\"b\\\\c\\nd\"} 1\n"
            "jobs_total{queue=\"mail\"} 3\n"
            "# EOF\n");
}

TEST(Counter, WithoutRegistryDoesNothing) {
  const Counter counter;
  counter.add();
  EXPECT_EQ(counter.value(), 0u);
  DurationHistogram().record(1s);
  Gauge().set(1);
  Histogram().record(1);
}

TEST(Metrics, LabelsThatAreNotUtf8AreMended) {
  MetricsRegistry registry;
  registry.counter({.name = "a", .help = "", .labels = {"l"}}).with({"x\xff\xc3\xa4\xed\xa0\x80"}).add();
  EXPECT_THAT(scrape(registry), HasSubstr("{l=\"x\xef\xbf\xbd\xc3\xa4\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"}"));
}

TEST(Gauge, SetsAddsAndShowsSpecialValues) {
  MetricsRegistry registry;
  const auto gauge = registry.gauge({.name = "g", .help = "h", .labels = {"k"}});
  gauge.with({"a"}).set(1.5);
  gauge.with({"a"}).add(-3);
  gauge.with({"b"}).set(std::numeric_limits<double>::infinity());
  gauge.with({"c"}).set(std::numeric_limits<double>::quiet_NaN());
  EXPECT_EQ(scrape(registry), "# HELP g h\n# TYPE g gauge\ng{k=\"a\"} -1.5\ng{k=\"b\"} +Inf\ng{k=\"c\"} NaN\n");
}

TEST(UpDownCounter, SumsWhatDifferentThreadsAddAndTakeAway) {
  MetricsRegistry registry;
  const auto active = registry.up_down_counter({.name = "active", .help = "h"}).with({});
  active.add(3);
  std::thread([&] { active.add(-2); }).join();
  EXPECT_EQ(active.value(), 1);
  std::thread([&] { active.add(-2); }).join();
  EXPECT_THAT(scrape(registry), HasSubstr("\nactive -1\n"));
}

TEST(DurationHistogram, ShowsBucketsSumCountAndMax) {
  MetricsRegistry registry;
  const std::vector<Duration> buckets = {1ms, 1s};
  const auto timer = registry.timer({.name = "t_seconds", .help = "h", .labels = {"k"}}, buckets).with({"v"});
  timer.record(1ms);
  timer.record(1ms + 1ns);
  timer.record(2500ms);
  timer.record(-1s);  // a clock that went backwards counts as nothing
  EXPECT_EQ(scrape(registry),
            "# HELP t_seconds h\n# TYPE t_seconds histogram\n"
            "t_seconds_bucket{k=\"v\",le=\"0.001\"} 2\n"
            "t_seconds_bucket{k=\"v\",le=\"1.0\"} 3\n"
            "t_seconds_bucket{k=\"v\",le=\"+Inf\"} 4\n"
            "t_seconds_count{k=\"v\"} 4\n"
            "t_seconds_sum{k=\"v\"} 2.502000001\n"
            "# HELP t_seconds_max h\n# TYPE t_seconds_max gauge\n"
            "t_seconds_max{k=\"v\"} 2.5\n");
  EXPECT_EQ(timer.count(), 4u);
  EXPECT_EQ(timer.sum(), 2502000001ns);
}

TEST(DurationHistogram, MaximumDecaysAfterThreePeriods) {
  ManualClock clock;
  MetricsRegistry registry(clock);
  const auto timer = registry.timer({.name = "t", .help = ""}).with({});
  const ScrapeOptions only{.included_names = {"t_max"}};
  timer.record(9s);
  EXPECT_THAT(scrape(registry), HasSubstr("\nt_max 9\n"));
  clock.advance(1min);
  EXPECT_THAT(scrape(registry), HasSubstr("\nt_max 9\n"));  // ends the first period
  timer.record(2s);
  clock.advance(1min);
  EXPECT_THAT(scrape(registry), HasSubstr("\nt_max 9\n"));
  clock.advance(30s);
  EXPECT_THAT(scrape(registry), HasSubstr("\nt_max 9\n"));
  clock.advance(30s);
  EXPECT_THAT(scrape(registry), HasSubstr("\nt_max 9\n"));  // ends the third
  EXPECT_THAT(scrape(registry), HasSubstr("\nt_max 2\n"));
  clock.advance(1min);
  registry.tick();
  EXPECT_THAT(scrape(registry), HasSubstr("\nt_max 0\n"));
}

TEST(Histogram, CountsIntoBuckets) {
  MetricsRegistry registry;
  const std::vector<double> buckets = {-1, 0.0005, 0.5, 100000, 1e6};
  const auto histogram = registry.histogram({.name = "h", .help = ""}, buckets).with({});
  for (const double value : {-1.0, 0.0, 0.5, 7.25, 1e9}) histogram.record(value);
  histogram.record(std::numeric_limits<double>::quiet_NaN());
  EXPECT_THAT(scrape(registry), HasSubstr("h_bucket{le=\"-1.0\"} 1\nh_bucket{le=\"0.0005\"} 2\nh_bucket{le=\"0.5\"} 3\n"
                                          "h_bucket{le=\"100000.0\"} 4\nh_bucket{le=\"1e+06\"} 4\n"
                                          "h_bucket{le=\"+Inf\"} 5\nh_count 5\nh_sum 1000000006.75\n"));
  EXPECT_EQ(histogram.count(), 5u);
}

TEST(Metrics, IncludedNamesSelectFamiliesByTheirOrTheirSamplesNames) {
  MetricsRegistry registry;
  registry.counter({.name = "a_total", .help = ""}).with({}).add();
  registry.gauge({.name = "b", .help = ""}).with({}).set(1);
  registry.timer({.name = "c", .help = ""}).with({}).record(1s);
  EXPECT_EQ(scrape(registry, {.included_names = {"a_total"}}), "# HELP a_total \n# TYPE a_total counter\na_total 1\n");
  EXPECT_EQ(scrape(registry, {.included_names = {"a"}}), "# HELP a_total \n# TYPE a_total counter\na_total 1\n");
  const auto two = scrape(registry, {.included_names = {"c_count", "b"}});
  EXPECT_THAT(two, HasSubstr("c_bucket"));
  EXPECT_THAT(two, HasSubstr("\nb 1\n"));
  EXPECT_THAT(two, Not(HasSubstr("a_total")));
  EXPECT_EQ(scrape(registry, {.included_names = {"nothing"}}), "");
}

TEST(Metrics, SeriesBeyondTheLimitAreCountedTogether) {
  MetricsRegistry registry;
  const auto family = registry.counter({.name = "c", .help = "", .labels = {"a", "b"}, .max_series = 3});
  for (int i = 0; i < 10; ++i) family.with({std::to_string(i), "x"}).add();
  const auto text = scrape(registry);
  EXPECT_THAT(text, HasSubstr("c_total{a=\"2\",b=\"x\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("c_total{a=\"__other__\",b=\"__other__\"} 7\n"));
  EXPECT_THAT(text, Not(HasSubstr("a=\"3\"")));
  family.with({"1", "x"}).add();
  EXPECT_THAT(scrape(registry), HasSubstr("c_total{a=\"1\",b=\"x\"} 2\n"));
}

TEST(Metrics, ARegistryThatIsFullSendsNewSeriesToTheOverflow) {
  MetricsRegistry registry;
  const auto family = registry.counter({.name = "c", .help = "", .labels = {"a"}, .max_series = 1'000'000});
  for (std::uint32_t i = 0; i < telemetry::MetricsShard::max_cells + 10; ++i) family.with({std::to_string(i)}).add();
  // One cell was set aside for the overflow at the start.
  EXPECT_EQ(family.with({std::string(overflow_label)}).value(), 11u);
  EXPECT_THROW(registry.counter({.name = "d", .help = ""}), std::length_error);
}

TEST(Metrics, MisuseIsRefusedAtRegistration) {
  MetricsRegistry registry;
  registry.counter({.name = "c_total", .help = "", .labels = {"a"}});
  EXPECT_NO_THROW(registry.counter({.name = "c", .help = "", .labels = {"a"}}));
  EXPECT_THROW(registry.counter({.name = "c", .help = "", .labels = {"b"}}), std::invalid_argument);
  EXPECT_THROW(registry.gauge({.name = "c", .help = "", .labels = {"a"}}), std::invalid_argument);
  EXPECT_THROW(registry.gauge({.name = "c_total", .help = ""}), std::invalid_argument);
  EXPECT_THROW(registry.gauge({.name = "1a", .help = ""}), std::invalid_argument);
  EXPECT_THROW(registry.gauge({.name = "a b", .help = ""}), std::invalid_argument);
  EXPECT_THROW(registry.gauge({.name = "a", .help = "", .labels = {"__x"}}), std::invalid_argument);
  EXPECT_THROW(registry.gauge({.name = "a", .help = "", .labels = {"x", "x"}}), std::invalid_argument);
  EXPECT_THROW(registry.timer({.name = "a", .help = "", .labels = {"le"}}), std::invalid_argument);
  const std::vector<Duration> descending = {2s, 1s};
  EXPECT_THROW(registry.timer({.name = "a", .help = ""}, descending), std::invalid_argument);
  registry.timer({.name = "t", .help = ""});
  EXPECT_THROW(registry.gauge({.name = "t_max", .help = ""}), std::invalid_argument);
  EXPECT_THROW(registry.counter({.name = "c", .help = "", .labels = {"a"}}).with({}), std::invalid_argument);
}

TEST(MetricCallback, IsAskedUntilItsRegistrationEnds) {
  MetricsRegistry registry;
  double lag = 0.25;
  auto first = registry.gauge_callback({.name = "lag", .help = "", .labels = {"loop"}}, {"0"}, [&] { return lag; });
  {
    auto second = registry.gauge_callback({.name = "lag", .help = "", .labels = {"loop"}}, {"1"}, [] { return 2.0; });
    EXPECT_THROW(static_cast<void>(registry.gauge_callback({.name = "lag", .help = "", .labels = {"loop"}}, {"1"},
                                                           [] { return 3.0; })),
                 std::invalid_argument);
    EXPECT_EQ(scrape(registry), "# HELP lag \n# TYPE lag gauge\nlag{loop=\"0\"} 0.25\nlag{loop=\"1\"} 2\n");
  }
  lag = 0.5;
  EXPECT_EQ(scrape(registry), "# HELP lag \n# TYPE lag gauge\nlag{loop=\"0\"} 0.5\n");
  first = registry.gauge_callback({.name = "lag", .help = "", .labels = {"loop"}}, {"2"},
                                  []() -> double { throw std::runtime_error("no reading"); });
  EXPECT_EQ(scrape(registry), "# HELP lag \n# TYPE lag gauge\n");
  first.reset();
  EXPECT_EQ(scrape(registry), "");
}

TEST(MetricsFormat, IsOpenMetricsOnlyForThoseWhoAskForIt) {
  EXPECT_EQ(metrics_format_for(""), MetricsFormat::prometheus);
  EXPECT_EQ(metrics_format_for("*/*"), MetricsFormat::prometheus);
  EXPECT_EQ(metrics_format_for("application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3"),
            MetricsFormat::openmetrics);
  EXPECT_EQ(metrics_format_for("text/plain, Application/OpenMetrics-Text"), MetricsFormat::openmetrics);
  EXPECT_EQ(metrics_format_for("application/openmetrics-text;q=0"), MetricsFormat::prometheus);
  EXPECT_EQ(metrics_format_for("application/openmetrics-text;q=0.0, */*"), MetricsFormat::prometheus);
  EXPECT_EQ(metrics_format_for("application/openmetrics-textual"), MetricsFormat::prometheus);
}

TEST(Metrics, ThreadsThatComeAndGoLoseNothing) {
  MetricsRegistry registry;
  const auto family = registry.counter({.name = "c", .help = "", .labels = {"k"}});
  for (int round = 0; round < 20; ++round) {
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < 100; ++i) family.with({std::to_string(i % 7)}).add();
      });
    }
    static_cast<void>(scrape(registry));
    for (auto& thread : threads) thread.join();
  }
  std::uint64_t total = 0;
  for (int i = 0; i < 7; ++i) total += family.with({std::to_string(i)}).value();
  EXPECT_EQ(total, 20u * 4 * 100);
  std::size_t shards = 0;
  registry.cells().for_each([&](const auto&) { ++shards; });
  EXPECT_LE(shards, 4u);  // the shards of ended threads are used again
}

TEST(Metrics, AThreadMayOutliveARegistryAndUseSeveral) {
  auto first = std::make_unique<MetricsRegistry>();
  MetricsRegistry second;
  const auto b = second.counter({.name = "b", .help = ""}).with({});
  first->counter({.name = "a", .help = ""}).with({}).add();
  b.add();
  first.reset();
  b.add();
  MetricsRegistry third;
  const auto c = third.counter({.name = "a", .help = ""}).with({});
  c.add();
  b.add();
  EXPECT_EQ(b.value(), 3u);
  EXPECT_EQ(c.value(), 1u);
}

// Random operations against maps that count the plain way.
TEST(Metrics, AgreeWithASimpleModel) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  MetricsRegistry registry;
  const std::vector<Duration> buckets = {10ns, 100ns, 1000ns};
  const auto timers = registry.timer({.name = "t", .help = "", .labels = {"k"}}, buckets);
  struct Model {
    std::uint64_t below[4] = {};
    std::uint64_t sum = 0;
    std::uint64_t max = 0;
  };
  std::map<std::string, Model> models;
  for (int i = 0; i < 5000; ++i) {
    const std::string key = std::to_string(random() % 5);
    const std::uint64_t ns = random() % (random() % 2 == 0 ? 120 : 3000);
    timers.with({key}).record(Duration(static_cast<std::int64_t>(ns)));
    Model& model = models[key];
    for (std::size_t b = 0; b < 3; ++b) model.below[b] += ns <= static_cast<std::uint64_t>(buckets[b].count()) ? 1 : 0;
    ++model.below[3];
    model.sum += ns;
    model.max = std::max(model.max, ns);
  }
  const std::string text = scrape(registry);
  const char* bounds[] = {"1e-08", "1e-07", "1e-06", "+Inf"};
  for (const auto& [key, model] : models) {
    for (std::size_t b = 0; b < 4; ++b) {
      EXPECT_THAT(text, HasSubstr("t_bucket{k=\"" + key + "\",le=\"" + bounds[b] + "\"} " +
                                  std::to_string(model.below[b]) + "\n"));
    }
    std::string max = std::to_string(1'000'000'000 + model.max).substr(1);
    max.erase(max.find_last_not_of('0') + 1);
    EXPECT_THAT(text, HasSubstr("t_max{k=\"" + key + "\"} 0." + max + "\n"));
    EXPECT_EQ(timers.with({key}).sum().count(), static_cast<std::int64_t>(model.sum));
  }
}

TEST(HttpServerMetrics, HaveMicrometersNamesAndLabels) {
  MetricsRegistry registry;
  HttpServerMetrics metrics(registry, {.buckets = {}});
  metrics.request_started();
  metrics.request_started();
  metrics.request_finished(
      {.route_id = 1, .status = 200, .method_id = 0, .method = "GET", .uri = "/users/{id}", .duration = 1500ms});
  metrics.record({.route_id = 1,
                  .status = 500,
                  .method_id = 0,
                  .method = "GET",
                  .uri = "/users/{id}",
                  .exception = "std::runtime_error",
                  .duration = 1s});
  metrics.record({.route_id = 0, .status = 0, .method_id = 3, .method = "POST", .uri = "UNKNOWN", .duration = 1s});
  const std::string ok =
      "error=\"none\",exception=\"none\",method=\"GET\",outcome=\"SUCCESS\",status=\"200\",uri=\"/users/{id}\"";
  const std::string text = scrape(registry);
  EXPECT_THAT(text, HasSubstr("http_server_requests_seconds_bucket{" + ok + ",le=\"+Inf\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("http_server_requests_seconds_count{" + ok + "} 1\n"));
  EXPECT_THAT(text, HasSubstr("http_server_requests_seconds_sum{" + ok + "} 1.5\n"));
  EXPECT_THAT(text, HasSubstr("http_server_requests_seconds_max{" + ok + "} 1.5\n"));
  EXPECT_THAT(text, HasSubstr("{error=\"std::runtime_error\",exception=\"std::runtime_error\",method=\"GET\","
                              "outcome=\"SERVER_ERROR\",status=\"500\",uri=\"/users/{id}\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("outcome=\"UNKNOWN\",status=\"CLIENT_GONE\",uri=\"UNKNOWN\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("\nhttp_server_requests_active 1\n"));
}

TEST(HttpServerMetrics, TooManyRoutesAreCountedTogether) {
  MetricsRegistry registry;
  HttpServerMetrics metrics(registry, {.buckets = {}, .max_series = 10});
  for (int round = 0; round < 2; ++round) {
    for (std::uint32_t route = 1; route <= 1000; ++route) {
      const std::string uri = "/r" + std::to_string(route);
      metrics.record({.route_id = route, .status = 200, .method = "GET", .uri = uri, .duration = 1ms});
    }
  }
  const std::string text = scrape(registry);
  EXPECT_THAT(text, HasSubstr("uri=\"/r10\"} 2\n"));
  EXPECT_THAT(text, Not(HasSubstr("uri=\"/r11\"")));
  EXPECT_THAT(text, HasSubstr("status=\"__other__\",uri=\"__other__\"} 1980\n"));
}

TEST(HttpServerMetrics, ManyKeysStayApart) {
  MetricsRegistry registry;
  HttpServerMetrics metrics(registry, {.buckets = {}, .max_series = 5000});
  const auto all = [&](auto&& visit) {
    for (std::uint32_t route = 0; route < 300; ++route) {
      for (const std::uint16_t status : {std::uint16_t{200}, std::uint16_t{404}, std::uint16_t{503}})
        visit(route, status);
    }
  };
  for (int i = 0; i < 3; ++i) {
    all([&](std::uint32_t route, std::uint16_t status) {
      const std::string uri = "/r" + std::to_string(route);
      metrics.record({.route_id = route, .status = status, .method = "GET", .uri = uri, .duration = 1ms});
    });
  }
  const std::string text = scrape(registry);
  all([&](std::uint32_t route, std::uint16_t status) {
    const std::string labels = std::string("outcome=\"") + std::string(http_outcome(status)) + "\",status=\"" +
                               std::to_string(status) + "\",uri=\"/r" + std::to_string(route) + "\"} ";
    ASSERT_THAT(text, HasSubstr("seconds_count{error=\"none\",exception=\"none\",method=\"GET\"," + labels + "3\n"));
  });
}

TEST(ProcessMetrics, AreSane) {
  const auto usage = process_usage();
  ASSERT_TRUE(usage) << usage.error().message();
  EXPECT_GT(usage->resident_bytes, 100'000u);
  EXPECT_GT(usage->virtual_bytes, usage->resident_bytes);
  EXPECT_LE(usage->pss_bytes, usage->resident_bytes + 1'000'000);
  EXPECT_GE(usage->open_fds, 3u);
  EXPECT_GE(usage->threads, 1u);
  EXPECT_GT(usage->max_fds, usage->open_fds);
  const double now = std::chrono::duration<double>(Clock::system().wall().time_since_epoch()).count();
  EXPECT_GT(usage->start_time_seconds, now - 3600);
  EXPECT_LT(usage->start_time_seconds, now + 5);

  MetricsRegistry registry;
  {
    const auto registration = register_process_metrics(registry);
    const std::string text = scrape(registry);
    for (const char* name : {"process_cpu_seconds_total ", "process_resident_memory_bytes ", "process_pss_bytes ",
                             "process_virtual_memory_bytes ", "process_open_fds ", "process_max_fds ",
                             "process_threads ", "process_start_time_seconds ", "process_uptime_seconds "}) {
      EXPECT_THAT(text, HasSubstr(std::string("\n") + name));
    }
  }
  EXPECT_EQ(scrape(registry), "");
}

}  // namespace
}  // namespace weir
