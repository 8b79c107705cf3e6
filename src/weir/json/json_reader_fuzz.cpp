// Reads any bytes into a struct of everything. What is accepted is written, read again, and must be written the same;
// and both ways of reading the same document (typed, and as a Value) must agree on whether it is JSON.
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <memory>
#include <set>
#include <variant>

#include "weir/base/arena.hpp"
#include "weir/json/json.hpp"
#include "weir/json/text.hpp"
#include "weir/json/value.hpp"

namespace {

enum class Color { red, green, blue };
struct Cat {
  int lives = 0;
  static constexpr auto rules = weir::rules<Cat>(weir::tag("kind", "cat"));
};
struct Dog {
  std::string name;
  static constexpr auto rules = weir::rules<Dog>(weir::tag("kind", "dog"));
};
struct Circle {
  double radius = 0;
};
struct Box {
  double width = 0;
  double height = 0;
};
struct Everything {
  bool flag = false;
  std::int8_t i8 = 0;
  std::uint16_t u16 = 0;
  int i = 0;
  std::uint64_t u64 = 0;
  float f = 0;
  double d = 0;
  std::string s;
  std::string_view sv = "a@b.c";
  Color color = Color::red;
  std::optional<std::string> maybe;
  std::vector<int> ints;
  std::vector<std::string> strings;
  std::array<std::int16_t, 2> two{};
  std::set<std::string> set;
  std::map<std::string, double> map;
  std::map<std::string, std::vector<Circle>> deep;
  std::pair<int, std::string> pair;
  std::chrono::sys_time<std::chrono::milliseconds> when{};
  std::chrono::year_month_day day{std::chrono::year(2026), std::chrono::January, std::chrono::day(31)};
  std::chrono::microseconds span{};
  std::vector<std::byte> bytes;
  std::variant<Cat, Dog> pet;
  std::variant<std::monostate, bool, std::int64_t, double, Color, std::string, std::vector<int>, Circle, Box> any;
  weir::json::Value value;
  weir::json::Raw raw;
  std::vector<Everything> children;
  std::unique_ptr<Everything> next;

  static constexpr auto rules = weir::rules<Everything>(
      weir::all_optional(), weir::field<&Everything::s>().max_length(40).pattern("[^x]*"),
      weir::field<&Everything::sv>().format(weir::format::email),
      weir::field<&Everything::maybe>().format(weir::format::uri), weir::field<&Everything::i>().min(-1000).max(1000),
      weir::field<&Everything::d>().multiple_of(0.5), weir::field<&Everything::strings>().unique_items().max_items(5),
      weir::field<&Everything::children>().max_items(3));
};

void require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // An exact copy: the sanitizer sees a byte read too far.
  const std::unique_ptr<char[]> copy(new char[size]);
  std::copy_n(reinterpret_cast<const char*>(data), size, copy.get());
  const std::string_view text(copy.get(), size);

  weir::Arena arena;
  Everything first;
  const auto bound = weir::json::read(text, first, {.arena = &arena});
  const auto any = weir::json::read<weir::json::Value>(text);
  if (bound) {
    require(weir::json::validate(first).has_value());
    weir::Buffer once;
    weir::json::write(first, once);
    Everything second;
    const auto again = weir::json::read(once.view(), second, {.arena = &arena});
    require(again.has_value());
    weir::Buffer twice;
    weir::json::write(second, twice);
    require(once.view() == twice.view());
  } else if (bound.error().code() == weir::Errc::unprocessable) {
    require(!bound.error().fields().empty());
  }
  if (any) {
    require(bound.has_value() || bound.error().code() != weir::Errc::invalid_argument);
    weir::Buffer once;
    weir::json::write(*any, once);
    const auto again = weir::json::read<weir::json::Value>(once.view());
    require(again.has_value() && *again == *any);
  }

  int integer = 0;
  double number = 0;
  std::chrono::sys_seconds time;
  static_cast<void>(weir::json::from_text(text, integer));
  static_cast<void>(weir::json::from_text(text, number));
  static_cast<void>(weir::json::from_text(text, time));
  return 0;
}
