// The API's description: what docs/guide/openapi.md quotes.
#include <gtest/gtest.h>
#include <weir/json/value.hpp>

#include "support.hpp"

namespace guide {
namespace {

weir::json::Value description_of(weir::App& app) {
  return *weir::json::read<weir::json::Value>(app.openapi());
}

// [struct]
struct Member {
  std::int64_t id = 0;
  std::string name;
  std::string password;
  std::optional<std::string> phone;

  static constexpr auto rules = weir::rules<Member>(weir::field<&Member::id>().read_only(),  //
                                                    weir::field<&Member::password>().write_only());
};
// [/struct]

TEST(OpenApi, AStructThatDiffersHasTwoSchemas) {
  weir::App app(quiet());
  // [both_ways]
  app.post("/members", [](weir::Json<Member> member) { return weir::created(*member, "/members/1"); })
      .summary("Add a member")
      .tag("members")
      .operation_id("addMember");
  app.get("/members/{id}", [](weir::Path<std::int64_t>) { return Member(); }).responds(weir::Status::not_found);
  // [/both_ways]
  const auto schemas = description_of(app)["components"]["schemas"];
  EXPECT_EQ(weir::json::to_string(schemas["Member"]), shown("openapi_member.json"));
  EXPECT_EQ(weir::json::to_string(schemas["MemberInput"]), shown("openapi_member_input.json"));
}

struct PhotoFields {
  std::string title;
};

TEST(OpenApi, RoutesSayWhatNoTypeTells) {
  weir::App app(quiet());
  // [routes]
  app.post("/photos",
           [](weir::MultipartForm form) -> weir::Result<weir::Response> {
             weir::Result<PhotoFields> fields = form.bind<PhotoFields>();
             if (!fields) return weir::fail(std::move(fields.error()));
             return weir::Response(weir::Status::no_content);
           })
      .form_fields<PhotoFields>()
      .form_file("photo", "JPEG or PNG")
      .responds(weir::Status::no_content, "It is kept");
  app.get("/photos/{id}", [](weir::Path<int>) { return weir::bytes("…", "image/png"); })
      .responds_as(weir::Status::ok, "image/png", "The photo")
      .response_header(weir::Status::ok, "ETag", "Its version")
      .responds(weir::Status::not_found);
  // [/routes]
  const auto paths = description_of(app)["paths"];
  const auto& upload = paths["/photos"]["post"];
  const auto& form = upload["requestBody"]["content"]["multipart/form-data"]["schema"];
  EXPECT_EQ(weir::json::to_string(form["required"]), R"(["title","photo"])");
  EXPECT_EQ(upload["responses"]["204"]["description"].as_string(), "It is kept");
  const auto& photo = paths["/photos/{id}"]["get"]["responses"]["200"];
  EXPECT_FALSE(photo["headers"]["ETag"].is_null());
  EXPECT_FALSE(photo["content"]["image/png"].is_null());
}

TEST(OpenApi, RoutesOfOnePathAreNotLost) {
  weir::App app(quiet());
  // [one_path]
  app.get("/people/{id:int}", [](weir::Path<int> id) { return "number " + std::to_string(*id); });
  app.get("/people/{name}", [](weir::Path<std::string> name) { return "called " + *name; });
  app.del("/people/{key}", [](weir::Path<std::string>) {});
  // [/one_path]
  const auto path = description_of(app)["paths"]["/people/{id}"];
  EXPECT_EQ(path["delete"]["parameters"].as_array()[0]["name"].as_string(), "id");
  EXPECT_EQ(path["get"]["x-weir-others"].as_array()[0]["path"].as_string(), "/people/{name}");
}

}  // namespace
}  // namespace guide
