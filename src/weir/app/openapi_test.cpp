// What /openapi.json says of parameters and security. (tests/pages/openapi_test.py holds it to an OpenAPI validator.)
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "weir/app/app.hpp"
#include "weir/app/test_client.hpp"
#include "weir/json/json.hpp"
#include "weir/json/value.hpp"
#include "weir/middleware/jwt.hpp"
#include "weir/web/params.hpp"
#include "weir/web/response.hpp"

namespace weir {
namespace {

AppOptions quiet() {
  AppOptions options;
  options.log.file = "/dev/null";
  return options;
}

const json::Value& operation(const json::Value& document, std::string_view path) {
  return document["paths"][path]["get"];
}

/// A parameter's schema, as text; what it is without the rest.
std::string schema_of(const json::Value& operation, std::string_view name) {
  for (const json::Value& parameter : operation["parameters"].as_array()) {
    if (parameter["name"].as_string() == name) return json::to_string(parameter["schema"]);
  }
  return "there is no parameter " + std::string(name);
}
bool is_required(const json::Value& operation, std::string_view name) {
  for (const json::Value& parameter : operation["parameters"].as_array()) {
    if (parameter["name"].as_string() == name) return parameter["required"].as_bool();
  }
  return false;
}

TEST(OpenApi, SaysWhatPlaceholdersAccept) {
  App app(quiet());
  app.get("/pages/{n:range(1,100)}", [](Path<int>) {});
  app.get("/uuids/{id:uuid}", [](Path<std::string>) {});
  app.get("/codes/{code:betweenLen(2,8)}", [](Path<std::string>) {});
  app.get("/pics/{file:[a-z]+\\.png}", [](Path<std::string>) {});
  app.get("/numbers/{n:uint}", [](Path<std::string>) {});
  app.get("/untaken/{n:int}/{day:date}", [] {});
  const json::Value document = *json::read<json::Value>(app.openapi());
  EXPECT_EQ(schema_of(operation(document, "/pages/{n}"), "n"),
            R"({"type":"integer","format":"int32","minimum":1,"maximum":100})");
  EXPECT_EQ(schema_of(operation(document, "/uuids/{id}"), "id"), R"({"type":"string","format":"uuid"})");
  EXPECT_EQ(schema_of(operation(document, "/codes/{code}"), "code"),
            R"({"type":"string","minLength":2,"maxLength":8})");
  EXPECT_EQ(schema_of(operation(document, "/pics/{file}"), "file"),
            R"({"type":"string","pattern":"^(?:[a-z]+\\.png)$"})");
  EXPECT_EQ(schema_of(operation(document, "/numbers/{n}"), "n"), R"({"type":"string","pattern":"^(?:[0-9]+)$"})");
  const json::Value& untaken = operation(document, "/untaken/{n}/{day}");
  EXPECT_EQ(schema_of(untaken, "n"), R"({"type":"integer","format":"int64"})");
  EXPECT_EQ(schema_of(untaken, "day"), R"({"type":"string","format":"date"})");
}

struct Near {
  double lat = 0;
  std::optional<double> radius;
};
struct Listing {
  std::string q;
  int limit = 20;
  std::optional<Near> near;
  std::vector<std::string> tag;
  std::int64_t secret = 0;
  static constexpr auto rules =
      weir::rules<Listing>(weir::field<&Listing::limit>().optional().min(1).max(100),
                           weir::field<&Listing::tag>().optional(), weir::field<&Listing::secret>().read_only());
};

TEST(OpenApi, ListsTheMembersOfAQueryAsTheyAreBound) {
  App app(quiet());
  app.get("/list", [](Query<Listing>) {});
  const json::Value document = *json::read<json::Value>(app.openapi());
  const json::Value& list = operation(document, "/list");
  EXPECT_TRUE(is_required(list, "q"));
  EXPECT_EQ(schema_of(list, "limit"), R"({"type":"integer","format":"int32","minimum":1,"maximum":100,"default":20})");
  EXPECT_EQ(schema_of(list, "near.lat"), R"({"type":"number","format":"double"})");
  EXPECT_FALSE(is_required(list, "near.lat")) << "near may be missing as a whole";
  EXPECT_EQ(schema_of(list, "secret"), "there is no parameter secret");
}

TEST(OpenApi, TellsTokensThatAreNeededFromThoseThatAreNot) {
  const std::string secret(JwtKey::min_secret, 's');
  App app(quiet());
  app.get("/needed", [] {}).use(jwt({.secret = secret}));
  app.get("/optional", [] {}).use(jwt({.secret = secret, .optional = true}));
  app.get("/scope", [] {}).use(jwt({.secret = secret, .optional = true})).use(require_scope("admin"));
  const json::Value document = *json::read<json::Value>(app.openapi());
  EXPECT_EQ(json::to_string(operation(document, "/needed")["security"]), R"([{"bearer":[]}])");
  EXPECT_EQ(json::to_string(operation(document, "/optional")["security"]), R"([{"bearer":[]},{}])");
  EXPECT_EQ(json::to_string(operation(document, "/scope")["security"]), R"([{"bearer":["admin"]}])");
}

}  // namespace
}  // namespace weir
