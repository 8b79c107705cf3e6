// How many requests a key (a client address, a user, a route, a header's value) may make in a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "weir/resilience/siphash.hpp"
#include "weir/time/clock.hpp"

namespace weir {

struct RateLimitOptions {
  std::uint32_t requests = 100;               ///< How many a window, per key. At least 1.
  Duration window = std::chrono::minutes(1);  ///< The time in which an empty bucket fills up to `requests` again.
  std::uint32_t burst = 0;                    ///< How many at once; 0 means `requests`.
  /// How many keys are told apart at a time. It bounds the memory: about 32 bytes a key. See RateLimiter on what
  /// happens when there are more.
  std::size_t max_keys = 65536;
  /// Addresses of IPv6 count as one client by this many leading bits (a household or a server gets a /64 at least).
  unsigned ipv6_prefix = 64;
};

/// What one request was told.
struct RateDecision {
  bool allowed = true;
  std::uint32_t limit = 0;      ///< X-RateLimit-Limit: the burst size, what a client that was quiet may do at once.
  std::uint32_t remaining = 0;  ///< X-RateLimit-Remaining: what is left right now, after this request.
  Duration reset{};             ///< X-RateLimit-Reset: until the bucket is full again.
  Duration retry_after{};       ///< Retry-After: until the same request would be allowed; zero when it was.
};

/// Whole seconds, rounded up: what the headers carry.
[[nodiscard]] constexpr std::int64_t header_seconds(Duration d) noexcept {
  return d.count() <= 0 ? 0 : (d.count() + 999'999'999) / 1'000'000'000;
}

/// A token bucket a key, kept as GCRA (the ATM Forum's generic cell rate algorithm, ITU-T I.371 annex A): per key one
/// 64-bit "theoretical arrival time", so a decision is one compare-and-swap. The limit holds for the whole process,
/// whatever loop a request comes in on. Any thread, no allocation, no lock on a known key.
///
/// Memory is bounded: keys live in a table of sets of seven slots that is allocated once (pages are touched as they are
/// used). A bucket that is full again says nothing and its slot is free for reuse. When all seven slots of a set hold
/// buckets that are still filling, a newcomer takes over the slot that is nearest to full *and its debt with it*. So
/// debt is never forgotten: a client that has used up its budget cannot get a new one by flooding the table with
/// made-up keys, since its own slot is the last to be taken and whoever takes it stays blocked; and a flood of ever new
/// keys is held, all together, to (slots x rate). The price is that in a flood of more keys than max_keys a newcomer
/// may start with less than a full bucket. Which set a key falls into depends on a secret of the process (SipHash-1-3),
/// so an attacker can neither aim at a victim's set nor fill one set on purpose.
class RateLimiter {
 public:
  /// A key's hash. Make it with key() or address_key(), of any text.
  using Key = std::uint64_t;

  /// Throws std::invalid_argument when requests, window or max_keys is zero or a window is too short for its requests.
  explicit RateLimiter(const RateLimitOptions& options);
  ~RateLimiter();
  RateLimiter(const RateLimiter&) = delete;
  RateLimiter& operator=(const RateLimiter&) = delete;

  [[nodiscard]] Key key(std::string_view text) const noexcept { return hash_(text.data(), text.size()); }
  /// Of an address in network order: 4 bytes (IPv4) or 16 (IPv6, by its prefix; an IPv4-mapped one is its IPv4
  /// address).
  [[nodiscard]] Key address_key(std::span<const std::uint8_t> address) const noexcept;
  /// Of two parts, for example route and user, where ("ab","c") is not ("a","bc").
  [[nodiscard]] Key key(Key first, std::string_view second) const noexcept { return combine(first, key(second)); }
  [[nodiscard]] Key combine(Key first, Key second) const noexcept {
    const Key both[2] = {first, second};
    return hash_(both, sizeof both);
  }

  /// Takes `cost` tokens of `key` at `now` when they are there, or none. A thread whose `now` is behind sees that much
  /// more debt.
  /// A cost of 0 only looks; one above limit() is never allowed, whatever retry_after says.
  [[nodiscard]] RateDecision decide(Key key, Instant now, std::uint32_t cost = 1) noexcept;

  [[nodiscard]] const RateLimitOptions& options() const noexcept { return options_; }
  [[nodiscard]] std::uint32_t limit() const noexcept { return burst_; }
  /// Newcomers that took over a bucket that was still filling: above zero means that max_keys is too small, or a flood.
  [[nodiscard]] std::uint64_t displaced() const noexcept;
  /// Bytes of the table's address space.
  [[nodiscard]] std::size_t memory_bytes() const noexcept;

 private:
  struct Set;
  struct Table;
  std::int64_t judge(std::int64_t time, std::int64_t now, std::int64_t price, RateDecision& decision) const noexcept;
  bool take(Set& set, Key key, std::int64_t now, std::int64_t price, RateDecision& decision) const noexcept;
  void bring_in(Set& set, Key key, std::int64_t now, std::int64_t price, RateDecision& decision) noexcept;

  RateLimitOptions options_;
  resilience::SipHash13 hash_;
  std::uint32_t burst_;
  std::int64_t interval_;  // nanoseconds that one token takes to come back
  std::int64_t capacity_;  // burst_ x interval_
  std::unique_ptr<Table> table_;
};

}  // namespace weir
