#include "weir/telemetry/trace.hpp"

#include <set>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace weir {
namespace {

constexpr std::string_view example = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

std::string format(const TraceContext& context) {
  std::string text(TraceContext::traceparent_size, '\0');
  format_traceparent(context, text.data());
  return text;
}

TEST(Traceparent, ReadsAndWritesTheSpecificationsExample) {
  const auto context = parse_traceparent(example);
  ASSERT_TRUE(context);
  EXPECT_EQ(context->trace_id[0], 0x4b);
  EXPECT_EQ(context->trace_id[15], 0x36);
  EXPECT_EQ(context->span_id[7], 0xb7);
  EXPECT_TRUE(context->sampled());
  EXPECT_EQ(format(*context), example);
}

TEST(WriteHex, WritesEveryByteInEveryPlace) {
  constexpr std::string_view digits = "0123456789abcdef";
  for (unsigned byte = 0; byte < 256; ++byte) {
    for (std::size_t size = 1; size <= 20; ++size) {
      const std::vector<std::uint8_t> bytes(size, static_cast<std::uint8_t>(byte));
      std::string expected;
      for (std::size_t i = 0; i < size; ++i) expected += {digits[byte >> 4], digits[byte & 15]};
      std::string text(2 * size + 1, '.');
      telemetry::write_hex(bytes.data(), size, text.data());
      ASSERT_EQ(text, expected + '.');
    }
  }
}

TEST(Traceparent, RefusesWhatIsNotExactlyVersionZero) {
  const std::string good(example);
  const std::string trace = good.substr(3, 32);
  const std::string span = good.substr(36, 16);
  const std::vector<std::string> bad = {
      "",
      "00",
      good + "-",
      good + "-what-the-future-will-be-like",
      good.substr(0, 54),
      " " + good,
      good + " ",
      "ff" + good.substr(2),
      "0G" + good.substr(2),
      "00_" + good.substr(3),
      "00-00000000000000000000000000000000-" + span + "-01",
      "00-" + trace + "-0000000000000000-01",
      "00-4BF92F3577B34DA6A3CE929D0E0E4736-" + span + "-01",
      "00-" + trace + "-00F067AA0BA902B7-01",
      "00-" + trace + "-" + span + "-0G",
      "00-" + trace + "-" + span + "_01",
      "00-" + trace.substr(1) + "-0" + span + "-01",
      "00-." + trace.substr(1) + "-" + span + "-01",
  };
  for (const auto& header : bad) EXPECT_FALSE(parse_traceparent(header)) << header;
}

TEST(Traceparent, RefusesEveryOtherByteInEveryPlace) {
  for (std::size_t at = 0; at < example.size(); ++at) {
    for (int byte = 0; byte < 256; ++byte) {
      std::string changed(example);
      changed[at] = static_cast<char>(byte);
      const bool digit = (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'f');
      const bool dash = at == 2 || at == 35 || at == 52;
      // A version other than 00 is one of the future, which may be as long as this one; ff cannot come from one digit.
      EXPECT_EQ(parse_traceparent(changed).has_value(), dash ? byte == '-' : digit) << changed;
    }
  }
}

TEST(Traceparent, ReadsTheKnownPartOfALaterVersion) {
  const std::string later = "cc" + std::string(example.substr(2, 51)) + "ff";
  const auto same_size = parse_traceparent(later);
  ASSERT_TRUE(same_size);
  EXPECT_EQ(same_size->flags, TraceContext::sampled_flag);
  EXPECT_TRUE(parse_traceparent(later + "-what-the-future-will-be-like"));
  EXPECT_FALSE(parse_traceparent(later + ".what"));
  EXPECT_EQ(format(*same_size), example);
}

TEST(Traceparent, KeepsOnlyTheFlagsItKnows) {
  const auto context = parse_traceparent(std::string(example.substr(0, 53)) + "fe");
  ASSERT_TRUE(context);
  EXPECT_FALSE(context->sampled());
  EXPECT_EQ(context->flags, 0x02);
}

TEST(TraceContext, ChildrenShareTheTraceAndTheDecision) {
  const TraceContext root = TraceContext::root(true);
  const TraceContext child = root.child();
  EXPECT_TRUE(root.valid());
  EXPECT_EQ(child.trace_id, root.trace_id);
  EXPECT_EQ(child.flags, root.flags);
  EXPECT_NE(child.span_id, root.span_id);
  EXPECT_FALSE(TraceContext::root(false).sampled());
  EXPECT_EQ(parse_traceparent(format(root)), root);
}

TEST(TraceContext, IdsDifferBetweenThreads) {
  std::vector<std::string> ids(8);
  std::vector<std::thread> threads;
  for (auto& id : ids) {
    threads.emplace_back([&id] { id = new_request_id().view(); });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(std::set<std::string>(ids.begin(), ids.end()).size(), ids.size());
}

TEST(Tracestate, AcceptsWhatTheSpecificationShows) {
  for (const std::string_view good :
       {"rojo=00f067aa0ba902b7", "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE", "fw529a3039@dt=FfAHxVMCcJqyzKpvjKxVZj",
        "a=1 , b=2", "a=1,,b=2,", "a=1,\t b=2", "a/b-c_d*e=x y", "0a=1", "z=a~!\"#$%&'()*+-./:;<>?@[]^_`{|}"}) {
    EXPECT_TRUE(valid_tracestate(good)) << good;
  }
}

TEST(Tracestate, RefusesWhatBreaksTheGrammarOrTheBounds) {
  for (const std::string_view bad : {"", ",", "foo", "=1", "foo=", "foo=1=2", "FOO=1", "foo =1", "foo= ", "foo=\x7f",
                                     "foo=1\n", "@foo=1", "f\xc3\xbc=1"}) {
    EXPECT_FALSE(valid_tracestate(bad)) << bad;
  }
  std::string many = "a0=1";
  for (int i = 1; i < 32; ++i) many += ",a" + std::to_string(i) + "=1";
  EXPECT_TRUE(valid_tracestate(many));
  EXPECT_FALSE(valid_tracestate(many + ",one=more"));
  EXPECT_TRUE(valid_tracestate("a=" + std::string(256, 'x')));
  EXPECT_FALSE(valid_tracestate("a=" + std::string(257, 'x')));
  EXPECT_TRUE(valid_tracestate(std::string(256, 'k') + "=1"));
  EXPECT_FALSE(valid_tracestate(std::string(257, 'k') + "=1"));
  EXPECT_FALSE(valid_tracestate("a=" + std::string(250, 'x') + ",b=" + std::string(250, 'x') + ",cc=123456"));
}

TEST(SampleRatio, IsConsistentAndNearTheRatio) {
  int sampled = 0;
  for (int i = 0; i < 10000; ++i) {
    const auto id = TraceContext::root(true).trace_id;
    EXPECT_FALSE(sample_ratio(id, 0));
    EXPECT_TRUE(sample_ratio(id, 1));
    if (sample_ratio(id, 0.25)) {
      ++sampled;
      EXPECT_TRUE(sample_ratio(id, 0.5));
    }
  }
  EXPECT_NEAR(sampled, 2500, 400);  // more than nine standard deviations
}

TEST(RequestId, NewOnesAreValidAndDiffer) {
  std::set<std::string> seen;
  for (int i = 0; i < 10000; ++i) {
    const RequestId id = new_request_id();
    EXPECT_TRUE(valid_request_id(id.view()));
    EXPECT_TRUE(seen.emplace(id.view()).second);
  }
}

TEST(RequestId, ForeignOnesAreBoundedAndPlain) {
  EXPECT_TRUE(valid_request_id("Ab9._-xy"));
  EXPECT_TRUE(valid_request_id(std::string(128, 'a')));
  for (const std::string& bad :
       {std::string("short12"), std::string(129, 'a'), std::string("with space"), std::string("quote\"123"),
        std::string("line\r\nbreak"), std::string("nul\0nul12", 9)}) {
    EXPECT_FALSE(valid_request_id(bad)) << bad;
  }
}

}  // namespace
}  // namespace weir
