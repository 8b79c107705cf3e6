// docs/guide/tls.md
#include <string>

#include <gtest/gtest.h>

#include "support.hpp"

namespace guide {
namespace {

using namespace std::chrono_literals;

TEST(Tls, ServesAndRedirects) {
  // [serve]
  weir::AppOptions options;
  options.listen = {"0.0.0.0:443", "http://0.0.0.0:80"};
  options.tls.certificates = {{.certificate_file = "/etc/orders/tls.pem", .key_file = "/etc/orders/tls.key"}};
  options.production.security_headers.hsts_max_age = 365 * 24h;
  weir::App app(options);
  app.use(weir::redirect_to_https());
  // [/serve]
  const weir::Result<void> started = app.start();
  ASSERT_FALSE(started);
  EXPECT_NE(started.error().message().find("/etc/orders/tls.pem"), std::string::npos) << started.error().message();
}

TEST(Tls, MakesACertificateForDevelopment) {
  weir::AppOptions options = quiet();
  // [development]
  options.listen = {"127.0.0.1:0"};
  options.tls.certificates = {weir::self_signed({"localhost", "127.0.0.1"})};
  // [/development]
  weir::App app(options);
  ASSERT_TRUE(app.start());
  // [reload]
  if (const weir::Result<void> reloaded = app.reload_tls(); !reloaded) {
    app.logger().error("the old certificates stay", {{"why", reloaded.error().message()}});
  }
  // [/reload]
  EXPECT_TRUE(app.reload_tls());
  app.stop(0s);
}

TEST(Tls, HasCertificatesByName) {
  weir::AppOptions options = quiet();
  // [names]
  options.tls.certificates = {
      {.certificate_file = "shop.pem", .key_file = "shop.key"},  // for clients that name no host, or an unknown one
      {.certificate_file = "api.pem", .key_file = "api.key", .ocsp_file = "api.ocsp"},
      {.certificate_file = "api-rsa.pem", .key_file = "api-rsa.key"},  // the same names: for old clients
  };
  // [/names]
  EXPECT_FALSE(weir::App(options).start());
}

TEST(Tls, KnowsItsClients) {
  weir::AppOptions options = quiet();
  // [clients]
  options.tls.client_auth = weir::ClientAuth::optional;  // or required
  options.tls.client_ca_file = "/etc/orders/clients-ca.pem";
  weir::App app(options);
  app.get("/internal/report", [](weir::Context& ctx) -> weir::Result<std::string> {
    const auto* certificate = ctx.client_certificate();
    if (certificate == nullptr) return weir::forbidden("this needs a client certificate");
    return "hello " + certificate->common_name;
  });
  // [/clients]
  EXPECT_EQ(app.test().get("/internal/report").status, 403);
}

TEST(Tls, BelievesProxiesThatItIsToldOf) {
  // [proxies]
  weir::AppOptions options = quiet();
  options.trusted_proxies.ranges = {"127.0.0.0/8", "10.0.0.0/8"};
  weir::App app(options);
  app.use(weir::redirect_to_https());
  app.get("/me", [](weir::Context& ctx) { return std::string(ctx.client_ip()); });
  // [/proxies]
  const auto answer = app.test().get("/me", {{"X-Forwarded-For", "203.0.113.9"}, {"X-Forwarded-Proto", "https"}});
  EXPECT_EQ(answer.status, 200);
  EXPECT_NE(answer.body.find("203.0.113.9"), std::string::npos);
  EXPECT_EQ(app.test().get("/me").status, 308);
}

TEST(Tls, ReadsHeadersOfLoadBalancers) {
  weir::AppOptions options = quiet();
  // [balancers]
  options.proxy_protocol_from = {"10.1.0.0/16"};
  // [/balancers]
  EXPECT_EQ(options.proxy_protocol_from.size(), 1u);
}

}  // namespace
}  // namespace guide
