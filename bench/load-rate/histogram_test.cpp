#include "histogram.hpp"

#include <gtest/gtest.h>

TEST(Histogram, SmallValuesAreExact) {
  Histogram counts;
  for (std::uint64_t us = 1; us <= 100; ++us) counts.add(us);
  EXPECT_EQ(counts.percentile(0.5), 50U);
  EXPECT_EQ(counts.percentile(0.99), 99U);
  EXPECT_EQ(counts.percentile(1.0), 100U);
  EXPECT_EQ(counts.total(), 100U);
}

TEST(Histogram, LargeValuesAreWithinOneSixtyFourth) {
  for (std::uint64_t us : {127ULL, 128ULL, 129ULL, 1000ULL, 65535ULL, 65536ULL, 12345678ULL}) {
    Histogram counts;
    counts.add(us);
    counts.add(4 * us);
    EXPECT_GE(counts.percentile(0.5), us);
    EXPECT_LE(counts.percentile(0.5), us + us / 64) << us;
    EXPECT_EQ(counts.percentile(1.0), 4 * us);
  }
}

TEST(Histogram, EmptyHasNothing) {
  const Histogram counts;
  EXPECT_EQ(counts.percentile(0.99), 0U);
}
