#include "weir/middleware/deadline.hpp"

#include <chrono>

#include <gtest/gtest.h>

#include "weir/web/chain_test_support.hpp"

namespace weir {
namespace {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

/// Answers after ten seconds, or 500 when it is stopped.
Task<Response> slow(Context& ctx) {
  const Result<void> slept = co_await ctx.loop().sleep(10s, ctx.stop_token());
  co_return Response(slept ? Status::ok : Status::internal_server_error);
}

TEST(RequestDeadline, CancelsWhatTakesTooLong) {
  StopReason reason = StopReason::none;
  TestService service({deadline({.timeout = 2s})});
  service.get("/", [&reason](Context& ctx) -> Task<Response> {
    const Result<void> slept = co_await ctx.loop().sleep(10s, ctx.stop_token());
    reason = ctx.stop_token().reason();
    co_return Response(slept ? Status::ok : Status::internal_server_error);
  });
  TestConnection connection(service);
  connection.send(TestService::request_text("GET", "/"));
  service.advance(1990ms);
  EXPECT_EQ(connection.receive().status, 0);
  service.advance(20ms);
  EXPECT_EQ(connection.receive().status, 503);
  EXPECT_EQ(reason, StopReason::deadline);
}

TEST(RequestDeadline, LeavesTheRoutesOwnTimeoutAlone) {
  TestService service({deadline({.timeout = 2s})});
  service.get("/", slow).timeout = 20s;
  TestConnection connection(service);
  connection.send(TestService::request_text("GET", "/"));
  service.advance(10s);
  EXPECT_EQ(connection.receive().status, 200);
}

TEST(RequestDeadline, TheInnermostWins) {
  TestService service({deadline({.timeout = 2s}), deadline({.timeout = 20s})});
  service.get("/", slow);
  TestConnection connection(service);
  connection.send(TestService::request_text("GET", "/"));
  service.advance(10s);
  EXPECT_EQ(connection.receive().status, 200);
}

TEST(RequestDeadline, ZeroIsNone) {
  TestService service({deadline({.timeout = 0s})});
  service.get("/", [](Context& ctx) -> Task<Response> {
    const Result<void> slept = co_await ctx.loop().sleep(std::chrono::hours(1), ctx.stop_token());
    co_return Response(slept ? Status::ok : Status::internal_server_error);
  });
  TestConnection connection(service);
  connection.send(TestService::request_text("GET", "/"));
  service.advance(std::chrono::hours(1));
  EXPECT_EQ(connection.receive().status, 200);
}

TEST(RequestDeadline, DoesNotCountTheTimeInWhichTheBodyArrives) {
  TestService service({deadline({.timeout = 30s})});
  service.post("/", [](Context& ctx) -> Task<Response> {
    const Result<std::string_view> body = co_await ctx.body();
    if (!body) co_return Response(Status::internal_server_error);
    const Result<void> slept = co_await ctx.loop().sleep(25s, ctx.stop_token());
    co_return Response(slept ? Status::ok : Status::internal_server_error);
  });
  const std::string piece(9000, 'x');
  const auto upload = [&](TestConnection& connection, int pieces) {
    connection.send("POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 180000\r\n\r\n");
    for (int i = 0; i < pieces; ++i) {
      service.advance(5s);
      connection.send(piece);
      ASSERT_EQ(connection.receive().status, 0) << i;
    }
  };
  TestConnection whole(service);
  upload(whole, 20);  // 100 s
  service.advance(24s);
  EXPECT_EQ(whole.receive().status, 0);
  service.advance(2s);
  EXPECT_EQ(whole.receive().status, 200);

  TestConnection stopped(service);
  upload(stopped, 19);
  service.advance(31s);
  EXPECT_EQ(stopped.receive().status, 408);
}

TEST(RequestDeadline, CountsFromTheLastOfTheBodyForTheHandler) {
  TestService service({deadline({.timeout = 30s})});
  service.post("/", [](Context& ctx) -> Task<Response> {
    const Result<std::string_view> body = co_await ctx.body();
    if (!body) co_return Response(Status::internal_server_error);
    const Result<void> slept = co_await ctx.loop().sleep(60s, ctx.stop_token());
    co_return Response(slept ? Status::ok : Status::internal_server_error);
  });
  TestConnection connection(service);
  connection.send("POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 2\r\n\r\na");
  service.advance(8s);
  connection.send("b");
  service.advance(29s);
  EXPECT_EQ(connection.receive().status, 0);
  service.advance(2s);
  EXPECT_EQ(connection.receive().status, 503);
}

TEST(RequestDeadline, ARoutesOwnTimeoutCountsTheBodyToo) {
  TestService service({deadline({.timeout = 30s})});
  service
      .post("/",
            [](Context& ctx) -> Task<Response> {
              const Result<std::string_view> body = co_await ctx.body();
              co_return Response(body ? Status::ok : Status::internal_server_error);
            })
      .timeout = 20s;
  TestConnection connection(service);
  connection.send("POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 100000\r\n\r\n");
  for (int i = 0; i < 4; ++i) {
    connection.send(std::string(9000, 'x'));
    service.advance(5s);
  }
  EXPECT_EQ(connection.receive().status, 408);
}

TEST(RequestDeadline, SaysThatTheBodyWasLate) {
  TestService service({deadline({.timeout = 2s})});
  service.post("/", [](Context& ctx) -> Task<Response> {
    const Result<std::string_view> body = co_await ctx.body();
    co_return Response(body ? Status::ok : Status::internal_server_error);
  });
  TestConnection connection(service);
  connection.send("POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 10\r\n\r\nabc");
  service.advance(2s);
  EXPECT_EQ(connection.receive().status, 408);
}

}  // namespace
}  // namespace weir
