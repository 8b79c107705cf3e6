// docs/guide/getting-started.md: the answers that the page shows.
#include <gtest/gtest.h>

#include "service/users.hpp"
#include "support.hpp"

namespace guide {
namespace {

TEST(GettingStarted, AnswersAsThePageShows) {
  weir::App app(quiet());
  add_users(app);
  weir::TestClient client = app.test();
  EXPECT_EQ(client.post_json("/users", NewUser{"Ada", 36}).body, shown("created.json"));
  const weir::TestClient::Headers id = {{"X-Request-Id", "4f2c9a1e"}, {"Content-Type", "application/json"}};
  EXPECT_EQ(client.get("/users/7", id).body, shown("no_user.json"));
  const auto refused = client.request({weir::Method::post, "/users", id, R"({"name":"","age":200})"});
  EXPECT_EQ(refused.status, 422);
  EXPECT_EQ(refused.body, shown("invalid_user.json"));
  EXPECT_EQ(client.get("/docs").status, 200);
  EXPECT_EQ(client.get("/openapi.json").status, 200);
  EXPECT_EQ(client.get("/actuator/prometheus").status, 200);
}

}  // namespace
}  // namespace guide
