#include "weir/json/reflect.hpp"

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include <gtest/gtest.h>

#include "weir/json/describe.hpp"
#include "weir/json/value.hpp"

namespace shop {
struct Point {
  double x = 0;
  double y = 0;
};
template <class T>
struct Page {
  std::vector<T> items;
  int next = 0;
};
enum class Level : std::uint8_t { low, mid = 5, high = 127, beyond = 200 };
enum Plain : int { plain_a = -16, plain_b = 3 };
struct Tree {
  std::string name;
  std::vector<Tree> children;
  std::unique_ptr<Tree> next;
};
}  // namespace shop

namespace {

namespace reflect = weir::json::reflect;
using weir::json::Kind;
using weir::json::type_info;

struct Empty {};
struct One {
  int only;
};
struct HiddenInner {
  std::optional<std::string> some_value_;
};
enum class Hidden { first = -2, second = 0, third };
struct Wide64 {
  int a00, a01, a02, a03, a04, a05, a06, a07, a08, a09, a10, a11, a12, a13, a14, a15;
  char b00, b01, b02, b03, b04, b05, b06, b07, b08, b09, b10, b11, b12, b13, b14, b15;
  double c00, c01, c02, c03, c04, c05, c06, c07, c08, c09, c10, c11, c12, c13, c14, c15;
  std::string d00, d01, d02, d03, d04, d05, d06, d07, d08, d09, d10, d11, d12, d13, d14, d15;
};
struct MoveOnly {
  std::unique_ptr<int> owned;
  std::array<int, 3> three;
  std::map<std::string, std::vector<int>> map;
  std::variant<int, std::string> either;
};

static_assert(reflect::member_count<Empty> == 0);
static_assert(reflect::member_count<One> == 1);
static_assert(reflect::member_count<shop::Point> == 2);
static_assert(reflect::member_count<shop::Tree> == 3);
static_assert(reflect::member_count<MoveOnly> == 4);
static_assert(reflect::member_count<Wide64> == 64);
static_assert(reflect::member_name<shop::Point, 1> == "y");
static_assert(reflect::member_name<HiddenInner, 0> == "some_value_");
static_assert(reflect::member_name<Wide64, 0> == "a00");
static_assert(reflect::member_name<Wide64, 63> == "d15");
static_assert(reflect::member_name<shop::Page<HiddenInner>, 1> == "next");
static_assert(reflect::member_index<shop::Point, &shop::Point::y> == 1);
static_assert(reflect::member_index<Wide64, &Wide64::c07> == 39);
static_assert(reflect::short_type_name<shop::Point> == "Point");
static_assert(reflect::short_type_name<HiddenInner> == "HiddenInner");
static_assert(reflect::short_type_name<shop::Page<shop::Point>> == "Page<Point>");
static_assert(reflect::short_type_name<shop::Page<HiddenInner>> == "Page<HiddenInner>");
static_assert(reflect::enumerators<shop::Level>.count == 3, "200 is beyond what is searched");
static_assert(reflect::enumerators<shop::Level>.name[1] == "mid");
static_assert(reflect::enumerators<shop::Level>.value[2] == 127);
static_assert(reflect::enumerators<Hidden>.count == 3);
static_assert(reflect::enumerators<Hidden>.name[0] == "first");
static_assert(reflect::enumerators<Hidden>.value[0] == -2);
static_assert(reflect::enumerators<shop::Plain>.count == 2);

#ifdef __clang__
// Where the compiler can say it: the offsets are those of the real layout.
template <class T, std::size_t I>
constexpr bool offset_is_right() {
  constexpr auto* address = reflect::member<T, I>;
  constexpr auto real =
      __builtin_constant_p(reinterpret_cast<const char*>(address) - reinterpret_cast<const char*>(&reflect::nowhere<T>))
          ? reinterpret_cast<const char*>(address) - reinterpret_cast<const char*>(&reflect::nowhere<T>)
          : -1;
  return real == static_cast<std::ptrdiff_t>(reflect::layout<T>.offset[I]);
}
static_assert(offset_is_right<Wide64, 63>() && offset_is_right<Wide64, 20>() && offset_is_right<Wide64, 32>());
static_assert(offset_is_right<MoveOnly, 1>() && offset_is_right<MoveOnly, 2>() && offset_is_right<MoveOnly, 3>());
#endif

struct Everything {
  bool flag;
  std::uint8_t small;
  double number;
  std::string text;
  std::string_view view;
  weir::recycle::String other;
  Hidden hidden;
  std::chrono::sys_time<std::chrono::milliseconds> when;
  std::chrono::year_month_day day;
  std::chrono::seconds span;
  std::vector<std::byte> bytes;
  std::shared_ptr<int> shared;
  std::set<std::string> set;
  std::map<std::string, int> map;
  std::pair<int, bool> pair;
  std::variant<std::monostate, int> variant;
  One object;
  weir::json::Value value;
  weir::json::Raw raw;
};

TEST(Reflect, OffsetsAreThoseOfTheMembers) {
  const auto check = [](const auto& object, const auto& member, std::size_t index) {
    const auto& field = type_info<std::remove_cvref_t<decltype(object)>>().detail.object->fields[index];
    EXPECT_EQ(field.in(static_cast<const void*>(&object)), static_cast<const void*>(&member)) << field.name;
  };
  const Wide64 wide{};
  check(wide, wide.a15, 15);
  check(wide, wide.b00, 16);
  check(wide, wide.b15, 31);
  check(wide, wide.c00, 32);
  check(wide, wide.d15, 63);
  const Everything all{};
  check(all, all.small, 1);
  check(all, all.number, 2);
  check(all, all.hidden, 6);
  check(all, all.bytes, 10);
  check(all, all.variant, 15);
  check(all, all.raw, 18);
}

TEST(Describe, GivesEachTypeItsKind) {
  const std::vector<Kind> expected = {Kind::boolean,     Kind::integer,  Kind::floating,    Kind::string,
                                      Kind::string_view, Kind::text,     Kind::enumeration, Kind::timestamp,
                                      Kind::date,        Kind::duration, Kind::bytes,       Kind::optional,
                                      Kind::sequence,    Kind::map,      Kind::tuple,       Kind::variant,
                                      Kind::object,      Kind::value,    Kind::raw};
  std::vector<Kind> got;
  for (const auto& field : type_info<Everything>().detail.object->fields) got.push_back(field.type->kind);
  EXPECT_EQ(got, expected);
}

TEST(Describe, FollowsRecursiveTypes) {
  const auto& tree = type_info<shop::Tree>();
  EXPECT_EQ(tree.detail.object->fields[1].type->detail.sequence->element, &tree);
  EXPECT_EQ(tree.detail.object->fields[2].type->detail.optional->value, &tree);
}

TEST(Describe, WorksForTypesOfAFunction) {
  struct Local {
    int inside = 3;
    std::string name;
  };
  EXPECT_EQ(type_info<Local>().detail.object->fields[1].name, "name");
}

TEST(Describe, FindsFieldsByName) {
  const auto& info = *type_info<Wide64>().detail.object;
  for (const auto& field : info.fields) EXPECT_EQ(info.find(field.name), &field);
  EXPECT_EQ(info.find("a"), nullptr);
  EXPECT_EQ(info.find(""), nullptr);
  EXPECT_EQ(type_info<Empty>().detail.object->find("x"), nullptr);
}

}  // namespace
