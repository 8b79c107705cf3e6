#include "echo_frames.hpp"

#include <random>
#include <string>

#include <gtest/gtest.h>

namespace {

std::string frame(std::string_view payload, bool masked) {
  const char mask = masked ? '\x80' : '\0';
  std::string bytes = "\x82";
  if (payload.size() < 126) {
    bytes += static_cast<char>(mask | static_cast<char>(payload.size()));
  } else {
    bytes += static_cast<char>(mask | 126);
    bytes += static_cast<char>(payload.size() >> 8);
    bytes += static_cast<char>(payload.size());
  }
  if (masked) bytes.append(4, '\0');
  return bytes.append(payload);
}

TEST(EchoFrames, AnswersAFrameWithItsPayload) {
  for (const std::size_t size : {0U, 1U, 64U, 125U, 126U, 16384U}) {
    std::string bytes = frame(std::string(size, 'x'), true);
    EXPECT_EQ(EchoFrames().echo(bytes.data(), bytes.size()), frame(std::string(size, 'x'), false)) << size;
  }
}

TEST(EchoFrames, AnswersSeveralFramesInPieces) {
  constexpr unsigned kSeed = 77;
  SCOPED_TRACE(kSeed);
  std::mt19937 random(kSeed);
  for (int round = 0; round < 500; ++round) {
    EchoFrames frames;
    std::string expected;
    std::string got;
    std::string waiting;
    for (int i = 0; i < 20; ++i) {
      const std::string payload(random() % 300, static_cast<char>('a' + i));
      waiting += frame(payload, true);
      expected += frame(payload, false);
      // A cut within the payload; the head stays whole.
      const std::size_t kept = payload.empty() ? 0 : random() % payload.size();
      std::string piece = waiting.substr(0, waiting.size() - kept);
      waiting.erase(0, piece.size());
      got += frames.echo(piece.data(), piece.size());
    }
    got += frames.echo(waiting.data(), waiting.size());
    EXPECT_EQ(got, expected);
  }
}

}  // namespace
