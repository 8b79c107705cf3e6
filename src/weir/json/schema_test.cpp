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

struct Key {
  std::int64_t id = 0;
  std::string secret;
  static constexpr auto rules =
      weir::rules<Key>(weir::field<&Key::id>().read_only(), weir::field<&Key::secret>().write_only());
};
struct Account {
  std::int64_t id = 0;
  std::string name;
  std::string password;
  std::string language = "en";
  std::optional<std::string> phone;
  std::optional<std::string> title;
  std::vector<Key> keys;

  static constexpr auto rules =
      weir::rules<Account>(weir::field<&Account::id>().read_only(), weir::field<&Account::password>().write_only(),
                           weir::field<&Account::language>().optional(), weir::field<&Account::title>().omit_empty());
};

TEST(Schema, DescribesBothWaysOfAStruct) {
  using weir::json::Direction;
  const auto in = parse(weir::json::schema<Account>(Direction::in))["$defs"]["Account"];
  EXPECT_TRUE(in["properties"]["id"].is_null()) << "it is ignored when it comes";
  EXPECT_EQ(weir::json::to_string(in["properties"]["password"]), R"({"type":"string","writeOnly":true})");
  EXPECT_EQ(weir::json::to_string(in["properties"]["language"]), R"({"type":"string","default":"en"})");
  EXPECT_EQ(weir::json::to_string(in["required"]), R"(["name","password","keys"])");

  const auto out = parse(weir::json::schema<Account>(Direction::out))["$defs"]["Account"];
  EXPECT_TRUE(out["properties"]["password"].is_null()) << "it never goes out";
  EXPECT_EQ(weir::json::to_string(out["properties"]["id"]), R"({"type":"integer","format":"int64","readOnly":true})");
  EXPECT_EQ(weir::json::to_string(out["properties"]["language"]), R"({"type":"string"})");
  EXPECT_EQ(weir::json::to_string(out["required"]), R"(["id","name","language","phone","keys"])")
      << "what is always written, be it null";
}

struct Team {
  std::vector<Account> members;
  std::map<std::string, Cat> cats;
};
struct Maybe {
  std::optional<std::variant<Cat, Dog>> pet;
  std::optional<int> age;
  static constexpr auto rules = weir::rules<Maybe>(weir::field<&Maybe::age>().omit_empty());
};
struct AccountInput {
  int value = 0;
};

/// The names of the components and what their schemas refer to.
std::map<std::string, std::set<std::string>> components_of(weir::json::SchemaSet& set) {
  weir::Buffer out;
  weir::json::Writer w(out);
  set.write_components(w);
  std::map<std::string, std::set<std::string>> found;
  const auto components = parse(out.view());
  for (const auto& [name, schema] : components.as_object()) {
    std::set<std::string>& references = found[std::string(name)];
    const std::string text = weir::json::to_string(schema);
    static constexpr std::string_view before = R"("$ref":"#/components/schemas/)";
    for (std::size_t at = text.find(before); at != std::string::npos; at = text.find(before, at + 1)) {
      const std::size_t begin = at + before.size();
      references.insert(text.substr(begin, text.find('"', begin) - begin));
    }
  }
  return found;
}

TEST(Schema, SplitsWhatGoesBothWaysAndDiffers) {
  using weir::json::Direction;
  weir::json::SchemaSet set;
  for (const Direction direction : {Direction::in, Direction::out}) {
    set.use(weir::json::type_info<Team>(), direction);
    set.use(weir::json::type_info<other::Node>(), direction);
  }
  set.use(weir::json::type_info<AccountInput>(), Direction::in);
  weir::Buffer out;
  weir::json::Writer w(out);
  w.begin_array();
  set.write(weir::json::type_info<std::optional<Team>>(), Direction::in, w);
  set.write(weir::json::type_info<std::vector<Team>>(), Direction::out, w);
  w.end_array();
  EXPECT_EQ(out.view(), R"([{"anyOf":[{"$ref":"#/components/schemas/TeamInput"},{"type":"null"}]},)"
                        R"({"type":"array","items":{"$ref":"#/components/schemas/Team"}}])");
  using Names = std::set<std::string>;
  EXPECT_EQ(components_of(set), (std::map<std::string, Names>{{"Team", {"Account", "Cat"}},
                                                              {"TeamInput", {"AccountInput2", "Cat"}},
                                                              {"Account", {"Key"}},
                                                              {"AccountInput", {}},  // a struct is called so
                                                              {"AccountInput2", {"KeyInput"}},
                                                              {"Key", {}},
                                                              {"KeyInput", {}},
                                                              {"Cat", {}},  // the same both ways
                                                              {"Node", {}}}));
}

TEST(Schema, KeepsPlainNamesForWhatGoesOneWay) {
  using weir::json::Direction;
  weir::json::SchemaSet in;
  in.use(weir::json::type_info<Account>(), Direction::in);
  weir::Buffer out;
  weir::json::Writer w(out);
  in.write(weir::json::type_info<Account>(), Direction::in, w);
  EXPECT_EQ(out.view(), R"({"$ref":"#/components/schemas/Account"})");
}

TEST(Schema, ListsWhatIsIgnoredWhereUnknownMembersAreRefused) {
  const auto thing = parse(weir::json::schema<Thing>(weir::json::Direction::in))["$defs"]["Thing"];
  EXPECT_EQ(weir::json::to_string(thing["properties"]["id"]), R"({"type":"integer","format":"int64","readOnly":true})");
}

TEST(Schema, HasNullBesideTheTaggedAlternatives) {
  const auto maybe = parse(weir::json::schema<Maybe>())["$defs"]["Maybe"];
  EXPECT_EQ(weir::json::to_string(maybe["properties"]["pet"]),
            R"({"anyOf":[{"oneOf":[{"$ref":"#/$defs/Cat"},{"$ref":"#/$defs/Dog"}],"discriminator":)"
            R"({"propertyName":"kind","mapping":{"cat":"#/$defs/Cat","dog":"#/$defs/Dog"}}},{"type":"null"}]})");
}

TEST(Schema, HasNoNullWhereItIsLeftOut) {
  const auto maybe = parse(weir::json::schema<Maybe>(weir::json::Direction::out))["$defs"]["Maybe"];
  EXPECT_EQ(weir::json::to_string(maybe["properties"]["age"]), R"({"type":"integer","format":"int32"})");
  EXPECT_EQ(weir::json::to_string(maybe["required"]), R"(["pet"])");
}

struct Patterns {
  std::string plain, flags, classes, end, letters;
  static constexpr auto rules = weir::rules<Patterns>(
      weir::field<&Patterns::plain>().pattern(R"((?:a|\\z)[[a]\p{L}\d)"),
      weir::field<&Patterns::flags>().pattern("(?i)a"), weir::field<&Patterns::classes>().pattern("[[:alpha:]]"),
      weir::field<&Patterns::end>().pattern(R"(a\z)"), weir::field<&Patterns::letters>().pattern(R"(\pL)"));
};

TEST(Schema, CallsPatternsThatOnlyRe2ReadsByAnotherName) {
  const auto properties = parse(weir::json::schema<Patterns>())["$defs"]["Patterns"]["properties"];
  EXPECT_EQ(properties["plain"]["pattern"].as_string(), R"(^(?:(?:a|\\z)[[a]\p{L}\d)$)");
  for (const char* name : {"flags", "classes", "end", "letters"}) {
    EXPECT_TRUE(properties[name]["pattern"].is_null()) << name;
    EXPECT_FALSE(properties[name]["x-re2-pattern"].is_null()) << name;
  }
}

TEST(Schema, GivesWholeNumbersAFormatThatHoldsThem) {
  const auto format_of = [](const weir::json::TypeInfo& type) {
    weir::Buffer out;
    weir::json::write_schema(type, weir::json::Direction::in, out);
    return parse(out.view())["format"];
  };
  EXPECT_EQ(format_of(weir::json::type_info<std::int32_t>()).as_string(), "int32");
  EXPECT_EQ(format_of(weir::json::type_info<std::uint32_t>()).as_string(), "int64");
  EXPECT_EQ(format_of(weir::json::type_info<std::int64_t>()).as_string(), "int64");
  EXPECT_EQ(format_of(weir::json::type_info<std::uint64_t>()).as_string(), "int64");
  EXPECT_TRUE(format_of(weir::json::type_info<std::uint16_t>()).is_null());
}

TEST(Schema, KeepsReservedNames) {
  weir::json::SchemaSet set;
  set.reserve("Cat");
  weir::Buffer out;
  weir::json::Writer w(out);
  set.write(weir::json::type_info<Cat>(), weir::json::Direction::out, w);
  EXPECT_EQ(out.view(), R"({"$ref":"#/components/schemas/Cat2"})");
}

TEST(Schema, CollectsComponents) {
  weir::json::SchemaSet set;
  weir::Buffer out;
  weir::json::Writer w(out);
  set.write(weir::json::type_info<std::vector<Cat>>(), weir::json::Direction::in, w);
  EXPECT_EQ(out.view(), R"({"type":"array","items":{"$ref":"#/components/schemas/Cat"}})");
}

}  // namespace
