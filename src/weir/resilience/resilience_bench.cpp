#include <array>
#include <cstdint>
#include <vector>

#include <benchmark/benchmark.h>

#include "weir/resilience/rate_limiter.hpp"

namespace weir {
namespace {

using namespace std::chrono_literals;

/// The whole of it for one request: hash of the client's address, decision. Argument: how many clients.
void decide_by_address(benchmark::State& state) {
  static RateLimiter limiter({.requests = 100, .window = 1s});
  const auto clients = static_cast<std::uint32_t>(state.range(0));
  Instant now{1000s};
  std::uint32_t client = static_cast<std::uint32_t>(state.thread_index()) << 24;
  std::uint32_t i = 0;
  for (auto _ : state) {
    const std::uint32_t address = client + i;
    std::array<std::uint8_t, 4> bytes{};
    std::memcpy(bytes.data(), &address, 4);
    benchmark::DoNotOptimize(limiter.decide(limiter.address_key(bytes), now));
    now += 4us;
    i = i + 1 == clients ? 0 : i + 1;
  }
}
BENCHMARK(decide_by_address)->Arg(1)->Arg(1000)->Arg(50000)->Threads(1)->Threads(2);

void refuse_one_key_from_all_threads(benchmark::State& state) {
  static RateLimiter limiter({.requests = 1, .window = 1h});
  for (auto _ : state) benchmark::DoNotOptimize(limiter.decide(1, Instant{1000s}));
}
BENCHMARK(refuse_one_key_from_all_threads)->Threads(1)->Threads(2);

void hash_of_16_bytes(benchmark::State& state) {
  const resilience::SipHash13 hash(1, 2);
  std::array<char, 16> input{};
  for (auto _ : state) {
    benchmark::DoNotOptimize(input);
    benchmark::DoNotOptimize(hash(input.data(), input.size()));
  }
}
BENCHMARK(hash_of_16_bytes);

}  // namespace
}  // namespace weir
