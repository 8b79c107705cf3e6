// Latencies in buckets whose width is at most 1/64 of their value.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

/// Counts of microseconds. Not thread-safe.
class Histogram {
 public:
  void add(std::uint64_t us) {
    const std::size_t at = index(us);
    if (at >= counts_.size()) counts_.resize(at + 1);
    ++counts_[at];
    ++total_;
    max_ = std::max(max_, us);
  }
  [[nodiscard]] std::uint64_t total() const { return total_; }
  [[nodiscard]] std::uint64_t max() const { return max_; }

  /// The nearest-rank percentile of a share between 0 and 1: the upper end of its bucket, and at most max().
  [[nodiscard]] std::uint64_t percentile(double share) const {
    const auto wanted =
        std::max<std::uint64_t>(1, static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(total_))));
    std::uint64_t seen = 0;
    for (std::size_t at = 0; at < counts_.size(); ++at) {
      seen += counts_[at];
      if (seen >= wanted) return std::min(upper(at), max_);
    }
    return max_;
  }

 private:
  static constexpr unsigned sub_bits = 6;
  static constexpr std::uint64_t sub = 1U << sub_bits;

  /// Values below 128 have a bucket each; above, every power of two has 64.
  static std::size_t index(std::uint64_t us) {
    if (us < 2 * sub) return us;
    const unsigned shift = static_cast<unsigned>(std::bit_width(us)) - sub_bits - 1;
    return shift * sub + (us >> shift);
  }
  static std::uint64_t upper(std::size_t at) {
    if (at < 2 * sub) return at;
    const std::uint64_t shift = at / sub - 1;
    return ((at - shift * sub + 1) << shift) - 1;
  }

  std::vector<std::uint64_t> counts_;
  std::uint64_t total_ = 0;
  std::uint64_t max_ = 0;
};
