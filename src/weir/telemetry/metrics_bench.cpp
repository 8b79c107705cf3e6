#include <benchmark/benchmark.h>

#include "weir/telemetry/http_metrics.hpp"
#include "weir/telemetry/metrics.hpp"
#include "weir/telemetry/trace.hpp"

namespace weir {
namespace {

using namespace std::chrono_literals;

void counter_add(benchmark::State& state) {
  static MetricsRegistry registry;
  const auto counter = registry.counter({.name = "c", .help = ""}).with({});
  for (auto _ : state) counter.add();
}
BENCHMARK(counter_add)->Threads(1)->Threads(2);

void timer_record(benchmark::State& state) {
  MetricsRegistry registry;
  const auto timer = registry.timer({.name = "t", .help = ""}).with({});
  Duration d = 1us;
  for (auto _ : state) {
    timer.record(d);
    d = Duration((d.count() * 31 + 7) & 0xfffff);  // up to a millisecond
  }
}
BENCHMARK(timer_record);

/// What the chain does for one request: active up, active down, one timer among many found by its key.
void http_request(benchmark::State& state) {
  MetricsRegistry registry;
  HttpServerMetrics metrics(registry);
  const auto routes = static_cast<std::uint32_t>(state.range(0));
  std::uint32_t route = 0;
  Duration d = 1us;
  for (auto _ : state) {
    metrics.request_started();
    metrics.request_finished(
        {.route_id = route, .status = 200, .method_id = 1, .method = "GET", .uri = "/users/{id}", .duration = d});
    route = route + 1 == routes ? 0 : route + 1;
    d = Duration((d.count() * 31 + 7) & 0xfffff);
  }
}
BENCHMARK(http_request)->Arg(1)->Arg(10)->Arg(500);

void scrape_of_1000_timers(benchmark::State& state) {
  MetricsRegistry registry;
  const auto timers = registry.timer({.name = "t", .help = "", .labels = {"uri"}});
  for (int i = 0; i < 1000; ++i) timers.with({"/r" + std::to_string(i)}).record(1ms);
  for (auto _ : state) {
    Buffer out;
    registry.write(out);
    benchmark::DoNotOptimize(out.data());
    state.counters["bytes"] = static_cast<double>(out.size());
  }
}
BENCHMARK(scrape_of_1000_timers)->Unit(benchmark::kMillisecond);

void request_id_and_trace(benchmark::State& state) {
  for (auto _ : state) {
    const RequestId id = new_request_id();
    const TraceContext context = TraceContext::root(true);
    benchmark::DoNotOptimize(id);
    benchmark::DoNotOptimize(context);
  }
}
BENCHMARK(request_id_and_trace);

void traceparent_parse_and_format(benchmark::State& state) {
  char text[TraceContext::traceparent_size];
  format_traceparent(TraceContext::root(true), text);
  for (auto _ : state) {
    benchmark::DoNotOptimize(text);
    const auto context = parse_traceparent({text, sizeof text});
    format_traceparent(context->child(), text);
  }
}
BENCHMARK(traceparent_parse_and_format);

}  // namespace
}  // namespace weir
