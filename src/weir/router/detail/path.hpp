// The path of a request, split into decoded segments.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>

#include "weir/base/arena.hpp"
#include "weir/router/detail/snapshot.hpp"
#include "weir/router/pattern.hpp"

namespace weir::router {

/// Splits at most as deep as the tree goes; what is behind stays in one piece for tails. Holds views of the raw path
/// or, where that has percent escapes, of a decoded copy in the arena.
class Path {
 public:
  enum class Form : std::uint8_t { good, not_absolute, malformed };

  /// Reads `raw`; `max_segments` is at most max_pattern_segments + 1.
  Form assign(std::string_view raw, std::size_t max_segments, Arena& arena) {
    if (raw.empty() || raw.front() != '/' || raw.size() >= nothing) return Form::not_absolute;
    text_ = raw.data();
    size_ = raw.size();
    verb_size_ = unescaped;
    if (!split(max_segments) && !decode(raw, max_segments, arena)) return Form::malformed;
    return Form::good;
  }

  /// How many segments there are; max_segments stands for that many or more.
  [[nodiscard]] std::size_t count() const noexcept { return count_; }
  /// REQUIRES: i < count(), and i + 1 < max_segments.
  [[nodiscard]] std::string_view segment(std::size_t i) const noexcept {
    return {text_ + begin_[i], begin_[i + 1] - 1 - begin_[i]};
  }
  [[nodiscard]] std::string_view rest(std::size_t i) const noexcept { return {text_ + begin_[i], size_ - begin_[i]}; }
  /// The hash of segment i, computed once.
  [[nodiscard]] std::uint64_t hash(std::size_t i) noexcept {
    if (hash_[i] == not_hashed) hash_[i] = hash_text(segment(i));
    return hash_[i];
  }
  /// Whether `suffix`, ":verb", stands at the end as it was sent: an escaped colon does not begin a verb.
  [[nodiscard]] bool verb_may_be(std::string_view suffix) const noexcept {
    return verb_size_ == unescaped || verb_size_ + 1 == suffix.size();
  }

 private:
  static constexpr std::uint64_t not_hashed = 0;
  static constexpr std::size_t unescaped = std::numeric_limits<std::size_t>::max();

  bool split(std::size_t max_segments) noexcept;
  bool decode(std::string_view raw, std::size_t max_segments, Arena& arena);

  // All set by assign().
  const char* text_;
  std::size_t size_;
  std::size_t count_;
  std::size_t verb_size_;  // decoded bytes behind the last colon that was sent as one
  // One more than the deepest split, for the end. Set up to count_ only.
  std::array<std::uint32_t, max_pattern_segments + 2> begin_;
  std::array<std::uint64_t, max_pattern_segments + 2> hash_;
};

}  // namespace weir::router
