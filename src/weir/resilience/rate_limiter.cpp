#include "weir/resilience/rate_limiter.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <limits>
#include <new>
#include <stdexcept>
#include <string>
#include <thread>

#include <sys/mman.h>
#include <sys/random.h>

namespace weir {
namespace {

constexpr std::size_t slots_per_set = 7;

RateLimitOptions checked(const RateLimitOptions& options) {
  const auto refuse = [](const char* what) { throw std::invalid_argument(std::string("rate limit: ") + what); };
  if (options.requests == 0) refuse("requests must be at least 1");
  if (options.window <= Duration::zero()) refuse("window must be longer than nothing");
  if (options.max_keys == 0 || options.max_keys > (std::size_t{1} << 30)) refuse("max_keys must be 1 to 2^30");
  if (options.ipv6_prefix == 0 || options.ipv6_prefix > 128) refuse("ipv6_prefix must be 1 to 128");
  const Duration interval = options.window / options.requests;
  if (interval <= Duration::zero()) refuse("window is too short for its requests");
  const auto burst = static_cast<std::int64_t>(options.burst == 0 ? options.requests : options.burst);
  // Arrival times are nanoseconds since the clock's beginning in 63 bits, of which a bucket may take half.
  if (interval.count() > std::numeric_limits<std::int64_t>::max() / 4 / burst) refuse("burst x window is too long");
  return options;
}

resilience::SipHash13 secret_hash() {
  std::array<std::uint64_t, 2> key{};
  if (getrandom(key.data(), sizeof key, 0) != static_cast<ssize_t>(sizeof key)) {
    throw std::runtime_error("rate limit: the system gives no random bytes");
  }
  return {key[0], key[1]};
}

}  // namespace

/// Two cache lines: the keys, which every search reads, then their times.
///
/// A slot is free while its time is 0. A time only ever grows, also when the slot changes hands, so that a
/// compare-and-swap of the time with the one that was read beside the right key cannot hit the wrong bucket.
/// `busy` stands in a time while the slot's key is being changed, which only the holder of `lock` does.
struct alignas(128) RateLimiter::Set {
  static constexpr std::int64_t busy = -1;

  std::array<std::atomic<Key>, slots_per_set> keys;
  std::atomic<std::uint32_t> lock;
  std::array<std::atomic<std::int64_t>, slots_per_set> times;

  void acquire() noexcept {
    for (unsigned spins = 0; lock.exchange(1, std::memory_order_acquire) != 0; ++spins) {
      if (spins > 64) std::this_thread::yield();  // its holder was interrupted
    }
  }
  void release() noexcept { lock.store(0, std::memory_order_release); }
};

struct RateLimiter::Table {
  Set* sets = nullptr;
  std::size_t mask = 0;
  std::atomic<std::uint64_t> displaced{0};

  explicit Table(std::size_t max_keys) {
    // Sets fill unevenly: at three keys a set on average (of seven), one set in a hundred has to displace.
    const std::size_t count = std::bit_ceil(std::max<std::size_t>(max_keys / 3, 1));
    mask = count - 1;
    // Anonymous memory is zero, which is what an empty set is, and it is not there before it is touched.
    void* memory = mmap(nullptr, bytes(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    sets = static_cast<Set*>(memory);
  }
  ~Table() { munmap(static_cast<void*>(sets), bytes()); }
  Table(const Table&) = delete;
  Table& operator=(const Table&) = delete;

  [[nodiscard]] std::size_t bytes() const noexcept { return (mask + 1) * sizeof(Set); }
};

RateLimiter::RateLimiter(const RateLimitOptions& options)
    : options_(checked(options)),
      hash_(secret_hash()),
      burst_(options.burst == 0 ? options.requests : options.burst),
      interval_((options.window / options.requests).count()),
      capacity_(interval_ * burst_),
      table_(std::make_unique<Table>(options.max_keys)) {
  static_assert(sizeof(Set) == 128);
}

RateLimiter::~RateLimiter() = default;

std::uint64_t RateLimiter::displaced() const noexcept {
  return table_->displaced.load(std::memory_order_relaxed);
}
std::size_t RateLimiter::memory_bytes() const noexcept {
  return table_->bytes();
}

RateLimiter::Key RateLimiter::address_key(std::span<const std::uint8_t> address) const noexcept {
  if (address.size() != 16) return hash_(address.data(), address.size());
  constexpr std::array<std::uint8_t, 12> mapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};  // RFC 4291 §2.5.5.2
  if (std::equal(mapped.begin(), mapped.end(), address.begin())) return hash_(address.data() + 12, 4);
  std::array<std::uint8_t, 16> network{};
  std::size_t bits = options_.ipv6_prefix;
  for (std::size_t i = 0; i < network.size() && bits != 0; ++i) {
    const std::size_t taken = std::min<std::size_t>(bits, 8);
    network[i] = static_cast<std::uint8_t>(address[i] & (0xff00U >> taken));
    bits -= taken;
  }
  return hash_(network.data(), network.size());
}

/// What `time`, a bucket's theoretical arrival time, says at `now` to a request that takes `price` nanoseconds.
/// Returns the bucket's new time, or 0 when the request is refused.
std::int64_t RateLimiter::judge(std::int64_t time, std::int64_t now, std::int64_t price,
                                RateDecision& decision) const noexcept {
  const std::int64_t debt = std::max<std::int64_t>(time - now, 0);
  const std::int64_t after = debt + price;
  decision.limit = burst_;
  decision.allowed = after <= capacity_;
  const std::int64_t owed = decision.allowed ? after : debt;
  decision.remaining = static_cast<std::uint32_t>(std::max<std::int64_t>(capacity_ - owed, 0) / interval_);
  decision.reset = Duration(owed);
  decision.retry_after = Duration(decision.allowed ? 0 : after - capacity_);
  return decision.allowed ? now + after : 0;
}

RateDecision RateLimiter::decide(Key key, Instant instant, std::uint32_t cost) noexcept {
  RateDecision decision;
  // Above the burst size a request can never be allowed: it need not be priced beyond that.
  const std::int64_t price = interval_ * std::min<std::int64_t>(cost, std::int64_t{burst_} + 1);
  const std::int64_t now = std::max<std::int64_t>(instant.time_since_epoch().count(), 1);
  Set& set = table_->sets[key & table_->mask];
  key |= std::uint64_t{1} << 63;  // 0 is no key
  if (take(set, key, now, price, decision)) return decision;
  // Not in the set. Look again under its lock, so that two threads cannot both bring the key in.
  set.acquire();
  if (!take(set, key, now, price, decision)) bring_in(set, key, now, price, decision);
  set.release();
  return decision;
}

bool RateLimiter::take(Set& set, Key key, std::int64_t now, std::int64_t price, RateDecision& decision) const noexcept {
  unsigned spins = 0;
  for (std::size_t i = 0; i < slots_per_set;) {
    if (++spins > 256) std::this_thread::yield();  // who changes the slot was interrupted
    if (set.keys[i].load(std::memory_order_acquire) != key) {
      ++i;
      continue;
    }
    std::int64_t time = set.times[i].load(std::memory_order_acquire);
    // The key is looked at again because the slot may have changed hands before its time was read.
    if (time == Set::busy || set.keys[i].load(std::memory_order_relaxed) != key) continue;
    const std::int64_t next = judge(time, now, price, decision);
    if (next <= time) return true;  // refused, or free of charge: nothing to write
    if (set.times[i].compare_exchange_strong(time, next, std::memory_order_acq_rel)) return true;
  }
  return false;
}

void RateLimiter::bring_in(Set& set, Key key, std::int64_t now, std::int64_t price, RateDecision& decision) noexcept {
  for (;;) {
    // The slot nearest to full: a free one, one that is full again, or the one with the least debt.
    std::size_t best = 0;
    std::int64_t time = std::numeric_limits<std::int64_t>::max();
    for (std::size_t i = 0; i < slots_per_set; ++i) {
      const std::int64_t other = set.times[i].load(std::memory_order_acquire);
      if (other < time) {
        time = other;
        best = i;
      }
    }
    if (!set.times[best].compare_exchange_strong(time, Set::busy, std::memory_order_acq_rel)) continue;
    if (time > now) table_->displaced.fetch_add(1, std::memory_order_relaxed);
    set.keys[best].store(key, std::memory_order_release);
    // Its debt is taken over. It must also be later than before, see Set.
    const std::int64_t next = judge(time, now, price, decision);
    set.times[best].store(std::max(next, time + 1), std::memory_order_release);
    return;
  }
}

}  // namespace weir
