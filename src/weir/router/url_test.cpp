#include <string>
#include <string_view>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/router/router.hpp"

namespace weir {
namespace {

using ::testing::HasSubstr;

std::shared_ptr<const Router> routes() {
  RouteTable table;
  table.add({.pattern = "/", .name = "home"});
  table.add({.pattern = "/users/{id}", .name = "user"});
  table.add({.pattern = "/users/{id:int}/posts/{post}", .name = "post"});
  table.add({.pattern = "/files/{rest*}", .name = "file"});
  table.add({.pattern = "/img-{n}.{}", .name = "broken"});
  table.remove({.pattern = "/img-{n}.{}"});
  table.add({.pattern = "/img-{n}.png", .name = "image"});
  table.add({.pattern = "/jobs/{id}:cancel", .name = "cancel"});
  table.add({.pattern = "/p/{f:[a-z]+\\.png}", .name = "picture"});
  table.add({.pattern = "/n/{n:range(1,9)}", .name = "digit"});
  return table.build().value();
}

TEST(UrlFor, BuildsAndEncodes) {
  const auto router = routes();
  EXPECT_EQ(router->url_for("home").value(), "/");
  EXPECT_EQ(router->url_for("user", {{"id", "7"}}).value(), "/users/7");
  EXPECT_EQ(router->url_for("user", {{"id", "a/b c:d?"}}).value(), "/users/a%2Fb%20c%3Ad%3F");
  EXPECT_EQ(router->url_for("post", {{"post", "x"}, {"id", "-7"}}).value(), "/users/-7/posts/x");
  EXPECT_EQ(router->url_for("file", {{"rest", "a b/c"}}).value(), "/files/a%20b/c");
  EXPECT_EQ(router->url_for("file", {{"rest", ""}}).value(), "/files/");
  EXPECT_EQ(router->url_for("image", {{"n", "."}}).value(), "/img-..png");
  EXPECT_EQ(router->url_for("cancel", {{"id", "7"}}).value(), "/jobs/7:cancel");
  EXPECT_EQ(router->url_for("user", {{"id", "7"}}, {{"q", "a&b"}, {"p", ""}}).value(), "/users/7?q=a%26b&p=");
}

TEST(UrlFor, SaysWhatIsWrong) {
  const auto router = routes();
  const auto error = [&](std::string_view name, std::initializer_list<UrlParam> params) {
    return router->url_for(name, params).error().message();
  };
  EXPECT_EQ(error("nobody", {}), "there is no route named \"nobody\"");
  EXPECT_EQ(router->url_for("nobody").error().code(), Errc::not_found);
  EXPECT_EQ(error("post", {{"id", "7"}}),
            "url_for(\"post\"), /users/{id:int}/posts/{post}: the parameter \"post\" is missing");
  EXPECT_THAT(error("post", {{"id", "x"}, {"post", "p"}}), HasSubstr("the parameter \"id\" is \"x\", but has to be a"));
  EXPECT_THAT(error("user", {{"id", "7"}, {"uid", "8"}}), HasSubstr("there is no parameter \"uid\""));
  EXPECT_THAT(error("user", {{"id", ""}}), HasSubstr("non-empty"));
  EXPECT_THAT(error("user", {{"id", ".."}}), HasSubstr("\"..\""));
  EXPECT_THAT(error("file", {{"rest", "a/../b"}}), HasSubstr("a/../b"));
  EXPECT_THAT(error("picture", {{"f", "a.jpg"}}), HasSubstr("to match [a-z]+\\.png"));
  EXPECT_THAT(error("digit", {{"n", "10"}}), HasSubstr("at least 1, at most 9"));
}

TEST(UrlFor, IsTheReverseOfMatch) {
  const auto router = routes();
  for (const std::string_view value : {"7", "a/b", "7:cancel", "%2F", "caf\xc3\xa9", "a+b", "{x}", "...", "a?b#c"}) {
    Arena arena;
    const auto url = router->url_for("user", {{"id", value}}).value();
    const auto match = router->match({.path = url}, arena);
    ASSERT_EQ(match.outcome, RouteOutcome::found) << url;
    EXPECT_EQ(match.params.find("id"), value) << url;
  }
}

}  // namespace
}  // namespace weir
