#include "weir/json/rules.hpp"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/json/json.hpp"
#include "weir/json/text.hpp"

namespace {

using testing::ElementsAre;

struct Numbers {
  int a = 5;
  double b = 1;
  std::uint64_t c = 8;
  static constexpr auto rules =
      weir::rules<Numbers>(weir::field<&Numbers::a>().min(-3).exclusive_max(10),
                           weir::field<&Numbers::b>().exclusive_min(0.5).max(2.5).multiple_of(0.1),
                           weir::field<&Numbers::c>().multiple_of(4));
};
struct Texts {
  std::string a = "ab";
  std::string b = "asc";
  std::optional<std::string> c;
  std::string_view d = "x1";
  static constexpr auto rules = weir::rules<Texts>(
      weir::field<&Texts::a>().min_length(2).max_length(3), weir::field<&Texts::b>().one_of<"asc", "desc">(),
      weir::field<&Texts::c>().pattern("[a-z]+"), weir::field<&Texts::d>().pattern("x\\d"));
};
struct Lists {
  std::vector<int> a{1};
  std::map<std::string, int> b;
  static constexpr auto rules = weir::rules<Lists>(weir::field<&Lists::a>().min_items(1).max_items(2).unique_items(),
                                                   weir::field<&Lists::b>().max_items(1));
};

template <class T>
std::vector<std::string> broken(const T& value) {
  const auto result = weir::json::validate(value);
  std::vector<std::string> out;
  if (!result) {
    for (const auto& f : result.error().fields()) out.push_back(f.field + ": " + f.message);
  }
  return out;
}

TEST(Rules, BoundNumbers) {
  EXPECT_THAT(broken(Numbers{}), ElementsAre());
  EXPECT_THAT(broken(Numbers{.a = -3, .b = 2.5, .c = 0}), ElementsAre());
  EXPECT_THAT(broken(Numbers{.a = -4, .b = 0.5, .c = 6}),
              ElementsAre("a: must be at least -3", "b: must be greater than 0.5", "c: must be a multiple of 4"));
  EXPECT_THAT(broken(Numbers{.a = 10, .b = 2.6, .c = 8}),
              ElementsAre("a: must be less than 10", "b: must be at most 2.5"));
  EXPECT_THAT(broken(Numbers{.a = 0, .b = 1.23, .c = 8}), ElementsAre("b: must be a multiple of 0.1"));
}

TEST(Rules, BoundTextsInCodePoints) {
  EXPECT_THAT(broken(Texts{}), ElementsAre());
  EXPECT_THAT(broken(Texts{.a = "€€€"}), ElementsAre());
  EXPECT_THAT(broken(Texts{.a = "€"}), ElementsAre("a: must have at least 2 characters"));
  EXPECT_THAT(broken(Texts{.a = "€€€€"}), ElementsAre("a: must have at most 3 characters"));
  EXPECT_THAT(broken(Texts{.b = "up"}), ElementsAre("b: must be one of asc, desc"));
}

TEST(Rules, MatchPatternsAgainstTheWholeText) {
  EXPECT_THAT(broken(Texts{.c = "abc"}), ElementsAre());
  EXPECT_THAT(broken(Texts{.c = "abc1"}), ElementsAre("c: must match [a-z]+"));
  EXPECT_THAT(broken(Texts{.c = ""}), ElementsAre("c: must match [a-z]+"));
  EXPECT_THAT(broken(Texts{.d = "xx1"}), ElementsAre("d: must match x\\d"));
}

TEST(Rules, BoundContainers) {
  EXPECT_THAT(broken(Lists{.a = {}}), ElementsAre("a: must have at least 1 item"));
  EXPECT_THAT(broken(Lists{.a = {1, 2, 3}}), ElementsAre("a: must have at most 2 items"));
  EXPECT_THAT(broken(Lists{.a = {1, 1}}), ElementsAre("a: must not have an item twice"));
  EXPECT_THAT(broken(Lists{.a = {1}, .b = {{"x", 1}, {"y", 2}}}), ElementsAre("b: must have at most 1 item"));
}

template <weir::format F>
struct Formatted {
  std::string text;
  static constexpr auto rules = weir::rules<Formatted>(weir::field<&Formatted::text>().format(F));
};
template <weir::format F>
void expect_format(std::vector<std::string> good, std::vector<std::string> bad) {
  for (const auto& text : good) EXPECT_THAT(broken(Formatted<F>{text}), ElementsAre()) << text;
  for (const auto& text : bad) EXPECT_EQ(broken(Formatted<F>{text}).size(), 1U) << text;
}

TEST(Rules, KnowFormats) {
  using weir::format;
  expect_format<format::email>(
      {"a@b.c", "a.b+c@x-y.example", "\"a b\"@example.com", "a@[127.0.0.1]", "a@[IPv6:::1]"},
      {"", "a", "@b", "a@", "a@b@c", ".a@b", "a.@b", "a..b@c", "a b@c", "a@b..c", "a@-b", "a@[300.0.0.1]"});
  expect_format<format::uuid>({"123e4567-e89b-12d3-a456-426614174000"},
                              {"", "123e4567e89b12d3a456426614174000", "123e4567-e89b-12d3-a456-42661417400g"});
  expect_format<format::uri>({"https://a.b/c?d=%20#e", "mailto:a@b", "urn:x:y"},
                             {"", "a", "/a/b", "1a:b", "a:b c", "a:%2", "a:#b#c", "a:"});
  expect_format<format::ipv4>({"0.0.0.0", "255.255.255.255"},
                              {"", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "1.2.3.4 "});
  expect_format<format::ipv6>({"::", "::1", "1::", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8",
                               "::ffff:1.2.3.4", "1:2:3:4:5:6:1.2.3.4"},
                              {"", ":", ":::", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3",
                               "12345::", "g::", "1:2:3:4:5:6:7:1.2.3.4", "1:", ":1"});
  expect_format<format::hostname>({"a", "a-b.c", "x1.example"},
                                  {"", "-a", "a-", "a..b", "a.", "a_b", std::string(64, 'a')});
  expect_format<format::date>({"2024-02-29"}, {"2023-02-29"});
  expect_format<format::date_time>({"2024-02-29T00:00:00Z"}, {"2024-02-29"});
}

struct BadPattern {
  std::string text;
  static constexpr auto rules = weir::rules<BadPattern>(weir::field<&BadPattern::text>().pattern("(["));
};
TEST(Rules, ReportABadPatternAtStartUp) {
  EXPECT_THROW(weir::json::prepare(weir::json::type_info<std::vector<BadPattern>>()), std::invalid_argument);
  EXPECT_NO_THROW(weir::json::prepare(weir::json::type_info<Texts>()));
  EXPECT_EQ(weir::json::read<BadPattern>(R"({"text":"x"})").error().code(), weir::Errc::internal);
}

struct MinOfText {
  std::string name;
  static constexpr auto rules = weir::rules<MinOfText>(weir::field<&MinOfText::name>().min(3));
};
struct LengthOfNumber {
  std::optional<int> age;
  static constexpr auto rules = weir::rules<LengthOfNumber>(weir::field<&LengthOfNumber::age>().max_length(3));
};
struct LengthOfList {
  std::vector<std::string> tags;
  static constexpr auto rules = weir::rules<LengthOfList>(weir::field<&LengthOfList::tags>().min_length(1));
};
struct ItemsOfText {
  std::string name;
  static constexpr auto rules = weir::rules<ItemsOfText>(weir::field<&ItemsOfText::name>().max_items(3));
};
template <class T>
std::string mistake_of() {
  try {
    weir::json::prepare(weir::json::type_info<T>());
  } catch (const std::invalid_argument& mistake) {
    return mistake.what();
  }
  return "";
}
TEST(Rules, ReportARuleForAnotherTypeAtStartUp) {
  EXPECT_THAT(mistake_of<MinOfText>(), testing::StartsWith("the rules of MinOfText.name: min, max"));
  EXPECT_THAT(mistake_of<LengthOfNumber>(), testing::HasSubstr("are for texts"));
  EXPECT_THAT(mistake_of<LengthOfList>(), testing::HasSubstr("are for texts"));
  EXPECT_THAT(mistake_of<ItemsOfText>(), testing::HasSubstr("are for lists and maps"));
}

struct Degrees {
  double value = 0;
};
}  // namespace

template <>
struct weir::json::Custom<Degrees> {
  using As = double;
  static weir::Result<void> load(double&& from, Degrees& out) {
    out.value = from;
    return {};
  }
  static void store(const Degrees& from, double& to) { to = from.value; }
};

namespace {
struct Weather {
  Degrees at;
  static constexpr auto rules = weir::rules<Weather>(weir::field<&Weather::at>().min(-90).max(60));
};
TEST(Rules, HoldForWhatACustomTypeIsLike) {
  EXPECT_EQ(mistake_of<Weather>(), "");
  EXPECT_TRUE(weir::json::read<Weather>(R"({"at":21.5})").has_value());
  const auto hot = weir::json::read<Weather>(R"({"at":61})");
  ASSERT_FALSE(hot.has_value());
  ASSERT_EQ(hot.error().fields().size(), 1U);
  EXPECT_EQ(hot.error().fields()[0].rule, "max");
}

struct Cased {
  int created_at = 0;
  int url2_name = 0;
  int x_ = 0;
};
template <weir::naming N>
struct Named {
  int created_at = 1;
  int _private = 2;
  int trailing_ = 3;
  static constexpr auto rules = weir::rules<Named>(weir::rename_all(N));
};
TEST(Rules, RenameMembers) {
  using weir::naming;
  EXPECT_EQ(weir::json::to_string(Named<naming::as_is>{}), R"({"created_at":1,"_private":2,"trailing_":3})");
  EXPECT_EQ(weir::json::to_string(Named<naming::camel_case>{}), R"({"createdAt":1,"_private":2,"trailing_":3})");
  EXPECT_EQ(weir::json::to_string(Named<naming::pascal_case>{}), R"({"CreatedAt":1,"_private":2,"Trailing_":3})");
  EXPECT_EQ(weir::json::to_string(Named<naming::kebab_case>{}), R"({"created-at":1,"_private":2,"trailing_":3})");
}

/// What the compiler says about a program.
std::string compile(std::string_view body) {
  const std::string stem =
      testing::TempDir() + "weir_json_compile_" + std::to_string(::testing::UnitTest::GetInstance()->random_seed());
  std::ofstream(stem + ".cpp") << "#include <thread>\n#include \"weir/json/json.hpp\"\n" << body;
  const std::string command =
      "c++ -std=c++23 -fsyntax-only -I" WEIR_SOURCE_DIR "/src " + stem + ".cpp 2>" + stem + ".txt";
  const int status = std::system(command.c_str());
  std::stringstream out;
  out << std::ifstream(stem + ".txt").rdbuf();
  std::filesystem::remove(stem + ".cpp");
  std::filesystem::remove(stem + ".txt");
  return status == 0 ? "" : out.str();
}

TEST(Rules, WrongTypesAreCompileErrorsThatSayWhy) {
  if (std::system("c++ --version >/dev/null 2>&1") != 0) GTEST_SKIP() << "no compiler here";
  EXPECT_EQ(compile("struct A { int x; }; auto& t = weir::json::type_info<A>();"), "");
  EXPECT_THAT(compile("struct A { std::thread x; }; auto& t = weir::json::type_info<A>();"),
              testing::HasSubstr("this type has no JSON form"));
  EXPECT_THAT(compile("struct A { std::vector<bool> x; }; auto& t = weir::json::type_info<A>();"),
              testing::HasSubstr("For std::vector<bool>"));
  EXPECT_THAT(compile("struct A { int* x; }; auto& t = weir::json::type_info<A>();"),
              testing::HasSubstr("this type has no JSON form"));
  EXPECT_THAT(
      compile("struct E {}; struct A { [[no_unique_address]] E e; int x; }; auto& t = weir::json::type_info<A>();"),
      testing::HasSubstr("layout is not understood"));
  EXPECT_THAT(compile("struct A { int x; int y; static constexpr auto rules = "
                      "weir::rules<A>(weir::field<&A::x>().rename(\"y\")); }; auto& t = weir::json::type_info<A>();"),
              testing::HasSubstr("two members have the same name in JSON"));
  EXPECT_THAT(compile("struct A { int x; void validate(std::vector<weir::FieldError>&) const; };"
                      "auto& t = weir::json::type_info<A>();"),
              testing::HasSubstr("validate() of a struct is const"));
}

}  // namespace
