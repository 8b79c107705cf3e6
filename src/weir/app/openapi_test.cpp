// What /openapi.json says of parameters and security. (tests/pages/openapi_test.py holds it to an OpenAPI validator.)
#include <cstdio>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <unistd.h>

#include "weir/app/app.hpp"
#include "weir/app/test_client.hpp"
#include "weir/json/json.hpp"
#include "weir/json/value.hpp"
#include "weir/middleware/jwt.hpp"
#include "weir/web/multipart_form.hpp"
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

struct Account {
  std::int64_t id = 0;
  std::string name;
  std::string password;
  static constexpr auto rules =
      weir::rules<Account>(weir::field<&Account::id>().read_only(), weir::field<&Account::password>().write_only());
};
struct Accounts {
  std::vector<Account> items;
};
struct NewAccount {
  std::string name;
  std::optional<std::string> note;
};
struct Problem {
  std::string what;
};

std::vector<std::string> names_in(const json::Value& object) {
  std::vector<std::string> names;
  for (const auto& [name, value] : object.as_object()) names.emplace_back(name);
  return names;
}

TEST(OpenApi, HasOneSchemaForEachWayWhereAStructDiffers) {
  App app(quiet());
  app.get("/accounts", [] { return Accounts(); });
  app.post("/accounts", [](Json<Account> account) { return created(*account, "/accounts/1"); });
  app.put("/accounts", [](Json<NewAccount>) { return Problem(); });
  const json::Value document = *json::read<json::Value>(app.openapi());
  const json::Value& post = document["paths"]["/accounts"]["post"];
  EXPECT_EQ(json::to_string(post["requestBody"]["content"]["application/json"]["schema"]),
            R"({"$ref":"#/components/schemas/AccountInput"})");
  const json::Value& answer = post["responses"]["201"];
  EXPECT_EQ(json::to_string(answer["content"]["application/json"]["schema"]),
            R"({"$ref":"#/components/schemas/Account"})");
  EXPECT_EQ(json::to_string(answer["headers"]["Location"]["schema"]), R"({"type":"string"})");
  const json::Value& schemas = document["components"]["schemas"];
  EXPECT_EQ(names_in(schemas), (std::vector<std::string>{"Accounts", "AccountInput", "Account", "NewAccount",
                                                         "Problem2", "Problem", "FieldError"}));
  EXPECT_EQ(json::to_string(schemas["Accounts"]["properties"]["items"]["items"]),
            R"({"$ref":"#/components/schemas/Account"})");
  EXPECT_EQ(json::to_string(schemas["Account"]["required"]), R"(["id","name"])");
  EXPECT_EQ(json::to_string(schemas["AccountInput"]["required"]), R"(["name","password"])");
}

struct Keyed {
  std::string key;
  static constexpr auto rules = weir::rules<Keyed>(weir::field<&Keyed::key>().describe("Of the user"));
};

TEST(OpenApi, IsOnePathWhereOnlyNamesOfPlaceholdersDiffer) {
  App app(quiet());
  app.get("/users/{id:int}", [](Path<int>) {});
  app.del("/users/{name}", [](Path<std::string>, Query<std::optional<bool>, "name"> /*same*/) {});
  app.put("/users/{user}/keys/{key}", [](Path<int>, Path<int>) {});
  app.post("/users/{key}/keys/{user}", [](Path<int, "user">, Path<std::string, "key">) {});
  app.post("/users/{id}:lock", [](Path<int>) {});
  app.put("/users/{key}", [](Path<Keyed>) {});
  const json::Value document = *json::read<json::Value>(app.openapi());
  const json::Value& paths = document["paths"];
  EXPECT_EQ(names_in(paths), (std::vector<std::string>{"/users/{id}", "/users/{user}/keys/{key}", "/users/{id}:lock"}));
  const json::Value& del = paths["/users/{id}"]["delete"];
  EXPECT_EQ(del["operationId"].as_string(), "delete_users_name");
  EXPECT_EQ(schema_of(del, "id"), R"({"type":"string"})");
  EXPECT_EQ(schema_of(del, "name"), R"({"type":"boolean"})") << "one of the query keeps its name";
  EXPECT_EQ(del["parameters"].as_array()[0]["description"].as_string(), "The route calls it `name`.");
  EXPECT_EQ(paths["/users/{id}"]["put"]["parameters"].as_array()[0]["description"].as_string(), "Of the user");
  const json::Value& post = paths["/users/{user}/keys/{key}"]["post"];
  EXPECT_EQ(schema_of(post, "user"), R"({"type":"string"})") << "the first of the path";
  EXPECT_EQ(schema_of(post, "key"), R"({"type":"integer","format":"int32"})");
}

TEST(OpenApi, LosesNoRouteThatItCannotTellApart) {
  App app(quiet());
  app.get("/users/{id:int}", [](Path<int>) {}).summary("By number");
  app.get("/users/{name}", [](Path<std::string>) -> std::optional<NewAccount> { return std::nullopt; })
      .summary("By name");
  app.get("/users/{rest*}", [](Path<std::string>) {}).hidden();
  app.get("/status", [] {}).description("Fine?").host("a.example.com");
  app.get("/status", [] {}).host("b.example.com");
  const json::Value document = *json::read<json::Value>(app.openapi());
  const json::Value& by_number = operation(document, "/users/{id}");
  EXPECT_EQ(by_number["summary"].as_string(), "By number");
  EXPECT_EQ(by_number["description"].as_string(), "Also at this path: `GET /users/{name}` (By name).");
  ASSERT_EQ(by_number["x-weir-others"].as_array().size(), 1u);
  const json::Value& by_name = by_number["x-weir-others"].as_array()[0];
  EXPECT_EQ(by_name["path"].as_string(), "/users/{name}");
  EXPECT_EQ(by_name["operation"]["operationId"].as_string(), "get_users_name");
  EXPECT_EQ(schema_of(by_name["operation"], "name"), R"({"type":"string"})");
  EXPECT_FALSE(document["components"]["schemas"]["NewAccount"].is_null());
  const json::Value& status = operation(document, "/status");
  EXPECT_EQ(status["x-weir-host"].as_string(), "a.example.com");
  EXPECT_EQ(status["description"].as_string(), "Fine?\n\nAlso at this path: `GET b.example.com/status`.");
  EXPECT_EQ(status["x-weir-others"].as_array()[0]["operation"]["x-weir-host"].as_string(), "b.example.com");
}

TEST(OpenApi, WarnsAtTheStartOfRoutesThatItCannotTellApart) {
  const std::string path = testing::TempDir() + "openapi_warning_" + std::to_string(::getpid()) + ".log";
  {
    AppOptions options = quiet();
    options.log.file = path;
    App app(std::move(options));
    app.get("/users/{id:int}", [](Path<int>) {});
    app.get("/users/{name}", [](Path<std::string>) {});
    app.del("/users/{other}", [](Path<std::string>) {});
    static_cast<void>(app.openapi());
  }
  std::ifstream log(path);
  const std::string text{std::istreambuf_iterator<char>(log), {}};
  EXPECT_NE(text.find(R"("described":"GET /users/{id:int}","other":"GET /users/{name}")"), std::string::npos) << text;
  EXPECT_EQ(text.find("DELETE"), std::string::npos) << "it has a place of its own";
  std::remove(path.c_str());
}

struct Documented {
  std::string q;
  static constexpr auto rules =
      weir::rules<Documented>(weir::field<&Documented::q>().describe("Words").deprecated().min_length(2));
};

TEST(OpenApi, SaysOfAParameterWhatGeneratorsLookForThere) {
  App app(quiet());
  app.get("/list", [](Query<Documented>, Query<std::optional<int>, "q">) {});
  const json::Value document = *json::read<json::Value>(app.openapi());
  EXPECT_EQ(json::to_string(operation(document, "/list")["parameters"]),
            R"([{"name":"q","in":"query","description":"Words","required":true,"deprecated":true,)"
            R"("schema":{"type":"string","minLength":2}}])")
      << "once, though two parameters of the handler take it";
}

TEST(OpenApi, SaysWhatResponsesAreThatNoTypeTells) {
  App app(quiet());
  app.get("/picture", [] { return bytes("", "image/png"); })
      .responds_as(Status::ok, "image/png", "The picture")
      .response_header(Status::ok, "ETag", "Its version")
      .responds(Status::not_found);
  app.get("/told_twice", [] { return "text"; }).responds_as(Status::ok, "text/plain", "Told");
  app.post("/lock", [] { return Response(Status::no_content); }).responds(Status::no_content, "It is locked");
  const json::Value document = *json::read<json::Value>(app.openapi());
  EXPECT_EQ(
      json::to_string(operation(document, "/picture")["responses"]["200"]),
      R"({"description":"The picture","headers":{"ETag":{"description":"Its version","schema":{"type":"string"}}},)"
      R"("content":{"image/png":{"schema":{"type":"string","format":"binary"}}}})");
  EXPECT_EQ(json::to_string(operation(document, "/told_twice")["responses"]["200"]),
            R"({"description":"Told","content":{"text/plain":{"schema":{"type":"string"}}}})");
  const json::Value& lock = document["paths"]["/lock"]["post"]["responses"];
  EXPECT_EQ(json::to_string(lock["204"]), R"({"description":"It is locked"})");
  EXPECT_EQ(names_in(lock), (std::vector<std::string>{"204", "default"}));
}

struct PhotoFields {
  std::string title;
  std::optional<Near> near;
  static constexpr auto rules = weir::rules<PhotoFields>(weir::field<&PhotoFields::title>().max_length(80));
};

TEST(OpenApi, ListsThePartsOfAForm) {
  App app(quiet());
  app.post("/photos", [](MultipartForm) {})
      .form_fields<PhotoFields>()
      .form_file("photo", "The picture")
      .form_files("sketches");
  app.post("/any", [](MultipartForm) {});
  app.post("/plain", [](Form<PhotoFields>) {});
  const json::Value document = *json::read<json::Value>(app.openapi());
  const auto schema = [&](std::string_view path) {
    const json::Value& body = document["paths"][path]["post"]["requestBody"];
    EXPECT_TRUE(body["required"].as_bool());
    return json::to_string(body["content"]["multipart/form-data"]["schema"]);
  };
  EXPECT_EQ(schema("/photos"),
            R"({"type":"object","properties":{"title":{"type":"string","maxLength":80},)"
            R"("near.lat":{"type":"number","format":"double"},"near.radius":{"type":"number","format":"double"},)"
            R"("photo":{"description":"The picture","type":"string","format":"binary"},)"
            R"("sketches":{"type":"array","items":{"type":"string","format":"binary"}}},)"
            R"("required":["title","photo"]})");
  EXPECT_EQ(json::to_string(document["paths"]["/plain"]["post"]["requestBody"]["content"]
                                    ["application/x-www-form-urlencoded"]["schema"]["properties"]["near.lat"]),
            R"({"type":"number","format":"double"})")
      << "as they are bound";
  EXPECT_EQ(schema("/any"), R"({"type":"object","additionalProperties":true})");
}

// openapi-generator gives up on a body without a schema.
TEST(OpenApi, HasASchemaForBodiesOfBytes) {
  App app(quiet());
  app.put("/blob", [](RawBody) {});
  app.get("/files/{rest*}", [](Path<std::string>) {});
  const json::Value document = *json::read<json::Value>(app.openapi());
  EXPECT_EQ(json::to_string(document["paths"]["/blob"]["put"]["requestBody"]["content"]),
            R"({"application/octet-stream":{"schema":{"type":"string","format":"binary"}}})");
  EXPECT_EQ(operation(document, "/files/{rest}")["parameters"].as_array()[0]["description"].as_string(),
            "The rest of the path, which may have slashes.");
}

struct NeedsKey {
  static std::optional<Response> before(Context&) { return std::nullopt; }
  static void describe(OperationDoc& doc) {
    SecurityDoc& key = doc.security.emplace_back();
    key.name = "key";
    key.type = "apiKey";
    key.in = ParameterIn::header;
    key.parameter = "X-Api-Key";
  }
};

TEST(OpenApi, SaysWhereAKeyIs) {
  App app(quiet());
  app.get("/keyed", [] {}).use(NeedsKey());
  const json::Value document = *json::read<json::Value>(app.openapi());
  EXPECT_EQ(json::to_string(document["components"]["securitySchemes"]["key"]),
            R"({"type":"apiKey","name":"X-Api-Key","in":"header"})");
}

}  // namespace
}  // namespace weir
