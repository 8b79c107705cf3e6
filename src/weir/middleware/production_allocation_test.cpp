// In steady state a request through the whole default chain calls malloc no more; the log's writer does not either.
#include <array>
#include <chrono>
#include <filesystem>
#include <string>
#include <string_view>

#include <gtest/gtest.h>
#include <unistd.h>

#include "weir/middleware/malloc_count_test_support.hpp"
#include "weir/middleware/production.hpp"
#include "weir/web/chain_test_support.hpp"

namespace weir {
namespace {

constexpr std::string_view request_bytes =
    "GET /users/42 HTTP/1.1\r\nHost: api.example.com\r\nUser-Agent: curl/8.0\r\nAccept: */*\r\n"
    "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\ntracestate: a=1\r\n\r\n";

TEST(ProductionChain, AllocatesNothingInSteadyState) {
  if (!middleware::malloc_is_counted()) GTEST_SKIP() << "the sanitizers have their own malloc";
  const std::string path = testing::TempDir() + "/weir_production_" + std::to_string(::getpid()) + ".log";
  {
    Log log(std::move(log_to_file(path)).value());
    MetricsRegistry registry;
    TestService service(production_chain({}, {&registry, &log}), {.limits = {}, .real_time = true});
    service.keep_outcomes = false;
    service.get("/users/{id}", [](Context& ctx) {
      Response response(Status::ok, http::Body::copy_of(ctx.param("id").value_or("")));
      response.headers.set_static(HeaderId::content_type, "text/plain");
      return response;
    });
    TestConnection connection(service);
    std::array<char, 4096> room{};
    std::size_t last = 0;
    const auto exchange = [&] {
      static_cast<void>(connection.stream().write(request_bytes.data(), request_bytes.size()));
      service.run();
      last = connection.stream().read(room).bytes;
    };
    // Warm: pools, the log's ring and the writer's buffers, the metrics' tables.
    for (int i = 0; i < 5000; ++i) exchange();
    log.flush(std::chrono::seconds(10));
    for (int i = 0; i < 5000; ++i) exchange();
    log.flush(std::chrono::seconds(10));
    const std::uint64_t before = middleware::malloc_calls();
    for (int i = 0; i < 5000; ++i) exchange();
    log.flush(std::chrono::seconds(10));
    EXPECT_EQ(middleware::malloc_calls() - before, 0U);
    EXPECT_TRUE(std::string_view(room.data(), last).ends_with("\r\n\r\n42")) << std::string_view(room.data(), last);
    EXPECT_EQ(log.stats().lines, 15000U);
  }
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace weir
