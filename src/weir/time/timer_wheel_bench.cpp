#include <memory>
#include <vector>

#include <benchmark/benchmark.h>

#include "weir/time/timer_wheel.hpp"

namespace weir {
namespace {

using namespace std::chrono_literals;

struct Nothing final : Timer {
  void on_timer() noexcept override {}
};

// A time-out that is armed for each request and does not fire.
void arm_and_cancel(benchmark::State& state) {
  TimerWheel wheel{Instant(1h)};
  Nothing timer;
  const Instant due = Instant(1h) + 30s;
  for (auto _ : state) {
    wheel.arm(timer, due);
    wheel.cancel(timer);
  }
}
BENCHMARK(arm_and_cancel);

// The idle time-out of a keep-alive connection: moved to a later time with each request.
void rearm_later(benchmark::State& state) {
  TimerWheel wheel{Instant(1h)};
  Nothing timer;
  Instant due = Instant(1h) + 75s;
  for (auto _ : state) {
    due += 1us;
    wheel.arm(timer, due);
  }
}
BENCHMARK(rearm_later);

void arm_and_fire(benchmark::State& state) {
  Instant now = Instant(1h);
  TimerWheel wheel(now);
  std::vector<Nothing> timers(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) {
    Duration distance = 1ms;
    for (auto& timer : timers) wheel.arm(timer, now + (distance += 1ms));
    now += distance;
    wheel.advance(now);
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(arm_and_fire)->Arg(1000)->Arg(10000);

void next_due(benchmark::State& state) {
  TimerWheel wheel{Instant(1h)};
  Nothing timer;
  wheel.arm(timer, Instant(1h) + 75s);
  for (auto _ : state) benchmark::DoNotOptimize(wheel.next_due());
}
BENCHMARK(next_due);

}  // namespace
}  // namespace weir
