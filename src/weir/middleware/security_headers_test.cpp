#include "weir/middleware/security_headers.hpp"

#include <optional>
#include <stdexcept>

#include <gtest/gtest.h>

#include "weir/web/chain_test_support.hpp"

namespace weir {
namespace {

TEST(SecurityHeaders, AddsTheSafeOnesToEveryAnswer) {
  TestService service({security_headers()});
  service.get("/", [](Context&) { return Response(Status::ok); });
  for (const TestResponse& answer : {service.get_path("/"), service.get_path("/nowhere")}) {
    EXPECT_EQ(answer.header("X-Content-Type-Options"), "nosniff") << answer.text;
    EXPECT_EQ(answer.header("X-Frame-Options"), "SAMEORIGIN");
    EXPECT_EQ(answer.header("Referrer-Policy"), "no-referrer");
    EXPECT_FALSE(answer.has("Content-Security-Policy"));
    EXPECT_FALSE(answer.has("Strict-Transport-Security"));
  }
}

TEST(SecurityHeaders, ReachesRefusalsOfMiddlewareBehindIt) {
  const auto refuse = [](Context&) { return std::optional<Response>(Response(Status::forbidden)); };
  TestService service({security_headers(), refuse});
  EXPECT_EQ(service.get_path("/").header("X-Content-Type-Options"), "nosniff");
}

TEST(SecurityHeaders, LeavesWhatTheHandlerSetAlone) {
  TestService service({security_headers({.content_security_policy = "default-src 'self'"})});
  service.get("/", [](Context&) {
    Response response(Status::ok);
    response.headers.add(HeaderId::x_frame_options, "DENY");
    return response;
  });
  const TestResponse answer = service.get_path("/");
  EXPECT_EQ(answer.header("X-Frame-Options"), "DENY");
  EXPECT_EQ(answer.header("X-Content-Type-Options"), "nosniff");
  EXPECT_EQ(answer.header("Content-Security-Policy"), "default-src 'self'");
  EXPECT_EQ(answer.text.find("SAMEORIGIN"), std::string::npos);
}

TEST(SecurityHeaders, LeavesOutWhatIsEmpty) {
  TestService service({security_headers({.frame_options = "", .referrer_policy = ""})});
  const TestResponse answer = service.get_path("/");
  EXPECT_TRUE(answer.has("X-Content-Type-Options"));
  EXPECT_FALSE(answer.has("X-Frame-Options"));
  EXPECT_FALSE(answer.has("Referrer-Policy"));
}

TEST(SecurityHeaders, SendsHstsOverTlsOnly) {
  TestService service({security_headers({.hsts_max_age = std::chrono::hours(24)})});
  EXPECT_FALSE(service.get_path("/").has("Strict-Transport-Security"));
}

TEST(SecurityHeaders, RefusesValuesThatCannotBeSent) {
  EXPECT_THROW(static_cast<void>(security_headers({.frame_options = "a\r\nSet-Cookie: b=c"})), std::invalid_argument);
}

}  // namespace
}  // namespace weir
