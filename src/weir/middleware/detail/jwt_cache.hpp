// Tokens that were verified, by their text.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "weir/middleware/jwt_verifier.hpp"
#include "weir/resilience/siphash.hpp"
#include "weir/time/clock.hpp"

namespace weir::middleware {

/// What is remembered of one token. The user is first, so that a pointer to it keeps the whole alive.
struct VerifiedToken {
  JwtUser user;
  std::string token;
  WallTime from = WallTime::min();   ///< Good from here on, leeway included,
  WallTime until = WallTime::max();  ///< and before this.
  std::size_t bytes = 0;             ///< About how much memory it takes.
};

/// A table of sets of eight, the least recently used of a set going first. Bounded in entries and in bytes. One thread
/// at a time.
///
/// Tokens are found by a hash of their end, where the signature is, and then compared whole. The hash is keyed, though
/// an outsider gains nothing from collisions: only tokens with a good signature ever get in, and those have one
/// spelling.
class JwtCache {
 public:
  JwtCache(std::size_t entries, std::size_t bytes);

  /// The token, if it was verified with the keys of this generation and is good at `now`; else null.
  [[nodiscard]] std::shared_ptr<const VerifiedToken> find(std::string_view token, std::uint64_t generation,
                                                          WallTime now);
  void insert(std::shared_ptr<const VerifiedToken> token, std::uint64_t generation);

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

 private:
  static constexpr std::size_t ways = 8;
  struct Way {
    std::shared_ptr<const VerifiedToken> token;
    std::uint64_t used = 0;
  };
  struct Set {
    alignas(64) std::array<std::uint64_t, ways> hashes{};
    std::array<Way, ways> way{};
  };

  [[nodiscard]] std::uint64_t hash(std::string_view token) const noexcept;
  [[nodiscard]] Set& set_of(std::uint64_t hash) noexcept { return sets_[hash & (sets_.size() - 1)]; }
  void erase(Set& set, std::size_t way) noexcept;
  void clear() noexcept;

  std::vector<Set> sets_;
  resilience::SipHash13 hash_;
  std::size_t max_bytes_;
  std::size_t size_ = 0;
  std::size_t bytes_ = 0;
  std::size_t hand_ = 0;  // where room is made next
  std::uint64_t clock_ = 0;
  std::uint64_t generation_ = 0;
};

}  // namespace weir::middleware
