#include "weir/router/pattern.hpp"

#include <string_view>

#include <gtest/gtest.h>

namespace weir {
namespace {

// The reader works at compile time: that is what the check of handlers against their patterns stands on.
static_assert(inspect_pattern("/users/{id:int}/files/{rest*}").count == 2);
static_assert(inspect_pattern("/users/{id:int}").find("id")->kind == ParamKind::integer);
static_assert(inspect_pattern("/users/:id").error == "a placeholder is written {name}, not :name");

TEST(Pattern, RightOnesAreAccepted) {
  for (const std::string_view pattern :
       {"/", "/users", "/users/", "/users/{id}", "/{rest*}", "/users/{id}:activate", "/users:batch", "/img-{id}.png",
        "/{d:\\d{3}}", "/{c:[}{]+}", "/{c:len(8)}", "/{n:range(-1,5)}", "/{f:[a-z]+\\.png}", "/{u:guid}", "/a%20b",
        "/{rest*}:download", "/caf\xc3\xa9"}) {
    const auto info = inspect_pattern(pattern);
    EXPECT_TRUE(info.ok()) << pattern << ": " << info.error;
  }
}

TEST(Pattern, WrongOnesSayWhatAndWhere) {
  struct Case {
    std::string_view pattern;
    std::string_view error;
    std::size_t at;
  };
  for (const Case& c : {
           Case{"", "a pattern starts with '/'", 0},
           Case{"users", "a pattern starts with '/'", 0},
           Case{"/a//b", "an empty segment: slashes are not merged", 3},
           Case{"/a?b", "a pattern has no query and no fragment", 2},
           Case{"/a}", "'}' without '{' (a literal one is written %7D)", 2},
           Case{"/{a", "'{' without '}'", 1},
           Case{"/{a:int", "'{' without '}'", 1},
           Case{"/{}", "a placeholder needs a name of letters, digits, '_', '-' or '.'", 2},
           Case{"/{a b}", "expected '}', ':' or '*' behind the placeholder's name", 3},
           Case{"/{a:}", "the constraint is empty", 4},
           Case{"/{a*}/b", "a tail stands at the end of the pattern", 1},
           Case{"/x{a*}", "a tail is the whole segment", 1},
           Case{"/{a}{b}", "one placeholder a segment (a regular expression can do more)", 4},
           Case{"/{a}:go/b", "a verb stands at the end of the pattern", 4},
           Case{"/{a}:", "the verb behind ':' is empty", 4},
           Case{"/{a:range(5,1)}", "the lower bound is above the upper one", 4},
           Case{"/{a:len(1,2)}", "wrong number of arguments", 4},
           Case{"/*rest", "a tail is written {name*}", 1},
           Case{"/a/../b", "'.' and '..' never reach the router", 3},
           Case{"/a b", "this character must be written as %XX", 2},
           Case{"/%zz", "'%' must be followed by two hexadecimal digits, not 00", 1},
           Case{"/{a}/{a}", "two placeholders have the same name", 8},
       }) {
    const auto info = inspect_pattern(c.pattern);
    EXPECT_EQ(info.error, c.error) << c.pattern;
    EXPECT_EQ(info.error_at, c.at) << c.pattern;
  }
  EXPECT_TRUE(inspect_pattern("/{a:itn}").error.starts_with("unknown constraint"));
  EXPECT_TRUE(inspect_pattern("/{a:size(3)}").error.starts_with("unknown bound"));
}

}  // namespace
}  // namespace weir
