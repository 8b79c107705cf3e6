#include "weir/middleware/production.hpp"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/middleware/telemetry_test_support.hpp"
#include "weir/web/chain_test_support.hpp"

namespace weir {
namespace {

using middleware::LogCapture;
using middleware::samples;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

std::vector<std::string> names(const std::vector<Middleware>& chain) {
  std::vector<std::string> result;
  for (const Middleware& middleware : chain) result.emplace_back(middleware.name());
  return result;
}

TEST(ProductionChain, HasEverythingInItsOrder) {
  LogCapture capture;
  MetricsRegistry registry;
  EXPECT_THAT(names(production_chain({}, {&registry, &capture.log()})),
              ElementsAre("http_metrics", "request_id", "trace_context", "access_log", "recovery", "security_headers",
                          "deadline", "body_limit"));
  for (const Middleware& middleware : production_chain({}, {&registry, &capture.log()})) {
    EXPECT_FALSE(middleware.waits()) << middleware.name() << " would cost every request a coroutine";
  }
}

TEST(ProductionChain, LeavesOutWhatIsSwitchedOff) {
  LogCapture capture;
  MetricsRegistry registry;
  ProductionOptions options;
  options.http_metrics.enabled = options.request_id.enabled = options.trace_context.enabled =
      options.access_log.enabled = options.recovery.enabled = options.security_headers.enabled =
          options.deadline.enabled = options.body_limit.enabled = false;
  EXPECT_THAT(production_chain(options, {&registry, &capture.log()}), IsEmpty());
}

TEST(ProductionChain, LeavesOutWhatHasNothingToReportTo) {
  EXPECT_THAT(names(production_chain({}, {})),
              ElementsAre("request_id", "trace_context", "security_headers", "deadline", "body_limit"));
}

TEST(ProductionChain, ARefusalCarriesIdAndHeadersAndIsLoggedAndCounted) {
  LogCapture capture;
  MetricsRegistry registry;
  TestService service(production_chain({.body_limit = {.bytes = 10}}, {&registry, &capture.log()}));
  service.post("/", [](Context&) { return Response(Status::ok); });
  const TestResponse answer =
      service.request("POST / HTTP/1.1\r\nHost: t\r\nX-Request-Id: caller-1234\r\nContent-Length: 11\r\n\r\n");
  EXPECT_EQ(answer.status, 413);
  EXPECT_EQ(answer.header("X-Request-Id"), "caller-1234");
  EXPECT_EQ(answer.header("X-Content-Type-Options"), "nosniff");
  EXPECT_THAT(answer.body, HasSubstr("caller-1234"));
  EXPECT_THAT(capture.lines(R"("request_id":"caller-1234")"), SizeIs(1));
  const auto counted = samples(registry, "http_server_requests_seconds_count");
  ASSERT_THAT(counted, SizeIs(1));
  EXPECT_THAT(counted[0], HasSubstr(R"(status="413")"));
}

}  // namespace
}  // namespace weir
