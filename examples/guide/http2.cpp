// docs/guide/http2.md
#include <string>

#include <gtest/gtest.h>

#include "support.hpp"

namespace guide {
namespace {

TEST(Http2, HandlersMayAskForTheProtocol) {
  weir::App app(quiet());
  // [ask]
  app.get("/protocol", [](weir::Context& ctx) { return std::string(ctx.connection().protocol); });
  // [/ask]
  EXPECT_EQ(app.test().get("/protocol").body, "HTTP/1.1");  // what the test client speaks
}

TEST(Http2, HasLimits) {
  // [limits]
  weir::AppOptions options;
  options.limits.http2.concurrent_streams = 256;
  options.limits.http2.stream_window = 1 << 20;      // a long way to fast clients with large uploads
  options.limits.http2.connection_window = 4 << 20;  // memory that one connection may make us hold
  options.limits.http2.resets_per_second = 20;
  // [/limits]
  EXPECT_TRUE(options.limits.http2.enabled);
}

}  // namespace
}  // namespace guide
