#include "weir/middleware/request_id.hpp"

#include <set>
#include <stdexcept>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/telemetry/trace.hpp"
#include "weir/web/chain_test_support.hpp"

namespace weir {
namespace {

using testing::HasSubstr;

std::string seen_id(Context& ctx) {
  return std::string(ctx.request_id());
}

TEST(RequestIds, GivesEveryRequestAnIdAndTellsIt) {
  TestService service({request_id()});
  service.get("/", seen_id);
  std::set<std::string> ids;
  TestConnection connection(service);
  for (int i = 0; i < 3; ++i) {
    const TestResponse answer = connection.request(TestService::request_text("GET", "/"));
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body.size(), RequestId::size);
    EXPECT_EQ(answer.header("X-Request-Id"), answer.body);
    ids.insert(answer.body);
  }
  EXPECT_EQ(ids.size(), 3U);
}

TEST(RequestIds, KeepsAValidIncomingOne) {
  TestService service({request_id()});
  service.get("/", seen_id);
  const TestResponse answer = service.get_path("/", {{"x-request-id", "caller-1234"}});
  EXPECT_EQ(answer.body, "caller-1234");
  EXPECT_EQ(answer.header("X-Request-Id"), "caller-1234");
}

TEST(RequestIds, ReplacesWhatIsNotValid) {
  TestService service({request_id()});
  service.get("/", seen_id);
  for (const std::string_view bad : {"short", "has space inside", "quote\"quote", "<script>alert(1)</script>"}) {
    const TestResponse answer = service.get_path("/", {{"X-Request-Id", bad}});
    EXPECT_EQ(answer.body.size(), RequestId::size) << bad;
    EXPECT_EQ(answer.header("X-Request-Id"), answer.body) << bad;
  }
  const std::string long_id(129, 'a');
  EXPECT_EQ(service.get_path("/", {{"X-Request-Id", long_id}}).body.size(), RequestId::size);
}

TEST(RequestIds, IgnoresIncomingOnesWhenToldTo) {
  TestService service({request_id({.accept_incoming = false})});
  service.get("/", seen_id);
  EXPECT_NE(service.get_path("/", {{"X-Request-Id", "caller-1234"}}).body, "caller-1234");
}

TEST(RequestIds, UsesAnotherHeader) {
  TestService service({request_id({.header = "X-Trace-Key"})});
  service.get("/", seen_id);
  const TestResponse answer = service.get_path("/", {{"X-Trace-Key", "caller-1234"}, {"X-Request-Id", "other-5678"}});
  EXPECT_EQ(answer.body, "caller-1234");
  EXPECT_EQ(answer.header("X-Trace-Key"), "caller-1234");
  EXPECT_FALSE(answer.has("X-Request-Id"));
}

TEST(RequestIds, StaysSilentWithoutEcho) {
  TestService service({request_id({.echo = false})});
  service.get("/", seen_id);
  EXPECT_FALSE(service.get_path("/").has("X-Request-Id"));
}

TEST(RequestIds, ReplacesWhatTheHandlerSet) {
  TestService service({request_id()});
  service.get("/", [](Context&) {
    Response response(Status::ok);
    response.headers.add(HeaderId::x_request_id, "from-handler");
    return response;
  });
  const TestResponse answer = service.get_path("/", {{"X-Request-Id", "caller-1234"}});
  EXPECT_EQ(answer.header("X-Request-Id"), "caller-1234");
  EXPECT_EQ(answer.text.find("from-handler"), std::string::npos);
}

TEST(RequestIds, StandsInProblems) {
  TestService service({request_id()});
  const TestResponse answer = service.get_path("/nowhere", {{"X-Request-Id", "caller-1234"}});
  EXPECT_EQ(answer.status, 404);
  EXPECT_EQ(answer.header("X-Request-Id"), "caller-1234");
  EXPECT_THAT(answer.body, HasSubstr(R"("request_id":"caller-1234")"));
}

TEST(RequestIds, RefusesAHeaderThatIsNoName) {
  EXPECT_THROW(static_cast<void>(request_id({.header = "X Id"})), std::invalid_argument);
  EXPECT_THROW(static_cast<void>(request_id({.header = ""})), std::invalid_argument);
}

}  // namespace
}  // namespace weir
