#include "request_ends.hpp"

#include <random>
#include <string>

#include <gtest/gtest.h>

namespace {

std::size_t plainly(std::string_view text) {
  std::size_t ends = 0;
  for (std::size_t at = 0; (at = text.find("\r\n\r\n", at)) != std::string_view::npos; at += 4) ++ends;
  return ends;
}

TEST(RequestEnds, CountsPipelinedRequests) {
  const std::string request = "GET /json HTTP/1.1\r\nHost: a\r\n\r\n";
  std::string sixteen;
  for (int i = 0; i < 16; ++i) sixteen += request;
  EXPECT_EQ(RequestEnds().count(sixteen), 16U);
}

TEST(RequestEnds, IsTheSameWholeAndInPieces) {
  constexpr unsigned kSeed = 20240;
  SCOPED_TRACE(kSeed);
  std::mt19937 random(kSeed);
  for (int round = 0; round < 2000; ++round) {
    std::string text;
    for (unsigned i = random() % 64; i > 0; --i) {
      static constexpr std::string_view kParts[] = {"\r", "\n", "\r\n", "\r\n\r\n", "a", "bc", "defgh"};
      text += kParts[random() % std::size(kParts)];
    }
    RequestEnds whole;
    EXPECT_EQ(whole.count(text), plainly(text)) << testing::PrintToString(text);
    RequestEnds pieces;
    std::size_t ends = 0;
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t size = 1 + random() % 5;
      ends += pieces.count(std::string_view(text).substr(at, size));
      at += size;
    }
    EXPECT_EQ(ends, plainly(text)) << testing::PrintToString(text);
  }
}

}  // namespace
