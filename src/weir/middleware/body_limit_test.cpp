#include "weir/middleware/body_limit.hpp"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/web/chain_test_support.hpp"

namespace weir {
namespace {

using testing::HasSubstr;

class BodyLimitTest : public testing::Test {
 protected:
  void serve(std::vector<Middleware> chain) {
    service_ = std::make_unique<TestService>(std::move(chain));
    endpoint_ = &service_->post("/", [this](RawBody body) {
      ++calls_;
      return std::to_string(body.value.size());
    });
  }
  TestResponse post(std::size_t bytes) {
    return service_->request(TestService::request_text("POST", "/", {}, std::string(bytes, 'x')));
  }

  std::unique_ptr<TestService> service_;
  Endpoint* endpoint_ = nullptr;
  int calls_ = 0;
};

TEST_F(BodyLimitTest, LetsThroughWhatFits) {
  serve({body_limit({.bytes = 10})});
  EXPECT_EQ(post(10).body, "10");
}

TEST_F(BodyLimitTest, RefusesAnAnnouncedLengthBeforeReading) {
  serve({body_limit({.bytes = 10})});
  const TestResponse answer = service_->request("POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 11\r\n\r\n");
  EXPECT_EQ(answer.status, 413);
  EXPECT_EQ(answer.header("Content-Type"), "application/problem+json");
  EXPECT_THAT(answer.body, HasSubstr("11 bytes"));
  EXPECT_EQ(calls_, 0);
}

/// What cors() sets must be on the refusal, too, or a page cannot tell it from a network that is down.
TEST_F(BodyLimitTest, MiddlewareBehindItHoldsForTheRefusal) {
  struct Outside {
    static void after(Context&, Response& response) { response.headers.set("X-Outside", "yes"); }
  };
  struct Waiting {
    static Task<Response> around(Context&, Next next) { co_return co_await next(); }
  };
  for (const bool waits : {false, true}) {
    std::vector<Middleware> chain = {body_limit({.bytes = 10}), Outside{}};
    if (waits) chain.emplace_back(Waiting{});
    serve(std::move(chain));
    const TestResponse answer = service_->request("POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 11\r\n\r\n");
    EXPECT_EQ(answer.status, 413);
    EXPECT_EQ(answer.header("X-Outside"), "yes");
    EXPECT_EQ(calls_, 0);
  }
}

TEST_F(BodyLimitTest, RefusesWhileReadingWhereNoLengthWasAnnounced) {
  serve({body_limit({.bytes = 10})});
  const TestResponse answer = service_->request(
      "POST / HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nabcdef\r\n6\r\nabcdef\r\n0\r\n\r\n");
  EXPECT_EQ(answer.status, 413);
  EXPECT_EQ(calls_, 0);
}

TEST_F(BodyLimitTest, TheRoutesOwnLimitWins) {
  serve({body_limit({.bytes = 10})});
  endpoint_->body_limit = 20;
  EXPECT_EQ(post(20).body, "20");
  EXPECT_EQ(post(21).status, 413);
}

TEST_F(BodyLimitTest, TheInnermostWins) {
  serve({body_limit({.bytes = 20}), body_limit({.bytes = 10})});
  EXPECT_EQ(post(11).status, 413);
}

TEST_F(BodyLimitTest, ZeroIsNone) {
  serve({body_limit({.bytes = 0})});
  EXPECT_EQ(post(5 << 20).body, std::to_string(5 << 20));
}

TEST_F(BodyLimitTest, IsFourMebibytesByDefault) {
  serve({body_limit()});
  EXPECT_EQ(service_->request("POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 4194305\r\n\r\n").status, 413);
  EXPECT_EQ(post(4 << 20).body, "4194304");
}

}  // namespace
}  // namespace weir
