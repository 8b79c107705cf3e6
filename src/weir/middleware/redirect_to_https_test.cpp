#include "weir/middleware/redirect_to_https.hpp"

#include <optional>
#include <stdexcept>

#include <gtest/gtest.h>

#include "weir/middleware/security_headers.hpp"
#include "weir/web/chain_test_support.hpp"

namespace weir {
namespace {

std::string get(std::string_view target, std::string_view host) {
  return "GET " + std::string(target) + " HTTP/1.1\r\nHost: " + std::string(host) + "\r\n\r\n";
}

TEST(RedirectToHttps, SendsClientsToTheSameUrl) {
  TestService service({redirect_to_https({.status = 301, .port = 8443})});
  const TestResponse answer = service.request(get("/a%20b?c=d&e", "shop.example:8080"));
  EXPECT_EQ(answer.status, 301);
  EXPECT_EQ(answer.header("Location"), "https://shop.example:8443/a%20b?c=d&e");
  EXPECT_EQ(TestService({redirect_to_https()}).request(get("/", "[::1]:80")).header("Location"), "https://[::1]/");
}

TEST(RedirectToHttps, KeepsTheMethodByDefault) {
  TestService service({redirect_to_https()});
  const TestResponse answer = service.request("POST /x HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 2\r\n\r\nab");
  EXPECT_EQ(answer.status, 308);
  EXPECT_EQ(answer.header("Location"), "https://shop.example/x");
}

TEST(RedirectToHttps, LeavesExemptPathsAndOtherHostsAlone) {
  TestService service({redirect_to_https({.hosts = {"a.example", "*.b.example"}})});
  service.get("/healthz", [](Context&) { return Response(Status::ok); });
  service.get("/x", [](Context&) { return Response(Status::ok); });
  EXPECT_EQ(service.request(get("/healthz", "a.example")).status, 200);
  EXPECT_EQ(service.request(get("/x", "A.example")).status, 308);
  EXPECT_EQ(service.request(get("/x", "c.b.example")).status, 308);
  EXPECT_EQ(service.request(get("/x", "a.example.")).status, 308);
  EXPECT_EQ(service.request(get("/x", "b.example")).status, 200);
  EXPECT_EQ(service.request(get("/x", "c.example")).status, 200);
}

TEST(RedirectToHttps, AnAbsoluteTargetDoesNotGetAround) {
  TestService service({redirect_to_https(), security_headers({.hsts_max_age = std::chrono::hours(1)})});
  const TestResponse answer = service.request(get("https://shop.example/x", "shop.example"));
  EXPECT_EQ(answer.status, 308);
  EXPECT_FALSE(answer.has("Strict-Transport-Security"));
}

TEST(RedirectToHttps, RefusesWhatHasNoUrl) {
  TestService service({redirect_to_https()});
  EXPECT_EQ(service.request("GET / HTTP/1.0\r\n\r\n").status, 400);
  EXPECT_THROW(static_cast<void>(redirect_to_https({.status = 302})), std::invalid_argument);
  EXPECT_THROW(static_cast<void>(redirect_to_https({.port = 0})), std::invalid_argument);
}

}  // namespace
}  // namespace weir
