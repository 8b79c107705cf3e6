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
  Form assign(std::string_view raw, std::size_t max_segments, Arena& arena);

  /// How many segments there are; max_segments stands for that many or more.
  [[nodiscard]] std::size_t count() const noexcept { return count_; }
  /// REQUIRES: i < count(), and i + 1 < max_segments.
  [[nodiscard]] std::string_view segment(std::size_t i) const noexcept {
    return text_.substr(begin_[i], begin_[i + 1] - 1 - begin_[i]);
  }
  [[nodiscard]] std::string_view rest(std::size_t i) const noexcept { return text_.substr(begin_[i]); }
  /// The number of segment i among the segments of the patterns, or `nothing`.
  [[nodiscard]] std::uint32_t number(std::size_t i, const SegmentIndex& index, const char* pool) noexcept {
    if (number_[i] == not_asked) number_[i] = index.find(segment(i), pool);
    return number_[i];
  }
  /// Whether `suffix`, ":verb", stands at the end as it was sent: an escaped colon does not begin a verb.
  [[nodiscard]] bool verb_may_be(std::string_view suffix) const noexcept {
    return verb_size_ == unescaped || verb_size_ + 1 == suffix.size();
  }

 private:
  static constexpr std::uint32_t not_asked = nothing - 1;
  static constexpr std::size_t unescaped = std::numeric_limits<std::size_t>::max();

  bool split(std::size_t max_segments) noexcept;
  bool decode(std::string_view raw, std::size_t max_segments, Arena& arena);
  void begin_segment(std::size_t at) noexcept {
    number_[count_] = not_asked;
    begin_[count_++] = static_cast<std::uint32_t>(at);
  }

  std::string_view text_;
  std::size_t count_ = 0;
  std::size_t verb_size_ = unescaped;  // decoded bytes behind the last colon that was sent as one
  // One more than the deepest split, for the end. Set up to count_ only.
  std::array<std::uint32_t, max_pattern_segments + 2> begin_;
  std::array<std::uint32_t, max_pattern_segments + 2> number_;
};

}  // namespace weir::router
