// docs/guide/coming-from-gin.md
#include <gtest/gtest.h>

#include "support.hpp"

namespace guide {
namespace {

// [album]
struct Album {
  std::string id;
  std::string title;
  double price = 0;
};

std::vector<Album> albums = {{"1", "Blue Train", 56.99}, {"2", "Jeru", 17.99}};

void add_albums(weir::App& app) {
  weir::Group v1 = app.group("/v1");

  v1.get("/albums", [] { return albums; });

  v1.get("/albums/{id}", [](weir::Path<std::string> id) -> std::optional<Album> {
    for (const Album& album : albums) {
      if (album.id == *id) return album;
    }
    return std::nullopt;  // 404
  });

  v1.post("/albums", [](weir::Json<Album> album) { return weir::created(*album, "/v1/albums/" + album->id); });
}
// [/album]

TEST(ComingFromGin, TheTutorialsService) {
  weir::App app(quiet());
  add_albums(app);
  weir::TestClient client = app.test();
  EXPECT_EQ(client.get("/v1/albums/2").body, R"({"id":"2","title":"Jeru","price":17.99})");
  EXPECT_EQ(client.get("/v1/albums/3").status, 404);
  EXPECT_EQ(client.post_json("/v1/albums", albums[0]).status, 201);
  EXPECT_EQ(client.del("/v1/albums").status, 405);
}

TEST(ComingFromGin, AContextIsThereToo) {
  weir::App app(quiet());
  struct User {
    std::string name;
  };
  // [context]
  app.use([](weir::Context& ctx) { ctx.set(User{"ada"}); });  // c.Set
  app.get("/files/{path*}", [](weir::Context& ctx) {
    const std::string_view path = ctx.param("path").value_or("");         // c.Param
    const std::string_view page = ctx.query("page").value_or("1");        // c.DefaultQuery
    const std::string_view agent = ctx.header("User-Agent");              // c.GetHeader
    const std::string_view session = ctx.cookie("session").value_or("");  // c.Cookie
    const User* user = ctx.get<User>();                                   // c.Get
    return weir::text(std::string(path) + " page " + std::string(page) + " for " + user->name + " at " +
                          std::string(ctx.route()) + std::string(agent) + std::string(session),
                      weir::Status::ok);  // c.String
  });
  // [/context]
  weir::TestClient client = app.test();
  EXPECT_EQ(client.get("/files/a/b?page=2").body, "a/b page 2 for ada at /files/{path*}");
}

}  // namespace
}  // namespace guide
