// [test]
#include "users.hpp"

#include <gtest/gtest.h>

struct UsersTest : testing::Test {
  UsersTest() { add_users(app); }

  weir::App app{{.log = {.file = "/dev/null"}}};
};

TEST_F(UsersTest, KeepsWhatIsPosted) {
  weir::TestClient client = app.test();

  const auto created = client.post_json("/users", NewUser{"Ada", 36});
  EXPECT_EQ(created.status, 201);
  EXPECT_EQ(created.header("Location"), "/users/1");

  const auto found = client.get("/users/1");
  EXPECT_EQ(found.status, 200);
  EXPECT_EQ(found.json<User>()->name, "Ada");
}

TEST_F(UsersTest, SaysWhatIsWrong) {
  weir::TestClient client = app.test();
  EXPECT_EQ(client.get("/users/7").status, 404);
  EXPECT_EQ(client.get("/users/seven").status, 422);
  EXPECT_EQ(client.post("/users", "application/json", R"({"name":"Ada","age":-1})").status, 422);
  EXPECT_EQ(client.post("/users", "application/json", R"({"name":)").status, 400);
  EXPECT_EQ(client.post("/users", "text/plain", "Ada").status, 415);
}
// [/test]

TEST_F(UsersTest, ListsUpToALimit) {
  weir::TestClient client = app.test();
  client.post_json("/users", NewUser{"Ada", 36});
  client.post_json("/users", NewUser{"Grace", 37});
  EXPECT_EQ(client.get("/users?limit=1").body, R"([{"id":1,"name":"Ada","age":36}])");
  EXPECT_EQ(client.get("/users").json<std::vector<User>>()->size(), 2u);
}
