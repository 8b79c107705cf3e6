#include "weir/middleware/trace_context.hpp"

#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "weir/telemetry/trace.hpp"
#include "weir/web/chain_test_support.hpp"

namespace weir {
namespace {

constexpr std::string_view caller = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// The exchange's traceparent and, behind a blank, its tracestate.
std::string seen_trace(Context& ctx) {
  char text[TraceContext::traceparent_size];
  format_traceparent(ctx.trace(), text);
  const TraceState* state = ctx.get<TraceState>();
  return std::string(text, sizeof text) + (state == nullptr ? "" : " " + std::string(state->text));
}

TEST(Tracing, BeginsATrace) {
  TestService service({trace_context()});
  service.get("/", seen_trace);
  const std::string first = service.get_path("/").body;
  const std::string second = service.get_path("/").body;
  const auto parsed = parse_traceparent(first);
  ASSERT_TRUE(parsed) << first;
  EXPECT_TRUE(parsed->sampled());
  EXPECT_NE(first.substr(3, 32), second.substr(3, 32));
}

TEST(Tracing, ContinuesTheCallersTraceWithASpanOfItsOwn) {
  TestService service({trace_context()});
  service.get("/", seen_trace);
  const std::string seen = service.get_path("/", {{"traceparent", caller}}).body;
  EXPECT_EQ(seen.substr(0, 36), caller.substr(0, 36));
  EXPECT_NE(seen.substr(36, 16), caller.substr(36, 16));
  EXPECT_EQ(seen.substr(53), "01");
}

TEST(Tracing, KeepsTheCallersDecisionNotToSample) {
  TestService service({trace_context()});
  service.get("/", seen_trace);
  const std::string unsampled = std::string(caller.substr(0, 53)) + "00";
  EXPECT_EQ(service.get_path("/", {{"traceparent", unsampled}}).body.substr(53), "00");
}

TEST(Tracing, BeginsAnewWhenTheParentIsMalformedOrTwofold) {
  TestService service({trace_context()});
  service.get("/", seen_trace);
  const std::string zero = "00-00000000000000000000000000000000-00f067aa0ba902b7-01";
  for (const std::string_view bad : {std::string_view("00-abc"), std::string_view(zero)}) {
    const std::string seen = service.get_path("/", {{"traceparent", bad}, {"tracestate", "a=1"}}).body;
    EXPECT_TRUE(parse_traceparent(seen)) << "and no tracestate: " << seen;
  }
  const std::string seen = service.get_path("/", {{"traceparent", caller}, {"traceparent", caller}}).body;
  EXPECT_NE(seen.substr(3, 32), caller.substr(3, 32));
}

TEST(Tracing, IgnoresCallersAtTheEdge) {
  TestService service({trace_context({.accept_incoming = false})});
  service.get("/", seen_trace);
  const std::string seen = service.get_path("/", {{"traceparent", caller}, {"tracestate", "a=1"}}).body;
  ASSERT_TRUE(parse_traceparent(seen)) << seen;
  EXPECT_NE(seen.substr(3, 32), caller.substr(3, 32));
}

TEST(Tracing, PassesOnTraceState) {
  TestService service({trace_context()});
  service.get("/", seen_trace);
  EXPECT_EQ(service.get_path("/", {{"traceparent", caller}, {"tracestate", "a=1,b=2"}}).body.substr(55), " a=1,b=2");
  EXPECT_EQ(
      service.get_path("/", {{"traceparent", caller}, {"tracestate", "a=1"}, {"tracestate", "b=2"}}).body.substr(55),
      " a=1,b=2");
  EXPECT_EQ(service.get_path("/", {{"traceparent", caller}, {"tracestate", "A B C"}}).body.substr(55), "");
}

TEST(Tracing, SamplesTheRatioThatItIsTold) {
  TestService service({trace_context({.sample_ratio = 0.25})});
  service.get("/", seen_trace);
  TestConnection connection(service);
  int sampled = 0;
  for (int i = 0; i < 2000; ++i) {
    const std::string seen = connection.request(TestService::request_text("GET", "/")).body;
    const auto parsed = parse_traceparent(seen);
    ASSERT_TRUE(parsed) << seen;
    // Every hop decides alike.
    EXPECT_EQ(parsed->sampled(), sample_ratio(parsed->trace_id, 0.25));
    sampled += parsed->sampled() ? 1 : 0;
  }
  // 500 expected, a deviation of 19: ten of them do not happen.
  EXPECT_GT(sampled, 300);
  EXPECT_LT(sampled, 700);
}

TEST(Tracing, TellsTheClientWhenAskedTo) {
  TestService silent({trace_context()});
  silent.get("/", seen_trace);
  EXPECT_FALSE(silent.get_path("/").has("traceresponse"));
  TestService service({trace_context({.respond = true})});
  service.get("/", seen_trace);
  const TestResponse answer = service.get_path("/");
  EXPECT_EQ(answer.header("traceresponse"), answer.body);
}

}  // namespace
}  // namespace weir
