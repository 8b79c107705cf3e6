#include "weir/websocket/frame_parser.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace weir::websocket {
namespace {

using namespace std::string_literals;
using Kind = FrameEvent::Kind;

std::string masked(unsigned first, std::string payload, std::uint64_t claimed = ~0ULL) {
  const std::uint64_t length = claimed == ~0ULL ? payload.size() : claimed;
  std::string bytes(1, static_cast<char>(first));
  if (length < 126) {
    bytes += static_cast<char>(0x80 | length);
  } else if (length < 65536) {
    bytes += static_cast<char>(0x80 | 126);
    bytes += static_cast<char>(length >> 8);
    bytes += static_cast<char>(length & 0xff);
  } else {
    bytes += static_cast<char>(0x80 | 127);
    for (int shift = 56; shift >= 0; shift -= 8) bytes += static_cast<char>(length >> shift);
  }
  bytes += "KEYS";
  apply_mask(payload.data(), payload.size(), MaskKey::read("KEYS"));
  return bytes + payload;
}

/// What the parser says of `input` in pieces of `step` bytes: joined, it does not depend on the pieces.
std::string run(const std::string& input, std::size_t step, const FrameParser::Options& options = {}) {
  FrameParser parser(options);
  std::string buffer;
  std::string out;
  for (std::size_t at = 0; at < input.size(); at += step) {
    buffer += input.substr(at, step);
    for (;;) {
      const FrameEvent event = parser.next(buffer);
      if (event.kind == Kind::need_more) break;
      if (event.kind == Kind::error) return out + "!" + std::string(message_of(event.error));
      if (event.kind == Kind::data) {
        if (event.begins) out += event.opcode == Opcode::text ? (event.compressed ? "<zt:" : "<t:") : "<b:";
        out += event.text();
        if (event.ends) out += ">";
      } else {
        out += event.kind == Kind::ping ? "(ping " : event.kind == Kind::pong ? "(pong " : "(close ";
        out.append(event.text()).append(")");
      }
      buffer.erase(0, event.consumed);
    }
    EXPECT_LT(buffer.size(), 14 + max_control_payload);
  }
  return out;
}

struct Case {
  const char* what;
  std::string input;
  std::string expected;
};

// RFC 6455 section 5, as a table.
const std::vector<Case>& cases() {
  static const std::vector<Case> all = {
      {"a text", masked(0x81, "hello"), "<t:hello>"},
      {"an empty binary", masked(0x82, ""), "<b:>"},
      {"126 bytes", masked(0x82, std::string(126, 'x')), "<b:" + std::string(126, 'x') + ">"},
      {"70,000 bytes", masked(0x82, std::string(70000, 'x')), "<b:" + std::string(70000, 'x') + ">"},
      {"fragments", masked(0x01, "he") + masked(0x00, "l") + masked(0x80, "lo"), "<t:hello>"},
      {"empty fragments", masked(0x01, "") + masked(0x00, "") + masked(0x80, ""), "<t:>"},
      {"a ping within a message", masked(0x01, "a") + masked(0x89, "p") + masked(0x80, "b"), "<t:a(ping p)b>"},
      {"control frames", masked(0x89, std::string(125, 'p')) + masked(0x8a, "") + masked(0x88, "\x03\xe8"),
       "(ping " + std::string(125, 'p') + ")(pong )(close \x03\xe8)"},
      {"RSV1 without an extension", masked(0xc1, "a"), "!a reserved bit is set"},
      {"RSV2", masked(0xa1, "a"), "!a reserved bit is set"},
      {"RSV3", masked(0x91, "a"), "!a reserved bit is set"},
      {"opcode 3", masked(0x83, "a"), "!the opcode is reserved"},
      {"opcode 7", masked(0x87, "a"), "!the opcode is reserved"},
      {"opcode 11", masked(0x8b, "a"), "!the opcode is reserved"},
      {"opcode 15", masked(0x8f, "a"), "!the opcode is reserved"},
      {"no mask",
       "\x81\x01"
       "a"s,
       "!a client's frame is not masked"},
      {"a long ping", masked(0x89, std::string(126, 'p')), "!a control frame has more than 125 bytes"},
      {"a fragmented ping", masked(0x09, "p"), "!a control frame is fragmented"},
      {"a lonely continuation", masked(0x80, "a"), "!a continuation without a message"},
      {"a text within a text", masked(0x01, "a") + masked(0x81, "b"), "<t:a!a message begins within another"},
      {"a long form of a short length", "\x82\xfe\x00\x05KEYSxxxxx"s, "!a length is not in its shortest form"},
      {"the longest form of a length", "\x82\xff\x00\x00\x00\x00\x00\x00\xff\xffKEYS"s,
       "!a length is not in its shortest form"},
      {"a negative length", "\x82\xff\x80\x00\x00\x00\x00\x00\x00\x00KEYS"s, "!a length is not in its shortest form"},
      {"above the limit", masked(0x82, "x", (1 << 20) + 1), "!the message is too big"},
      {"above the limit in the sum", masked(0x02, "", 0) + masked(0x80, "", (1 << 20) + 1),
       "<b:!the message is too big"},
  };
  return all;
}

TEST(WebSocketFrameParser, SaysWhatTheTableSays) {
  for (const Case& each : cases()) EXPECT_EQ(run(each.input, each.input.size()), each.expected) << each.what;
}

TEST(WebSocketFrameParser, SaysTheSameHoweverTheInputIsCut) {
  for (const Case& each : cases()) {
    for (const std::size_t step : {1, 2, 3, 7, 100}) {
      EXPECT_EQ(run(each.input, step), each.expected) << each.what << " by " << step;
    }
  }
}

TEST(WebSocketFrameParser, TakesCompressedMessagesWhereNegotiated) {
  const FrameParser::Options options{.compression = true};
  EXPECT_EQ(run(masked(0xc1, "zip") + masked(0x81, "no"), 1, options), "<zt:zip><t:no>");
  EXPECT_EQ(run(masked(0x41, "zi") + masked(0x80, "p"), 1, options), "<zt:zip>");
  EXPECT_EQ(run(masked(0x01, "a") + masked(0xc0, "b"), 1, options), "<t:a!a reserved bit is set");
  EXPECT_EQ(run(masked(0xc9, "p"), 1, options), "!a reserved bit is set");
}

TEST(WebSocketFrameParser, IsAClientsToo) {
  const FrameParser::Options options{.from_client = false};
  EXPECT_EQ(run("\x81\x02hi"s, 1, options), "<t:hi>");
  EXPECT_EQ(run(masked(0x81, "hi"), 1, options), "!a server's frame is masked");
}

TEST(WebSocketFrameParser, TellsCodes) {
  EXPECT_EQ(close_code_of(FrameError::message_too_big), CloseCode::too_big);
  EXPECT_EQ(close_code_of(FrameError::not_masked), CloseCode::protocol_error);
}

}  // namespace
}  // namespace weir::websocket
