#include <benchmark/benchmark.h>

#include "weir/coro/scope.hpp"
#include "weir/coro/task.hpp"

namespace weir {
namespace {

Task<int> value(int n) {
  co_return n;
}

void start_and_take(benchmark::State& state) {
  for (auto _ : state) {
    auto task = value(1);
    task.start();
    benchmark::DoNotOptimize(task.take());
  }
}
BENCHMARK(start_and_take);

Task<> await_often(benchmark::State& state) {
  for (auto _ : state) {
    const int n = co_await value(1);
    benchmark::DoNotOptimize(n);
  }
}
void create_and_await(benchmark::State& state) {
  auto task = await_often(state);
  task.start();
}
BENCHMARK(create_and_await);

Task<> nothing() {
  co_return;
}
void spawn_in_scope(benchmark::State& state) {
  Scope scope;
  for (auto _ : state) scope.spawn(nothing());
}
BENCHMARK(spawn_in_scope);

}  // namespace
}  // namespace weir
