#include "weir/websocket/deflate.hpp"

#include <random>
#include <string>

#include <gtest/gtest.h>

namespace weir::websocket {
namespace {

using namespace std::string_literals;
using Outcome = Inflater::Outcome;

std::string text_of(std::size_t size) {
  std::string text;
  while (text.size() < size) text += "line " + std::to_string(text.size() % 977) + ", ";
  text.resize(size);
  return text;
}

std::string packed(Deflater& deflater, std::string_view message, bool keep = false) {
  Buffer out;
  EXPECT_TRUE(deflater.compress(message, keep, out));
  return std::string(out.view());
}

// RFC 7692 section 7.2.3.
TEST(WebSocketInflate, ReadsTheExamplesOfTheRfc) {
  const std::string examples[] = {
      "\xf2\x48\xcd\xc9\xc9\x07\x00"s,                          // one block
      "\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00"s,          // without compression
      "\xf3\x48\xcd\xc9\xc9\x07\x00\x00"s,                      // BFINAL set
      "\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00"s,  // two blocks
  };
  for (const std::string& example : examples) {
    for (const std::size_t cut : {std::size_t{0}, std::size_t{1}, example.size() / 2, example.size()}) {
      Inflater inflater;
      Buffer out;
      ASSERT_EQ(inflater.decompress(example.substr(0, cut), false, 100, out), Outcome::good);
      ASSERT_EQ(inflater.decompress(example.substr(cut), true, 100, out), Outcome::good);
      EXPECT_EQ(out.view(), "Hello");
    }
  }
  // Sharing the window: the second "Hello" refers to the first (section 7.2.3.2).
  Inflater inflater;
  Buffer out;
  ASSERT_EQ(inflater.decompress("\xf2\x48\xcd\xc9\xc9\x07\x00"s, true, 100, out), Outcome::good);
  ASSERT_EQ(inflater.decompress("\xf2\x00\x11\x00\x00"s, true, 100, out), Outcome::good);
  EXPECT_EQ(out.view(), "HelloHello");
}

// Section 7.2.3.4: a block that says it is the last ends nothing but itself.
TEST(WebSocketInflate, KeepsItsHistoryBehindLastBlocks) {
  Deflater deflater({});
  const std::string message = text_of(60000);
  Inflater inflater;
  Buffer out;
  ASSERT_EQ(inflater.decompress(packed(deflater, message, true), true, 1'000'000, out), Outcome::good);
  std::string empty_last_blocks;
  for (int i = 0; i < 10'000; ++i) empty_last_blocks += "\x03\x00"s;
  const std::string again = packed(deflater, message, true);
  EXPECT_LT(again.size(), 2000u) << "refers to the first";
  ASSERT_EQ(inflater.decompress(empty_last_blocks, false, 1'000'000, out), Outcome::good);
  ASSERT_EQ(inflater.decompress(again, true, 1'000'000, out), Outcome::good);
  EXPECT_EQ(out.view(), message + message);
}

TEST(WebSocketDeflate, GoesThereAndBack) {
  std::mt19937 random(11);
  for (const std::size_t size : {0u, 1u, 63u, 4096u, 100000u, 1000000u}) {
    for (const bool keep : {false, true}) {
      std::string noise(size, '\0');
      for (char& c : noise) c = static_cast<char>(random());
      Deflater deflater({});
      Inflater inflater;
      for (const std::string& message : {text_of(size), noise, text_of(size)}) {
        const std::string bytes = packed(deflater, message, keep);
        Buffer out;
        ASSERT_EQ(inflater.decompress(bytes, true, size, out), Outcome::good) << size;
        ASSERT_EQ(out.view(), message) << size;
        if (!keep) inflater.forget();
      }
    }
  }
}

TEST(WebSocketDeflate, KeepsItsContextOnlyWhereToldTo) {
  Deflater forgetful({});
  Deflater keeping({});
  const std::string message = text_of(200);
  const std::size_t first = packed(forgetful, message).size();
  EXPECT_EQ(packed(forgetful, message).size(), first);
  EXPECT_EQ(packed(keeping, message, true).size(), first);
  EXPECT_LT(packed(keeping, message, true).size(), first / 4);
  keeping.forget();
  EXPECT_EQ(packed(keeping, message, true).size(), first);
}

TEST(WebSocketDeflate, KeepsToItsWindow) {
  Deflater deflater({.window_bits = 9, .memory_level = 1});
  const std::string message = text_of(50000);
  const std::string bytes = packed(deflater, message);
  Inflater inflater(9);
  Buffer out;
  ASSERT_EQ(inflater.decompress(bytes, true, message.size(), out), Outcome::good);
  EXPECT_EQ(out.view(), message);
}

TEST(WebSocketInflate, StopsAtTheLimit) {
  Deflater deflater({.level = 9});
  const std::string bomb = packed(deflater, std::string(10'000'000, 'a'));
  EXPECT_LT(bomb.size(), 20000u);
  Inflater inflater;
  Buffer out;
  EXPECT_EQ(inflater.decompress(bomb, true, 100000, out), Outcome::too_big);
  EXPECT_LE(out.size(), 100001u);
  EXPECT_LE(out.capacity(), 400000u);
  inflater.forget();
  Buffer exact;
  EXPECT_EQ(inflater.decompress(packed(deflater, std::string(1000, 'a')), true, 1000, exact), Outcome::good);
  inflater.forget();
  Buffer less;
  EXPECT_EQ(inflater.decompress(packed(deflater, std::string(1000, 'a')), true, 999, less), Outcome::too_big);
}

TEST(WebSocketInflate, RefusesWhatIsCorrupt) {
  for (const std::string& bytes : {"\xff\xff\xff"s, "\x06"s, "\xf2\x48\xcd"s}) {
    Inflater inflater;
    Buffer out;
    EXPECT_EQ(inflater.decompress(bytes, true, 1000, out), Outcome::corrupt) << bytes.size();
  }
}

}  // namespace
}  // namespace weir::websocket
