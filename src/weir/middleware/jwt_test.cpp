#include "weir/middleware/jwt.hpp"

#include <chrono>
#include <fstream>
#include <string>

#include <gtest/gtest.h>

#include "weir/json/describe.hpp"
#include "weir/json/read.hpp"
#include "weir/middleware/jwt_test_support.hpp"
#include "weir/middleware/malloc_count_test_support.hpp"
#include "weir/web/chain_test_support.hpp"

namespace weir {
namespace {

using namespace std::chrono_literals;

const std::string secret = "0123456789abcdef0123456789abcdef";
/// TestService's clock begins here.
constexpr std::int64_t start = 1'767'225'600;

std::string token(std::string_view more = {}) {
  return sign_jwt(R"({"sub":"ada","exp":)" + std::to_string(start + 600) + std::string(more) + "}", secret).value();
}

std::string bearer(std::string_view more = {}) {
  return "Bearer " + token(more);
}

/// A service with one route behind these middleware.
struct Protected {
  explicit Protected(std::vector<Middleware> chain) : service(std::move(chain)) {
    service.get("/me", [](Jwt user) { return user->subject; });
    service.get("/maybe", [](std::optional<Jwt> user) { return user ? (*user)->subject : "nobody"; });
    service.get("/context", [](Context& ctx) {
      const Jwt* user = ctx.get<Jwt>();
      return std::string(user == nullptr ? "null" : (*user)->subject);
    });
  }
  TestResponse get(std::string_view authorization, std::string_view path = "/me") {
    return service.get_path(path, {{"Authorization", authorization}});
  }
  TestService service;
};

TEST(JwtMiddleware, LetsAGoodTokenThrough) {
  Protected app({jwt({.secret = secret})});
  EXPECT_EQ(app.get(bearer()).body, "ada");
  EXPECT_EQ(app.get(bearer(), "/maybe").body, "ada");
  EXPECT_EQ(app.get(bearer(), "/context").body, "ada");
}

TEST(JwtMiddleware, TakesTheSchemeInAnyCase) {
  Protected app({jwt({.secret = secret})});
  EXPECT_EQ(app.get("bearer " + token()).status, 200);
  EXPECT_EQ(app.get("BEARER   " + token()).status, 200);
  EXPECT_EQ(app.get("Bearer" + token()).status, 401);
  EXPECT_EQ(app.get("Basic " + token()).status, 401);
  EXPECT_EQ(app.get(token()).status, 401);
}

// RFC 6750 section 3.
TEST(JwtMiddleware, SaysHowToAuthenticate) {
  Protected app({jwt({.secret = secret, .realm = "the \"api\""})});
  const TestResponse missing = app.service.get_path("/me");
  EXPECT_EQ(missing.status, 401);
  EXPECT_EQ(missing.header("WWW-Authenticate"), R"(Bearer realm="the \"api\"")");
  EXPECT_EQ(missing.header("Content-Type"), "application/problem+json");
  EXPECT_EQ(missing.header("Cache-Control"), "no-store");

  app.service.advance(11min);
  const TestResponse expired = app.get(bearer());
  EXPECT_EQ(expired.status, 401);
  EXPECT_EQ(expired.header("WWW-Authenticate"),
            R"(Bearer realm="the \"api\"", error="invalid_token", error_description="the token has expired")");
  EXPECT_NE(expired.body.find("the token has expired"), std::string::npos);
}

TEST(JwtMiddleware, NeverRepeatsWhatItWasGiven) {
  Protected app({jwt({.secret = secret})});
  const std::string given = token();
  for (const std::string& bad :
       {given + "A", given.substr(0, given.size() - 1), "Bearer\" x=\"" + given, given + "\t."}) {
    const TestResponse answer = app.get("Bearer " + bad);
    EXPECT_NE(answer.status, 200);
    EXPECT_EQ(answer.text.find(given.substr(0, 20)), std::string::npos) << answer.text;
    EXPECT_EQ(answer.text.find(secret), std::string::npos);
  }
}

TEST(JwtMiddleware, RefusesTwoAuthorizations) {
  Protected app({jwt({.secret = secret})});
  const TestResponse answer =
      app.service.get_path("/me", {{"Authorization", bearer()}, {"X-Other", "a"}, {"Authorization", bearer()}});
  EXPECT_EQ(answer.status, 400);
  EXPECT_TRUE(answer.header("WWW-Authenticate").starts_with("Bearer error=\"invalid_request\""));
}

TEST(JwtMiddleware, StandsBeforeRoutesThatDoNotExist) {
  Protected app({jwt({.secret = secret})});
  EXPECT_EQ(app.service.get_path("/nothing").status, 401);
  EXPECT_EQ(app.get(bearer(), "/nothing").status, 404);
}

TEST(JwtMiddleware, CanBeOptionalButNotForBadTokens) {
  Protected app({jwt({.secret = secret, .optional = true})});
  EXPECT_EQ(app.service.get_path("/maybe").body, "nobody");
  EXPECT_EQ(app.service.get_path("/context").body, "null");
  EXPECT_EQ(app.get("Basic YTpi", "/maybe").body, "nobody");
  EXPECT_EQ(app.get(bearer() + "A", "/maybe").status, 401);
  EXPECT_EQ(app.get("Bearer", "/maybe").status, 401);
  // The handler wants a user: its 401 says how to become one (RFC 9110 section 15.5.2).
  const TestResponse refused = app.service.get_path("/me");
  EXPECT_EQ(refused.status, 401);
  EXPECT_EQ(refused.header("WWW-Authenticate"), "Bearer");
}

TEST(JwtMiddleware, LooksIntoCookieAndQueryOnlyWhenTold) {
  const std::string in_cookie = "other=1; session=" + token();
  const std::string in_query = "/me?access_token=" + token();
  Protected plain({jwt({.secret = secret})});
  EXPECT_EQ(plain.service.get_path("/me", {{"Cookie", in_cookie}}).status, 401);
  EXPECT_EQ(plain.service.get_path(in_query).status, 401);
  Protected told({jwt({.secret = secret, .cookie = "session", .query = "access_token"})});
  EXPECT_EQ(told.service.get_path("/me", {{"Cookie", in_cookie}}).status, 200);
  EXPECT_EQ(told.service.get_path(in_query).status, 200);
  EXPECT_EQ(told.service.get_path(in_query, {{"Authorization", "Bearer x"}}).status, 401) << "the header comes first";
}

TEST(JwtMiddleware, AsksWhetherATokenWasRevokedEveryTime) {
  bool locked_out = false;
  Protected app(
      {jwt({.secret = secret}, [&locked_out](const JwtUser& user) { return locked_out && user.subject == "ada"; })});
  EXPECT_EQ(app.get(bearer()).status, 200);
  locked_out = true;
  EXPECT_EQ(app.get(bearer()).status, 401);
  locked_out = false;
  EXPECT_EQ(app.get(bearer()).status, 200);
}

TEST(JwtMiddleware, FindsAKeyThatWasAddedToTheFile) {
  const auto first = middleware::TestSigner::ed25519();
  const auto second = middleware::TestSigner::ed25519();
  char path[] = "/tmp/weir_jwt_XXXXXX";
  ::close(::mkstemp(path));
  const auto write = [&path](const std::string& keys) { std::ofstream(path) << R"({"keys":[)" << keys << "]}"; };
  write(first.jwk("one"));
  const std::string claims = R"({"sub":"ada","exp":)" + std::to_string(start + 600) + "}";
  const std::string new_token = second.token(R"({"alg":"EdDSA","kid":"two"})", claims);
  Protected app({jwt({.jwks_file = path, .reload_every = 1h})});
  EXPECT_EQ(app.get("Bearer " + new_token).status, 401);
  write(first.jwk("one") + "," + second.jwk("two"));
  EXPECT_EQ(app.get("Bearer " + new_token).status, 401) << "it looks once a second at most";
  app.service.advance(1s);
  EXPECT_EQ(app.get("Bearer " + new_token).status, 200);
  ::unlink(path);
}

TEST(JwtMiddleware, DescribesItself) {
  OperationDoc doc;
  Middleware(jwt({.secret = secret})).describe(doc);
  Middleware(require_scope("users:write")).describe(doc);
  ASSERT_EQ(doc.security.size(), 1U);
  EXPECT_EQ(doc.security[0].name, "bearer");
  EXPECT_EQ(doc.security[0].type, "http");
  EXPECT_EQ(doc.security[0].scheme, "bearer");
  EXPECT_EQ(doc.security[0].bearer_format, "JWT");
  EXPECT_EQ(doc.security[0].scopes, std::vector<std::string>{"users:write"});
  ASSERT_EQ(doc.responses.size(), 2U);
  EXPECT_EQ(doc.responses[0].status, Status::unauthorized);
  EXPECT_EQ(doc.responses[1].status, Status::forbidden);
  EXPECT_EQ(Middleware(jwt({.secret = secret})).name(), "jwt");
}

TEST(JwtMiddleware, OptionsCanBeReadFromConfiguration) {
  const auto options =
      json::read<JwtOptions>(R"({"jwks_file":"/etc/jwks.json","algorithms":["RS256","EdDSA"],"leeway":"PT20S"})");
  ASSERT_TRUE(options) << options.error().message();
  EXPECT_EQ(options->algorithms, (std::vector{JwtAlgorithm::rs256, JwtAlgorithm::eddsa}));
  EXPECT_EQ(options->leeway, 20s);
  EXPECT_EQ(options->max_token, 8192U);
  EXPECT_FALSE(json::read<JwtOptions>(R"({"jwks":"/etc/jwks.json"})"));
}

TEST(JwtMiddleware, CostsNoAllocationOnceATokenIsKnown) {
  TestService service({jwt({.secret = secret}), require_scope("a")});
  service.get("/", [](Context&) { return Response(Status::no_content); });
  service.keep_outcomes = false;
  TestService plain;
  plain.get("/", [](Context&) { return Response(Status::no_content); });
  plain.keep_outcomes = false;
  const std::string request = TestService::request_text("GET", "/", {{"Authorization", bearer(R"(,"scope":"b a")")}});
  const auto mallocs = [&request](TestService& of) {
    TestConnection connection(of);
    std::size_t count = 0;
    for (int i = 0; i < 20; ++i) {
      const std::size_t before = middleware::malloc_calls();
      connection.send(request);
      count = middleware::malloc_calls() - before;
      EXPECT_EQ(connection.receive().status, 204);
    }
    return count;
  };
  const std::size_t without = mallocs(plain);
  EXPECT_EQ(mallocs(service), without);
}

TEST(RequireScope, AnswersByWhatIsMissing) {
  Protected app({jwt({.secret = secret, .optional = true}), require_scopes({"read", "write"})});
  EXPECT_EQ(app.get(bearer(R"(,"scope":"write x read")")).status, 200);
  const TestResponse less = app.get(bearer(R"(,"scope":"read")"));
  EXPECT_EQ(less.status, 403);
  EXPECT_EQ(less.header("WWW-Authenticate"), R"(Bearer error="insufficient_scope", scope="read write")");
  EXPECT_NE(less.body.find("write"), std::string::npos);
  const TestResponse none = app.service.get_path("/me");
  EXPECT_EQ(none.status, 401);
  EXPECT_EQ(none.header("WWW-Authenticate"), "Bearer");
}

TEST(RequireScope, RefusesScopesThatAreNone) {
  EXPECT_THROW(static_cast<void>(require_scope("")), std::invalid_argument);
  EXPECT_THROW(static_cast<void>(require_scope("a b")), std::invalid_argument);
  EXPECT_THROW(static_cast<void>(require_scope("a\"b")), std::invalid_argument);
  EXPECT_THROW(static_cast<void>(require_scopes({})), std::invalid_argument);
}

}  // namespace
}  // namespace weir
