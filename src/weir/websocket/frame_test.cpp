#include "weir/websocket/frame.hpp"

#include <array>
#include <random>
#include <string>

#include <gtest/gtest.h>

#include "weir/websocket/mask.hpp"

namespace weir::websocket {
namespace {

std::string header(Opcode opcode, std::uint64_t length, FrameFlags flags = {}) {
  std::array<char, max_frame_header> bytes;
  return {bytes.data(), write_frame_header(bytes.data(), opcode, length, flags)};
}

TEST(WebSocketFrame, WritesTheShortestLength) {
  using namespace std::string_literals;
  EXPECT_EQ(header(Opcode::text, 0), "\x81\x00"s);
  EXPECT_EQ(header(Opcode::text, 125), "\x81\x7d"s);
  EXPECT_EQ(header(Opcode::binary, 126), "\x82\x7e\x00\x7e"s);
  EXPECT_EQ(header(Opcode::binary, 65535), "\x82\x7e\xff\xff"s);
  EXPECT_EQ(header(Opcode::binary, 65536), "\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00"s);
}

TEST(WebSocketFrame, WritesItsFlags) {
  using namespace std::string_literals;
  EXPECT_EQ(header(Opcode::text, 1, {.final = false}), "\x01\x01"s);
  EXPECT_EQ(header(Opcode::text, 1, {.compressed = true}), "\xc1\x01"s);
  std::array<char, max_frame_header> bytes;
  EXPECT_EQ(write_masked_header(bytes.data(), Opcode::ping, 3, MaskKey::read("abcd")), 6u);
  EXPECT_EQ(std::string(bytes.data(), 6), "\x89\x83"s + "abcd");
}

// RFC 6455 section 7.4 and the registry: what may stand in a Close frame.
TEST(WebSocketFrame, KnowsTheCodesThatMayBeSent) {
  for (const std::uint16_t code :
       {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999}) {
    EXPECT_TRUE(is_sendable(code)) << code;
  }
  for (const std::uint16_t code : {0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535}) {
    EXPECT_FALSE(is_sendable(code)) << code;
  }
}

TEST(WebSocketFrame, ReadsCloseFrames) {
  using namespace std::string_literals;
  bool invalid_text = false;
  EXPECT_EQ(parse_close_payload("", invalid_text)->code, CloseCode::none_given);
  EXPECT_EQ(parse_close_payload("\x03\xe8", invalid_text)->code, CloseCode::normal);
  EXPECT_EQ(parse_close_payload("\x03\xe9gone", invalid_text)->text, "gone");
  EXPECT_FALSE(parse_close_payload("\x03", invalid_text));
  EXPECT_FALSE(parse_close_payload("\x03\xee"s, invalid_text));  // 1006
  EXPECT_FALSE(invalid_text);
  EXPECT_FALSE(parse_close_payload("\x03\xe8\xff", invalid_text));
  EXPECT_TRUE(invalid_text);
}

TEST(WebSocketFrame, CutsLongCloseTextsBetweenCodePoints) {
  std::array<char, max_control_payload> bytes;
  std::string text;
  for (int i = 0; i < 70; ++i) text += "\xc3\xa4";  // 140 bytes
  const std::size_t size = write_close_payload(bytes.data(), {CloseCode::going_away, text});
  EXPECT_EQ(size, 2u + 122);
  bool invalid_text = false;
  EXPECT_TRUE(parse_close_payload({bytes.data(), size}, invalid_text));
  EXPECT_EQ(write_close_payload(bytes.data(), {}), 0u);
}

TEST(WebSocketMask, IsTheSameAsByteByByte) {
  std::mt19937 random(7);  // Fixed: the sizes matter, the bytes do not.
  for (std::size_t size = 0; size < 300; ++size) {
    for (std::size_t shift = 0; shift < 5; ++shift) {
      std::string bytes(size + shift, '\0');
      for (char& c : bytes) c = static_cast<char>(random());
      const MaskKey key{static_cast<std::uint32_t>(random())};
      std::array<char, 4> plain;
      key.write(plain.data());
      std::string expected = bytes;
      for (std::size_t i = shift; i < expected.size(); ++i) {
        expected[i] = static_cast<char>(expected[i] ^ plain[(i - shift) % 4]);
      }
      apply_mask(bytes.data() + shift, size, key);
      ASSERT_EQ(bytes, expected) << size << " bytes from " << shift;
    }
  }
}

TEST(WebSocketMask, GoesOnWhereItWasCut) {
  std::string whole(100, 'x');
  apply_mask(whole.data(), whole.size(), MaskKey::read("abcd"));
  for (std::size_t cut = 0; cut <= whole.size(); ++cut) {
    std::string pieces(100, 'x');
    apply_mask(pieces.data(), cut, MaskKey::read("abcd"));
    apply_mask(pieces.data() + cut, pieces.size() - cut, MaskKey::read("abcd").from(cut));
    ASSERT_EQ(pieces, whole) << cut;
  }
}

}  // namespace
}  // namespace weir::websocket
