// Dates and times as text: RFC 3339 and ISO 8601 durations.
#pragma once

#include <cstdint>
#include <string_view>

namespace weir::json::detail {

struct Date {
  int year = 0;
  unsigned month = 1;
  unsigned day = 1;
};

/// Days since 1970-01-01 in the proleptic Gregorian calendar, and back.
[[nodiscard]] std::int64_t days_of(Date date) noexcept;
[[nodiscard]] Date date_of(std::int64_t days) noexcept;

/// RFC 3339 section 5.6 full-date: "2026-01-31", a day that exists.
[[nodiscard]] bool parse_date(std::string_view text, Date& out) noexcept;
/// RFC 3339 section 5.6 date-time with any offset; a leap second counts as the second before it.
[[nodiscard]] bool parse_timestamp(std::string_view text, std::int64_t& seconds, std::uint32_t& nanoseconds) noexcept;
/// ISO 8601 "P1DT2H3M4.5S" (days at most), or units in descending order as in Go: "1h30m", "1.5s", "250ms", "10us",
/// "5ns". The sign holds for the whole: seconds are floored, nanoseconds are 0 … 999,999,999.
[[nodiscard]] bool parse_duration(std::string_view text, std::int64_t& seconds, std::uint32_t& nanoseconds) noexcept;

/// Writes at most 40 characters and returns the end. Years outside 0 … 9999 are written with as many digits as they
/// need.
char* print_date(char* to, Date date) noexcept;
char* print_timestamp(char* to, std::int64_t seconds, std::uint32_t nanoseconds, unsigned fraction_digits) noexcept;
char* print_duration(char* to, std::int64_t seconds, std::uint32_t nanoseconds) noexcept;

/// A count of units of num/den seconds from seconds and nanoseconds, floored. False if it does not fit `bytes` bytes.
[[nodiscard]] bool to_count(std::int64_t seconds, std::uint32_t nanoseconds, std::int64_t num, std::int64_t den,
                            unsigned bytes, std::int64_t& count) noexcept;
void from_count(std::int64_t count, std::int64_t num, std::int64_t den, std::int64_t& seconds,
                std::uint32_t& nanoseconds) noexcept;

}  // namespace weir::json::detail
