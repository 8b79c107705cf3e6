#include "weir/web/detail/form_pairs.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace weir::detail {
namespace {

class Pairs {
 public:
  explicit Pairs(std::string text, std::size_t limit = 100'000) : text_(std::move(text)) {
    whole_ = pairs_.split(text_, limit);
  }
  [[nodiscard]] bool whole() const { return whole_; }
  [[nodiscard]] std::vector<std::string> find(std::string_view name) const {
    recycle::Vector<std::string_view> values;
    values.emplace_back("before");
    pairs_.find(name, values);
    EXPECT_EQ(values.front(), "before") << "what was found for others stays";
    return {values.begin() + 1, values.end()};
  }

 private:
  std::string text_;
  Arena arena_;
  FormPairs pairs_{arena_};
  bool whole_ = false;
};

using Values = std::vector<std::string>;

TEST(FormPairs, FindsAllValuesOfANameInTheirOrder) {
  const Pairs pairs("tag=a&q=words&tag=b&empty&&=nameless&tag=");
  EXPECT_EQ(pairs.find("tag"), (Values{"a", "b", ""}));
  EXPECT_EQ(pairs.find("q"), Values{"words"});
  EXPECT_EQ(pairs.find("empty"), Values{""});
  EXPECT_EQ(pairs.find(""), Values{"nameless"});
  EXPECT_EQ(pairs.find("other"), Values{});
  EXPECT_EQ(Pairs("").find("q"), Values{});
}

TEST(FormPairs, DecodesNamesAndValues) {
  const Pairs pairs("a%20name=1%2B1&a+name=2+2&100%=50%");
  EXPECT_EQ(pairs.find("a name"), (Values{"1+1", "2 2"}));
  EXPECT_EQ(pairs.find("100%"), Values{"50%"});
  EXPECT_EQ(pairs.find("a+name"), Values{});
}

// More names than there are slots: those that share one are told apart.
TEST(FormPairs, TellsManyNamesApart) {
  std::string text;
  for (int i = 0; i < 4000; ++i) text += "n" + std::to_string(i % 1000) + "=" + std::to_string(i) + "&";
  const Pairs pairs(text);
  for (int i = 0; i < 1000; ++i) {
    const Values wanted{std::to_string(i), std::to_string(i + 1000), std::to_string(i + 2000),
                        std::to_string(i + 3000)};
    EXPECT_EQ(pairs.find("n" + std::to_string(i)), wanted);
  }
}

TEST(FormPairs, StopsAboveTheLimit) {
  EXPECT_TRUE(Pairs("a&b&c", 3).whole());
  EXPECT_TRUE(Pairs("a&b&c&&", 3).whole());
  EXPECT_FALSE(Pairs("a&b&c&d", 3).whole());
}

}  // namespace
}  // namespace weir::detail
