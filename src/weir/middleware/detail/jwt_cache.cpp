#include "weir/middleware/detail/jwt_cache.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <random>

namespace weir::middleware {
namespace {

constexpr std::size_t hashed_end = 32;  // characters of the signature: 192 bits of it

std::uint64_t random_word() {
  std::random_device device;
  return std::uint64_t{device()} << 32 | device();
}

}  // namespace

JwtCache::JwtCache(std::size_t entries, std::size_t bytes)
    : sets_(std::bit_ceil(std::max<std::size_t>(entries / ways, 1))),
      hash_(random_word(), random_word()),
      max_bytes_(bytes) {}

std::uint64_t JwtCache::hash(std::string_view token) const noexcept {
  const std::string_view end = token.size() > hashed_end ? token.substr(token.size() - hashed_end) : token;
  return hash_(end.data(), end.size()) | 1;  // 0 marks an empty way.
}

std::shared_ptr<const VerifiedToken> JwtCache::find(std::string_view token, std::uint64_t generation, WallTime now) {
  if (generation != generation_) {
    clear();
    generation_ = generation;
    return nullptr;
  }
  const std::uint64_t wanted = hash(token);
  Set& set = set_of(wanted >> 1);
  for (std::size_t i = 0; i < ways; ++i) {
    if (set.hashes[i] != wanted) continue;
    const VerifiedToken& there = *set.way[i].token;
    if (there.token != token) continue;
    if (now >= there.until) {
      erase(set, i);
      return nullptr;
    }
    if (now < there.from) return nullptr;  // The clock went back.
    set.way[i].used = ++clock_;
    return set.way[i].token;
  }
  return nullptr;
}

void JwtCache::insert(std::shared_ptr<const VerifiedToken> token, std::uint64_t generation) {
  if (generation != generation_ || token->bytes > max_bytes_ / ways) return;
  const std::uint64_t key = hash(token->token);
  Set& set = set_of(key >> 1);
  std::size_t oldest = 0;
  for (std::size_t i = 0; i < ways; ++i) {
    if (set.hashes[i] == 0) {
      oldest = i;
      break;
    }
    if (set.way[i].used < set.way[oldest].used) oldest = i;
  }
  if (set.hashes[oldest] != 0) erase(set, oldest);
  while (bytes_ + token->bytes > max_bytes_) {
    Set& victim = sets_[hand_++ & (sets_.size() - 1)];
    for (std::size_t i = 0; i < ways; ++i) {
      if (victim.hashes[i] != 0) erase(victim, i);
    }
  }
  bytes_ += token->bytes;
  ++size_;
  set.hashes[oldest] = key;
  set.way[oldest] = {std::move(token), ++clock_};
}

void JwtCache::erase(Set& set, std::size_t way) noexcept {
  bytes_ -= set.way[way].token->bytes;
  --size_;
  set.hashes[way] = 0;
  set.way[way] = {};
}

void JwtCache::clear() noexcept {
  if (size_ == 0) return;
  for (Set& set : sets_) {
    for (std::size_t i = 0; i < ways; ++i) {
      if (set.hashes[i] != 0) erase(set, i);
    }
  }
}

}  // namespace weir::middleware
