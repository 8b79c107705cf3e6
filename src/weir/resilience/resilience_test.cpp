#include <algorithm>
#include <array>
#include <atomic>
#include <map>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "weir/resilience/rate_limiter.hpp"
#include "weir/resilience/siphash.hpp"
#include "weir/time/manual_clock.hpp"

namespace weir {
namespace {

using namespace std::chrono_literals;

constexpr Instant start{1000s};

TEST(SipHash, AgreesWithThePublishedVectors) {
  // Key 00 01 … 0f, input 00 01 … of each length (Aumasson and Bernstein, appendix A, and their reference vectors).
  const resilience::SipHash24 hash(0x0706050403020100, 0x0f0e0d0c0b0a0908);
  std::array<std::uint8_t, 64> input{};
  for (std::size_t i = 0; i < input.size(); ++i) input[i] = static_cast<std::uint8_t>(i);
  EXPECT_EQ(hash(input.data(), 0), 0x726fdb47dd0e0e31u);
  EXPECT_EQ(hash(input.data(), 1), 0x74f839c593dc67fdu);
  EXPECT_EQ(hash(input.data(), 15), 0xa129ca6149be45e5u);
}

TEST(RateLimiter, AllowsABurstThenOneAnInterval) {
  RateLimiter limiter({.requests = 100, .window = 1min});
  const auto key = limiter.key("192.0.2.7");
  for (std::uint32_t i = 0; i < 100; ++i) {
    const auto decision = limiter.decide(key, start);
    ASSERT_TRUE(decision.allowed);
    EXPECT_EQ(decision.limit, 100u);
    EXPECT_EQ(decision.remaining, 99 - i);
    EXPECT_EQ(decision.reset, (i + 1) * 600ms);
    EXPECT_EQ(decision.retry_after, 0ns);
  }
  const auto refused = limiter.decide(key, start);
  EXPECT_FALSE(refused.allowed);
  EXPECT_EQ(refused.remaining, 0u);
  EXPECT_EQ(refused.retry_after, 600ms);
  EXPECT_EQ(refused.reset, 1min);
  EXPECT_FALSE(limiter.decide(key, start + 600ms - 1ns).allowed);
  EXPECT_TRUE(limiter.decide(key, start + 600ms).allowed);
  EXPECT_FALSE(limiter.decide(key, start + 600ms).allowed);
  EXPECT_TRUE(limiter.decide(limiter.key("192.0.2.8"), start).allowed);
}

TEST(RateLimiter, FillsUpInAWindowAndNotBeyond) {
  RateLimiter limiter({.requests = 10, .window = 1s});
  const auto key = limiter.key("k");
  const auto allowed_at = [&](Instant now) {
    int count = 0;
    while (limiter.decide(key, now).allowed) ++count;
    return count;
  };
  EXPECT_EQ(allowed_at(start), 10);
  EXPECT_EQ(allowed_at(start + 1s), 10);
  EXPECT_EQ(allowed_at(start + 1500ms), 5);
  EXPECT_EQ(allowed_at(start + 1000h), 10);
}

TEST(RateLimiter, BurstMayBeSmallerOrLargerThanTheRequests) {
  RateLimiter small({.requests = 10, .window = 1s, .burst = 2});
  EXPECT_EQ(small.decide(1, start).limit, 2u);
  EXPECT_TRUE(small.decide(1, start).allowed);
  EXPECT_EQ(small.decide(1, start).retry_after, 100ms);
  RateLimiter large({.requests = 1, .window = 1s, .burst = 5});
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(large.decide(1, start).allowed);
  EXPECT_EQ(large.decide(1, start).retry_after, 1s);
}

TEST(RateLimiter, CostsAreTakenWholeOrNotAtAll) {
  RateLimiter limiter({.requests = 10, .window = 1s});
  EXPECT_EQ(limiter.decide(1, start, 7).remaining, 3u);
  const auto refused = limiter.decide(1, start, 4);
  EXPECT_FALSE(refused.allowed);
  EXPECT_EQ(refused.remaining, 3u);
  EXPECT_EQ(refused.retry_after, 100ms);
  EXPECT_EQ(limiter.decide(1, start, 0).remaining, 3u);
  EXPECT_TRUE(limiter.decide(1, start, 3).allowed);
  EXPECT_FALSE(limiter.decide(2, start, 11).allowed);
  EXPECT_FALSE(limiter.decide(2, start, 4'000'000'000).allowed);
  EXPECT_EQ(limiter.decide(2, start, 0).remaining, 10u);
}

TEST(RateLimiter, AThreadWhoseClockIsBehindIsRefusedByThatMuchAtMost) {
  RateLimiter limiter({.requests = 2, .window = 2s});
  EXPECT_TRUE(limiter.decide(1, start).allowed);
  EXPECT_EQ(limiter.decide(1, start - 1ms).retry_after, 1ms);
  EXPECT_TRUE(limiter.decide(1, start).allowed);
  EXPECT_FALSE(limiter.decide(1, start + 999ms).allowed);
  EXPECT_TRUE(limiter.decide(1, start + 1s).allowed);
}

TEST(RateLimiter, RefusesOptionsThatMakeNoSense) {
  EXPECT_THROW(RateLimiter({.requests = 0}), std::invalid_argument);
  EXPECT_THROW(RateLimiter({.window = 0s}), std::invalid_argument);
  EXPECT_THROW(RateLimiter({.requests = 100, .window = 99ns}), std::invalid_argument);
  EXPECT_THROW(RateLimiter({.max_keys = 0}), std::invalid_argument);
  EXPECT_THROW(RateLimiter({.requests = 1, .window = Duration::max()}), std::invalid_argument);
  EXPECT_THROW(RateLimiter({.ipv6_prefix = 129}), std::invalid_argument);
}

TEST(RateLimiter, KeysOfAddressesFollowTheNetwork) {
  const RateLimiter limiter(RateLimitOptions{});
  using Bytes = std::vector<std::uint8_t>;
  const Bytes host = {0x20, 1, 0xd, 0xb8, 0, 1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 1};
  Bytes neighbour = host;
  neighbour[15] = 9;
  neighbour[8] = 0xff;
  Bytes other = host;
  other[7] = 3;
  EXPECT_EQ(limiter.address_key(host), limiter.address_key(neighbour));
  EXPECT_NE(limiter.address_key(host), limiter.address_key(other));
  EXPECT_EQ(limiter.address_key(Bytes{192, 0, 2, 1}),
            limiter.address_key(Bytes{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1}));
  EXPECT_NE(limiter.address_key(Bytes{192, 0, 2, 1}), limiter.address_key(Bytes{192, 0, 2, 2}));
  const RateLimiter single({.ipv6_prefix = 127});
  neighbour = host;
  neighbour[15] = 0;
  EXPECT_EQ(single.address_key(host), single.address_key(neighbour));
  neighbour[15] = 2;
  EXPECT_NE(single.address_key(host), single.address_key(neighbour));
}

TEST(RateLimiter, KeysOfTwoPartsAreUnambiguousAndSecret) {
  const RateLimiter limiter(RateLimitOptions{});
  EXPECT_NE(limiter.key(limiter.key("ab"), "c"), limiter.key(limiter.key("a"), "bc"));
  EXPECT_NE(limiter.key(limiter.key("a"), "b"), limiter.key(limiter.key("b"), "a"));
  EXPECT_NE(limiter.key("a"), RateLimiter(RateLimitOptions{}).key("a"));
}

// Random requests against a bucket that is kept as a level of nanoseconds.
TEST(RateLimiter, AgreesWithASimpleModel) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (int round = 0; round < 50; ++round) {
    const std::uint32_t requests = 1 + random() % 50;
    const std::uint32_t burst = random() % 3 == 0 ? 1 + random() % 80 : 0;
    const Duration window = std::chrono::milliseconds(1 + random() % 5000);
    RateLimiter limiter({.requests = requests, .window = window, .burst = burst, .max_keys = 1000});
    const std::int64_t interval = (window / requests).count();
    const std::int64_t capacity = interval * limiter.limit();
    struct Bucket {
      std::int64_t level;
      Instant at;
    };
    std::map<std::uint32_t, Bucket> model;
    Instant now = start;
    for (int i = 0; i < 2000; ++i) {
      now += Duration(static_cast<std::int64_t>(random() % 3) *
                      static_cast<std::int64_t>(random() % static_cast<std::uint32_t>(interval)));
      const std::uint32_t name = random() % 5;
      const std::uint32_t cost = random() % 4 == 0 ? std::min<std::uint32_t>(random() % 4, limiter.limit() + 1) : 1;
      Bucket& bucket = model.try_emplace(name, Bucket{capacity, now}).first->second;
      bucket.level = std::min(capacity, bucket.level + (now - bucket.at).count());
      bucket.at = now;
      const bool allowed = bucket.level >= interval * cost;
      if (allowed) bucket.level -= interval * cost;
      const auto decision = limiter.decide(limiter.key(std::to_string(name)), now, cost);
      ASSERT_EQ(decision.allowed, allowed);
      ASSERT_EQ(decision.remaining, bucket.level / interval);
      ASSERT_EQ(decision.reset.count(), capacity - bucket.level);
      ASSERT_EQ(decision.retry_after.count(), allowed ? 0 : interval * cost - bucket.level);
    }
    ASSERT_EQ(limiter.displaced(), 0u);
  }
}

TEST(RateLimiter, AFloodOfKeysDoesNotGiveAnExhaustedClientANewBudget) {
  RateLimiter limiter({.requests = 100, .window = 1min, .max_keys = 1000});
  const std::size_t memory = limiter.memory_bytes();
  const auto victim = limiter.key("attacker's real address");
  while (limiter.decide(victim, start).allowed) {
  }
  for (int i = 0; i < 20000; ++i) {
    static_cast<void>(limiter.decide(limiter.key("made up " + std::to_string(i)), start));
    ASSERT_FALSE(limiter.decide(victim, start).allowed);
  }
  EXPECT_GT(limiter.displaced(), 0u);
  EXPECT_EQ(limiter.memory_bytes(), memory);
  EXPECT_LE(memory, 1000u * 86);
  EXPECT_TRUE(limiter.decide(victim, start + 600ms).allowed);
}

TEST(RateLimiter, AFloodOfEverNewKeysIsHeldToWhatTheSlotsAllow) {
  RateLimiter limiter({.requests = 10, .window = 1min, .max_keys = 1});  // one set of seven slots
  int allowed = 0;
  for (int i = 0; i < 10000; ++i) allowed += limiter.decide(limiter.key(std::to_string(i)), start).allowed ? 1 : 0;
  EXPECT_EQ(allowed, 70);
  // When the buckets are full again, everyone is welcome again.
  EXPECT_EQ(limiter.decide(limiter.key("new"), start + 61s).remaining, 9u);
}

TEST(RateLimiter, FullBucketsMakeRoomWithoutLoss) {
  RateLimiter limiter({.requests = 10, .window = 1s, .max_keys = 1});
  Instant now = start;
  for (int i = 0; i < 1000; ++i, now += 100ms) {
    ASSERT_EQ(limiter.decide(limiter.key(std::to_string(i)), now).remaining, 9u);
  }
  EXPECT_EQ(limiter.displaced(), 0u);
}

/// Runs `work(thread)` on four threads that begin together.
template <class Work>
void together(Work&& work) {
  std::atomic<int> ready{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      ++ready;
      while (ready.load() != 4) std::this_thread::yield();
      work(t);
    });
  }
  for (auto& thread : threads) thread.join();
}

TEST(RateLimiter, IsExactAcrossThreads) {
  RateLimiter limiter({.requests = 50, .window = 1min, .max_keys = 10000});
  constexpr std::size_t keys = 300;
  std::vector<std::atomic<std::uint32_t>> allowed(keys);
  together([&](int thread) {
    std::mt19937 random(static_cast<unsigned>(thread));
    for (int i = 0; i < 40; ++i) {
      // Each thread asks 40 times for each key, in an order of its own: 160 of which 50 may pass.
      const std::size_t offset = random();
      for (std::size_t k = 0; k < keys; ++k) {
        const std::size_t name = (k + offset) % keys;
        if (limiter.decide(limiter.key(std::to_string(name)), start).allowed) ++allowed[name];
      }
    }
  });
  ASSERT_EQ(limiter.displaced(), 0u);
  for (std::size_t k = 0; k < keys; ++k) ASSERT_EQ(allowed[k], 50u) << k;
}

TEST(RateLimiter, ANewKeyThatAllThreadsBringAtOnceGetsOneBucket) {
  RateLimiter limiter({.requests = 1, .window = 1h, .max_keys = 100000});
  constexpr std::size_t keys = 20000;
  std::vector<std::atomic<int>> allowed(keys);
  std::atomic<std::size_t> current{0};
  std::atomic<int> asked{0};
  together([&](int) {
    for (std::size_t k = 0; k < keys; ++k) {
      while (current.load() < k) std::this_thread::yield();  // all four at the same key
      if (limiter.decide(limiter.key(std::to_string(k)), start).allowed) ++allowed[k];
      if (asked.fetch_add(1) % 4 == 3) current.store(k + 1);
    }
  });
  for (std::size_t k = 0; k < keys; ++k) ASSERT_EQ(allowed[k], 1) << k;
}

TEST(RateLimiter, NothingIsLostWhileThreadsDisplaceEachOthersKeys) {
  RateLimiter limiter({.requests = 1000, .window = 1h, .max_keys = 1});
  std::atomic<int> allowed{0};
  together([&](int thread) {
    std::mt19937 random(static_cast<unsigned>(thread));
    for (int i = 0; i < 20000; ++i) {
      if (limiter.decide(limiter.key(std::to_string(random() % 20)), start).allowed) ++allowed;
    }
  });
  // 80,000 requests, one set: each of its seven slots gives its thousand, whoever holds it. A refusal costs a
  // newcomer's slot a nanosecond, which in all stays below one interval.
  EXPECT_LE(allowed, 7000);
  EXPECT_GE(allowed, 6990);
  EXPECT_GT(limiter.displaced(), 0u);
}

TEST(RateLimiter, HeaderSecondsAreRoundedUp) {
  EXPECT_EQ(header_seconds(0ns), 0);
  EXPECT_EQ(header_seconds(1ns), 1);
  EXPECT_EQ(header_seconds(1s), 1);
  EXPECT_EQ(header_seconds(1001ms), 2);
}

}  // namespace
}  // namespace weir
