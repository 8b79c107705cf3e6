#include "weir/websocket/utf8.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace weir::websocket {
namespace {

/// RFC 3629 section 4, straight from its grammar.
bool plain(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto byte = [&](std::size_t k) { return i + k < text.size() ? static_cast<unsigned char>(text[i + k]) : 0U; };
    const auto in = [&](std::size_t k, unsigned low, unsigned high) { return byte(k) >= low && byte(k) <= high; };
    const auto tail = [&](std::size_t k) { return in(k, 0x80, 0xbf); };
    if (in(0, 0, 0x7f)) {
      i += 1;
    } else if (in(0, 0xc2, 0xdf) && tail(1)) {
      i += 2;
    } else if (((byte(0) == 0xe0 && in(1, 0xa0, 0xbf)) || (in(0, 0xe1, 0xec) && tail(1)) ||
                (byte(0) == 0xed && in(1, 0x80, 0x9f)) || (in(0, 0xee, 0xef) && tail(1))) &&
               tail(2)) {
      i += 3;
    } else if (((byte(0) == 0xf0 && in(1, 0x90, 0xbf)) || (in(0, 0xf1, 0xf3) && tail(1)) ||
                (byte(0) == 0xf4 && in(1, 0x80, 0x8f))) &&
               tail(2) && tail(3)) {
      i += 4;
    } else {
      return false;
    }
  }
  return true;
}

TEST(WebSocketUtf8, AgreesWithTheGrammarOnAllShortSequences) {
  // All first and second bytes, with tails that are good and bad.
  for (unsigned first = 0; first < 256; ++first) {
    for (unsigned second = 0; second < 256; ++second) {
      for (const char* rest : {"", "\x80", "\xbf\x80", "a", "\x80\x80\x80"}) {
        std::string text;
        text += static_cast<char>(first);
        text += static_cast<char>(second);
        text += rest;
        ASSERT_EQ(is_utf8(text), plain(text)) << first << ' ' << second << ' ' << rest;
        ASSERT_EQ(is_utf8(std::string(37, 'x') + text + std::string(70, 'y')),
                  plain(std::string(37, 'x') + text + std::string(70, 'y')));
      }
    }
  }
}

TEST(WebSocketUtf8, SaysTheSameHoweverItIsCut) {
  const std::vector<std::string> texts = {"κόσμε",
                                          "\xf0\x9f\x98\x80 smile",
                                          "\xed\xa0\x80",
                                          "\xf4\x90\x80\x80",
                                          "ascii only, and quite a lot of it, so that blocks are used",
                                          "\xc3"};
  for (const std::string& text : texts) {
    for (std::size_t a = 0; a <= text.size(); ++a) {
      for (std::size_t b = a; b <= text.size(); ++b) {
        Utf8Validator validator;
        const bool good = validator.feed(text.substr(0, a)) && validator.feed(text.substr(a, b - a)) &&
                          validator.feed(text.substr(b)) && validator.complete();
        ASSERT_EQ(good, plain(text)) << text << ' ' << a << ' ' << b;
      }
    }
  }
}

TEST(WebSocketUtf8, FailsAtTheFirstWrongByte) {
  Utf8Validator validator;
  EXPECT_TRUE(validator.feed("\xce\xba\xe1\xbd"));
  EXPECT_FALSE(validator.complete());
  EXPECT_FALSE(validator.feed("x"));
  EXPECT_FALSE(validator.feed("fine"));
  validator.reset();
  EXPECT_TRUE(validator.feed("fine"));
  Utf8Validator surrogate;
  EXPECT_TRUE(surrogate.feed("\xed"));
  EXPECT_FALSE(surrogate.feed("\xa0"));  // Not only when the third byte is there.
}

}  // namespace
}  // namespace weir::websocket
