// What a line costs: on the thread that logs, and on the writer.
#include <ctime>
#include <filesystem>
#include <string>

#include <benchmark/benchmark.h>
#include <unistd.h>

#include "weir/telemetry/access_log.hpp"
#include "weir/telemetry/detail/json_line.hpp"

namespace weir {
namespace {

using namespace std::chrono_literals;

double seconds_of(clockid_t clock) {
  timespec t{};
  clock_gettime(clock, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) / 1e9;
}

/// Calls `write_one` in bursts of a thousand, each followed by a flush, into a file. `producer_ns` is the thread's CPU
/// time for a record without the flush, `writer_ns` what the rest of the process used for a line, system calls
/// included.
template <class WriteOne>
void measure(benchmark::State& state, Log& log, WriteOne&& write_one) {
  double producer = 0;
  double thread = -seconds_of(CLOCK_THREAD_CPUTIME_ID);
  double process = -seconds_of(CLOCK_PROCESS_CPUTIME_ID);
  for (auto _ : state) {
    const double before = seconds_of(CLOCK_THREAD_CPUTIME_ID);
    for (int i = 0; i < 1000; ++i) write_one();
    producer += seconds_of(CLOCK_THREAD_CPUTIME_ID) - before;
    if (!log.flush(10s)) state.SkipWithError("the writer is too slow");
  }
  thread += seconds_of(CLOCK_THREAD_CPUTIME_ID);
  process += seconds_of(CLOCK_PROCESS_CPUTIME_ID);
  const double lines = static_cast<double>(state.iterations()) * 1000;
  state.counters["producer_ns"] = producer / lines * 1e9;
  state.counters["writer_ns"] = (process - thread) / lines * 1e9;
  state.counters["line_bytes"] = static_cast<double>(log.stats().bytes) / static_cast<double>(log.stats().lines);
  if (log.stats().dropped != 0) state.SkipWithError("records were dropped");
}

struct TemporaryFile {
  std::string path = std::filesystem::temp_directory_path() / ("weir-log-bench-" + std::to_string(getpid()));
  ~TemporaryFile() { std::filesystem::remove(path); }
};

/// Argument 0: into nothing, which leaves the formatting; 1: into a file.
void access_line(benchmark::State& state) {
  const TemporaryFile file;
  Log log(state.range(0) == 0 ? log_to_callback([](std::string_view) {}) : std::move(*log_to_file(file.path)));
  const AccessLog access(log);
  const RequestId id = new_request_id();
  const TraceContext trace = TraceContext::root(true);
  const WallTime now = Clock::system().wall();
  measure(state, log, [&] {
    access.write({.when = now,
                  .method = "GET",
                  .path = "/users/17",
                  .route = "/users/{id}",
                  .host = "127.0.0.1:8080",
                  .peer = "127.0.0.1",
                  .user_agent = "wrk/4.1.0",
                  .protocol = "HTTP/1.1",
                  .request_id = id.view(),
                  .trace = &trace,
                  .status = 200,
                  .duration = 12us,
                  .bytes_in = 0,
                  .bytes_out = 27});
  });
}
BENCHMARK(access_line)->Arg(0)->Arg(1)->UseRealTime();

void event_line(benchmark::State& state) {
  const TemporaryFile file;
  Log log(*log_to_file(file.path));
  const RequestId id = new_request_id();
  const LogContext context{.request_id = id.view(), .trace = TraceContext::root(true)};
  const Logger logger = log.logger("app.users").with(context);
  measure(state, log, [&] { logger.info("user created", {{"id", 17}, {"name", "somebody"}, {"admin", false}}); });
}
BENCHMARK(event_line)->UseRealTime();

void disabled_level(benchmark::State& state) {
  Log log(log_to_callback([](std::string_view) {}));
  const Logger logger = log.logger("app.users");
  for (auto _ : state) logger.debug("user created", {{"id", 17}, {"name", "somebody"}});
}
BENCHMARK(disabled_level);

void escape_json_100_bytes(benchmark::State& state) {
  const std::string text =
      "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36";
  char out[1024];
  for (auto _ : state) benchmark::DoNotOptimize(telemetry::escape_json(out, text));
}
BENCHMARK(escape_json_100_bytes);

}  // namespace
}  // namespace weir
