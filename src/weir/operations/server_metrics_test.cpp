#include "weir/operations/server_metrics.hpp"

#include <string>
#include <string_view>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/base/buffer.hpp"

namespace weir {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

std::string text_of(MetricsRegistry& registry) {
  Buffer text;
  registry.write(text);
  return std::string(text.view());
}

TEST(ServerMetrics, ShowsTheProcessAndWhatItIsGiven) {
  MetricsRegistry registry;
  EventLoop loop;
  Log log(log_to_callback([](std::string_view) {}));
  loop.stats().last_lag_ns = 2'000'000;
  loop.stats().max_lag_ns = 5'000'000;
  ServerGauges gauges;
  gauges.open_connections = [] { return 12.0; };
  gauges.accepted_connections = [] { return 34.0; };
  gauges.loops = {&loop};
  gauges.log = &log;
  {
    const auto callbacks = register_server_metrics(registry, std::move(gauges));
    const std::string text = text_of(registry);
    EXPECT_THAT(text, AllOf(HasSubstr("weir_connections_open 12\n"), HasSubstr("weir_connections_accepted_total 34\n"),
                            HasSubstr("weir_loop_lag_seconds{loop=\"0\"} 0.002\n"),
                            HasSubstr("weir_loop_lag_max_seconds{loop=\"0\"} 0.005\n"), HasSubstr("process_pss_bytes "),
                            HasSubstr("log_dropped_records_total 0\n")));
    EXPECT_THAT(text, Not(HasSubstr("weir_requests_active")));
    EXPECT_THAT(text_of(registry), HasSubstr("weir_loop_lag_max_seconds{loop=\"0\"} 0\n"));
  }
  EXPECT_THAT(text_of(registry), Not(HasSubstr("weir_connections_open 12")));
}

}  // namespace
}  // namespace weir
