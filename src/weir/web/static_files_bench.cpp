// What a file costs beside a text from memory: the whole way of a request, but for the socket.
#include <string>

#include <benchmark/benchmark.h>

#include "weir/web/chain_test_support.hpp"
#include "weir/web/file_test_support.hpp"
#include "weir/web/response.hpp"
#include "weir/web/static_files.hpp"

namespace weir {
namespace {

class Service {
 public:
  Service() : service_({}, {.limits = {}, .real_time = true}) {
    service_.keep_outcomes = false;
    directory_.write("small.txt", std::string(1024, 'x'));
    directory_.write("app.js", std::string(1024, 'x'));
    service_.get("/text", [] { return text(content); });
    service_.get("/static/{path*}", static_files({.root = directory_.path()}));
  }
  void run(benchmark::State& state, const std::string& path, std::string_view fields = "") {
    TestConnection client(service_);
    const std::string request = "GET " + path + " HTTP/1.1\r\nHost: t\r\n" + std::string(fields) + "\r\n";
    for (auto _ : state) {
      client.send(request);
      benchmark::DoNotOptimize(client.receive());
    }
  }

 private:
  static inline const std::string content = std::string(1024, 'x');
  TestDirectory directory_;
  TestService service_;
};

void text_from_memory(benchmark::State& state) {
  Service().run(state, "/text");
}
void small_file(benchmark::State& state) {
  Service().run(state, "/static/small.txt");
}
void small_file_looking_for_variants(benchmark::State& state) {
  Service().run(state, "/static/app.js", "Accept-Encoding: gzip, deflate, br, zstd\r\n");
}
void one_range(benchmark::State& state) {
  Service().run(state, "/static/small.txt", "Range: bytes=100-199\r\n");
}
void two_ranges(benchmark::State& state) {
  Service().run(state, "/static/small.txt", "Range: bytes=0-9,500-599\r\n");
}
void not_modified(benchmark::State& state) {
  Service().run(state, "/static/small.txt", "If-None-Match: *\r\n");
}
void missing(benchmark::State& state) {
  Service().run(state, "/static/none.txt");
}

BENCHMARK(text_from_memory);
BENCHMARK(small_file);
BENCHMARK(small_file_looking_for_variants);
BENCHMARK(one_range);
BENCHMARK(two_ranges);
BENCHMARK(not_modified);
BENCHMARK(missing);

}  // namespace
}  // namespace weir
