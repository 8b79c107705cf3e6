// docs/guide/testing.md (beside service/users_test.cpp and async.cpp)
#include <thread>

#include <gtest/gtest.h>

#include "support.hpp"

namespace guide {
namespace {

using namespace std::chrono_literals;

TEST(Testing, TimeStandsStill) {
  weir::App app(quiet());
  app.get("/slow",
          [](weir::Context& ctx) -> weir::Task<std::string> {
            weir::Result<void> slept = co_await ctx.loop().sleep(1h, ctx.stop_token());
            co_return slept ? "slept" : "cancelled";
          })
      .timeout(30s);
  // [clock]
  weir::TestClient client = app.test();
  client.send({weir::Method::get, "/slow", {}, {}});  // does not wait for the answer
  client.advance(29s);
  EXPECT_EQ(client.received(), "");  // nothing yet
  client.advance(1s);
  EXPECT_EQ(client.receive().status, 503);  // the route's timeout
  // [/clock]
}

TEST(Testing, SeveralClients) {
  weir::App app(quiet());
  app.get("/a", [] { return "a"; });
  // [request]
  weir::TestClient client = app.test();
  auto answer = client.request({
      .method = weir::Method::patch,
      .target = "/a",
      .headers = {{"Content-Type", "application/json"}, {"X-Request-Id", "test-0001"}},
      .body = "{}",
  });
  EXPECT_EQ(answer.status, 405);
  EXPECT_EQ(answer.header("x-request-id"), "test-0001");
  // [/request]
}

TEST(Testing, RealSockets) {
  // [sockets]
  weir::AppOptions options;
  options.listen = {"127.0.0.1:0"};  // the kernel chooses
  options.log.file = "/dev/null";
  weir::App app(options);
  app.get("/a", [] { return "a"; });
  ASSERT_TRUE(app.start());
  const std::uint16_t port = app.addresses().front().port();
  // … any client …
  app.stop(0s);
  // [/sockets]
  EXPECT_NE(port, 0);
}

TEST(Testing, TheDescriptionIsPartOfIt) {
  weir::App app(quiet());
  app.get("/a", [] { return "a"; }).operation_id("readA");
  // [openapi]
  EXPECT_NE(app.openapi().find(R"("operationId":"readA")"), std::string::npos);
  // [/openapi]
}

}  // namespace
}  // namespace guide
