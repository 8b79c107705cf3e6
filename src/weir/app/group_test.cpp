// Groups: hosts and their placeholders, and what of a group holds for preflights of its routes.
#include <string>

#include <gtest/gtest.h>

#include "weir/app/app.hpp"
#include "weir/app/test_client.hpp"
#include "weir/middleware/cors.hpp"
#include "weir/web/response.hpp"

namespace weir {
namespace {

AppOptions quiet() {
  AppOptions options;
  options.log.file = "/dev/null";
  return options;
}

ClientResponse get(TestClient& client, std::string target, std::string host) {
  return client.request({Method::get, std::move(target), {{"Host", std::move(host)}}, {}});
}

TEST(Group, BindsThePlaceholderOfItsHost) {
  App app(quiet());
  Group tenants = app.group("/api/{version}");
  tenants.host("{tenant}.example.com");
  tenants.get("/home", [](Path<std::string, "tenant"> tenant) { return "home of " + *tenant; });
  tenants.get("/{id}", [](Path<std::string> tenant, Path<std::string> version, Path<int> id) {
    return *tenant + " " + *version + " " + std::to_string(*id);
  });
  tenants.get("/{id}/all",
              [](Path<std::string> version, Path<int> id) { return *version + " " + std::to_string(*id); });
  tenants.get("/{id}/own", [](Path<int> id) { return std::to_string(*id); });
  Group alone = app.group("");
  alone.host("{tenant}.example.com");
  alone.get("/", [](Path<std::string> tenant) { return *tenant; });
  TestClient client = app.test();
  EXPECT_EQ(get(client, "/api/v1/home", "acme.example.com").body, "home of acme");
  EXPECT_EQ(get(client, "/api/v1/7", "Acme.Example.com:8080").body, "acme v1 7");
  EXPECT_EQ(get(client, "/api/v1/7/all", "acme.example.com").body, "v1 7");
  EXPECT_EQ(get(client, "/api/v1/7/own", "acme.example.com").body, "7");
  EXPECT_EQ(get(client, "/", "acme.example.com").body, "acme");
  EXPECT_EQ(get(client, "/api/v1/7", "example.com").status, 404);

  // It is no parameter of the path in the description.
  const std::string document = app.openapi();
  EXPECT_EQ(document.find("\"tenant\""), std::string::npos) << document;
  EXPECT_NE(document.find("\"version\""), std::string::npos);
}

TEST(Group, RefusesMorePathParametersThanThereArePlaceholders) {
  App app(quiet());
  Group tenants = app.group("");
  tenants.host("{tenant}.example.com");
  tenants.get("/{id}", [](Path<int>, Path<int>, Path<int>) { return 1; });
  EXPECT_THROW(static_cast<void>(app.openapi()), std::runtime_error);
}

TEST(Group, TheInnermostHostHolds) {
  App app(quiet());
  Group outer = app.group("/a");
  outer.host("outer.example.com");
  Group inner = outer.group("/b");
  inner.host("inner.example.com");
  inner.get("/c", [] { return "inner"; });
  inner.get("/d", [] { return "route"; }).host("route.example.com");
  outer.group("/e").get("", [] { return "outer"; });
  TestClient client = app.test();
  EXPECT_EQ(get(client, "/a/b/c", "inner.example.com").body, "inner");
  EXPECT_EQ(get(client, "/a/b/c", "outer.example.com").status, 404);
  EXPECT_EQ(get(client, "/a/b/d", "route.example.com").body, "route");
  EXPECT_EQ(get(client, "/a/e", "outer.example.com").body, "outer");
}

TEST(Group, CorsSeesThePreflightsOfItsRoutes) {
  App app(quiet());
  Group api = app.group("/api", cors({.origins = {"https://app.example"}, .methods = {"GET", "PUT"}}));
  api.get("/items/{id}", [](Path<int> id) { return *id; });
  api.put("/items/{id}", [](Path<int> id) { return *id; });
  app.get("/plain", [] { return 1; });
  // The same path, but another method is outside of the group.
  app.del("/api/items/{id}", [](Path<int> id) { return *id; });
  TestClient client = app.test();
  const auto preflight = [&](std::string target, std::string method, std::string origin = "https://app.example") {
    return client.request({Method::options,
                           std::move(target),
                           {{"Origin", std::move(origin)}, {"Access-Control-Request-Method", std::move(method)}},
                           {}});
  };
  const ClientResponse allowed = preflight("/api/items/1", "PUT");
  EXPECT_EQ(allowed.status, 204);
  EXPECT_EQ(allowed.header("Access-Control-Allow-Origin"), "https://app.example");
  EXPECT_EQ(allowed.header("Access-Control-Allow-Methods"), "GET, PUT");
  EXPECT_EQ(preflight("/api/items/1", "PUT", "https://evil.example").header("Access-Control-Allow-Origin"), "");
  for (const auto& [target, method] :
       {std::pair{"/api/items/1", "DELETE"}, {"/api/items/1", "PATCH"}, {"/plain", "GET"}}) {
    const ClientResponse other = preflight(target, method);
    EXPECT_EQ(other.status, 204) << target;
    EXPECT_EQ(other.header("Access-Control-Allow-Origin"), "") << target << method;
    EXPECT_NE(other.header("Allow").find("GET"), std::string_view::npos) << other.header("Allow");
  }
  EXPECT_EQ(preflight("/api/none", "GET").status, 404);
  // Plain OPTIONS, and requests themselves.
  EXPECT_EQ(client.request({Method::options, "/api/items/1", {}, {}}).header("Allow"),
            "GET, HEAD, PUT, DELETE, OPTIONS");
  EXPECT_EQ(client.get("/api/items/1", {{"Origin", "https://app.example"}}).header("Access-Control-Allow-Origin"),
            "https://app.example");
}

TEST(Group, PreflightsReachTheGroupsMiddlewareWithItsParameters) {
  App app(quiet());
  std::string seen;
  Group api = app.group("/{tenant}", [&seen](Context& ctx) -> std::optional<Response> {
    seen = std::string(ctx.param("tenant").value_or("?"));
    return std::nullopt;
  });
  api.put("/items", [] { return 1; });
  TestClient client = app.test();
  const ClientResponse answer = client.request(
      {Method::options, "/acme/items", {{"Origin", "https://a.b"}, {"Access-Control-Request-Method", "PUT"}}, {}});
  EXPECT_EQ(answer.status, 204);
  EXPECT_EQ(answer.header("Allow"), "PUT, OPTIONS") << "where nothing of the group answers, it is the usual answer";
  EXPECT_EQ(seen, "acme");
}

}  // namespace
}  // namespace weir
