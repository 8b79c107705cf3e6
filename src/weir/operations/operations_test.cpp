#include "weir/operations/operations.hpp"

#include <chrono>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/web/chain_test_support.hpp"

namespace weir {
namespace {

using std::chrono_literals::operator""ms;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class OperationsTest : public testing::Test {
 protected:
  OperationsTest() {
    operations_.health = &health_;
    operations_.metrics = &metrics_;
    operations_.log = &log_;
    operations_.started = service_.clock().now();
    for (OperationRoute& route : operations_routes(operations_)) {
      service_.route(route.method, route.pattern, std::move(route.handler));
    }
  }
  TestResponse get(std::string_view path) { return service_.get_path(path); }
  TestResponse post(std::string_view path, std::string_view body) {
    return service_.request(TestService::request_text("POST", path, {{"Content-Type", "application/json"}}, body));
  }

  HealthRegistry health_;
  MetricsRegistry metrics_;
  Log log_{log_to_callback([](std::string_view) {})};
  OperationsContext operations_;
  TestService service_{{}, {.limits = {}, .client = net::SocketAddress::loopback(4711)}};
};

TEST_F(OperationsTest, HealthzSaysOkAndUptimeAndNothingElse) {
  service_.advance(12345ms);
  const TestResponse answer = get("/healthz");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, R"({"status":"ok","uptime_ms":12345})");
  EXPECT_EQ(answer.header("Content-Type"), "application/json");
  EXPECT_EQ(answer.header("Cache-Control"), "no-store");
}

TEST_F(OperationsTest, HealthzStaysOkWhateverReadinessSays) {
  health_.set_draining(true);
  health_.add("db", []() -> Result<void> { return fail(Errc::unavailable, "gone"); });
  EXPECT_EQ(get("/healthz").status, 200);
}

TEST_F(OperationsTest, ReadinessFailsWhileDraining) {
  for (const char* path : {"/health/ready", "/health/readyz", "/actuator/health/readiness", "/actuator/health"}) {
    health_.set_draining(false);
    EXPECT_EQ(get(path).status, 200) << path;
    health_.set_draining(true);
    EXPECT_EQ(get(path).status, 503) << path;
  }
  EXPECT_EQ(get("/health/ready").body, R"({"status":"OUT_OF_SERVICE"})");
  EXPECT_EQ(get("/health/live").status, 200);
  EXPECT_EQ(get("/health/live").body, R"({"status":"UP"})");
}

TEST_F(OperationsTest, KeepsDetailsToItself) {
  health_.add("db", []() -> Result<void> { return fail(Errc::unavailable, "10.0.0.7 refuses"); });
  const TestResponse answer = get("/health/ready");
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(answer.body, R"({"status":"DOWN"})");
  EXPECT_EQ(get("/health/ready/db").body, R"({"status":"DOWN"})");
}

TEST_F(OperationsTest, ShowsDetailsWhenToldTo) {
  operations_.options.health_details = HealthDetails::always;
  health_.add("db", []() -> Result<void> { return fail(Errc::unavailable, "he said \"no\""); });
  health_.add("disk", [] { return Result<void>(); });
  EXPECT_EQ(get("/actuator/health").body,
            R"({"status":"DOWN","components":{"db":{"status":"DOWN","details":{"error":"he said \"no\""}},)"
            R"("disk":{"status":"UP"}},"groups":["liveness","readiness"]})");
  EXPECT_EQ(get("/health/ready/disk").status, 200);
  EXPECT_THAT(get("/health/ready/db").body, HasSubstr("he said"));
}

TEST_F(OperationsTest, ShowsDetailsToWhoIsAuthorized) {
  operations_.options.health_details = HealthDetails::when_authorized;
  health_.add("db", [] { return Result<void>(); });
  EXPECT_THAT(get("/health/ready").body, Not(HasSubstr("db")));
  operations_.options.authorized = [](Context& ctx) { return ctx.header("X-Role") == "operator"; };
  EXPECT_THAT(get("/health/ready").body, Not(HasSubstr("db")));
  EXPECT_THAT(service_.get_path("/health/ready", {{"X-Role", "operator"}}).body, HasSubstr("db"));
}

TEST_F(OperationsTest, UnknownComponentsAreNotFound) {
  health_.add("cache", [] { return Result<void>(); }, {.readiness = false});
  EXPECT_EQ(get("/health/ready/db").status, 404);
  EXPECT_EQ(get("/health/ready/cache").status, 404) << "it has no part in readiness";
  EXPECT_EQ(get("/actuator/health/cache").status, 200);
  EXPECT_EQ(get("/actuator/health/db").status, 404);
}

TEST_F(OperationsTest, WaitsForChecksThatWait) {
  health_.add("db", [this]() -> Task<Result<void>> {
    auto slept = co_await service_.loop().sleep(50ms);
    co_return slept;
  });
  TestConnection connection(service_);
  connection.send(TestService::request_text("GET", "/health/ready"));
  EXPECT_EQ(connection.receive().status, 0);
  service_.advance(51ms);
  EXPECT_EQ(connection.receive().status, 200);
}

TEST_F(OperationsTest, GivesMetricsInTheFormatThatIsAskedFor) {
  metrics_.counter({.name = "things_total", .help = "Things."}).with({}).add(7);
  metrics_.counter({.name = "others_total", .help = "Others."}).with({}).add(8);
  const TestResponse text = get("/actuator/prometheus");
  EXPECT_EQ(text.header("Content-Type"), "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_THAT(text.body, AllOf(HasSubstr("things_total 7\n"), HasSubstr("others_total 8\n")));
  const TestResponse open = service_.get_path("/actuator/prometheus", {{"Accept", "application/openmetrics-text"}});
  EXPECT_THAT(std::string(open.header("Content-Type")), HasSubstr("application/openmetrics-text"));
  EXPECT_THAT(open.body, HasSubstr("# EOF"));
  const TestResponse some = get("/actuator/prometheus?includedNames=things_total,nothing");
  EXPECT_THAT(some.body, AllOf(HasSubstr("things_total 7\n"), Not(HasSubstr("others_total"))));
}

TEST_F(OperationsTest, ListsMetrics) {
  metrics_.counter({.name = "things_total", .help = "Things."}).with({}).add(7);
  metrics_.gauge({.name = "level", .help = "Level."}).with({}).set(1);
  EXPECT_EQ(get("/actuator/metrics").body, R"({"names":["things_total","level"]})");
}

TEST_F(OperationsTest, TellsWhatRuns) {
  operations_.options.info = {.name = "tasks", .version = "1.2.3", .git_commit = "abc123", .git_branch = "main"};
  EXPECT_EQ(
      get("/actuator/info").body,
      R"({"build":{"name":"tasks","version":"1.2.3"},"git":{"branch":"main","commit":{"id":"abc123"}},"uptime_ms":0})");
  operations_.options.info = {};
  EXPECT_EQ(get("/actuator/info").body, R"({"build":{},"uptime_ms":0})");
}

TEST_F(OperationsTest, ShowsAndSetsLevels) {
  const Logger logger = log_.logger("app.users");
  EXPECT_THAT(get("/actuator/loggers").body,
              AllOf(HasSubstr(R"("levels":["OFF","ERROR","WARN","INFO","DEBUG","TRACE"])"),
                    HasSubstr(R"("ROOT":{"configuredLevel":"INFO","effectiveLevel":"INFO"})"),
                    HasSubstr(R"("app.users":{"effectiveLevel":"INFO"})")));
  EXPECT_FALSE(logger.enabled(LogLevel::debug));

  const TestResponse set = post("/actuator/loggers/app.users", R"({"configuredLevel":"DEBUG"})");
  EXPECT_EQ(set.status, 204) << set.text;
  EXPECT_TRUE(logger.enabled(LogLevel::debug));
  EXPECT_EQ(get("/actuator/loggers/app.users").body, R"({"configuredLevel":"DEBUG","effectiveLevel":"DEBUG"})");

  EXPECT_EQ(post("/actuator/loggers/app.users", "{}").status, 204);
  EXPECT_FALSE(logger.enabled(LogLevel::debug));
  EXPECT_EQ(post("/actuator/loggers/ROOT", R"({"configuredLevel":"TRACE"})").status, 204);
  EXPECT_TRUE(logger.enabled(LogLevel::trace));
  EXPECT_EQ(post("/actuator/loggers/ROOT", R"({"configuredLevel":null})").status, 204);
}

TEST_F(OperationsTest, RefusesLevelsThatAreNone) {
  const TestResponse answer = post("/actuator/loggers/app", R"({"configuredLevel":"LOUD"})");
  EXPECT_EQ(answer.status, 400);
  EXPECT_THAT(answer.body, HasSubstr("LOUD"));
  EXPECT_EQ(post("/actuator/loggers/app", "nonsense").status, 400);
  // Not as if nothing had been given, which takes the level back.
  log_.set_level("app", LogLevel::debug);
  EXPECT_EQ(post("/actuator/loggers/app", R"({"level":"TRACE"})").status, 422);
  EXPECT_EQ(get("/actuator/loggers/app").body, R"({"configuredLevel":"DEBUG","effectiveLevel":"DEBUG"})");
  EXPECT_EQ(get("/actuator/loggers/unknown").status, 404);
}

TEST_F(OperationsTest, LetsOnlyThisMachineChangeLevels) {
  const auto set = [](TestService& service, std::string_view name, std::string_view value) {
    return service
        .request(TestService::request_text("POST", "/actuator/loggers/app",
                                           {{"Content-Type", "application/json"}, {name, value}}, "{}"))
        .status;
  };
  EXPECT_EQ(set(service_, "X-Test", "1"), 204);
  EXPECT_EQ(set(service_, "X-Forwarded-For", "203.0.113.5"), 403) << "a proxy on this machine speaks for others";

  TestService remote;  // Its clients are elsewhere.
  for (OperationRoute& route : operations_routes(operations_)) {
    remote.route(route.method, route.pattern, std::move(route.handler));
  }
  EXPECT_EQ(set(remote, "X-Test", "1"), 403);
  EXPECT_EQ(remote.get_path("/actuator/loggers").status, 200);
  operations_.options.remote_changes = true;
  EXPECT_EQ(set(remote, "X-Test", "1"), 204);
  operations_.options.authorized = [](Context& ctx) { return ctx.header("X-Role") == "operator"; };
  EXPECT_EQ(set(remote, "X-Test", "1"), 403);
  EXPECT_EQ(set(remote, "X-Role", "operator"), 204);
}

TEST(Operations, LeavesOutWhatItHasNothingFor) {
  const OperationsContext operations;
  std::set<std::string> patterns;
  for (const OperationRoute& route : operations_routes(operations)) patterns.insert(route.pattern);
  EXPECT_EQ(patterns, (std::set<std::string>{"/healthz", "/actuator/info"}));
}

TEST(Operations, OnlyHealthIsForEverybody) {
  HealthRegistry health;
  MetricsRegistry metrics;
  Log log(log_to_callback([](std::string_view) {}));
  OperationsContext operations;
  operations.health = &health;
  operations.metrics = &metrics;
  operations.log = &log;
  for (const OperationRoute& route : operations_routes(operations)) {
    const bool about_health = route.pattern.find("health") != std::string::npos;
    EXPECT_EQ(route.audience == Audience::anyone, about_health) << route.pattern;
    EXPECT_EQ(route.audience == Audience::operators, route.method == http::Method::post) << route.pattern;
  }
}

}  // namespace
}  // namespace weir
