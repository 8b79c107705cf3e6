#include "weir/middleware/cors.hpp"

#include <chrono>
#include <stdexcept>
#include <string>

#include <gtest/gtest.h>

#include "weir/middleware/malloc_count_test_support.hpp"
#include "weir/web/chain_test_support.hpp"

namespace weir {
namespace {

using namespace std::chrono_literals;

struct App {
  explicit App(Middleware first) : service({std::move(first)}) {
    service.get("/", [this](Context&) {
      ++calls;
      return Response(Status::no_content);
    });
    service.route(Method::options, "/", make_handler([this](Context&) {
                    ++calls;
                    return Response(Status::ok);
                  }));
  }
  TestResponse get(std::string_view origin) { return service.get_path("/", {{"Origin", origin}}); }
  bool allows(std::string_view origin) {
    const TestResponse answer = get(origin);
    EXPECT_EQ(answer.status, 204);
    const std::string_view allowed = answer.header("Access-Control-Allow-Origin");
    if (allowed.empty()) return false;
    EXPECT_EQ(allowed, origin);
    return true;
  }
  TestResponse preflight(std::string_view origin, std::string_view headers = "x-a, x-b") {
    return service.request(TestService::request_text("OPTIONS", "/",
                                                     {{"Origin", origin},
                                                      {"Access-Control-Request-Method", "PUT"},
                                                      {"Access-Control-Request-Headers", headers},
                                                      {"Access-Control-Request-Private-Network", "true"}}));
  }
  int calls = 0;
  TestService service;
};

constexpr std::string_view page = "https://app.example";

TEST(Cors, AnswersPreflightsWithoutTheHandler) {
  App app(cors({.origins = {"https://app.example"}, .headers = {"X-A", "X-B"}, .max_age = 1h}));
  const TestResponse answer = app.preflight(page);
  EXPECT_EQ(answer.status, 204);
  EXPECT_EQ(answer.header("Access-Control-Allow-Origin"), page);
  EXPECT_EQ(answer.header("Access-Control-Allow-Methods"), "GET, HEAD, POST, PUT, PATCH, DELETE");
  EXPECT_EQ(answer.header("Access-Control-Allow-Headers"), "X-A, X-B");
  EXPECT_EQ(answer.header("Access-Control-Max-Age"), "3600");
  EXPECT_FALSE(answer.has("Access-Control-Allow-Credentials"));
  EXPECT_FALSE(answer.has("Access-Control-Allow-Private-Network"));
  EXPECT_EQ(answer.header("Vary"), "Origin, Access-Control-Request-Method, Access-Control-Request-Headers");
  EXPECT_EQ(app.calls, 0);
}

TEST(Cors, AnswersPreflightsForRoutesThatDoNotExist) {
  App app(cors({.origins = {"*"}}));
  const TestResponse answer = app.service.request(
      TestService::request_text("OPTIONS", "/nothing", {{"Origin", page}, {"Access-Control-Request-Method", "PUT"}}));
  EXPECT_EQ(answer.status, 204);
  EXPECT_EQ(answer.header("Access-Control-Allow-Origin"), "*");
}

TEST(Cors, GivesOtherOriginsNothing) {
  App app(cors({.origins = {"https://app.example"}}));
  const TestResponse preflight = app.preflight("https://evil.example");
  EXPECT_EQ(preflight.status, 204);
  EXPECT_EQ(preflight.text.find("Access-Control-Allow"), std::string::npos);
  EXPECT_EQ(app.calls, 0);
  const TestResponse answer = app.get("https://evil.example");
  EXPECT_EQ(answer.status, 204);
  EXPECT_EQ(answer.text.find("Access-Control-Allow"), std::string::npos);
  EXPECT_EQ(answer.header("Vary"), "Origin");
}

TEST(Cors, LeavesOtherOptionsRequestsToTheHandler) {
  App app(cors({.origins = {"https://app.example"}}));
  EXPECT_EQ(app.service.request(TestService::request_text("OPTIONS", "/", {{"Origin", page}})).status, 200);
  EXPECT_EQ(
      app.service.request(TestService::request_text("OPTIONS", "/", {{"Access-Control-Request-Method", "PUT"}})).status,
      200);
  EXPECT_EQ(app.calls, 2);
}

TEST(Cors, MarksAnswersForAllowedOrigins) {
  App app(cors({.origins = {"https://app.example"}, .expose = {"X-Total", "ETag"}, .credentials = true}));
  const TestResponse answer = app.get(page);
  EXPECT_EQ(answer.header("Access-Control-Allow-Origin"), page);
  EXPECT_EQ(answer.header("Access-Control-Allow-Credentials"), "true");
  EXPECT_EQ(answer.header("Access-Control-Expose-Headers"), "X-Total, ETag");
  EXPECT_EQ(answer.header("Vary"), "Origin");
  EXPECT_EQ(app.preflight(page).header("Access-Control-Allow-Credentials"), "true");
}

TEST(Cors, MarksErrorsToo) {
  App app(cors({.origins = {"https://app.example"}}));
  const TestResponse answer = app.service.get_path("/nothing", {{"Origin", page}});
  EXPECT_EQ(answer.status, 404);
  EXPECT_EQ(answer.header("Access-Control-Allow-Origin"), page);
}

TEST(Cors, SaysThatAnswersVaryAlsoWithoutAnOrigin) {
  App app(cors({.origins = {"https://app.example"}}));
  const TestResponse answer = app.service.get_path("/");
  EXPECT_EQ(answer.header("Vary"), "Origin");
  EXPECT_FALSE(answer.has("Access-Control-Allow-Origin"));
}

TEST(Cors, AllowsEverybodyWithOneAnswerForAll) {
  App app(cors({.origins = {"*"}}));
  const TestResponse answer = app.get("https://whoever.example");
  EXPECT_EQ(answer.header("Access-Control-Allow-Origin"), "*");
  EXPECT_FALSE(answer.has("Vary"));
  EXPECT_FALSE(app.service.get_path("/").has("Access-Control-Allow-Origin"));
}

TEST(Cors, ComparesOriginsWhole) {
  App app(cors({.origins = {"https://App.Example:443", "http://localhost:5173"}}));
  EXPECT_TRUE(app.allows("https://app.example"));
  EXPECT_TRUE(app.allows("http://localhost:5173"));
  for (const char* other : {"http://app.example", "https://app.example:8443", "https://app.example.evil.com",
                            "https://evil.com/https://app.example", "https://app.exampl", "https://xapp.example",
                            "null", "https://app.example/", "http://localhost:51730", "", "*"}) {
    EXPECT_FALSE(app.allows(other)) << other;
  }
}

TEST(Cors, KnowsWildcardsForHostsBelowADomain) {
  App app(cors({.origins = {"https://*.app.example", "https://*.app.example:8443"}}));
  for (const char* good : {"https://a.app.example", "https://a-1.b.app.example", "https://x.app.example:8443"}) {
    EXPECT_TRUE(app.allows(good)) << good;
  }
  for (const char* bad :
       {"https://app.example", "https://.app.example", "http://a.app.example", "https://a.app.example:9000",
        "https://aapp.example", "https://evil.com/.app.example", "https://evil.com#.app.example",
        "https://a@b.app.example", "https://evil.com:1.app.example"}) {
    EXPECT_FALSE(app.allows(bad)) << bad;
  }
}

TEST(Cors, AsksAFunction) {
  App app(cors({.credentials = true}, [](std::string_view origin) { return origin.ends_with(".trusted"); }));
  EXPECT_TRUE(app.allows("https://a.trusted"));
  EXPECT_FALSE(app.allows("https://a.example"));
  App both(cors({.origins = {"https://app.example"}}, [](std::string_view origin) { return origin == "https://b"; }));
  EXPECT_TRUE(both.allows("https://app.example"));
  EXPECT_TRUE(both.allows("https://b"));
  EXPECT_FALSE(both.allows("https://c"));
}

TEST(Cors, EchoesAskedHeadersWhereAllAreAllowed) {
  App app(cors({.origins = {"https://app.example"}, .headers = {"*"}, .private_network = true}));
  const TestResponse answer = app.preflight(page, "x-one,x-two");
  EXPECT_EQ(answer.header("Access-Control-Allow-Headers"), "x-one,x-two");
  EXPECT_EQ(answer.header("Access-Control-Allow-Private-Network"), "true");
}

TEST(Cors, KeepsTheHandlersOwnAnswer) {
  TestService service({cors({.origins = {"https://app.example"}})});
  service.get("/", [](Context&) {
    Response response(Status::no_content);
    response.headers.set(HeaderId::access_control_allow_origin, "https://other.example");
    response.headers.set(HeaderId::vary, "Accept, origin");
    return response;
  });
  const TestResponse answer = service.get_path("/", {{"Origin", page}});
  EXPECT_EQ(answer.header("Access-Control-Allow-Origin"), "https://other.example");
  EXPECT_EQ(answer.header("Vary"), "Accept, origin");
}

TEST(Cors, RefusesWhatOpensEverythingOrCannotWork) {
  const auto make = [](CorsOptions options) { static_cast<void>(cors(std::move(options))); };
  EXPECT_THROW(make({}), std::invalid_argument);
  EXPECT_THROW(make({.origins = {"*"}, .credentials = true}), std::invalid_argument);
  EXPECT_THROW(make({.origins = {"null"}, .credentials = true}), std::invalid_argument);
  EXPECT_THROW(make({.origins = {"*", "https://a.example"}}), std::invalid_argument);
  for (const char* bad : {"app.example", "https://", "https://app.example/", "https://app.example/path", "https://*",
                          "https://*example.com", "https://a.*.example", "https://*.*.example", "*.example",
                          "https://*.", "https://a b", "https://user@host", ""}) {
    EXPECT_THROW(make({.origins = {bad}}), std::invalid_argument) << bad;
  }
  EXPECT_THROW(make({.origins = {"*"}, .methods = {"GET\r\n"}}), std::invalid_argument);
  EXPECT_THROW(make({.origins = {"*"}, .headers = {"*", "X-A"}}), std::invalid_argument);
  EXPECT_THROW(make({.origins = {"*"}, .max_age = -1s}), std::invalid_argument);
  EXPECT_THROW(make({.origins = {"https://a.example"}, .methods = {"*"}, .credentials = true}), std::invalid_argument);
  EXPECT_THROW(make({.origins = {"https://a.example"}, .expose = {"*"}, .credentials = true}), std::invalid_argument);
  EXPECT_NO_THROW(make({.origins = {"null"}}));
  EXPECT_NO_THROW(make({.origins = {"*"}, .methods = {"*"}, .headers = {"*"}, .expose = {"*"}}));
}

TEST(Cors, CostsNoAllocation) {
  App app(cors({.origins = {"https://app.example"}, .expose = {"X-Total"}, .credentials = true}));
  app.service.keep_outcomes = false;
  TestConnection connection(app.service);
  const std::string get = TestService::request_text("GET", "/", {{"Origin", page}});
  const std::string preflight =
      TestService::request_text("OPTIONS", "/", {{"Origin", page}, {"Access-Control-Request-Method", "PUT"}});
  for (const std::string& request : {get, preflight}) {
    std::size_t count = 0;
    for (int i = 0; i < 20; ++i) {
      const std::size_t before = middleware::malloc_calls();
      connection.send(request);
      count = middleware::malloc_calls() - before;
      EXPECT_EQ(connection.receive().status, 204);
    }
    EXPECT_EQ(count, 0U);
  }
}

}  // namespace
}  // namespace weir
