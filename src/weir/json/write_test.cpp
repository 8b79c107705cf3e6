#include "weir/json/write.hpp"

#include <cmath>
#include <limits>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <variant>

#include <gtest/gtest.h>

#include "weir/json/json.hpp"
#include "weir/json/value.hpp"
#include "weir/json/writer.hpp"

namespace {

using weir::json::to_string;

struct Options {
  std::optional<int> maybe;
  std::optional<int> omitted;
  std::string secret;
  std::vector<int> none;
  static constexpr auto rules =
      weir::rules<Options>(weir::field<&Options::omitted>().omit_empty(), weir::field<&Options::secret>().write_only(),
                           weir::field<&Options::none>().omit_empty());
};
enum class Color : std::uint8_t { red, green };
struct Empty {};

TEST(Write, WritesScalars) {
  EXPECT_EQ(to_string(true), "true");
  EXPECT_EQ(to_string(std::int8_t{-128}), "-128");
  EXPECT_EQ(to_string(std::uint8_t{255}), "255");
  EXPECT_EQ(to_string(std::int16_t{-300}), "-300");
  EXPECT_EQ(to_string(std::uint32_t{4000000000U}), "4000000000");
  EXPECT_EQ(to_string(std::numeric_limits<std::int64_t>::min()), "-9223372036854775808");
  EXPECT_EQ(to_string(std::numeric_limits<std::uint64_t>::max()), "18446744073709551615");
  EXPECT_EQ(to_string(0.1), "0.1");
  EXPECT_EQ(to_string(0.1F), "0.1");
  EXPECT_EQ(to_string(1e300), "1e+300");
  EXPECT_EQ(to_string(-0.0), "-0");
  EXPECT_EQ(to_string(std::string("a")), R"("a")");
  EXPECT_EQ(to_string(std::string_view("a")), R"("a")");
  EXPECT_EQ(to_string(Color::green), R"("green")");
  EXPECT_EQ(to_string(Empty{}), "{}");
}

TEST(Write, SaysNullForWhatJsonHasNoNumberFor) {
  EXPECT_EQ(to_string(std::numeric_limits<double>::quiet_NaN()), "null");
  EXPECT_EQ(to_string(std::numeric_limits<double>::infinity()), "null");
  EXPECT_EQ(to_string(-std::numeric_limits<float>::infinity()), "null");
}

TEST(Write, WritesEnumeratorsWithoutANameAsNumbers) {
  EXPECT_EQ(to_string(static_cast<Color>(9)), "9");
}

TEST(Write, OmitsOnlyWhatIsToldTo) {
  EXPECT_EQ(to_string(Options{.maybe = {}, .omitted = {}, .secret = "x", .none = {}}), R"({"maybe":null})");
  EXPECT_EQ(to_string(Options{.maybe = 1, .omitted = 2, .secret = "x", .none = {3}}),
            R"({"maybe":1,"omitted":2,"none":[3]})");
}

TEST(Write, WritesContainers) {
  EXPECT_EQ(to_string(std::vector<std::string>{"a", "b"}), R"(["a","b"])");
  EXPECT_EQ(to_string(std::vector<int>{}), "[]");
  EXPECT_EQ(to_string(std::set<int>{3, 1}), "[1,3]");
  EXPECT_EQ(to_string(std::map<std::string, int>{{"b", 2}, {"a\"", 1}}), R"({"a\"":1,"b":2})");
  EXPECT_EQ(to_string(std::pair<int, std::string>{1, "x"}), R"([1,"x"])");
  EXPECT_EQ(to_string(std::array<bool, 2>{true, false}), "[true,false]");
  EXPECT_EQ(to_string(std::variant<int, std::string>{"x"}), R"("x")");
  EXPECT_EQ(to_string(std::variant<std::monostate, int>{}), "null");
  EXPECT_EQ(to_string(std::make_unique<int>(4)), "4");
}

/// The plain way, byte by byte, for ASCII.
std::string plainly_escaped(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    static constexpr std::string_view from = "\"\\\b\f\n\r\t";
    static constexpr std::string_view to = "\"\\bfnrt";
    if (const auto at = from.find(c); at != from.npos) {
      out += '\\';
      out += to[at];
    } else if (static_cast<unsigned char>(c) < 0x20) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned>(c));
      out += escape;
    } else {
      out += c;
    }
  }
  return out + "\"";
}

TEST(Write, EscapesAtEveryPlaceAsThePlainWayDoes) {
  for (std::size_t size = 0; size < 70; ++size) {
    EXPECT_EQ(to_string(std::string(size, 'x')), plainly_escaped(std::string(size, 'x')));
    for (std::size_t at = 0; at < size; ++at) {
      for (const char c : {'"', '\\', '\n', '\x01', '\x1f', '\0', '\x7f'}) {
        std::string text(size, 'x');
        text[at] = c;
        ASSERT_EQ(to_string(text), plainly_escaped(text)) << size << " " << at;
      }
    }
  }
  EXPECT_EQ(to_string(std::string(1000, '\x02')), plainly_escaped(std::string(1000, '\x02')));
}

TEST(Write, KeepsUtf8AndReplacesWhatIsNone) {
  EXPECT_EQ(to_string(std::string("grün €😀 und mehr als sechzehn")), "\"grün €😀 und mehr als sechzehn\"");
  EXPECT_EQ(to_string(std::string("a\xff"
                                  "b")),
            "\"a\xef\xbf\xbd"
            "b\"");
  EXPECT_EQ(to_string(std::string("\xe2\x82")), "\"\xef\xbf\xbd\xef\xbf\xbd\"");                  // cut off
  EXPECT_EQ(to_string(std::string("\xed\xa0\x80")), "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");  // a surrogate
  // Sequences across the steps of the writer's inner loop.
  for (std::size_t at = 0; at < 140; ++at) {
    const std::string text = std::string(at, 'x') + "€" + std::string(40, 'y');
    ASSERT_EQ(to_string(text), "\"" + text + "\"");
  }
}

TEST(Write, WritesDoublesThatReadBackTheSame) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  for (int i = 0; i < 100000; ++i) {
    const auto value = std::bit_cast<double>(random());
    if (!std::isfinite(value)) continue;
    const auto back = weir::json::read<double>(to_string(value));
    ASSERT_TRUE(back.has_value());
    ASSERT_EQ(std::bit_cast<std::uint64_t>(*back), std::bit_cast<std::uint64_t>(value)) << to_string(value);
  }
}

TEST(Write, GrowsTheBufferFromAnyFill) {
  for (std::size_t fill = 0; fill < 600; ++fill) {
    weir::Buffer out;
    out.append(std::string(fill, '.'));
    weir::json::write(Options{.maybe = 1, .omitted = 2, .secret = {}, .none = {1, 2, 3}}, out);
    ASSERT_EQ(out.view().substr(fill), R"({"maybe":1,"omitted":2,"none":[1,2,3]})");
  }
}

TEST(Writer, PutsTheCommas) {
  weir::Buffer out;
  weir::json::Writer w(out);
  w.begin_object().member("status", "ok").member("n", 3).member("on", true).member("f", 0.5);
  w.key("list").begin_array().value(1).value("two").begin_object().end_object().value(nullptr).end_array();
  w.member("options", std::vector<int>{1}).key("raw").raw("{}").end_object();
  EXPECT_EQ(out.view(), R"({"status":"ok","n":3,"on":true,"f":0.5,"list":[1,"two",{},null],"options":[1],"raw":{}})");
}

TEST(Value, HoldsAnyJsonAndComesBackTheSame) {
  constexpr std::string_view text = R"({"a":[1,-2,18446744073709551615,0.5,true,null,"x\n"],"b":{"c":{}},"d":[]})";
  const auto value = weir::json::read<weir::json::Value>(text);
  ASSERT_TRUE(value.has_value());
  EXPECT_EQ(to_string(*value), text);
  EXPECT_EQ((*value)["a"][1].as_integer(), -2);
  EXPECT_EQ((*value)["a"][2].as_unsigned(), 18446744073709551615U);
  EXPECT_EQ((*value)["a"][99].as_integer(7), 7);
  EXPECT_TRUE((*value)["nothing"]["here"].is_null());
  weir::json::Value copy = *value;
  EXPECT_EQ(copy, *value);
  copy.set("b", 1);
  EXPECT_NE(copy, *value);
}

}  // namespace
