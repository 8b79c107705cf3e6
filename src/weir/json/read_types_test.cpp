// Reading of each kind of type, and back.
#include <chrono>
#include <map>
#include <memory>
#include <set>
#include <unordered_map>
#include <variant>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/base/arena.hpp"
#include "weir/json/json.hpp"
#include "weir/json/value.hpp"

struct Money {
  std::int64_t cents = 0;
  bool operator==(const Money&) const = default;
};
struct Celsius {
  double degrees = 0;
};
enum class Shade { light, dark };

template <>
struct weir::json::Custom<Money> {
  static constexpr std::string_view format = "money";
  static constexpr const char* expected = "must be an amount such as 9.99";
  static bool from_text(std::string_view text, Money& out) {
    const auto dot = text.find('.');
    if (dot == text.npos || text.size() != dot + 3 || dot == 0) return false;
    out.cents = 0;
    for (const char c : text) {
      if (c == '.') continue;
      if (c < '0' || c > '9') return false;
      out.cents = out.cents * 10 + (c - '0');
    }
    return true;
  }
  static std::string_view to_text(const Money& value, weir::Buffer& scratch) {
    scratch.append(std::to_string(value.cents / 100));
    scratch.push_back('.');
    scratch.push_back(static_cast<char>('0' + value.cents / 10 % 10));
    scratch.push_back(static_cast<char>('0' + value.cents % 10));
    return scratch.view();
  }
};
template <>
struct weir::json::Custom<Celsius> {
  using As = double;
  static weir::Result<void> load(double&& from, Celsius& out) {
    if (from < -273.15) return weir::fail(weir::Errc::invalid_argument, "must be above absolute zero");
    out.degrees = from;
    return {};
  }
  static void store(const Celsius& from, double& to) { to = from.degrees; }
};
template <>
inline constexpr auto weir::enum_names_for<Shade> =
    weir::enum_names<Shade>({{Shade::light, "LIGHT"}, {Shade::dark, "DARK"}});

namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using weir::json::read;
using weir::json::to_string;

/// "field: rule" of each failure, or the message of another error.
template <class T>
std::vector<std::string> failures(std::string_view text, const weir::json::ReadOptions& options = {}) {
  const auto result = read<T>(text, options);
  if (result) return {};
  if (result.error().fields().empty()) return {result.error().message()};
  std::vector<std::string> out;
  for (const auto& f : result.error().fields()) out.push_back(f.field + ": " + f.rule);
  return out;
}
template <class T>
std::string round_trip(std::string_view text) {
  const auto result = read<T>(text);
  if (!result) return "error: " + result.error().message();
  return to_string(*result);
}

TEST(ReadTypes, RoundTrips) {
  using namespace std::chrono;
  EXPECT_EQ(round_trip<bool>(" true "), "true");
  EXPECT_EQ(round_trip<int>("-12"), "-12");
  EXPECT_EQ(round_trip<double>("1.5e3"), "1500");
  EXPECT_EQ(round_trip<float>("3.4028235e38"), "3.4028235e+38");
  EXPECT_EQ(round_trip<std::string>(R"("a\u00e9\ud83d\ude00\n\/\"")"), "\"aé😀\\n/\\\"\"");
  EXPECT_EQ(round_trip<std::string>(R"("\u0000")"), R"("\u0000")");
  EXPECT_EQ(round_trip<weir::recycle::String>(R"("other string")"), R"("other string")");
  EXPECT_EQ(round_trip<std::optional<int>>("null"), "null");
  EXPECT_EQ(round_trip<std::optional<int>>("5"), "5");
  EXPECT_EQ(round_trip<std::unique_ptr<int>>("5"), "5");
  EXPECT_EQ(round_trip<std::shared_ptr<int>>("null"), "null");
  EXPECT_EQ(round_trip<std::vector<std::vector<int>>>("[[1],[],[2,3]]"), "[[1],[],[2,3]]");
  EXPECT_EQ(round_trip<std::vector<std::optional<std::string>>>(R"(["a",null])"), R"(["a",null])");
  EXPECT_EQ((round_trip<std::array<int, 2>>("[1,2]")), "[1,2]");
  EXPECT_EQ(round_trip<std::set<int>>("[2,1]"), "[1,2]");
  EXPECT_EQ((round_trip<std::map<std::string, int>>(R"({"b":1,"a":2,"":3})")), R"({"":3,"a":2,"b":1})");
  EXPECT_EQ((round_trip<std::unordered_map<std::string, bool>>(R"({"b":true})")), R"({"b":true})");
  EXPECT_EQ((round_trip<std::tuple<int, std::string, bool>>(R"([1,"x",false])")), R"([1,"x",false])");
  EXPECT_EQ(round_trip<sys_seconds>(R"("2026-01-31T12:30:00+02:30")"), R"("2026-01-31T10:00:00Z")");
  EXPECT_EQ(round_trip<sys_time<milliseconds>>(R"("1969-12-31T23:59:59.9999Z")"), R"("1969-12-31T23:59:59.999Z")");
  EXPECT_EQ(round_trip<sys_time<nanoseconds>>(R"("2026-01-31t12:30:00.123456789z")"),
            R"("2026-01-31T12:30:00.123456789Z")");
  EXPECT_EQ(round_trip<sys_seconds>(R"("0000-01-01T00:00:00Z")"), R"("0000-01-01T00:00:00Z")");
  EXPECT_EQ(round_trip<year_month_day>(R"("2024-02-29")"), R"("2024-02-29")");
  EXPECT_EQ(round_trip<seconds>(R"("PT1H30M")"), R"("PT5400S")");
  EXPECT_EQ(round_trip<milliseconds>(R"("1.5s")"), R"("PT1.5S")");
  EXPECT_EQ(round_trip<milliseconds>(R"("-250ms")"), R"("-PT0.25S")");
  EXPECT_EQ(round_trip<nanoseconds>(R"("P1DT1S")"), R"("PT86401S")");
  EXPECT_EQ(round_trip<std::vector<std::byte>>(R"("aGVsbG8=")"), R"("aGVsbG8=")");
  EXPECT_EQ(round_trip<std::vector<std::byte>>(R"("")"), R"("")");
  EXPECT_EQ(round_trip<Shade>(R"("DARK")"), R"("DARK")");
  EXPECT_EQ(round_trip<Money>(R"("12.05")"), R"("12.05")");
  EXPECT_EQ(round_trip<Celsius>("-40"), "-40");
  EXPECT_EQ(round_trip<weir::json::Raw>(" {\"a\": [1 ,2]} "), "{\"a\": [1 ,2]}");
  EXPECT_EQ(round_trip<weir::json::Raw>(" 12.50 "), "12.50");
  EXPECT_EQ((round_trip<std::variant<int, double, bool, std::string>>("1.5")), "1.5");
}

TEST(ReadTypes, TellsTypesThatDoNotFit) {
  using namespace std::chrono;
  EXPECT_THAT(failures<int>("\"1\""), ElementsAre(": type"));
  EXPECT_THAT(failures<int>("1.5"), ElementsAre(": type"));
  EXPECT_THAT(failures<int>("null"), ElementsAre(": type"));
  EXPECT_THAT(failures<std::int8_t>("128"), ElementsAre(": range"));
  EXPECT_THAT(failures<std::int8_t>("-129"), ElementsAre(": range"));
  EXPECT_THAT(failures<std::uint8_t>("-1"), ElementsAre(": range"));
  EXPECT_THAT(failures<std::uint64_t>("18446744073709551616"), ElementsAre(": range"));
  EXPECT_THAT(failures<std::int64_t>("9223372036854775808"), ElementsAre(": range"));
  EXPECT_THAT(failures<std::int64_t>("-9223372036854775809"), ElementsAre(": range"));
  EXPECT_THAT(failures<std::int64_t>(std::string(4000, '9')), ElementsAre(": range"));
  EXPECT_THAT(failures<double>("1e400"), ElementsAre(": range"));
  EXPECT_THAT(failures<float>("1e39"), ElementsAre(": range"));
  EXPECT_THAT(failures<std::string>("1"), ElementsAre(": type"));
  EXPECT_THAT(failures<bool>("0"), ElementsAre(": type"));
  EXPECT_THAT(failures<std::vector<int>>("{}"), ElementsAre(": type"));
  EXPECT_THAT(failures<std::vector<int>>(R"([1,"a",2,null])"), ElementsAre("[1]: type", "[3]: type"));
  EXPECT_THAT((failures<std::array<int, 2>>("[1,2,3]")), ElementsAre(": items"));
  EXPECT_THAT((failures<std::array<int, 2>>("[1]")), ElementsAre(": items"));
  EXPECT_THAT((failures<std::pair<int, int>>("[1]")), ElementsAre(": items"));
  EXPECT_THAT(failures<std::set<int>>("[1,1]"), ElementsAre("[1]: unique_items"));
  EXPECT_THAT((failures<std::map<std::string, int>>(R"({"a":1,"\u0061":2})")), ElementsAre("a: duplicate"));
  EXPECT_THAT(failures<Shade>(R"("light")"), ElementsAre(": one_of"));
  EXPECT_THAT(failures<Money>(R"("1")"), ElementsAre(": format"));
  EXPECT_THAT(failures<Celsius>("-300"), ElementsAre(": form"));
  EXPECT_THAT(failures<std::vector<std::byte>>(R"("aGVsbG9=")"), ElementsAre(": format"));  // bits behind the end
  for (const auto* wrong : {"a", "8=", "=", "==", "====", "a===", "ab=", "a=bc", "aGVs aGVs", "a-_="}) {
    EXPECT_THAT(failures<std::vector<std::byte>>('"' + std::string(wrong) + '"'), ElementsAre(": format")) << wrong;
  }
  for (const auto* wrong : {"2026-02-29", "2026-13-01", "2026-1-1", "2026-00-10", "2026-01-32", "20260101", ""}) {
    EXPECT_THAT(failures<year_month_day>('"' + std::string(wrong) + '"'), ElementsAre(": format")) << wrong;
  }
  for (const auto* wrong : {"2026-01-01", "2026-01-01T24:00:00Z", "2026-01-01T10:00:00", "2026-01-01T10:00:00.Z",
                            "2026-01-01T10:00:00+2:00", "2026-01-01T10:60:00Z", "2026-01-01T10:00:00Zx"}) {
    EXPECT_THAT(failures<sys_seconds>('"' + std::string(wrong) + '"'), ElementsAre(": format")) << wrong;
  }
  for (const auto* wrong : {"", "1", "s", "1s1h", "PT", "P", "P1S", "1.s", "1 s", "--1s", "1x", "PT1H1H"}) {
    EXPECT_THAT(failures<seconds>('"' + std::string(wrong) + '"'), ElementsAre(": format")) << wrong;
  }
  EXPECT_THAT(failures<sys_time<nanoseconds>>(R"("9999-01-01T00:00:00Z")"), ElementsAre(": range"));
}

TEST(ReadTypes, TakesWholeNumbersInAnyForm) {
  EXPECT_EQ(round_trip<int>("1.0"), "1");
  EXPECT_EQ(round_trip<int>("1e3"), "1000");
  EXPECT_EQ(round_trip<unsigned>("-0"), "0");
  EXPECT_EQ(round_trip<double>("1e-400"), "0");
  EXPECT_EQ(round_trip<double>("-1e-400"), "-0");
  EXPECT_EQ(round_trip<double>("0." + std::string(400, '0') + "1"), "0");
  EXPECT_EQ(round_trip<double>("12345678901234567890123"), "1.2345678901234568e+22");
  EXPECT_EQ(round_trip<std::int64_t>("-9223372036854775808"), "-9223372036854775808");
  EXPECT_EQ(round_trip<std::uint64_t>("18446744073709551615"), "18446744073709551615");
  for (const auto* wrong : {"01", "1.", ".5", "+1", "1e", "1e+", "-", "0x10", "1_0", "NaN", "Infinity", "- 1"}) {
    EXPECT_THAT(failures<double>(wrong), ElementsAre(HasSubstr("line 1"))) << wrong;
    EXPECT_THAT(failures<std::vector<double>>('[' + std::string(wrong) + ']'), ElementsAre(HasSubstr("line 1")))
        << wrong;
  }
}

TEST(ReadTypes, ReadsEscapesStrictly) {
  for (const auto* wrong : {R"("\x")", R"("\u12")", R"("\u12g4")", R"("\ud800")", R"("\ud800\u0041")", R"("\udc00")",
                            R"("\ud800x")", R"("\uD83D\uD83D")"}) {
    EXPECT_THAT(failures<std::string>(wrong), ElementsAre(HasSubstr("line 1"))) << wrong;
    EXPECT_THAT(failures<weir::json::Raw>('[' + std::string(wrong) + ']'), ElementsAre(HasSubstr("line 1"))) << wrong;
  }
  EXPECT_THAT(failures<std::string>("\"a\xc0\x80\""), ElementsAre(HasSubstr("not UTF-8")));
  EXPECT_THAT(failures<std::string>(std::string_view("\"a\0\"", 4)), ElementsAre(HasSubstr("control character")));
  EXPECT_THAT(failures<std::vector<int>>(std::string_view("[1\0]", 4)), ElementsAre(HasSubstr("line 1")));
  // An escape at each distance from the end of the memory and of the steps of the scan.
  for (std::size_t before = 0; before < 40; ++before) {
    const std::string text = '"' + std::string(before, 'x') + "\\t\"";
    const std::unique_ptr<char[]> exact(new char[text.size()]);
    std::copy(text.begin(), text.end(), exact.get());
    EXPECT_EQ(*read<std::string>(std::string_view(exact.get(), text.size())), std::string(before, 'x') + '\t');
  }
}

struct Viewed {
  std::string_view plain;
  std::string_view escaped;
};
TEST(ReadTypes, ViewsTheDocumentOrTheArena) {
  const std::string text = R"({"plain":"as it is","escaped":"a\tb"})";
  weir::Arena arena;
  const auto viewed = read<Viewed>(text, {.arena = &arena});
  ASSERT_TRUE(viewed.has_value());
  EXPECT_EQ(viewed->plain, "as it is");
  EXPECT_EQ(viewed->plain.data(), text.data() + text.find("as it is"));
  EXPECT_EQ(viewed->escaped, "a\tb");
  EXPECT_EQ(read<Viewed>(text).error().code(), weir::Errc::failed_precondition);
}

// --- variants
// ----------------------------------------------------------------------------------------------------------

struct Cat {
  int lives = 9;
  static constexpr auto rules = weir::rules<Cat>(weir::tag("kind", "cat"), weir::field<&Cat::lives>().min(1));
};
struct Dog {
  std::string name;
  static constexpr auto rules = weir::rules<Dog>(weir::tag("kind", "dog"));
};
using Pet = std::variant<Cat, Dog>;
struct Circle {
  double radius = 0;
};
struct Box {
  double width = 0;
  double height = 0;
  std::optional<std::string> label;
};
using Shape = std::variant<Circle, Box>;

TEST(ReadTypes, ChoosesTaggedAlternatives) {
  EXPECT_EQ(round_trip<Pet>(R"({"kind":"dog","name":"Rex"})"), R"({"kind":"dog","name":"Rex"})");
  EXPECT_EQ(round_trip<Pet>(R"({"lives":3,"kind":"cat"})"), R"({"kind":"cat","lives":3})");
  EXPECT_THAT(failures<Pet>(R"({"name":"Rex"})"), ElementsAre("kind: required"));
  EXPECT_THAT(failures<Pet>(R"({"kind":"cow"})"), ElementsAre("kind: one_of"));
  EXPECT_THAT(failures<Pet>(R"({"kind":3})"), ElementsAre("kind: one_of"));
  EXPECT_THAT(failures<Pet>(R"({"kind":"cat","lives":0})"), ElementsAre("lives: min"));
  EXPECT_THAT(failures<Pet>("[]"), ElementsAre(": type"));
  EXPECT_THAT(failures<std::vector<Pet>>(R"([{"kind":"cat","lives":1},{"kind":"dog"}])"),
              ElementsAre("[1].name: required"));
  EXPECT_THAT(failures<Dog>(R"({"kind":"cat","name":"x"})"), ElementsAre("kind: one_of"));
}

TEST(ReadTypes, ChoosesAlternativesByShape) {
  EXPECT_EQ(round_trip<Shape>(R"({"radius":1})"), R"({"radius":1})");
  EXPECT_EQ(round_trip<Shape>(R"({"height":1,"width":2})"), R"({"width":2,"height":1,"label":null})");
  EXPECT_THAT(failures<Shape>(R"({"height":"x","width":2})"), ElementsAre("height: type"));
  EXPECT_THAT(failures<Shape>(R"({"height":1})"), ElementsAre("width: required"));
  using Mixed = std::variant<std::monostate, bool, std::int64_t, double, Shade, std::string, std::vector<int>, Circle>;
  const std::pair<std::string_view, std::size_t> cases[] = {{"null", 0}, {"true", 1},           {"1", 2},
                                                            {"1.5", 3},  {R"("DARK")", 4},      {R"("x")", 5},
                                                            {"[1]", 6},  {R"({"radius":1})", 7}};
  for (const auto& [text, index] : cases) EXPECT_EQ(read<Mixed>(text)->index(), index) << text;
  EXPECT_THAT((failures<std::variant<int, bool>>("\"x\"")), ElementsAre(": type"));
}

// --- structs
// -----------------------------------------------------------------------------------------------------------

struct Line {
  std::string sku;
  double price = 0;
  static constexpr auto rules = weir::rules<Line>(weir::field<&Line::price>().min(0));
};
struct Order {
  std::int64_t id = 0;
  std::string created_by;
  std::vector<Line> line_items;
  std::map<std::string, Line> by_name;
  std::optional<Line> extra;
  std::string password;
  int quantity = 3;

  static constexpr auto rules = weir::rules<Order>(
      weir::field<&Order::id>().read_only(), weir::field<&Order::created_by>().rename("author"),
      weir::field<&Order::by_name>().optional(), weir::field<&Order::password>().write_only().optional(),
      weir::field<&Order::quantity>().optional().one_of<1, 2, 3>(), weir::rename_all(weir::naming::camel_case));

  [[nodiscard]] weir::Result<void> validate() const {
    if (quantity == 2 && !extra) return weir::fail(weir::Errc::unprocessable, "needs extra when quantity is 2");
    return {};
  }
};

TEST(ReadStructs, NamesTheWholePathOfEachFailure) {
  EXPECT_THAT(
      failures<Order>(R"({"author":1,"lineItems":[{"sku":"a","price":1},{"sku":2,"price":-1}],
                                 "byName":{"x":{"sku":"a"},"y.z":{"sku":"b","price":"?"}},"extra":{},"quantity":7})"),
      ElementsAre("author: type", "lineItems[1].sku: type", "lineItems[1].price: min", "byName.x.price: required",
                  "byName.y.z.price: type", "extra.sku: required", "extra.price: required", "quantity: one_of"));
}

TEST(ReadStructs, BindsNamesInAnyOrderAndWithEscapes) {
  const auto order = read<Order>(R"({"extra":null,"lineItems":[],"\u0061uthor":"me"})");
  ASSERT_TRUE(order.has_value()) << order.error().message();
  EXPECT_EQ(order->created_by, "me");
  EXPECT_EQ(order->quantity, 3);
}

TEST(ReadStructs, RefusesAMemberTwice) {
  EXPECT_THAT(failures<Line>(R"({"sku":"a","price":1,"sku":"b"})"), ElementsAre("sku: duplicate"));
}

TEST(ReadStructs, IgnoresReadOnlyMembersUnlessToldOtherwise) {
  constexpr std::string_view text = R"({"id":7,"author":"me","lineItems":[]})";
  EXPECT_EQ(read<Order>(text)->id, 0);
  EXPECT_EQ(read<Order>(text, {.accept_read_only = true})->id, 7);
}

struct Account {
  std::int64_t id = 0;
  std::string password;
  static constexpr auto rules =
      weir::rules<Account>(weir::field<&Account::id>().read_only(), weir::field<&Account::password>().write_only());
};
TEST(ReadStructs, ClientsMissNoWriteOnlyMember) {
  EXPECT_THAT(failures<Account>(R"({"id":7})"), ElementsAre("password: required"));
  const auto account = read<Account>(R"({"id":7})", {.accept_read_only = true});
  ASSERT_TRUE(account.has_value()) << account.error().message();
  EXPECT_EQ(account->id, 7);
}

TEST(ReadStructs, NeverWritesWriteOnlyMembers) {
  EXPECT_THAT(round_trip<Order>(R"({"author":"me","lineItems":[],"password":"x"})"),
              testing::Not(HasSubstr("password")));
}

struct Strict {
  int a = 0;
  static constexpr auto rules = weir::rules<Strict>(weir::reject_unknown_fields());
};
TEST(ReadStructs, TreatsUnknownMembersAsDeclaredOrTold) {
  using Unknown = weir::json::ReadOptions::Unknown;
  EXPECT_THAT(failures<Line>(R"({"sku":"a","price":1,"x":[{"y":1}]})"), ElementsAre());
  EXPECT_THAT(failures<Line>(R"({"sku":"a","price":1,"x":[{"y":1}]})", {.unknown = Unknown::reject}),
              ElementsAre("x: unknown"));
  EXPECT_THAT(failures<Strict>(R"({"a":1,"b\u0062":2})"), ElementsAre("bb: unknown"));
  EXPECT_THAT(failures<Strict>(R"({"a":1,"b":2})", {.unknown = Unknown::ignore}), ElementsAre());
  // What is ignored still has to be JSON.
  EXPECT_THAT(failures<Line>(R"({"sku":"a","price":1,"x":[{"y":tru}]})"), ElementsAre(HasSubstr("line 1")));
}

TEST(ReadStructs, AsksTheTypeItselfLast) {
  const auto order = read<Order>(R"({"author":"me","lineItems":[],"quantity":2})");
  ASSERT_FALSE(order.has_value());
  ASSERT_EQ(order.error().fields().size(), 1U);
  EXPECT_EQ(order.error().fields()[0].field, "");
  EXPECT_EQ(order.error().fields()[0].message, "needs extra when quantity is 2");
}

struct Range {
  int from = 0;
  int to = 0;
  [[nodiscard]] std::vector<weir::FieldError> validate() const {
    if (from <= to) return {};
    return {{.field = "to", .rule = "after", .message = "must not be before from"}};
  }
};
struct Ranges {
  std::vector<Range> ranges;
};
TEST(ReadStructs, PutsThePathBeforeWhatTheTypeFinds) {
  EXPECT_THAT(failures<Ranges>(R"({"ranges":[{"from":1,"to":2},{"from":2,"to":1}]})"),
              ElementsAre("ranges[1].to: after"));
}

struct Inner {
  int x = 0;
  [[nodiscard]] weir::Result<void> validate() const {
    // A read inside a read must not disturb the outer one.
    return read<std::vector<int>>("[1,2,3]").has_value() ? weir::Result<void>{}
                                                         : weir::fail(weir::Errc::internal, "no");
  }
};
TEST(ReadStructs, MayBeUsedWithinThemselves) {
  EXPECT_EQ(round_trip<std::vector<Inner>>(R"([{"x":1},{"x":2}])"), R"([{"x":1},{"x":2}])");
}

struct Settings {
  int threads = 4;
  std::optional<std::string> name;
  std::string must;
  static constexpr auto rules =
      weir::rules<Settings>(weir::all_optional(), weir::field<&Settings::must>().required(), weir::omit_empty());
};
TEST(ReadStructs, KeepsDefaultsWhereAllIsOptional) {
  EXPECT_EQ(round_trip<Settings>(R"({"must":"x"})"), R"({"threads":4,"must":"x"})");
  EXPECT_THAT(failures<Settings>("{}"), ElementsAre("must: required"));
}

// --- limits
// ------------------------------------------------------------------------------------------------------------

struct Deep {
  std::unique_ptr<Deep> d;
};
TEST(ReadLimits, BoundsDepthEverywhere) {
  const auto nested = [](std::size_t n, std::string open, std::string middle, std::string close) {
    std::string text;
    for (std::size_t i = 0; i < n; ++i) text += open;
    text += middle;
    for (std::size_t i = 0; i < n; ++i) text += close;
    return text;
  };
  EXPECT_TRUE(read<Deep>(nested(63, R"({"d":)", "{}", "}")).has_value());
  EXPECT_THAT(failures<Deep>(nested(64, R"({"d":)", "{}", "}")), ElementsAre(HasSubstr("nest deeper than 64")));
  EXPECT_THAT(failures<Deep>(nested(100000, R"({"x":)", "1", "}")), ElementsAre(HasSubstr("nest deeper than 64")));
  EXPECT_THAT(failures<weir::json::Value>(nested(100000, "[", "", "]")), ElementsAre(HasSubstr("nest deeper than 64")));
  EXPECT_THAT(failures<weir::json::Raw>(nested(100000, "[", "", "]")), ElementsAre(HasSubstr("nest deeper than 64")));
  EXPECT_THAT(failures<Deep>(std::string(100000, '[')), ElementsAre(HasSubstr("nest deeper than 64")));
}

struct Fat {
  std::array<double, 100> numbers{};
  static constexpr auto rules = weir::rules<Fat>(weir::all_optional());
};
TEST(ReadLimits, BoundsMemory) {
  std::string text = "[{}";
  for (int i = 0; i < 200000; ++i) text += ",{}";
  text += "]";
  const auto fat = read<std::vector<Fat>>(text);
  ASSERT_FALSE(fat.has_value());
  EXPECT_EQ(fat.error().code(), weir::Errc::too_large);
  EXPECT_TRUE(read<std::vector<Fat>>(text, {.max_memory = std::size_t{1} << 30}).has_value());
}

TEST(ReadLimits, BoundsTheListOfFailures) {
  std::string text = "[null";
  for (int i = 0; i < 999; ++i) text += ",null";
  const auto result = read<std::vector<int>>(text + "]");
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().fields().size(), 64U);
  EXPECT_THAT(result.error().message(), HasSubstr("999 more"));
}

TEST(ReadLimits, StopsAtEachPrefixOfADocument) {
  const std::string text =
      R"({"author":"m\u00e9","lineItems":[{"sku":"a","price":1.25e1}],"byName":{"x":{"sku":"","price":0}},"extra":null,"quantity":1})";
  ASSERT_TRUE(read<Order>(text).has_value());
  for (std::size_t size = 0; size < text.size(); ++size) {
    const std::unique_ptr<char[]> exact(new char[size]);  // the sanitizer sees a byte too far
    std::copy_n(text.begin(), size, exact.get());
    const auto result = read<Order>(std::string_view(exact.get(), size));
    ASSERT_FALSE(result.has_value());
    EXPECT_EQ(result.error().code(), weir::Errc::invalid_argument) << size;
  }
}

TEST(ReadLimits, SurvivesEachByteChanged) {
  const std::string text =
      R"({"author":"m\u00e9","lineItems":[{"sku":"a","price":1.25e1}],"byName":{"x":{"sku":"","price":0}},"extra":null,"quantity":1})";
  for (std::size_t at = 0; at < text.size(); ++at) {
    for (const char c : std::string_view("\"{}[]:,\\0x-\xff ", 14)) {
      const std::unique_ptr<char[]> exact(new char[text.size()]);
      std::copy(text.begin(), text.end(), exact.get());
      exact[at] = c;
      static_cast<void>(read<Order>(std::string_view(exact.get(), text.size())));
    }
  }
}

}  // namespace

// A struct of someone else's, described from outside.
namespace elsewhere {
struct Point {
  double lat = 0;
  double lon = 0;
};
}  // namespace elsewhere
template <>
inline constexpr auto weir::rules_for<elsewhere::Point> =
    weir::rules<elsewhere::Point>(weir::field<&elsewhere::Point::lat>().min(-90).max(90).rename("latitude"));

namespace {
TEST(ReadStructs, TakesRulesFromOutside) {
  EXPECT_THAT(failures<elsewhere::Point>(R"({"latitude":91,"lon":1})"), ElementsAre("latitude: max"));
}
}  // namespace
