#include "weir/router/router.hpp"

#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir {
namespace {

using http::Method;
using ::testing::HasSubstr;

/// A router for GET routes; the endpoint is the pattern's place in the list.
std::shared_ptr<const Router> router_for(std::initializer_list<std::string_view> patterns, RouterOptions options = {}) {
  RouteTable table(options);
  std::uint32_t endpoint = 0;
  for (const auto pattern : patterns) table.add({.pattern = pattern, .endpoint = endpoint++});
  auto router = table.build();
  EXPECT_TRUE(router.has_value()) << router.error().message();
  return router.value_or(nullptr);
}

/// "pattern name=value …" of the match, or what else came out.
std::string show(const RouteMatch& match) {
  switch (match.outcome) {
    case RouteOutcome::found: {
      std::string out(match.pattern);
      for (std::size_t i = 0; i < match.params.size(); ++i) {
        out.append(" ").append(match.params.name(i)).append("=").append(match.params.value(i));
      }
      return out;
    }
    case RouteOutcome::options:
      return "options " + std::string(match.allow);
    case RouteOutcome::not_found:
      return "404";
    case RouteOutcome::method_not_allowed:
      return "405 " + std::string(match.allow);
    case RouteOutcome::redirect:
      return std::to_string(match.redirect_status) + " " + std::string(match.location);
    case RouteOutcome::bad_path:
      return "400";
  }
  return "?";
}

struct Expectation {
  std::string_view path;
  std::string_view result;
};
void expect(const Router& router, std::initializer_list<Expectation> expectations) {
  for (const auto& [path, result] : expectations) {
    Arena arena;
    EXPECT_EQ(show(router.match({.path = path}, arena)), result) << path;
  }
}

constexpr RouterOptions strict{.trailing_slash = TrailingSlash::strict};

TEST(Router, FindsTheEndpointAndTheParameters) {
  RouteTable table;
  table.add({.pattern = "/users/{id:int}", .endpoint = 7});
  const auto router = table.build().value();
  Arena arena;
  const auto match = router->match({.path = "/users/42"}, arena);
  ASSERT_EQ(match.outcome, RouteOutcome::found);
  EXPECT_EQ(match.endpoint, 7u);
  EXPECT_EQ(match.pattern, "/users/{id:int}");
  EXPECT_EQ(match.params.find("id"), "42");
  EXPECT_EQ(match.params.find("no"), std::nullopt);
  EXPECT_EQ(router->match({.path = "/users/x"}, arena).outcome, RouteOutcome::not_found);
}

TEST(Router, AnEmptyTableFindsNothing) {
  expect(*router_for({}), {{"/", "404"}, {"/a/b", "404"}, {"", "404"}, {"*", "404"}});
}

TEST(Router, MatchesEveryKindOfPattern) {
  const auto router = router_for(
      {"/", "/users", "/users/{id}", "/users/{id}/posts/{post:uint}", "/users/{id}:activate", "/users:batch",
       "/img-{n:int}.png", "/files/{rest*}", "/f/{file:[a-z]+\\.png}", "/u/{u:uuid}", "/b/{b:bool}", "/x/{x:float}",
       "/a/{a:alpha}", "/d/{d:date}", "/t/{t:datetime}", "/r/{r:range(1,5)}", "/l/{l:len(3)}", "/dir/"},
      strict);
  expect(*router, {
                      {"/", "/"},
                      {"/users", "/users"},
                      {"/users/", "404"},
                      {"/users/7", "/users/{id} id=7"},
                      {"/users/7/posts/8", "/users/{id}/posts/{post:uint} id=7 post=8"},
                      {"/users/7/posts/-8", "404"},
                      {"/users/7:activate", "/users/{id}:activate id=7"},
                      {"/users/7:other", "/users/{id} id=7:other"},
                      {"/users/:activate", "/users/{id} id=:activate"},
                      {"/users:batch", "/users:batch"},
                      {"/img-12.png", "/img-{n:int}.png n=12"},
                      {"/img-.png", "404"},
                      {"/img-x.png", "404"},
                      {"/files", "404"},
                      {"/files/", "/files/{rest*} rest="},
                      {"/files/a", "/files/{rest*} rest=a"},
                      {"/files/a/b//c/", "/files/{rest*} rest=a/b//c/"},
                      {"/f/ab.png", "/f/{file:[a-z]+\\.png} file=ab.png"},
                      {"/f/xab.pngx", "404"},
                      {"/u/123e4567-e89b-12d3-a456-426614174000", "/u/{u:uuid} u=123e4567-e89b-12d3-a456-426614174000"},
                      {"/u/123e4567e89b12d3a456426614174000", "404"},
                      {"/b/true", "/b/{b:bool} b=true"},
                      {"/b/1", "404"},
                      {"/x/-1.5e3", "/x/{x:float} x=-1.5e3"},
                      {"/x/nan", "404"},
                      {"/x/-inf", "404"},
                      {"/a/Abc", "/a/{a:alpha} a=Abc"},
                      {"/a/Ab1", "404"},
                      {"/d/2024-02-29", "/d/{d:date} d=2024-02-29"},
                      {"/d/2023-02-29", "404"},
                      {"/t/2024-02-29T23:59:60.5+02:00", "/t/{t:datetime} t=2024-02-29T23:59:60.5+02:00"},
                      {"/t/2024-02-29T24:00:00Z", "404"},
                      {"/r/5", "/r/{r:range(1,5)} r=5"},
                      {"/r/6", "404"},
                      {"/l/abc", "/l/{l:len(3)} l=abc"},
                      {"/l/ab", "404"},
                      {"/dir/", "/dir/"},
                      {"/dir", "404"},
                      {"//", "404"},
                  });
}

TEST(Router, RootCatchAllStandsBesideEverything) {
  const auto router = router_for({"/{rest*}", "/users/{id}", "/users/new"});
  expect(*router, {{"/", "/{rest*} rest="},
                   {"/x/y", "/{rest*} rest=x/y"},
                   {"/users/new", "/users/new"},
                   {"/users/7", "/users/{id} id=7"},
                   {"/users/7/x", "/{rest*} rest=users/7/x"},
                   {"/users", "/{rest*} rest=users"},
                   {"//evil", "/{rest*} rest=/evil"}});
}

TEST(Router, NamesOfParametersMayDiffer) {
  const auto router = router_for({"/u/{id}", "/u/{name}/posts", "/u/{uid}/files/{rest*}"});
  expect(*router, {{"/u/1", "/u/{id} id=1"},
                   {"/u/1/posts", "/u/{name}/posts name=1"},
                   {"/u/1/files/a", "/u/{uid}/files/{rest*} uid=1 rest=a"}});
}

TEST(Router, MorePreciseBeatsLessPrecise) {
  // Registered with the least precise first.
  const auto router =
      router_for({"/{t*}", "/{p}", "/{s:minLen(4)}", "/{r:[a-z]+[0-9]}", "/{r:[a-z]+[0-9]?}", "/{a:alpha}",
                  "/{f:float}", "/{i:int}", "/{n:range(1,9)}", "/{u:uint}", "/v{x}", "/ver{x}", "/version"});
  expect(*router, {{"/version", "/version"},
                   {"/verx", "/ver{x} x=x"},
                   {"/vex", "/v{x} x=ex"},
                   {"/7", "/{u:uint} u=7"},
                   {"/-7", "/{i:int} i=-7"},
                   {"/-7.5", "/{f:float} f=-7.5"},
                   {"/abc", "/{a:alpha} a=abc"},
                   {"/abc1", "/{r:[a-z]+[0-9]} r=abc1"},
                   {"/12345x", "/{s:minLen(4)} s=12345x"},
                   {"/1x", "/{p} p=1x"},
                   {"/1/x", "/{t*} t=1/x"}});
}

TEST(Router, ExpressionsAreTriedInOrderOfRegistration) {
  expect(*router_for({"/{a:[a-z]+}", "/{b:[a-z0-9]+}"}),
         {{"/abc", "/{a:[a-z]+} a=abc"}, {"/ab1", "/{b:[a-z0-9]+} b=ab1"}});
  expect(*router_for({"/{b:[a-z0-9]+}", "/{a:[a-z]+}"}), {{"/abc", "/{b:[a-z0-9]+} b=abc"}});
}

TEST(Router, GoesBackWhenThePreciseBranchFails) {
  const auto router = router_for({"/a/b/c/d", "/a/b/{x}/e", "/a/{y:alpha}/c/f", "/{z}/b/c/g", "/a/{t*}"});
  expect(*router, {{"/a/b/c/d", "/a/b/c/d"},
                   {"/a/b/c/e", "/a/b/{x}/e x=c"},
                   {"/a/b/c/f", "/a/{y:alpha}/c/f y=b"},
                   {"/a/b/c/g", "/a/{t*} t=b/c/g"},
                   {"/q/b/c/g", "/{z}/b/c/g z=q"},
                   {"/a/b/c/h", "/a/{t*} t=b/c/h"},
                   {"/q/b/c/h", "404"}});
}

TEST(Router, MethodsAreLookedForAlongTheWay) {
  RouteTable table(strict);
  table.add({.method = Method::post, .pattern = "/users/new", .endpoint = 1});
  table.add({.method = Method::get, .pattern = "/users/{id}", .endpoint = 2});
  table.add({.method = Method::del, .pattern = "/users/{id}", .endpoint = 3});
  table.add({.method = Method::other, .method_text = "PURGE", .pattern = "/users/{id}", .endpoint = 4});
  table.add({.method = Method::other, .method_text = "PUT", .pattern = "/put", .endpoint = 5});
  table.add({.any_method = true, .pattern = "/any", .endpoint = 6});
  table.add({.method = Method::post, .pattern = "/any", .endpoint = 7});
  const auto router = table.build().value();
  Arena arena;
  const auto run = [&](Method method, std::string_view path, std::string_view text = {}) {
    return show(router->match({.method = method, .method_text = text, .path = path}, arena));
  };
  EXPECT_EQ(run(Method::post, "/users/new"), "/users/new");
  EXPECT_EQ(run(Method::get, "/users/new"), "/users/{id} id=new");
  EXPECT_EQ(run(Method::put, "/users/new"), "405 GET, HEAD, POST, DELETE, OPTIONS, PURGE");
  EXPECT_EQ(run(Method::post, "/users/7"), "405 GET, HEAD, DELETE, OPTIONS, PURGE");
  EXPECT_EQ(run(Method::other, "/users/7", "PURGE"), "/users/{id} id=7");
  EXPECT_EQ(run(Method::other, "/users/7", "purge"), "405 GET, HEAD, DELETE, OPTIONS, PURGE");
  EXPECT_EQ(run(Method::put, "/put"), "/put");
  EXPECT_EQ(run(Method::options, "/users/7"), "options GET, HEAD, DELETE, OPTIONS, PURGE");
  EXPECT_EQ(run(Method::options, "/nothing"), "404");
  EXPECT_EQ(router->match({.method = Method::post, .path = "/any"}, arena).endpoint, 7u);
  EXPECT_EQ(router->match({.method = Method::other, .method_text = "X", .path = "/any"}, arena).endpoint, 6u);
  EXPECT_EQ(router->match({.method = Method::head, .path = "/any"}, arena).endpoint, 6u);
  EXPECT_FALSE(router->match({.method = Method::head, .path = "/any"}, arena).head_from_get);
}

TEST(Router, HeadAndOptionsAreDerived) {
  RouteTable table;
  table.add({.method = Method::get, .pattern = "/a", .endpoint = 1});
  table.add({.method = Method::get, .pattern = "/b", .endpoint = 2});
  table.add({.method = Method::head, .pattern = "/b", .endpoint = 3});
  table.add({.method = Method::options, .pattern = "/b", .endpoint = 4});
  table.add({.method = Method::post, .pattern = "/c", .endpoint = 5});
  const auto router = table.build().value();
  Arena arena;
  const auto a = router->match({.method = Method::head, .path = "/a"}, arena);
  EXPECT_EQ(a.endpoint, 1u);
  EXPECT_TRUE(a.head_from_get);
  const auto b = router->match({.method = Method::head, .path = "/b"}, arena);
  EXPECT_EQ(b.endpoint, 3u);
  EXPECT_FALSE(b.head_from_get);
  EXPECT_EQ(router->match({.method = Method::options, .path = "/b"}, arena).endpoint, 4u);
  EXPECT_EQ(show(router->match({.method = Method::head, .path = "/c"}, arena)), "405 POST, OPTIONS");

  RouteTable manual({.automatic_head = false, .automatic_options = false});
  manual.add({.pattern = "/a"});
  const auto plain = manual.build().value();
  EXPECT_EQ(show(plain->match({.method = Method::head, .path = "/a"}, arena)), "405 GET");
  EXPECT_EQ(show(plain->match({.method = Method::options, .path = "/a"}, arena)), "405 GET");
}

TEST(Router, HostsExactThenWildcardThenAny) {
  RouteTable table(strict);
  table.add({.host = "api.example.com", .pattern = "/", .endpoint = 1});
  table.add({.host = "{tenant}.Example.com", .pattern = "/", .endpoint = 2});
  table.add({.host = "{Name}.example.com", .pattern = "/{id}", .endpoint = 3});
  table.add({.pattern = "/", .endpoint = 4});
  table.add({.pattern = "/healthz", .endpoint = 5});
  table.add({.host = "[::1]", .pattern = "/", .endpoint = 6});
  table.add({.host = "*.star.org", .pattern = "/", .endpoint = 7});
  table.add({.method = Method::post, .host = "api.example.com", .pattern = "/only", .endpoint = 8});
  const auto router = table.build().value();
  struct Case {
    std::string_view host;
    std::string_view path;
    std::uint32_t endpoint;
    std::string_view params;
  };
  for (const Case& c : {
           Case{"api.example.com", "/", 1, "/"},
           Case{"API.Example.COM:8443", "/", 1, "/"},
           Case{"api.example.com.", "/", 1, "/"},
           Case{"acme.example.com:80", "/", 2, "/ tenant=acme"},
           Case{"ACME.example.com", "/", 2, "/ tenant=acme"},
           Case{"acme.example.com", "/7", 3, "/{id} Name=acme id=7"},
           Case{"api.example.com", "/7", 3, "/{id} Name=api id=7"},
           Case{"a.b.example.com", "/", 4, "/"},
           Case{".example.com", "/", 4, "/"},
           Case{"example.com", "/", 4, "/"},
           Case{"", "/", 4, "/"},
           Case{"acme.example.com", "/healthz", 3, "/{id} Name=acme id=healthz"},
           Case{"other.org", "/healthz", 5, "/healthz"},
           Case{"[::1]:8080", "/", 6, "/"},
           Case{"[::1]", "/", 6, "/"},
           Case{"x.star.org", "/", 7, "/ *=x"},
       }) {
    Arena arena;
    const auto match = router->match({.host = c.host, .path = c.path}, arena);
    EXPECT_EQ(show(match), c.params) << c.host << c.path;
    EXPECT_EQ(match.endpoint, c.endpoint) << c.host << c.path;
  }
}

TEST(Router, TrailingSlashIsRedirected) {
  RouteTable table;
  table.add({.pattern = "/a"});
  table.add({.pattern = "/b/"});
  table.add({.method = Method::post, .pattern = "/p"});
  table.add({.pattern = "/files/{rest*}"});
  table.add({.pattern = "/{x}/y"});
  const auto router = table.build().value();
  Arena arena;
  const auto run = [&](Method method, std::string_view path) {
    return show(router->match({.method = method, .path = path}, arena));
  };
  EXPECT_EQ(run(Method::get, "/a/"), "301 /a");
  EXPECT_EQ(run(Method::head, "/b"), "301 /b/");
  EXPECT_EQ(run(Method::post, "/p/"), "308 /p");
  EXPECT_EQ(run(Method::get, "/p/"), "404");
  EXPECT_EQ(run(Method::get, "/files"), "301 /files/");
  EXPECT_EQ(run(Method::get, "/%61/"), "301 /%61");
  EXPECT_EQ(run(Method::get, "/a//"), "404");
  EXPECT_EQ(run(Method::get, "/x/y/"), "301 /x/y");
}

TEST(Router, RedirectsNeverLeaveTheSite) {
  // "//evil.com" and "/\evil.com" name another host to a browser.
  const auto router = router_for({"/{x}", "/{x}/", "/{rest*}"});
  for (const std::string_view path : {"//evil.com", "//evil.com/", "/\\evil.com/", "//evil.com/a/"}) {
    Arena arena;
    EXPECT_NE(router->match({.path = path}, arena).outcome, RouteOutcome::redirect) << path;
  }
  const auto narrow = router_for({"/{x}"});
  expect(*narrow, {{"/\\evil.com/", "404"}, {"/%5Cevil.com/", "301 /%5Cevil.com"}});
}

TEST(Router, TrailingSlashCanBeIgnored) {
  const auto router = router_for({"/", "/a", "/b/", "/files/{rest*}"}, {.trailing_slash = TrailingSlash::ignore});
  expect(*router, {{"/", "/"},
                   {"/a", "/a"},
                   {"/a/", "/a"},
                   {"/b", "/b/"},
                   {"/b/", "/b/"},
                   {"/files", "/files/{rest*} rest="},
                   {"/files/x/", "/files/{rest*} rest=x/"},
                   {"/a//", "404"}});
  Arena arena;
  EXPECT_EQ(show(router->match({.method = Method::post, .path = "/a/"}, arena)), "405 GET, HEAD, OPTIONS");
}

TEST(Router, EscapesAreDecodedSegmentBySegment) {
  const auto router = router_for({"/files/{name}", "/files/{a}/{b}", "/tail/{rest*}", "/a%20b/{x:int}", "/caf\xc3\xa9",
                                  "/%7Bid%7D", "/v/{id}:go", "/v/{id}"},
                                 strict);
  expect(*router, {{"/files/a%2Fb", "/files/{name} name=a/b"},
                   {"/files/a%2fb/%63", "/files/{a}/{b} a=a/b b=c"},
                   {"/f%69les/x", "/files/{name} name=x"},
                   {"/tail/a%20b/c%2F..%2Fd", "/tail/{rest*} rest=a b/c/../d"},
                   {"/a%20b/%37", "/a%20b/{x:int} x=7"},
                   {"/caf%C3%A9", "/caf\xc3\xa9"},
                   {"/{id}", "/%7Bid%7D"},
                   {"/%7bid%7d", "/%7Bid%7D"},
                   {"/files/+", "/files/{name} name=+"},
                   {"/v/7:go", "/v/{id}:go id=7"},
                   {"/v/%37:go", "/v/{id}:go id=7"},
                   {"/v/a%3Ab:g%6F", "/v/{id}:go id=a:b"},
                   {"/v/7%3Ago", "/v/{id} id=7:go"},
                   {"/files/%", "400"},
                   {"/files/%4", "400"},
                   {"/files/%zz", "400"},
                   {"/files/%00", "400"},
                   {"/nothing/%", "400"},
                   {"/files/%252F", "/files/{name} name=%2F"}});
}

TEST(Router, LongAndDeepPathsAreAnsweredSanely) {
  const auto router = router_for({"/a/{x}", "/files/{rest*}"}, strict);
  std::string deep = "/files";
  for (int i = 0; i < 5000; ++i) deep += "/s";
  Arena arena;
  EXPECT_EQ(router->match({.path = deep}, arena).params.value(0).size(), deep.size() - 7);
  EXPECT_EQ(show(router->match({.path = deep.substr(6)}, arena)), "404");
  deep += "/%41";
  EXPECT_EQ(router->match({.path = deep}, arena).params.value(0).back(), 'A');
  deep += "/%4";
  EXPECT_EQ(show(router->match({.path = deep}, arena)), "400");

  std::string pattern;
  for (int i = 0; i < 64; ++i) pattern += "/s";
  expect(*router_for({pattern}), {{pattern, pattern}, {pattern + "/s", "404"}});
  std::string params;
  for (int i = 0; i < 16; ++i) params += "/{p" + std::to_string(i) + "}";
  const auto most = router_for({params});
  std::string path;
  for (int i = 0; i < 16; ++i) path += "/" + std::to_string(i);
  EXPECT_EQ(most->match({.path = path}, arena).params.find("p15"), "15");
}

TEST(RouteTable, ReportsAllProblemsTogether) {
  RouteTable table;
  table.add({.pattern = "/users/{id}", .name = "user"});
  table.add({.pattern = "/users/{name}"});
  table.add({.method = Method::post, .pattern = "/users/{name}"});
  table.add({.pattern = "/ok/{a:[a-z]+}"});
  table.add({.pattern = "/ok/{a:[a-y]+}"});
  table.add({.pattern = "/ok/{b:[a-z]+}"});
  table.add({.pattern = "/bad/{x:[a-}"});
  table.add({.pattern = "/bad/{x:(a{1000}){1000}}"});
  table.add({.pattern = "/bad//b"});
  table.add({.pattern = "/p/{a}/{a}"});
  table.add({.host = "a.b:80", .pattern = "/"});
  table.add({.host = "x.{y}.z", .pattern = "/"});
  table.add({.host = "{t}.z.com", .pattern = "/h/{u}"});
  table.add({.host = "*.z.com", .pattern = "/h/{v}"});
  table.add({.host = "{t}.z.com", .pattern = "/h/{t}/t"});
  table.add({.method = Method::other, .method_text = "B AD", .pattern = "/m"});
  table.add({.pattern = "/named", .name = "user"});
  table.add({.any_method = true, .pattern = "/any"});
  table.add({.any_method = true, .pattern = "/any"});
  const auto error = table.build().error();
  EXPECT_EQ(error.code(), Errc::failed_precondition);
  const auto& text = error.message();
  EXPECT_THAT(text, HasSubstr("GET /users/{name}: conflicts with GET /users/{id}: both accept the same paths"));
  EXPECT_THAT(text, HasSubstr("GET /ok/{b:[a-z]+}: conflicts with GET /ok/{a:[a-z]+}"));
  EXPECT_THAT(text, HasSubstr("GET /bad/{x:[a-}: '{' without '}'"));
  EXPECT_THAT(text, HasSubstr("GET /bad/{x:(a{1000}){1000}}: the regular expression"));
  EXPECT_THAT(text, HasSubstr("GET /bad//b: an empty segment: slashes are not merged (at byte 5)"));
  EXPECT_THAT(text, HasSubstr("GET /p/{a}/{a}: two placeholders are named \"a\""));
  EXPECT_THAT(text, HasSubstr("the host \"a.b:80\": a host is labels"));
  EXPECT_THAT(text, HasSubstr("the host \"x.{y}.z\": a host is labels"));
  EXPECT_THAT(text, HasSubstr("GET *.z.com/h/{v}: conflicts with GET {t}.z.com/h/{u}"));
  EXPECT_THAT(text, HasSubstr("GET {t}.z.com/h/{t}/t: two placeholders are named \"t\""));
  EXPECT_THAT(text, HasSubstr("\"B AD\" is not the name of a method"));
  EXPECT_THAT(text, HasSubstr("GET /named: has the same name, \"user\", as GET /users/{id}"));
  EXPECT_THAT(text, HasSubstr("any method /any: conflicts with any method /any"));
  EXPECT_EQ(error.fields().size(), 13u) << text;
}

TEST(RouteTable, TheIgnoredSlashConflicts) {
  RouteTable table({.trailing_slash = TrailingSlash::ignore});
  table.add({.pattern = "/a"});
  table.add({.pattern = "/a/"});
  EXPECT_THAT(table.build().error().message(), HasSubstr("GET /a/: conflicts with GET /a"));
}

TEST(RouteTable, RemovedRoutesAreGone) {
  RouteTable table;
  table.add({.host = "Example.com", .pattern = "/a"});
  table.add({.pattern = "/b"});
  EXPECT_FALSE(table.remove({.pattern = "/a"}));
  EXPECT_FALSE(table.remove({.method = Method::post, .pattern = "/b"}));
  EXPECT_TRUE(table.remove({.host = "example.COM", .pattern = "/a"}));
  Arena arena;
  const auto router = table.build().value();
  EXPECT_EQ(show(router->match({.host = "example.com", .path = "/a"}, arena)), "404");
  EXPECT_EQ(show(router->match({.host = "example.com", .path = "/b"}, arena)), "/b");
  // Texts of removed routes do not pile up, and those that stay survive the tidying.
  for (int i = 0; i < 1000; ++i) {
    const auto pattern = "/long/enough/to/count/" + std::to_string(i);
    table.add({.pattern = pattern, .name = pattern});
    EXPECT_TRUE(table.remove({.pattern = pattern}));
  }
  EXPECT_EQ(show(table.build().value()->match({.path = "/b"}, arena)), "/b");
}

TEST(RouteTable, TheAttachmentLivesWithTheSnapshot) {
  RouteTable table;
  table.add({.pattern = "/"});
  auto endpoints = std::make_shared<const std::vector<int>>(3);
  const std::weak_ptr watch = endpoints;
  auto router = std::move(table).build(std::move(endpoints)).value();
  EXPECT_FALSE(watch.expired());
  EXPECT_EQ(static_cast<const std::vector<int>*>(router->attachment().get())->size(), 3u);
  EXPECT_EQ(table.size(), 0u);
  router.reset();
  EXPECT_TRUE(watch.expired());
}

TEST(Router, WorkIsBoundedByThePathNotByTheTable) {
  // A literal and a placeholder on each of 14 levels: 2^14 routes, and a path that fails on the last of them.
  RouteTable table(strict);
  constexpr int levels = 14;
  for (std::uint32_t bits = 0; bits < (1U << levels); ++bits) {
    std::string pattern;
    for (int i = 0; i < levels; ++i) pattern += (bits >> i & 1) != 0 ? "/{p" + std::to_string(i) + "}" : "/a";
    table.add({.pattern = pattern + "/end", .endpoint = bits});
  }
  const auto router = std::move(table).build().value();
  EXPECT_LE(router->worst_case_steps(), 2u * levels + 2u);
  std::string path;
  for (int i = 0; i < levels; ++i) path += "/a";
  expect(*router, {{path + "/miss", "404"}});
  Arena arena;
  EXPECT_EQ(router->match({.path = path + "/end"}, arena).endpoint, 0u);
  EXPECT_EQ(router->match({.path = "/x" + path.substr(2) + "/end"}, arena).endpoint, 1u);
  EXPECT_EQ(show(router->match({.method = Method::put, .path = path + "/end"}, arena)), "405 GET, HEAD, OPTIONS");
}

TEST(RouteTable, RefusesTablesThatNeedTooManySteps) {
  // Subtrees that all differ, so that no step can be saved: one path enters 2^10 nodes.
  RouteTable table({.max_steps = 500});
  for (std::uint32_t bits = 0; bits < 1024; ++bits) {
    std::string pattern;
    for (int i = 0; i < 10; ++i) pattern += (bits >> i & 1) != 0 ? "/{p" + std::to_string(i) + "}" : "/a";
    table.add({.pattern = pattern + "/end" + std::to_string(bits) + "/x"});
  }
  EXPECT_THAT(table.build().error().message(), HasSubstr("steps in these routes, the limit is 500"));
}

}  // namespace
}  // namespace weir
