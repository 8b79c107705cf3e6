#include "weir/middleware/recovery.hpp"

#include <stdexcept>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/middleware/telemetry_test_support.hpp"
#include "weir/web/chain_test_support.hpp"
#include "weir/web/response.hpp"

namespace weir {
namespace {

using middleware::LogCapture;
using middleware::samples;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

Response throws(Context&) {
  throw std::runtime_error("the database password is hunter2");
}

TEST(Recovery, CountsExceptionsByType) {
  MetricsRegistry registry;
  TestService service({recovery(registry)});
  service.get("/", throws);
  service.get("/int", [](Context&) -> Response { throw 7; });
  service.get("/fine", [](Context&) { return Response(Status::ok); });
  EXPECT_EQ(service.get_path("/").status, 500);
  EXPECT_EQ(service.get_path("/").status, 500);
  EXPECT_EQ(service.get_path("/int").status, 500);
  EXPECT_EQ(service.get_path("/fine").status, 200);
  EXPECT_THAT(samples(registry, "weir_handler_exceptions_total"),
              ElementsAre(R"(weir_handler_exceptions_total{exception="int"} 1)",
                          R"(weir_handler_exceptions_total{exception="std::runtime_error"} 2)"));
}

TEST(Recovery, KeepsWhatWasThrownFromClientsButLogsIt) {
  LogCapture capture;
  TestService service;
  service.environment().log = capture.log().logger("app");
  service.get("/", throws);
  EXPECT_THAT(service.get_path("/").body, Not(HasSubstr("hunter2")));
  const auto lines = capture.lines("hunter2");
  ASSERT_THAT(lines, SizeIs(1));
  EXPECT_THAT(lines[0], AllOf(HasSubstr("std::runtime_error"), HasSubstr(R"("level":"error")")));
}

TEST(Recovery, LogsALocationThatCannotBeSent) {
  LogCapture capture;
  TestService service;
  service.environment().log = capture.log().logger("app");
  service.get("/moved", [](Context&) { return redirect("/a\r\nSet-Cookie: b"); });
  service.get("/made", [] { return created(std::string("value"), "/a\n"); });
  for (const char* path : {"/moved", "/made"}) {
    const auto answer = service.get_path(path);
    EXPECT_EQ(answer.status, 500) << path;
    EXPECT_EQ(answer.header("Location"), "") << path;
  }
  EXPECT_THAT(capture.lines("percent-encode"), SizeIs(2));
}

TEST(Recovery, LogsAMediaTypeThatCannotBeSent) {
  LogCapture capture;
  TestService service;
  service.environment().log = capture.log().logger("app");
  service.get("/", [](Context&) { return bytes("x", "text/plain\r\nSet-Cookie: b"); });
  const auto answer = service.get_path("/");
  EXPECT_EQ(answer.status, 500);
  EXPECT_EQ(answer.header("Set-Cookie"), "");
  EXPECT_THAT(capture.lines("a media type with a control character"), SizeIs(1));
}

TEST(Recovery, ShowsExceptionsWhenToldTo) {
  TestService service;
  apply_recovery(service.environment(), {.show_exceptions = true});
  service.get("/", throws);
  EXPECT_THAT(service.get_path("/").body, HasSubstr("hunter2"));
}

TEST(Recovery, TellsTheObserverAndKeepsTheAnswerOfOthers) {
  TestService service;
  service.environment().on_exception = [](Context&, const std::exception_ptr&) {
    return Response(Status::bad_gateway);
  };
  std::string seen;
  apply_recovery(service.environment(), {}, [&seen](Context& ctx, const std::exception_ptr& thrown) {
    try {
      std::rethrow_exception(thrown);
    } catch (const std::exception& error) {
      seen = std::string(ctx.route()) + ": " + error.what();
    }
  });
  service.get("/x", throws);
  EXPECT_EQ(service.get_path("/x").status, 502);
  EXPECT_EQ(seen, "/x: the database password is hunter2");
}

TEST(Recovery, SurvivesAnObserverThatThrows) {
  TestService service;
  apply_recovery(service.environment(), {},
                 [](Context&, const std::exception_ptr&) { throw std::runtime_error("me too"); });
  service.get("/", throws);
  EXPECT_EQ(service.get_path("/").status, 500);
}

}  // namespace
}  // namespace weir
