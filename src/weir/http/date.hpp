// Dates in header fields (RFC 9110 section 5.6.7).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace weir::http {

inline constexpr std::size_t date_size = 29;  ///< "Sun, 06 Nov 1994 08:49:37 GMT"

/// An IMF-fixdate as text.
class DateText {
 public:
  [[nodiscard]] std::string_view view() const noexcept { return {text_.data(), text_.size()}; }

 private:
  friend DateText format_date(std::int64_t unix_seconds) noexcept;
  std::array<char, date_size> text_;
};

/// Seconds since 1970-01-01 UTC as IMF-fixdate. Years outside 0000-9999 are cut to the nearest date that fits.
DateText format_date(std::int64_t unix_seconds) noexcept;

/// Seconds since 1970-01-01 UTC. Takes the three formats: IMF-fixdate, RFC 850 (two-digit years more than 50 years
/// ahead of `now` are in the past century) and asctime. Nothing when it is none of them; recipients ignore such a
/// field.
std::optional<std::int64_t> parse_date(std::string_view text, std::int64_t now_unix_seconds) noexcept;

}  // namespace weir::http
