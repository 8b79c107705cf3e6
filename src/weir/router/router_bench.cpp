// The router's bars: `weir_router_bench`, in a release build.
//
//   1,000,000 routes /api/svcA/resB/{id}/actC: random lookup at most 400 ns, the same path again at most 40 ns,
//   build at most 1 s, heap at most 100 MB; a crafted miss over 16 levels at most 5 us.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>
#include <malloc.h>

#include "weir/router/router.hpp"

namespace weir {
namespace {

std::size_t heap_in_use() {
  const auto info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

/// One service for each 100 actions of 100 resources (fewer of each in small tables).
struct Shape {
  std::uint32_t services;
  std::uint32_t resources;
  std::uint32_t actions;
};
Shape shape_of(std::int64_t routes) {
  switch (routes) {
    case 1000:
      return {10, 10, 10};
    case 10000:
      return {10, 10, 100};
    case 100000:
      return {10, 100, 100};
    default:
      return {100, 100, 100};
  }
}

std::string path_of(std::uint32_t service, std::uint32_t resource, std::uint32_t action, const char* id) {
  return "/api/svc" + std::to_string(service) + "/res" + std::to_string(resource) + "/" + id + "/act" +
         std::to_string(action);
}

RouteTable table_of(Shape shape) {
  RouteTable table;
  std::uint32_t endpoint = 0;
  for (std::uint32_t a = 0; a < shape.services; ++a) {
    for (std::uint32_t b = 0; b < shape.resources; ++b) {
      for (std::uint32_t c = 0; c < shape.actions; ++c) {
        table.add({.pattern = path_of(a, b, c, "{id}"), .endpoint = endpoint++});
      }
    }
  }
  return table;
}

/// The table of `routes` routes, built once for all the benchmarks that look something up in it.
const Router& router_of(std::int64_t routes) {
  static std::int64_t built = 0;
  static std::shared_ptr<const Router> router;
  if (built != routes) {
    router.reset();
    router = table_of(shape_of(routes)).build().value();
    built = routes;
  }
  return *router;
}

/// add() of all routes and build(), and what the snapshot keeps of the heap.
void build(benchmark::State& state) {
  const auto shape = shape_of(state.range(0));
  std::vector<std::string> patterns;
  for (std::uint32_t a = 0; a < shape.services; ++a) {
    for (std::uint32_t b = 0; b < shape.resources; ++b) {
      for (std::uint32_t c = 0; c < shape.actions; ++c) patterns.push_back(path_of(a, b, c, "{id}"));
    }
  }
  std::size_t heap = 0;
  for (auto _ : state) {
    const auto before = heap_in_use();
    RouteTable table;
    std::uint32_t endpoint = 0;
    for (const auto& pattern : patterns) table.add({.pattern = pattern, .endpoint = endpoint++});
    auto router = std::move(table).build().value();
    heap = heap_in_use() - before;
    benchmark::DoNotOptimize(router);
  }
  state.counters["heap_MB"] = static_cast<double>(heap) / 1e6;
}
BENCHMARK(build)->Arg(1000)->Arg(10000)->Arg(100000)->Arg(1000000)->Unit(benchmark::kMillisecond);

/// One more route while a table of this size is served: the whole snapshot is made anew.
void add_one_and_publish(benchmark::State& state) {
  const auto table = table_of(shape_of(state.range(0)));
  for (auto _ : state) benchmark::DoNotOptimize(table.build());
}
BENCHMARK(add_one_and_publish)->Arg(1000)->Arg(10000)->Arg(100000)->Unit(benchmark::kMillisecond);

void random_lookup(benchmark::State& state) {
  const auto& router = router_of(state.range(0));
  const auto shape = shape_of(state.range(0));
  std::mt19937 random(1);
  // The paths lie one behind the other, as in a receive buffer: the lookup is measured, not the fetching of the path.
  std::string pool;
  std::vector<std::pair<std::size_t, std::size_t>> paths;
  for (int i = 0; i < 1 << 16; ++i) {
    const auto path = path_of(random() % shape.services, random() % shape.resources, random() % shape.actions, "12345");
    paths.emplace_back(pool.size(), path.size());
    pool += path;
  }
  Arena arena;
  std::size_t at = 0;
  for (auto _ : state) {
    const auto [offset, size] = paths[at++ & 0xffff];
    const auto match = router.match({.path = std::string_view(pool).substr(offset, size)}, arena);
    benchmark::DoNotOptimize(match.endpoint);
    if (match.outcome != RouteOutcome::found) state.SkipWithError("not found");
  }
}
BENCHMARK(random_lookup)->Arg(1000)->Arg(10000)->Arg(100000)->Arg(1000000);

void hot_lookup(benchmark::State& state) {
  const auto& router = router_of(state.range(0));
  const std::string path = path_of(3, 7, 5, "12345");
  Arena arena;
  for (auto _ : state) {
    auto match = router.match({.path = path}, arena);
    benchmark::DoNotOptimize(match.endpoint);
    if (match.outcome != RouteOutcome::found) state.SkipWithError("not found");
  }
}
BENCHMARK(hot_lookup)->Arg(1000)->Arg(10000)->Arg(100000)->Arg(1000000);

void small_table(benchmark::State& state, std::string path) {
  RouteTable table;
  for (const auto* pattern : {"/", "/plaintext", "/json", "/users", "/users/{id}", "/users/{id}/tasks", "/file",
                              "/users/{id}/tasks/{task:int}", "/files/{rest*}", "/healthz", "/openapi.json"}) {
    table.add({.pattern = pattern});
  }
  const auto router = table.build().value();
  Arena arena;
  for (auto _ : state) {
    auto match = router->match({.path = path}, arena);
    benchmark::DoNotOptimize(match.endpoint);
    if (match.outcome != RouteOutcome::found) state.SkipWithError("not found");
    arena.reset();
  }
}
BENCHMARK_CAPTURE(small_table, literal, "/json");
BENCHMARK_CAPTURE(small_table, placeholder, "/users/12345");
BENCHMARK_CAPTURE(small_table, two_placeholders, "/users/12345/tasks/42");
BENCHMARK_CAPTURE(small_table, tail, "/files/css/site/main.css");
BENCHMARK_CAPTURE(small_table, escaped, "/users/a%20b");

/// A literal and a placeholder on each of 16 levels, all 65,536 combinations, and a path that fails at the very end.
void crafted_miss(benchmark::State& state) {
  static const auto router = [] {
    RouteTable table;
    for (std::uint32_t bits = 0; bits < 1U << 16; ++bits) {
      std::string pattern;
      for (int i = 0; i < 16; ++i) pattern += (bits >> i & 1) != 0 ? "/{p" + std::to_string(i) + "}" : "/a";
      table.add({.pattern = pattern + "/end", .endpoint = bits});
    }
    return std::move(table).build().value();
  }();
  std::string path;
  for (int i = 0; i < 16; ++i) path += "/a";
  path += "/miss";
  Arena arena;
  for (auto _ : state) {
    auto match = router->match({.path = path}, arena);
    benchmark::DoNotOptimize(match.outcome);
    if (match.outcome != RouteOutcome::not_found) state.SkipWithError("found");
    arena.reset();
  }
  state.counters["worst_case_steps"] = router->worst_case_steps();
}
BENCHMARK(crafted_miss);

/// The same with 16 chains only: at each level the literal leads on and so does the placeholder.
void crafted_miss_few_routes(benchmark::State& state) {
  RouteTable table;
  for (int level = 0; level < 16; ++level) {
    std::string pattern;
    for (int i = 0; i < 16; ++i) pattern += i == level ? "/{x}" : "/a";
    table.add({.pattern = pattern + "/end"});
  }
  const auto router = table.build().value();
  std::string path;
  for (int i = 0; i < 16; ++i) path += "/a";
  path += "/miss";
  Arena arena;
  for (auto _ : state) {
    auto match = router->match({.path = path}, arena);
    benchmark::DoNotOptimize(match.outcome);
    arena.reset();
  }
  state.counters["worst_case_steps"] = router->worst_case_steps();
}
BENCHMARK(crafted_miss_few_routes);

}  // namespace
}  // namespace weir
