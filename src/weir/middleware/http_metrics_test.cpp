#include "weir/middleware/http_metrics.hpp"

#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/middleware/telemetry_test_support.hpp"
#include "weir/web/chain_test_support.hpp"

namespace weir {
namespace {

using middleware::samples;
using std::chrono_literals::operator""ms;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::string_view count = "http_server_requests_seconds_count";
constexpr std::string_view active = "http_server_requests_active";

TEST(RequestMetrics, CountsByRouteMethodAndStatus) {
  MetricsRegistry registry;
  TestService service({http_metrics(registry)});
  service.get("/users/{id}", [](Context&) { return Response(Status::ok); });
  service.get_path("/users/1");
  service.get_path("/users/2");
  EXPECT_THAT(
      samples(registry, count),
      ElementsAre(
          std::string(count) +
          R"({error="none",exception="none",method="GET",outcome="SUCCESS",status="200",uri="/users/{id}"} 2)"));
  EXPECT_THAT(samples(registry, active), ElementsAre(std::string(active) + " 0"));
}

TEST(RequestMetrics, DoesNotLetClientsMakeUpSeries) {
  MetricsRegistry registry;
  TestService service({http_metrics(registry)});
  service.get_path("/a");
  service.get_path("/b");
  EXPECT_THAT(
      samples(registry, count),
      ElementsAre(
          std::string(count) +
          R"({error="none",exception="none",method="GET",outcome="CLIENT_ERROR",status="404",uri="NOT_FOUND"} 2)"));
}

TEST(RequestMetrics, NamesTheException) {
  MetricsRegistry registry;
  TestService service({http_metrics(registry)});
  service.get("/", [](Context&) -> Response { throw std::out_of_range("no"); });
  EXPECT_EQ(service.get_path("/").status, 500);
  EXPECT_THAT(
      samples(registry, count),
      ElementsAre(std::string(count) +
                  R"({error="std::out_of_range",exception="std::out_of_range",method="GET",outcome="SERVER_ERROR",)" +
                  R"(status="500",uri="/"} 1)"));
}

TEST(RequestMetrics, MeasuresFromArrivalToEnd) {
  MetricsRegistry registry;
  TestService service({http_metrics(registry)});
  service.get("/", [](Context& ctx) -> Task<Response> {
    const Result<void> slept = co_await ctx.loop().sleep(250ms);
    co_return Response(slept ? Status::ok : Status::internal_server_error);
  });
  TestConnection connection(service);
  connection.send(TestService::request_text("GET", "/"));
  EXPECT_THAT(samples(registry, active), ElementsAre(std::string(active) + " 1"));
  EXPECT_THAT(samples(registry, count), IsEmpty());
  service.advance(250ms);
  EXPECT_EQ(connection.receive().status, 200);
  const auto sums = samples(registry, "http_server_requests_seconds_sum");
  ASSERT_EQ(sums.size(), 1U);
  EXPECT_EQ(sums[0].substr(sums[0].rfind(' ')), " 0.25");
  EXPECT_THAT(samples(registry, active), ElementsAre(std::string(active) + " 0"));
}

TEST(RequestMetrics, CountsClientsThatWentAway) {
  MetricsRegistry registry;
  TestService service({http_metrics(registry)});
  service.get("/", [](Context& ctx) -> Task<Response> {
    const Result<void> slept = co_await ctx.loop().sleep(250ms, ctx.stop_token());
    co_return Response(slept ? Status::ok : Status::internal_server_error);
  });
  {
    TestConnection connection(service);
    connection.send(TestService::request_text("GET", "/"));
    connection.close(true);
  }
  EXPECT_THAT(
      samples(registry, count),
      ElementsAre(std::string(count) +
                  R"({error="none",exception="none",method="GET",outcome="UNKNOWN",status="CLIENT_GONE",uri="/"} 1)"));
  EXPECT_THAT(samples(registry, active), ElementsAre(std::string(active) + " 0"));
}

TEST(RequestMetrics, StaysBalancedWhenSomethingAheadAnswers) {
  MetricsRegistry registry;
  const auto refuse = [](Context&) { return std::optional<Response>(Response(Status::forbidden)); };
  TestService service({refuse, http_metrics(registry)});
  service.get("/", [](Context&) { return Response(Status::ok); });
  EXPECT_EQ(service.get_path("/").status, 403);
  EXPECT_THAT(
      samples(registry, count),
      ElementsAre(std::string(count) +
                  R"({error="none",exception="none",method="GET",outcome="CLIENT_ERROR",status="403",uri="/"} 1)"));
  EXPECT_THAT(samples(registry, active), ElementsAre(std::string(active) + " 0"));
}

TEST(RequestMetrics, PutsMethodsOfTheClientsMakingTogether) {
  MetricsRegistry registry;
  TestService service({http_metrics(registry)});
  service.request("BREW / HTTP/1.1\r\nHost: t\r\n\r\n");
  service.request("STEEP / HTTP/1.1\r\nHost: t\r\n\r\n");
  const auto lines = samples(registry, count);
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_NE(lines[0].find(R"(method="UNKNOWN")"), std::string::npos) << lines[0];
}

}  // namespace
}  // namespace weir
