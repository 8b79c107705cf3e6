#include "weir/middleware/rate_limit.hpp"

#include <chrono>
#include <stdexcept>
#include <string>

#include <gtest/gtest.h>

#include "weir/json/read.hpp"
#include "weir/middleware/jwt.hpp"
#include "weir/middleware/malloc_count_test_support.hpp"
#include "weir/web/chain_test_support.hpp"

namespace weir {
namespace {

using namespace std::chrono_literals;
using middleware::IpAddress;
using middleware::IpNetwork;

using Fields = std::initializer_list<std::pair<std::string_view, std::string_view>>;

TestService::Options from(std::string_view address) {
  TestService::Options options;
  options.client = net::SocketAddress::ip(address, 4711).value();
  return options;
}

struct App {
  explicit App(std::vector<Middleware> chain, std::string_view client = "192.0.2.1")
      : service(std::move(chain), from(client)) {
    service.get("/", [](Context&) { return Response(Status::no_content); });
    service.get("/other", [](Context&) { return Response(Status::no_content); });
    service.get("/health", [](Context&) { return Response(Status::no_content); });
  }
  int get(Fields fields = {}, std::string_view path = "/") { return service.get_path(path, fields).status; }
  /// How many requests get through until one is refused.
  int allowed(Fields fields = {}, std::string_view path = "/") {
    int count = 0;
    while (count < 1000 && get(fields, path) == 204) ++count;
    return count;
  }
  TestService service;
};

TEST(RateLimitMiddleware, CountsDownAndRefusesWith429) {
  App app({rate_limit({.requests = 3, .window = 60s})});
  const TestResponse first = app.service.get_path("/");
  EXPECT_EQ(first.status, 204);
  EXPECT_EQ(first.header("X-RateLimit-Limit"), "3");
  EXPECT_EQ(first.header("X-RateLimit-Remaining"), "2");
  EXPECT_EQ(first.header("X-RateLimit-Reset"), "20");
  EXPECT_FALSE(first.has("Retry-After"));
  EXPECT_EQ(app.service.get_path("/").header("X-RateLimit-Remaining"), "1");
  EXPECT_EQ(app.service.get_path("/").header("X-RateLimit-Remaining"), "0");

  const TestResponse refused = app.service.get_path("/");
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(refused.header("Retry-After"), "20");
  EXPECT_EQ(refused.header("X-RateLimit-Limit"), "3");
  EXPECT_EQ(refused.header("X-RateLimit-Remaining"), "0");
  EXPECT_EQ(refused.header("X-RateLimit-Reset"), "60");
  EXPECT_EQ(refused.header("Content-Type"), "application/problem+json");
  EXPECT_NE(refused.body.find("try again in 20 s"), std::string::npos) << refused.body;
}

TEST(RateLimitMiddleware, GivesTokensBackEvenly) {
  App app({rate_limit({.requests = 3, .window = 60s})});
  EXPECT_EQ(app.allowed(), 3);
  app.service.advance(19s);
  EXPECT_EQ(app.get(), 429);
  app.service.advance(1s);
  EXPECT_EQ(app.allowed(), 1);
  app.service.advance(10min);
  EXPECT_EQ(app.allowed(), 3) << "a long pause saves up no more than the bucket";
}

TEST(RateLimitMiddleware, AllowsAHundredAMinuteByDefault) {
  App app({rate_limit()});
  EXPECT_EQ(app.allowed(), 100);
}

TEST(RateLimitMiddleware, LimitsUnknownRoutesToo) {
  App app({rate_limit({.requests = 2})});
  EXPECT_EQ(app.get({}, "/a"), 404);
  EXPECT_EQ(app.get({}, "/b"), 404);
  EXPECT_EQ(app.get({}, "/c"), 429);
}

TEST(RateLimitMiddleware, BelievesNoHeaderByDefault) {
  App app({rate_limit({.requests = 2})});
  EXPECT_EQ(app.get({{"X-Forwarded-For", "198.51.100.1"}}), 204);
  EXPECT_EQ(app.get({{"X-Real-IP", "198.51.100.2"}}), 204);
  EXPECT_EQ(app.get({{"Forwarded", "for=198.51.100.3"}, {"X-Forwarded-For", "198.51.100.3"}}), 429);
}

TEST(RateLimitMiddleware, BelievesTrustedProxies) {
  App app({rate_limit({.requests = 1, .trusted_proxies = {"192.0.2.0/24", "10.0.0.0/8"}})});
  EXPECT_EQ(app.get({{"X-Forwarded-For", "198.51.100.1"}}), 204);
  EXPECT_EQ(app.get({{"X-Forwarded-For", "198.51.100.1"}}), 429);
  EXPECT_EQ(app.get({{"X-Forwarded-For", "198.51.100.2:55123, 10.1.2.3"}}), 204);
  EXPECT_EQ(app.get({{"X-Forwarded-For", "198.51.100.2"}}), 429);
  EXPECT_EQ(app.get({{"X-Forwarded-For", "[2001:db8::1]:443"}}), 204);
  EXPECT_EQ(app.get({{"X-Forwarded-For", "2001:db8::2"}}), 429) << "the same /64";
  // What stands left of the first address that is no proxy's was written by the client.
  EXPECT_EQ(app.get({{"X-Forwarded-For", "203.0.113.77, 198.51.100.1"}}), 429);
  EXPECT_EQ(app.get({{"X-Forwarded-For", "203.0.113.77"}, {"X-Forwarded-For", "198.51.100.1, 10.9.9.9"}}), 429);
  // What is no address ends the search at the proxy that sent it.
  EXPECT_EQ(app.get({{"X-Forwarded-For", "garbage"}}), 204);
  EXPECT_EQ(app.get({{"X-Forwarded-For", "203.0.113.78, unknown"}}), 429);
  EXPECT_EQ(app.get(), 429) << "the proxy itself, without the field";
}

TEST(RateLimitMiddleware, BelievesOnlyConnectionsFromTrustedProxies) {
  App app({rate_limit({.requests = 1, .trusted_proxies = {"10.0.0.0/8"}})});
  EXPECT_EQ(app.get({{"X-Forwarded-For", "198.51.100.1"}}), 204);
  EXPECT_EQ(app.get({{"X-Forwarded-For", "198.51.100.2"}}), 429);
}

TEST(RateLimitMiddleware, CountsByHeader) {
  App app({rate_limit({.requests = 2, .by = RateLimitBy::header, .header = "X-Api-Key"})});
  EXPECT_EQ(app.allowed({{"X-API-KEY", "a"}}), 2);
  EXPECT_EQ(app.allowed({{"X-Api-Key", "b"}}), 2);
  EXPECT_EQ(app.allowed(), 2) << "without the field, by address";
  App custom({rate_limit({.requests = 2, .by = RateLimitBy::header, .header = "X-My-Own"})});
  EXPECT_EQ(custom.allowed({{"X-my-own", "a"}}), 2);
  EXPECT_EQ(custom.allowed({{"X-My-Own", "b"}}), 2);
}

TEST(RateLimitMiddleware, CountsByUser) {
  const std::string secret(32, 's');
  App app({jwt({.secret = secret, .required_claims = {}, .optional = true}),
           rate_limit({.requests = 2, .by = RateLimitBy::user})});
  const auto bearer = [&secret](std::string_view claims) { return "Bearer " + sign_jwt(claims, secret).value(); };
  const std::string ada = bearer(R"({"sub":"ada"})");
  const std::string ada_again = bearer(R"({"sub":"ada","jti":"2"})");
  EXPECT_EQ(app.get({{"Authorization", ada}}), 204);
  EXPECT_EQ(app.get({{"Authorization", ada_again}}), 204);
  EXPECT_EQ(app.get({{"Authorization", ada}}), 429);
  EXPECT_EQ(app.allowed({{"Authorization", bearer(R"({"sub":"bob"})")}}), 2);
  EXPECT_EQ(app.allowed({{"Authorization", bearer(R"({"sub":"ada","iss":"elsewhere"})")}}), 2);
  EXPECT_EQ(app.allowed(), 2) << "without a user, by address";
}

TEST(RateLimitMiddleware, CountsByRoute) {
  App app({rate_limit({.requests = 2, .by = RateLimitBy::route})});
  EXPECT_EQ(app.allowed(), 2);
  EXPECT_EQ(app.allowed({}, "/other"), 2);
  App per_route({rate_limit({.requests = 2, .per_route = true})});
  EXPECT_EQ(per_route.allowed(), 2);
  EXPECT_EQ(per_route.allowed({}, "/other"), 2);
  App together({rate_limit({.requests = 2})});
  EXPECT_EQ(together.allowed(), 2);
  EXPECT_EQ(together.allowed({}, "/other"), 0);
}

TEST(RateLimitMiddleware, LeavesTheExemptAlone) {
  App app({rate_limit({.requests = 1, .exempt = {"10.0.0.0/8", "192.0.2.1"}})});
  for (int i = 0; i < 5; ++i) EXPECT_EQ(app.get(), 204);
  EXPECT_FALSE(app.service.get_path("/").has("X-RateLimit-Limit"));
  App routes({rate_limit({.requests = 1, .exempt_routes = {"/health"}})});
  for (int i = 0; i < 5; ++i) EXPECT_EQ(routes.get({}, "/health"), 204);
  EXPECT_EQ(routes.allowed(), 1);
}

TEST(RateLimitMiddleware, AsksFunctionsForKeyAndCost) {
  App app(
      {rate_limit({.requests = 10}, {.key = [](Context& ctx) { return ctx.header("X-Tenant"); },
                                     .cost = [](Context& ctx) { return ctx.header("X-Cost").empty() ? 1U : 5U; }})});
  EXPECT_EQ(app.allowed({{"X-Tenant", "a"}}), 10);
  EXPECT_EQ(app.allowed({{"X-Tenant", "b"}, {"X-Cost", "high"}}), 2);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(app.get(), 204) << "no key, no limit";
  App free({rate_limit({.requests = 1}, {.key = {}, .cost = [](Context&) { return 0U; }})});
  for (int i = 0; i < 5; ++i) EXPECT_EQ(free.get(), 204);
}

TEST(RateLimitMiddleware, TakesTheCostOfThePolicy) {
  App app({rate_limit({.requests = 10, .cost = 3})});
  EXPECT_EQ(app.allowed(), 3);
}

TEST(RateLimitMiddleware, ShowsTheLimitThatIsNearestToItsEnd) {
  App app({rate_limit({.requests = 100}), rate_limit({.requests = 5})});
  const TestResponse answer = app.service.get_path("/");
  EXPECT_EQ(answer.header("X-RateLimit-Limit"), "5");
  EXPECT_EQ(answer.header("X-RateLimit-Remaining"), "4");
  App other_way({rate_limit({.requests = 5}), rate_limit({.requests = 100})});
  EXPECT_EQ(other_way.service.get_path("/").header("X-RateLimit-Limit"), "5");
  EXPECT_EQ(app.allowed(), 4);
  EXPECT_EQ(app.service.get_path("/").header("X-RateLimit-Limit"), "5") << "of the limit that refused";
  App quiet({rate_limit({.requests = 1, .send_headers = false})});
  EXPECT_FALSE(quiet.service.get_path("/").has("X-RateLimit-Limit"));
  const TestResponse refused = quiet.service.get_path("/");
  EXPECT_EQ(refused.status, 429);
  EXPECT_FALSE(refused.has("X-RateLimit-Limit"));
  EXPECT_TRUE(refused.has("Retry-After"));
}

TEST(RateLimitMiddleware, CountsOneObjectTogetherWhereverItIsAttached) {
  const Middleware shared = rate_limit({.requests = 4});
  App one({shared});
  App two({shared});
  EXPECT_EQ(one.get(), 204);
  EXPECT_EQ(one.get(), 204);
  EXPECT_EQ(two.allowed(), 2);
}

TEST(RateLimitMiddleware, TellsIpv6ClientsApartByTheirNetwork) {
  const Middleware shared = rate_limit({.requests = 1});
  EXPECT_EQ(App({shared}, "2001:db8:0:1::1").get(), 204);
  EXPECT_EQ(App({shared}, "2001:db8:0:1:ffff::2").get(), 429);
  EXPECT_EQ(App({shared}, "2001:db8:0:2::1").get(), 204);
  EXPECT_EQ(App({shared}, "198.51.100.7").get(), 204);
  EXPECT_EQ(App({shared}, "::ffff:198.51.100.7").get(), 429) << "the same address in IPv6's spelling";
}

TEST(RateLimitMiddleware, DescribesItself) {
  OperationDoc doc;
  Middleware(rate_limit()).describe(doc);
  Middleware(rate_limit({.requests = 1})).describe(doc);
  ASSERT_EQ(doc.responses.size(), 1U);
  EXPECT_EQ(doc.responses[0].status, Status::too_many_requests);
  EXPECT_EQ(doc.responses[0].headers.size(), 4U);
}

TEST(RateLimitMiddleware, RefusesPoliciesThatCannotBeMeant) {
  const auto make = [](RateLimitPolicy policy) { static_cast<void>(rate_limit(std::move(policy))); };
  EXPECT_THROW(make({.requests = 0}), std::invalid_argument);
  EXPECT_THROW(make({.window = 0s}), std::invalid_argument);
  EXPECT_THROW(make({.by = RateLimitBy::header}), std::invalid_argument);
  EXPECT_THROW(make({.header = "X-Api-Key"}), std::invalid_argument);
  EXPECT_THROW(make({.by = RateLimitBy::header, .header = "X Api"}), std::invalid_argument);
  EXPECT_THROW(make({.cost = 0}), std::invalid_argument);
  EXPECT_THROW(make({.requests = 5, .cost = 6}), std::invalid_argument);
  EXPECT_THROW(make({.exempt = {"10.0.0.1/8"}}), std::invalid_argument);
  EXPECT_THROW(make({.trusted_proxies = {"proxy.example"}}), std::invalid_argument);
}

TEST(RateLimitMiddleware, PolicyCanBeReadFromConfiguration) {
  const auto policy = json::read<RateLimitPolicy>(R"({"requests":7,"window":"PT1S","by":"user"})");
  ASSERT_TRUE(policy) << policy.error().message();
  EXPECT_EQ(policy->requests, 7U);
  EXPECT_EQ(policy->window, 1s);
  EXPECT_EQ(policy->by, RateLimitBy::user);
}

TEST(RateLimitMiddleware, CostsNoAllocation) {
  App app({rate_limit({.requests = 1000000, .exempt = {"10.0.0.0/8"}, .trusted_proxies = {"192.0.2.0/24"}}),
           rate_limit({.requests = 500000, .by = RateLimitBy::header, .header = "X-Api-Key"})});
  app.service.keep_outcomes = false;
  TestConnection connection(app.service);
  const std::string request =
      TestService::request_text("GET", "/", {{"X-Forwarded-For", "198.51.100.1"}, {"X-Api-Key", "key"}});
  std::size_t count = 0;
  for (int i = 0; i < 20; ++i) {
    const std::size_t before = middleware::malloc_calls();
    connection.send(request);
    count = middleware::malloc_calls() - before;
    EXPECT_EQ(connection.receive().status, 204);
  }
  EXPECT_EQ(count, 0U);
}

TEST(IpNetwork, ContainsWhatItsPrefixSays) {
  const auto contains = [](std::string_view network, std::string_view address) {
    const auto parsed = IpNetwork::parse(network);
    EXPECT_TRUE(parsed) << network;
    return parsed && parsed->contains(IpAddress::parse(address).value());
  };
  EXPECT_TRUE(contains("10.0.0.0/8", "10.255.0.1"));
  EXPECT_FALSE(contains("10.0.0.0/8", "11.0.0.0"));
  EXPECT_TRUE(contains("10.0.0.0/8", "::ffff:10.0.0.1"));
  EXPECT_TRUE(contains("192.0.2.128/25", "192.0.2.128"));
  EXPECT_FALSE(contains("192.0.2.128/25", "192.0.2.127"));
  EXPECT_TRUE(contains("0.0.0.0/0", "203.0.113.9"));
  EXPECT_FALSE(contains("0.0.0.0/0", "2001:db8::1"));
  EXPECT_TRUE(contains("::/0", "2001:db8::1"));
  EXPECT_TRUE(contains("2001:db8::/33", "2001:db8:7fff::"));
  EXPECT_FALSE(contains("2001:db8::/33", "2001:db8:8000::"));
  EXPECT_TRUE(contains("192.0.2.1", "192.0.2.1:80"));
  EXPECT_FALSE(contains("192.0.2.1", "192.0.2.2"));
  for (const char* bad : {"", "/8", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/8x", "10.0.0.1/8", "::1/64",
                          "::/129", "localhost", "10.0.0"}) {
    EXPECT_FALSE(IpNetwork::parse(bad)) << bad;
  }
}

TEST(IpAddress, ReadsWhatProxiesWrite) {
  for (const char* good : {"10.0.0.1", "10.0.0.1:80", "::1", "[::1]", "[::1]:80", "2001:db8::1"}) {
    EXPECT_TRUE(IpAddress::parse(good)) << good;
  }
  for (const char* bad : {"", "unknown", "_hidden", "10.0.0", "[::1", "[::1]x", "10.0.0.1.5", ":80", "::1%eth0"}) {
    EXPECT_FALSE(IpAddress::parse(bad)) << bad;
  }
}

}  // namespace
}  // namespace weir
