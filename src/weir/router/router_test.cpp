#include "weir/router/router.hpp"

#include <gtest/gtest.h>

namespace weir {
namespace {

TEST(Router, FindsTheEndpointAndTheParameters) {
  RouteTable table;
  table.add({.pattern = "/users/{id:int}", .endpoint = 7});
  const auto router = table.build().value();
  Arena arena;
  const auto match = router->match({.path = "/users/42"}, arena);
  ASSERT_EQ(match.outcome, RouteOutcome::found);
  EXPECT_EQ(match.endpoint, 7u);
  EXPECT_EQ(match.pattern, "/users/{id:int}");
  EXPECT_EQ(match.params.find("id"), "42");
  EXPECT_EQ(router->match({.path = "/users/x"}, arena).outcome, RouteOutcome::not_found);
}

}  // namespace
}  // namespace weir
