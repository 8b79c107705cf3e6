#include "weir/http1/detail/scan.hpp"

#include <random>
#include <string>

#include <gtest/gtest.h>

#include "weir/http1/detail/padded.hpp"

namespace weir::http1::detail {
namespace {

// The scan that is used against the plain one, on texts that are mostly harmless with a few bytes of any kind.
TEST(Scan, AgreesWithThePlainScan) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (int i = 0; i < 200000; ++i) {
    std::string text(random() % 70, 'a');
    for (unsigned n = random() % 4; n != 0 && !text.empty(); --n)
      text[random() % text.size()] = static_cast<char>(random());
    const Padded padded(text, static_cast<char>(random()));
    const char* p = padded.view().data();
    const char* end = p + padded.view().size();
    const char* query = nullptr;
    const char* plain_query = nullptr;
    ASSERT_EQ(Scan::target_end(p, end, query), ScalarScan::target_end(p, end, plain_query))
        << testing::PrintToString(text);
    ASSERT_EQ(query, plain_query) << testing::PrintToString(text);
    ASSERT_EQ(Scan::name_end(p, end), ScalarScan::name_end(p, end)) << testing::PrintToString(text);
    ASSERT_EQ(Scan::value_end(p, end), ScalarScan::value_end(p, end)) << testing::PrintToString(text);
  }
}

TEST(Scan, StopsAtEveryByteItShould) {
  for (int c = 0; c < 256; ++c) {
    const Padded padded("abcdefghijklmnopqrs" + std::string(1, static_cast<char>(c)) + "?", ' ');
    const char* p = padded.view().data();
    const char* end = p + padded.view().size();
    const bool visible = c > 0x20 && c < 0x7f;
    const char* query = nullptr;
    EXPECT_EQ(Scan::target_end(p, end, query) != end, !visible || c == '#') << c;
    EXPECT_EQ(query != nullptr, visible && c != '#') << c;
    EXPECT_EQ(Scan::name_end(p, end) != end, !visible || c == ':') << c;
    EXPECT_EQ(Scan::value_end(p, end) != end, (c < 0x20 && c != '\t') || c == 0x7f) << c;
  }
}

}  // namespace
}  // namespace weir::http1::detail
