// docs/guide/routing.md
#include <gtest/gtest.h>

#include "support.hpp"

namespace guide {
namespace {

void patterns(weir::App& app) {
  // [patterns]
  app.get("/users/new", [] { return "the form"; });
  app.get("/users/{id:int}", [](weir::Path<std::int64_t> id) { return "user " + std::to_string(*id); });
  app.get("/users/{name}", [](weir::Path<std::string> name) { return "called " + *name; });
  app.get("/files/{path*}", [](weir::Path<std::string> path) { return "file " + *path; });
  app.post("/users/{id}:activate", [](weir::Path<std::int64_t> id) { return "activated " + std::to_string(*id); });
  // [/patterns]
}

TEST(Routing, PrefersTheMoreSpecificPattern) {
  weir::App app(quiet());
  patterns(app);
  weir::TestClient client = app.test();
  EXPECT_EQ(client.get("/users/new").body, "the form");
  EXPECT_EQ(client.get("/users/7").body, "user 7");
  EXPECT_EQ(client.get("/users/ada").body, "called ada");
  EXPECT_EQ(client.get("/files/a/b.txt").body, "file a/b.txt");
  EXPECT_EQ(client.get("/files/").body, "file ");
  EXPECT_EQ(client.post("/users/7:activate", "text/plain", "").body, "activated 7");
  EXPECT_EQ(client.get("/users/a%20b").body, "called a b");
}

TEST(Routing, AnswersWhatHasNoRoute) {
  weir::App app(quiet());
  patterns(app);
  weir::TestClient client = app.test();
  EXPECT_EQ(client.get("/nothing").status, 404);
  const auto refused = client.del("/users/new");
  EXPECT_EQ(refused.status, 405);
  EXPECT_EQ(refused.header("Allow"), "GET, HEAD, OPTIONS");
  EXPECT_EQ(client.head("/users/new").status, 200);
  EXPECT_EQ(client.request({weir::Method::options, "/users/new", {}, {}}).status, 204);
  EXPECT_EQ(client.get("/users/new/").status, 301);
  EXPECT_EQ(client.get("/users/new/").header("Location"), "/users/new");
  EXPECT_EQ(client.request({weir::Method::options, "*", {}, {}}).status, 204);
  EXPECT_EQ(client.get("/users/../x").status, 400);
  EXPECT_EQ(client.get("/users/%zz").status, 400);
}

TEST(Routing, RedirectsOtherMethodsWith308) {
  weir::App app(quiet());
  app.post("/users", [] { return "posted"; });
  weir::TestClient client = app.test();
  EXPECT_EQ(client.post("/users/?a=1", "text/plain", "").status, 308);
  EXPECT_EQ(client.post("/users/?a=1", "text/plain", "").header("Location"), "/users?a=1");
}

TEST(Routing, GroupsShareAPrefix) {
  weir::App app(quiet());
  // [groups]
  weir::Group v1 = app.group("/v1");
  v1.get("/status", [] { return "fine"; });

  // Placeholders of the prefix come first; a handler that takes only its own leaves them out.
  weir::Group org = v1.group("/orgs/{org}").tag("organisations");
  org.get("/users/{id}",
          [](weir::Path<std::string> org_name, weir::Path<int> id) { return *org_name + "/" + std::to_string(*id); });
  org.get("/things/{id}", [](weir::Path<int> id) { return std::to_string(*id); });
  // [/groups]
  weir::TestClient client = app.test();
  EXPECT_EQ(client.get("/v1/status").body, "fine");
  EXPECT_EQ(client.get("/v1/orgs/acme/users/3").body, "acme/3");
  EXPECT_EQ(client.get("/v1/orgs/acme/things/4").body, "4");
}

TEST(Routing, HostsSelectRoutes) {
  weir::App app(quiet());
  // [hosts]
  weir::Group tenants = app.group("").host("{tenant}.example.com");
  tenants.get("/", [](weir::Path<std::string, "tenant"> tenant) { return *tenant; });
  tenants.get("/users/{id}", [](weir::Path<std::string> tenant, weir::Path<int> id) {
    return "user " + std::to_string(*id) + " of " + *tenant;
  });
  app.get("/", [] { return "any other host"; });
  // [/hosts]
  weir::TestClient client = app.test();
  EXPECT_EQ(client.get("/", {{"Host", "acme.example.com"}}).body, "acme");
  EXPECT_EQ(client.get("/users/7", {{"Host", "acme.example.com"}}).body, "user 7 of acme");
  EXPECT_EQ(client.get("/").body, "any other host");
}

TEST(Routing, RoutesHaveOptions) {
  using namespace std::chrono_literals;
  weir::App app(quiet());
  // [options]
  app.post("/upload", [](weir::RawBody body) { return std::to_string(body.value.size()); })
      .name("upload")
      .timeout(2min)
      .body_limit(64 << 20)
      .summary("Takes a file")
      .tag("files")
      .responds(weir::Status::forbidden, "Nobody said that you may");
  // [/options]
  weir::TestClient client = app.test();
  EXPECT_EQ(client.post("/upload", "text/plain", std::string(5 << 20, 'x')).body, std::to_string(5 << 20));
}

TEST(Routing, UrlsAreMadeFromNames) {
  weir::App app(quiet());
  // [names]
  app.get("/users/{id}/files/{path*}", [](weir::Path<int>, weir::Path<std::string>) {}).name("user_file");
  // [/names]
  weir::TestClient client = app.test();
  // [url_for]
  auto url = app.url_for("user_file", {{"id", "7"}, {"path", "a/b c"}}, {{"download", "1"}});
  // *url == "/users/7/files/a/b%20c?download=1"
  // [/url_for]
  EXPECT_EQ(*url, "/users/7/files/a/b%20c?download=1");
  EXPECT_FALSE(app.url_for("user_file", {{"id", "7"}}));
}

TEST(Routing, MistakesComeAllAtOnce) {
  weir::App app(quiet());
  struct Database {};
  // [mistakes]
  app.get("/users/{id}", [](weir::Path<int>) {});
  app.get("/users/{name}", [](weir::Path<std::string>) {});  // the same paths as the line above
  app.get("/report", [](weir::State<Database>) {});          // nobody called app.state()
  app.get(weir::runtime_route("/broken/{"), [] {});          // made at run time: checked at the start
  // [/mistakes]
  const weir::Result<void> started = app.start();
  ASSERT_FALSE(started);
  for (const char* part : {"/users/{name}", "State<Database>", "/broken/{"}) {
    EXPECT_NE(started.error().message().find(part), std::string::npos) << started.error().message();
  }
}

TEST(Routing, RoutesChangeWhileServing) {
  weir::App app(quiet());
  app.get("/old", [] { return "old"; });
  weir::TestClient client = app.test();
  // [live]
  weir::Result<void> added = app.add_routes([](weir::Group& routes) {
    routes.get("/beta/hello", [] { return "hello"; });
    routes.get("/beta/bye", [] { return "bye"; });
  });
  weir::Result<void> removed = app.remove_route(weir::Method::get, "/old");
  // [/live]
  EXPECT_TRUE(added);
  EXPECT_TRUE(removed);
  EXPECT_EQ(client.get("/beta/bye").body, "bye");
  EXPECT_EQ(client.get("/old").status, 404);
}

}  // namespace
}  // namespace guide
