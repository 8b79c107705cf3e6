#include "weir/json/schema.hpp"

#include <chrono>
#include <map>
#include <set>
#include <variant>

#include <gtest/gtest.h>

#include "weir/json/json.hpp"
#include "weir/json/value.hpp"

namespace {

enum class Size { small, large };
struct Cat {
  int lives = 9;
  static constexpr auto rules = weir::rules<Cat>(weir::tag("kind", "cat"));
};
struct Dog {
  std::string name;
  static constexpr auto rules = weir::rules<Dog>(weir::tag("kind", "dog"));
};
template <class T>
struct Page {
  std::vector<T> items;
  std::optional<std::string> next;
};
struct Node {
  std::string label;
  std::vector<Node> children;
};
struct Thing {
  std::int64_t id = 0;
  std::string name;
  std::uint8_t percent = 50;
  double weight = 1.5;
  std::optional<int> rank;
  Size size = Size::large;
  std::optional<Size> other;
  std::chrono::sys_seconds created_at{};
  std::set<std::string> labels;
  std::map<std::string, double> prices;
  std::variant<Cat, Dog> pet;
  std::variant<int, std::string> either;
  weir::json::Value extra;
  std::array<int, 2> pair{};

  static constexpr auto rules = weir::rules<Thing>(
      weir::field<&Thing::id>().read_only(),
      weir::field<&Thing::name>().min_length(1).max_length(80).pattern("[a-z]+").describe("Its name").example("ada"),
      weir::field<&Thing::percent>().max(100).optional().example(7),
      weir::field<&Thing::weight>().exclusive_min(0).multiple_of(0.5), weir::field<&Thing::rank>().one_of<1, 2>(),
      weir::field<&Thing::size>().optional(), weir::field<&Thing::labels>().max_items(3),
      weir::rename_all(weir::naming::camel_case), weir::describe("A thing"), weir::reject_unknown_fields());
};

weir::json::Value parse(std::string_view text) {
  auto value = weir::json::read<weir::json::Value>(text);
  EXPECT_TRUE(value.has_value()) << text;
  return value ? *value : weir::json::Value();
}

TEST(Schema, DescribesMembersWithTheirRules) {
  const auto schema = parse(weir::json::schema<Thing>());
  EXPECT_EQ(schema["$ref"].as_string(), "#/$defs/Thing");
  const auto& thing = schema["$defs"]["Thing"];
  const auto& properties = thing["properties"];
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"id", R"({"type":"integer","format":"int64","readOnly":true})"},
      {"name",
       R"x({"type":"string","minLength":1,"maxLength":80,"pattern":"^(?:[a-z]+)$","description":"Its name","examples":["ada"]})x"},
      {"percent", R"({"type":"integer","minimum":0,"maximum":100,"examples":[7],"default":50})"},
      {"weight", R"({"type":"number","format":"double","exclusiveMinimum":0,"multipleOf":0.5})"},
      {"rank", R"({"type":["integer","null"],"format":"int32","enum":[1,2,null]})"},
      {"size", R"({"$ref":"#/$defs/Size","default":"large"})"},
      {"other", R"({"anyOf":[{"$ref":"#/$defs/Size"},{"type":"null"}]})"},
      {"createdAt", R"({"type":"string","format":"date-time"})"},
      {"labels", R"({"type":"array","items":{"type":"string"},"maxItems":3,"uniqueItems":true})"},
      {"prices", R"({"type":"object","additionalProperties":{"type":"number","format":"double"}})"},
      {"pet",
       R"({"oneOf":[{"$ref":"#/$defs/Cat"},{"$ref":"#/$defs/Dog"}],"discriminator":{"propertyName":"kind","mapping":{"cat":"#/$defs/Cat","dog":"#/$defs/Dog"}}})"},
      {"either", R"({"anyOf":[{"type":"integer","format":"int32"},{"type":"string"}]})"},
      {"extra", "{}"},
      {"pair", R"({"type":"array","items":{"type":"integer","format":"int32"},"minItems":2,"maxItems":2})"},
  };
  for (const auto& [name, expected] : cases) EXPECT_EQ(weir::json::to_string(properties[name]), expected) << name;
  EXPECT_EQ(weir::json::to_string(thing["required"]),
            R"(["name","weight","createdAt","labels","prices","pet","either","pair"])");
  EXPECT_EQ(thing["additionalProperties"], weir::json::Value(false));
  EXPECT_EQ(thing["description"].as_string(), "A thing");
  EXPECT_EQ(weir::json::to_string(schema["$defs"]["Cat"]),
            R"({"type":"object","properties":{"kind":{"type":"string","const":"cat"},)"
            R"("lives":{"type":"integer","format":"int32"}},"required":["kind","lives"]})");
  EXPECT_EQ(weir::json::to_string(schema["$defs"]["Size"]), R"({"type":"string","enum":["small","large"]})");
}

TEST(Schema, NamesTemplatesAndEndsAtRecursion) {
  const auto page = parse(weir::json::schema<Page<Node>>());
  EXPECT_EQ(page["$ref"].as_string(), "#/$defs/Page_Node");
  EXPECT_EQ(page["$defs"]["Node"]["properties"]["children"]["items"]["$ref"].as_string(), "#/$defs/Node");
}

namespace other {
struct Node {
  int value;
};
}  // namespace other
struct TwoNodes {
  Node one;
  other::Node two;
};

TEST(Schema, TellsTypesOfOneNameApart) {
  const auto both = parse(weir::json::schema<TwoNodes>());
  const auto& properties = both["$defs"]["TwoNodes"]["properties"];
  EXPECT_EQ(properties["one"]["$ref"].as_string(), "#/$defs/Node");
  EXPECT_EQ(properties["two"]["$ref"].as_string(), "#/$defs/Node2");
  EXPECT_FALSE(both["$defs"]["Node2"]["properties"]["value"].is_null());
}

TEST(Schema, CollectsComponents) {
  weir::json::SchemaSet set;
  weir::Buffer out;
  weir::json::Writer w(out);
  set.write<std::vector<Cat>>(w);
  EXPECT_EQ(out.view(), R"({"type":"array","items":{"$ref":"#/components/schemas/Cat"}})");
}

}  // namespace
