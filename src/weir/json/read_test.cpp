#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/json/json.hpp"

namespace {
struct NewUser {
  std::string name;
  int age = 0;
  std::optional<std::string> email;
  std::vector<std::string> tags;

  static constexpr auto rules = weir::rules<NewUser>(
      weir::field<&NewUser::name>().min_length(1).max_length(8).pattern("[a-z ]+"),
      weir::field<&NewUser::age>().min(0).max(150), weir::field<&NewUser::email>().format(weir::format::email),
      weir::field<&NewUser::tags>().max_items(2).unique_items().optional());
};

TEST(Read, BindsAFlatStruct) {
  const auto user = weir::json::read<NewUser>(R"( {"name": "ada", "age": 36, "email": "a@b.c", "tags": ["x", "y"]} )");
  ASSERT_TRUE(user.has_value()) << user.error().message();
  EXPECT_EQ(user->name, "ada");
  EXPECT_EQ(user->age, 36);
  EXPECT_EQ(weir::json::to_string(*user), R"({"name":"ada","age":36,"email":"a@b.c","tags":["x","y"]})");
}
TEST(Read, ReportsAllFailuresAtOnce) {
  const auto user =
      weir::json::read<NewUser>(R"({"name": "Ada Lovelace", "age": "x", "email": "a", "tags": ["x", "x"]})");
  ASSERT_FALSE(user.has_value());
  EXPECT_EQ(user.error().code(), weir::Errc::unprocessable);
  std::vector<std::string> got;
  for (const auto& f : user.error().fields()) got.push_back(f.field + ": " + f.rule);
  EXPECT_THAT(got, testing::ElementsAre("name: max_length", "name: pattern", "age: type", "email: format",
                                        "tags: unique_items"));
}

TEST(Read, SaysWhereTheDocumentIsNoJson) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"", "the document is empty"},
      {" \n ", "the document is empty"},
      {"{", "line 1, column 2: expected '}', found the end of the document"},
      {"{}x", "line 1, column 3: expected the end of the document, found 'x'"},
      {"[1,2", "line 1, column 5: expected ']', found the end of the document"},
      {"{\"name\":1,}", "line 1, column 11: expected a name in double quotes, found '}'"},
      {"{\"name\" 1}", "line 1, column 9: expected ':' behind a name, found '1'"},
      {"{\"name\":tru}", "line 1, column 9: expected a value, found 't'"},
      {"\n\"abc", "line 2, column 1: a string begins that does not end"},
      {"{\"name\":\"\x01\"}", "line 1, column 10: a control character in a string must be written as an escape"},
      {"\xff", "line 1, column 1: the text is not UTF-8"},
      {"{}\n {}", "line 2, column 2: expected the end of the document, found '{'"},
      {"1 2", "line 1, column 3: expected the end of the document, found '2'"},
      {"{\"a\":[1,2}", "line 1, column 10: expected ',' or ']', found '}'"},
      {"{\"name\":\"a\"", "line 1, column 12: expected '}', found the end of the document"},
      {"nul", "line 1, column 1: expected a value, found 'n'"},
      {"{\"a\":01}", "line 1, column 6: expected a value, found '0'"},
  };
  for (const auto& [text, message] : cases) {
    const auto user = weir::json::read<NewUser>(text);
    ASSERT_FALSE(user.has_value()) << text;
    EXPECT_EQ(user.error().code(), weir::Errc::invalid_argument) << text;
    EXPECT_EQ(user.error().message(), message) << text;
  }
}

}  // namespace
