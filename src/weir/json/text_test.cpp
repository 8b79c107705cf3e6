#include "weir/json/text.hpp"

#include <chrono>
#include <map>
#include <set>
#include <variant>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/json/json.hpp"
#include "weir/json/value.hpp"

namespace {

using testing::ElementsAre;
using weir::json::from_text;

template <class T>
std::string through(std::string_view text) {
  T value{};
  const auto result = from_text(text, value);
  if (!result) return "error: " + result.error().message();
  weir::Buffer out;
  weir::json::to_text(weir::json::type_info<T>(), &value, out);
  return std::string(out.view());
}
enum class Order { asc, desc };

TEST(FromText, ReadsScalars) {
  EXPECT_EQ(through<int>("42"), "42");
  EXPECT_EQ(through<int>("+42"), "42");
  EXPECT_EQ(through<int>("-42"), "-42");
  EXPECT_EQ(through<double>("1.50"), "1.5");
  EXPECT_EQ(through<bool>("1"), "true");
  EXPECT_EQ(through<bool>("false"), "false");
  EXPECT_EQ(through<std::string>("a b\""), "a b\"");
  EXPECT_EQ(through<std::string_view>(""), "");
  EXPECT_EQ(through<Order>("desc"), "desc");
  EXPECT_EQ(through<std::optional<int>>("3"), "3");
  EXPECT_EQ(through<std::chrono::year_month_day>("2026-01-31"), "2026-01-31");
  EXPECT_EQ(through<std::chrono::milliseconds>("250ms"), "PT0.25S");
  EXPECT_EQ((through<std::variant<int, std::string>>("12")), "12");
  EXPECT_EQ((through<std::variant<int, std::string>>("x")), "x");
}

TEST(FromText, SaysWhatWouldBeRight) {
  EXPECT_EQ(through<int>(""), "error: must be an integer");
  EXPECT_EQ(through<int>("1.0"), "error: must be an integer");
  EXPECT_EQ(through<int>("0x1"), "error: must be an integer");
  EXPECT_EQ(through<int>(" 1"), "error: must be an integer");
  EXPECT_EQ(through<int>("1,"), "error: must be an integer");
  EXPECT_EQ(through<std::uint8_t>("256"), "error: must be between 0 and 255");
  EXPECT_EQ(through<double>("1e999"), "error: must be a smaller number");
  EXPECT_EQ(through<double>("nan"), "error: must be a number");
  EXPECT_EQ(through<bool>("yes"), "error: must be true or false");
  EXPECT_EQ(through<Order>("up"), "error: must be one of asc, desc");
  EXPECT_EQ(through<std::vector<int>>("1"), "error: cannot be given as plain text");
}

class Map final : public weir::json::FieldSource {
 public:
  explicit Map(std::multimap<std::string, std::string> values) : values_(std::move(values)) {}
  void find(std::string_view name, weir::recycle::Vector<std::string_view>& values) const override {
    const auto [begin, end] = values_.equal_range(std::string(name));
    for (auto at = begin; at != end; ++at) values.push_back(at->second);
  }

 private:
  std::multimap<std::string, std::string> values_;
};

struct Where {
  std::string city;
  std::optional<std::string> zip;
};
struct Search {
  std::string q;
  int page = 1;
  std::optional<Order> order;
  std::vector<int> ids;
  std::set<std::string> tags;
  Where where;
  std::optional<Where> also;
  std::int64_t secret = 5;

  static constexpr auto rules =
      weir::rules<Search>(weir::field<&Search::q>().min_length(2), weir::field<&Search::page>().min(1).optional(),
                          weir::field<&Search::ids>().max_items(2).optional(), weir::field<&Search::tags>().optional(),
                          weir::field<&Search::secret>().read_only());
};

TEST(BindFields, FillsAStruct) {
  Search search;
  const auto result = weir::json::bind_fields(search, Map({{"q", "weir"},
                                                           {"order", "desc"},
                                                           {"ids", "1"},
                                                           {"ids", "2"},
                                                           {"tags", "a"},
                                                           {"tags", "a"},
                                                           {"where.city", "Bern"},
                                                           {"secret", "1"}}));
  ASSERT_TRUE(result.has_value()) << result.error().message();
  EXPECT_EQ(search.q, "weir");
  EXPECT_EQ(search.page, 1);
  EXPECT_EQ(search.order, Order::desc);
  EXPECT_THAT(search.ids, ElementsAre(1, 2));
  EXPECT_THAT(search.tags, ElementsAre("a"));
  EXPECT_EQ(search.where.city, "Bern");
  EXPECT_FALSE(search.also.has_value());
  EXPECT_EQ(search.secret, 5);
}

TEST(BindFields, ReportsAllFailuresWithTheSendersNames) {
  Search search;
  const auto result = weir::json::bind_fields(search, Map({{"q", "w"},
                                                           {"page", "0"},
                                                           {"order", "up"},
                                                           {"order", "desc"},
                                                           {"ids", "1"},
                                                           {"ids", "x"},
                                                           {"also.zip", "3000"}}));
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code(), weir::Errc::unprocessable);
  std::vector<std::string> got;
  for (const auto& f : result.error().fields()) got.push_back(f.field + ": " + f.rule);
  EXPECT_THAT(got, ElementsAre("q: min_length", "page: min", "order: duplicate", "ids[1]: type", "where.city: required",
                               "also.city: required"));
}

TEST(Check, ChecksRulesOnOneValue) {
  static constexpr auto rules = weir::field<&Search::page>().min(1).max(9);
  std::vector<weir::FieldError> found;
  const int value = 10;
  weir::json::check(rules.rules, weir::json::type_info<int>(), &value, "page", found);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].field, "page");
  EXPECT_EQ(found[0].rule, "max");
}

}  // namespace
