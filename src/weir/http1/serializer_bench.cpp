// How long a response head takes to write: `weir_http1_bench --benchmark_filter=WriteHead`.
#include <string_view>

#include <benchmark/benchmark.h>

#include "weir/http1/serializer.hpp"

namespace weir::http1 {
namespace {

constexpr std::string_view date = "Sun, 06 Nov 1994 08:49:37 GMT";

void WriteHead(benchmark::State& state) {
  http::Headers headers;
  headers.set_static(http::HeaderId::content_type, "application/json");
  Buffer out;
  for (auto _ : state) {
    out.clear();
    benchmark::DoNotOptimize(write_head(http::Status::ok, headers, 27, false, {.date = date, .server = {}}, out));
    benchmark::ClobberMemory();
  }
}
BENCHMARK(WriteHead);

// With the building of the header list and a body, as a handler does.
void WriteResponse(benchmark::State& state) {
  Buffer out;
  for (auto _ : state) {
    out.clear();
    http::Response response;
    response.headers.set_static(http::HeaderId::content_type, "application/json");
    response.body = http::Body::of_static(R"({"message":"Hello, World!"})");
    http::Response moved = std::move(response);
    benchmark::DoNotOptimize(write_head(moved, {.date = date, .server = {}}, out));
    out.append(*moved.body.bytes());
    benchmark::ClobberMemory();
  }
}
BENCHMARK(WriteResponse);

void WriteProductionHead(benchmark::State& state) {
  http::Headers prepared;
  prepared.set_static(http::HeaderId::x_content_type_options, "nosniff");
  prepared.set_static(http::HeaderId::x_frame_options, "DENY");
  prepared.set_static(http::HeaderId::referrer_policy, "no-referrer");
  prepared.set_static(http::HeaderId::cache_control, "no-store");
  Buffer out;
  for (auto _ : state) {
    out.clear();
    http::Headers headers;
    headers.set_static(http::HeaderId::content_type, "application/json");
    headers.append(prepared);
    headers.set(http::HeaderId::x_request_id, "4bf92f3577b34da6a3ce929d0e0e4736");
    benchmark::DoNotOptimize(write_head(http::Status::ok, headers, 27, false, {.date = date, .server = {}}, out));
    benchmark::ClobberMemory();
  }
}
BENCHMARK(WriteProductionHead);

}  // namespace
}  // namespace weir::http1
