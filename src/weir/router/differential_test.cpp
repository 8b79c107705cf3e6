// The packed tree against the plain reading of the rules, on random tables and paths.
#include <cstdlib>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "weir/router/detail/reference.hpp"
#include "weir/router/router.hpp"

namespace weir {
namespace {

class Generator {
 public:
  explicit Generator(std::uint32_t seed) : random_(seed) {}

  std::string pattern() {
    std::string out;
    const auto segments = 1 + pick(4);
    for (std::size_t i = 0; i < segments; ++i) {
      const bool last = i + 1 == segments;
      const auto name = "p" + std::to_string(i);
      switch (pick(last ? 14 : 11)) {
        case 0:
          out += "/{" + name + "}";
          break;
        case 1:
          out += "/{" + name + ":int}";
          break;
        case 2:
          out += "/{" + name + ":uint}";
          break;
        case 3:
          out += "/{" + name + ":alpha}";
          break;
        case 4:
          out += "/{" + name + ":[ab]+}";
          break;
        case 5:
          out += "/{" + name + ":a.*}";
          break;
        case 6:
          out += "/{" + name + ":len(2)}";
          break;
        case 7:
          out += "/a{" + name + "}";
          break;
        case 8:
          out += "/{" + name + ":range(1,12)}b";
          break;
        case 9:
          out += "/a-rather-long-literal-segment";
          break;
        case 10:
          out += "/" + word();
          break;
        case 11:
          out += "/{" + name + "}:go";
          break;
        case 12:
          out += "/{" + name + "*}";
          break;
        default:
          out += "/";
          break;
      }
    }
    return out;
  }

  /// Literals beside placeholders on every level: most paths lead into most nodes.
  std::string tangled_pattern() {
    std::string out;
    for (std::size_t i = 0; i < 7; ++i) {
      const auto name = "p" + std::to_string(i);
      switch (pick(4)) {
        case 0:
          out += "/{" + name + "}";
          break;
        case 1:
          out += "/{" + name + ":alpha}";
          break;
        default:
          out += "/a";
          break;
      }
    }
    return out + "/" + word();
  }
  std::string tangled_path() {
    std::string out;
    for (std::size_t i = 0; i < 7; ++i) out += pick(8) == 0 ? "/1" : "/a";
    return out + "/" + word();
  }

  std::string path() {
    std::string out;
    const auto segments = 1 + pick(5);
    for (std::size_t i = 0; i < segments; ++i) {
      out += "/" + word();
      if (pick(8) == 0) out += ":go";
    }
    if (pick(6) == 0) out += "/";
    return out;
  }

  http::Method method() { return pick(4) == 0 ? http::Method::post : http::Method::get; }
  std::size_t pick(std::size_t n) { return random_() % n; }

 private:
  std::string word() {
    static constexpr std::string_view words[] = {"a",
                                                 "b",
                                                 "ab",
                                                 "aab",
                                                 "1",
                                                 "12",
                                                 "7b",
                                                 "-3",
                                                 "abc",
                                                 "x",
                                                 "aaaaaaaa",
                                                 "a-rather-long-literal-segment",
                                                 "a-rather-long-literal-segmenu",
                                                 ""};
    return std::string(words[pick(std::size(words) - (pick(10) == 0 ? 0 : 1))]);
  }

  std::mt19937 random_;
};

std::string text_of(const std::vector<router::ReferenceRoute>& routes) {
  std::string out;
  for (const auto& route : routes)
    out.append(http::to_string(route.method)).append(" ").append(route.pattern).append("\n");
  return out;
}

void compare(std::uint32_t seed, int tables, std::size_t max_routes, bool tangled) {
  Generator generator(seed);
  int found = 0;
  for (int t = 0; t < tables; ++t) {
    std::vector<router::ReferenceRoute> routes;
    const auto wanted = 1 + generator.pick(max_routes);
    RouteTable table({.trailing_slash = TrailingSlash::strict});
    for (std::uint32_t i = 0; i < wanted; ++i) {
      routes.push_back({generator.method(), tangled ? generator.tangled_pattern() : generator.pattern(), i});
      // A duplicate is refused by build(): leave it out here, as the names are the same for the same shape.
      const auto& last = routes.back();
      bool duplicate = false;
      for (std::size_t j = 0; j + 1 < routes.size(); ++j) {
        duplicate = duplicate || (routes[j].method == last.method && routes[j].pattern == last.pattern);
      }
      if (duplicate || !inspect_pattern(last.pattern).ok()) {
        routes.pop_back();
        continue;
      }
      table.add({.method = last.method, .pattern = last.pattern, .endpoint = i});
    }
    const auto built = table.build();
    ASSERT_TRUE(built.has_value()) << built.error().message();
    const router::Reference reference(routes);
    for (int p = 0; p < 60; ++p) {
      const auto path = tangled ? generator.tangled_path() : generator.path();
      const auto method = generator.method();
      Arena arena;
      const auto match = (*built)->match({.method = method, .path = path}, arena);
      const auto expected = reference.match(method, path);
      const auto about = "seed " + std::to_string(seed) + ", " + path + " in\n" + text_of(routes);
      if (expected.endpoint) {
        ASSERT_EQ(match.outcome, RouteOutcome::found) << about;
        ASSERT_EQ(match.endpoint, *expected.endpoint) << about;
        ASSERT_EQ(match.params.size(), expected.values.size()) << about;
        for (std::size_t i = 0; i < expected.values.size(); ++i) {
          ASSERT_EQ(match.params.value(i), expected.values[i]) << about;
        }
        ++found;
      } else {
        ASSERT_EQ(match.outcome, expected.method_exists ? RouteOutcome::method_not_allowed : RouteOutcome::not_found)
            << about;
      }
    }
  }
  EXPECT_GT(found, tables);  // the paths do hit the patterns
}

std::uint32_t seed_or(std::uint32_t fallback) {
  const char* given = std::getenv("WEIR_SEED");
  return given != nullptr ? static_cast<std::uint32_t>(std::strtoul(given, nullptr, 10)) : fallback;
}

TEST(RouterDifferential, SmallTables) {
  const auto seed = seed_or(std::random_device{}());
  std::printf("WEIR_SEED=%u\n", seed);
  compare(seed, 400, 12, false);
}

TEST(RouterDifferential, LargerTables) {
  const auto seed = seed_or(std::random_device{}());
  std::printf("WEIR_SEED=%u\n", seed);
  compare(seed, 6, 300, false);
}

TEST(RouterDifferential, TablesWhereWalksGoBackALot) {
  const auto seed = seed_or(std::random_device{}());
  std::printf("WEIR_SEED=%u\n", seed);
  compare(seed, 10, 400, true);
}

}  // namespace
}  // namespace weir
