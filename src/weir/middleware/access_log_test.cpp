#include "weir/middleware/access_log.hpp"

#include <chrono>
#include <stdexcept>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/middleware/deadline.hpp"
#include "weir/middleware/request_id.hpp"
#include "weir/middleware/telemetry_test_support.hpp"
#include "weir/middleware/trace_context.hpp"
#include "weir/web/chain_test_support.hpp"

namespace weir {
namespace {

using middleware::LogCapture;
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

/// Never answers by itself, and cleans up when it is told to stop.
Task<Response> wait_for_ever(Context& ctx) {
  const Result<void> slept = co_await ctx.loop().sleep(std::chrono::hours(1), ctx.stop_token());
  static_cast<void>(slept);
  co_return Response(Status::ok);
}

TEST(AccessLogging, WritesALineForEachRequest) {
  LogCapture capture;
  TestService service({request_id(), trace_context(), access_log(capture.log())});
  service.post("/users/{id}", [](Context& ctx) -> Task<std::string> {
    const Result<std::string_view> body = co_await ctx.body();
    const Result<void> slept = co_await ctx.loop().sleep(5ms);
    co_return slept&& body ? "12345" : "";
  });
  TestConnection connection(service);
  connection.send(TestService::request_text(
      "POST", "/users/7?token=secret",
      {{"User-Agent", "curl/8.0"}, {"X-Request-Id", "caller-1234"}, {"Authorization", "Bearer secret"}}, "abc"));
  service.advance(5ms);
  EXPECT_EQ(connection.receive().status, 200);
  const auto lines = capture.lines();
  ASSERT_THAT(lines, SizeIs(1));
  EXPECT_THAT(lines[0], AllOf(HasSubstr(R"("logger":"access")"), HasSubstr(R"("level":"info")"),
                              HasSubstr(R"("method":"POST")"), HasSubstr(R"("path":"/users/7")"),
                              HasSubstr(R"("route":"/users/{id}")"), HasSubstr(R"("status":200)"),
                              HasSubstr(R"("request_id":"caller-1234")"), HasSubstr(R"("trace_id":")")));
  EXPECT_THAT(lines[0], AllOf(HasSubstr("192.0.2.1"), HasSubstr("curl/8.0"), HasSubstr("HTTP/1.1"),
                              HasSubstr(R"("bytes_in":3)"), HasSubstr(R"("bytes_out":5)")));
  EXPECT_THAT(lines[0], AllOf(Not(HasSubstr("secret")), Not(HasSubstr("error\":"))));
}

TEST(AccessLogging, SaysThatTheClientWentAway) {
  LogCapture capture;
  TestService service({access_log(capture.log())});
  service.get("/slow", wait_for_ever);
  TestConnection connection(service);
  connection.send(TestService::request_text("GET", "/slow"));
  EXPECT_THAT(capture.lines(), SizeIs(0));
  connection.close(true);
  const auto lines = capture.lines();
  ASSERT_THAT(lines, SizeIs(1));
  EXPECT_THAT(lines[0], AllOf(HasSubstr(R"("error":"client_gone")"), HasSubstr(R"("status":499)")));
}

TEST(AccessLogging, SaysThatTheTimeWasOver) {
  LogCapture capture;
  TestService service({access_log(capture.log()), deadline({.timeout = 2s})});
  service.get("/slow", wait_for_ever);
  TestConnection connection(service);
  connection.send(TestService::request_text("GET", "/slow"));
  service.advance(2s);
  EXPECT_EQ(connection.receive().status, 503);
  const auto lines = capture.lines();
  ASSERT_THAT(lines, SizeIs(1));
  EXPECT_THAT(lines[0], AllOf(HasSubstr(R"("error":"deadline")"), HasSubstr(R"("status":503)"),
                              HasSubstr(R"("level":"error")"), HasSubstr("2000")));
}

TEST(AccessLogging, LogsWhatNoRouteAnswers) {
  LogCapture capture;
  TestService service({access_log(capture.log())});
  EXPECT_EQ(service.get_path("/nowhere").status, 404);
  const auto lines = capture.lines();
  ASSERT_THAT(lines, SizeIs(1));
  EXPECT_THAT(lines[0], AllOf(HasSubstr(R"("path":"/nowhere")"), HasSubstr(R"("status":404)")));
}

TEST(AccessLogging, KeepsQuietRoutesQuietUntilTheyFail) {
  LogCapture capture;
  TestService service({access_log(capture.log(), {.fields = {}, .quiet_routes = {"/healthz"}})});
  bool healthy = true;
  service.get("/healthz", [&](Context&) { return Response(healthy ? Status::ok : Status::service_unavailable); });
  EXPECT_EQ(service.get_path("/healthz").status, 200);
  EXPECT_THAT(capture.lines(), SizeIs(0));
  healthy = false;
  EXPECT_EQ(service.get_path("/healthz").status, 503);
  EXPECT_THAT(capture.lines(), SizeIs(1));
}

TEST(AccessLogging, FollowsTheLevelOfItsLogger) {
  LogCapture capture;
  TestService service({access_log(capture.log())});
  service.get("/", [](Context&) { return Response(Status::ok); });
  capture.log().set_level("access", LogLevel::off);
  service.get_path("/");
  EXPECT_THAT(capture.lines(), SizeIs(0));
  capture.log().set_level("access", LogLevel::info);
  service.get_path("/");
  EXPECT_THAT(capture.lines(), SizeIs(1));
}

}  // namespace
}  // namespace weir
