// What the default chain costs a request: the exchange in memory with and without it, requests pipelined by 16. The
// CPU column is that of the whole process, the log's writer included.
#include <array>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>
#include <unistd.h>

#include "weir/middleware/production.hpp"
#include "weir/web/chain_test_support.hpp"

namespace weir {
namespace {

constexpr std::string_view request_bytes =
    "GET /json HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nUser-Agent: wrk/4.1.0\r\nAccept: */*\r\n\r\n";
constexpr int depth = 16;

struct Setup {
  Setup() : path("/tmp/weir_production_bench_" + std::to_string(::getpid()) + ".log") {}
  ~Setup() { ::unlink(path.c_str()); }
  std::string path;
  Log log{std::move(log_to_file(path)).value()};
  MetricsRegistry registry;
};

void serve(benchmark::State& state, std::vector<Middleware> chain, Log& log) {
  TestService service(std::move(chain), {.limits = {}, .real_time = true});
  service.keep_outcomes = false;
  service.get("/json", [](Context&) {
    Response response(Status::ok, http::Body::of_static(R"({"message":"Hello, World!"})"));
    response.headers.set_static(HeaderId::content_type, "application/json");
    return response;
  });
  TestConnection connection(service);
  std::string batch;
  for (int i = 0; i < depth; ++i) batch += request_bytes;
  std::array<char, 65536> room{};
  for (auto _ : state) {
    static_cast<void>(connection.stream().write(batch.data(), batch.size()));
    service.run();
    benchmark::DoNotOptimize(connection.stream().read(room).bytes);
  }
  state.SetItemsProcessed(state.iterations() * depth);
  const LogStats stats = log.stats();
  if (stats.lines + stats.dropped != 0) {
    state.counters["dropped"] = static_cast<double>(stats.dropped) / static_cast<double>(stats.lines + stats.dropped);
  }
}

void none(benchmark::State& state) {
  Setup setup;
  serve(state, {}, setup.log);
}
BENCHMARK(none)->MeasureProcessCPUTime()->UseRealTime();

void production(benchmark::State& state) {
  Setup setup;
  serve(state, production_chain({}, {&setup.registry, &setup.log}), setup.log);
}
BENCHMARK(production)->MeasureProcessCPUTime()->UseRealTime();

/// Each part alone.
void part(benchmark::State& state, Middleware (*make)(Setup&)) {
  Setup setup;
  serve(state, {make(setup)}, setup.log);
}
#define WEIR_PART(name, expression)                                                                \
  BENCHMARK_CAPTURE(part, name, [](Setup& setup) { return static_cast<void>(setup), expression; }) \
      ->MeasureProcessCPUTime()                                                                    \
      ->UseRealTime()
WEIR_PART(http_metrics, http_metrics(setup.registry));
WEIR_PART(request_id, request_id());
WEIR_PART(trace_context, trace_context());
WEIR_PART(access_log, access_log(setup.log));
WEIR_PART(recovery, recovery(setup.registry));
WEIR_PART(security_headers, security_headers());
WEIR_PART(deadline, deadline());
WEIR_PART(body_limit, body_limit());

}  // namespace
}  // namespace weir
