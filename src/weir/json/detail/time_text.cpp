#include "weir/json/detail/time_text.hpp"

#include <charconv>
#include <limits>

namespace weir::json::detail {
namespace {

__extension__ using Wide = __int128;
constexpr std::int64_t billion = 1'000'000'000;

constexpr bool digit(char c) noexcept {
  return c >= '0' && c <= '9';
}

/// Exactly `n` digits at the front of `text`, which it removes.
bool take_digits(std::string_view& text, unsigned n, unsigned& out) noexcept {
  if (text.size() < n) return false;
  out = 0;
  for (unsigned i = 0; i < n; ++i) {
    if (!digit(text[i])) return false;
    out = out * 10 + static_cast<unsigned>(text[i] - '0');
  }
  text.remove_prefix(n);
  return true;
}
bool take(std::string_view& text, char c) noexcept {
  if (text.empty() || text[0] != c) return false;
  text.remove_prefix(1);
  return true;
}

unsigned days_in(int year, unsigned month) noexcept {
  static constexpr unsigned char days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return month == 2 && leap ? 29U : days[month - 1];
}

bool take_date(std::string_view& text, Date& out) noexcept {
  unsigned year = 0;
  if (!take_digits(text, 4, year) || !take(text, '-') || !take_digits(text, 2, out.month) || !take(text, '-') ||
      !take_digits(text, 2, out.day)) {
    return false;
  }
  out.year = static_cast<int>(year);
  return out.month >= 1 && out.month <= 12 && out.day >= 1 && out.day <= days_in(out.year, out.month);
}

/// Digits of a fraction as nanoseconds; more than nine are read and dropped. At least one is needed.
bool take_fraction(std::string_view& text, std::uint32_t& nanoseconds) noexcept {
  std::uint32_t scale = 100'000'000;
  nanoseconds = 0;
  if (text.empty() || !digit(text[0])) return false;
  while (!text.empty() && digit(text[0])) {
    nanoseconds += static_cast<std::uint32_t>(text[0] - '0') * scale;
    scale /= 10;
    text.remove_prefix(1);
  }
  return true;
}

bool split(Wide total, std::int64_t& seconds, std::uint32_t& nanoseconds) noexcept {
  Wide whole = total / billion;
  Wide rest = total % billion;
  if (rest < 0) {
    rest += billion;
    --whole;
  }
  if (whole < std::numeric_limits<std::int64_t>::min() || whole > std::numeric_limits<std::int64_t>::max())
    return false;
  seconds = static_cast<std::int64_t>(whole);
  nanoseconds = static_cast<std::uint32_t>(rest);
  return true;
}

/// "12" or "1.5" at the front, in billionths.
bool take_amount(std::string_view& text, Wide& billionths) noexcept {
  std::uint64_t whole = 0;
  unsigned digits = 0;
  while (!text.empty() && digit(text[0])) {
    if (++digits > 18) return false;
    whole = whole * 10 + static_cast<std::uint64_t>(text[0] - '0');
    text.remove_prefix(1);
  }
  if (digits == 0) return false;
  std::uint32_t fraction = 0;
  if (take(text, '.') && !take_fraction(text, fraction)) return false;
  billionths = static_cast<Wide>(whole) * billion + fraction;
  return true;
}

struct Unit {
  std::string_view name;
  Wide nanoseconds;
};
/// `text` as amounts with the given units, each at most once and in their order.
bool take_units(std::string_view& text, const Unit* units, std::size_t count, char stop, Wide& total) noexcept {
  std::size_t next = 0;
  while (!text.empty() && text[0] != stop) {
    Wide amount = 0;
    if (!take_amount(text, amount)) return false;
    std::size_t found = count;
    for (std::size_t i = next; i < count; ++i) {
      if (text.starts_with(units[i].name) && (found == count || units[i].name.size() > units[found].name.size()))
        found = i;
    }
    if (found == count) return false;
    text.remove_prefix(units[found].name.size());
    total += amount * units[found].nanoseconds / billion;
    next = found + 1;
  }
  return next != 0;
}

constexpr Unit iso_days[] = {{"D", Wide{86400} * billion}};
constexpr Unit iso_times[] = {{"H", Wide{3600} * billion}, {"M", Wide{60} * billion}, {"S", Wide{billion}}};
constexpr Unit go_units[] = {{"d", Wide{86400} * billion},
                             {"h", Wide{3600} * billion},
                             {"m", Wide{60} * billion},
                             {"s", Wide{billion}},
                             {"ms", 1'000'000},
                             {"us", 1000},
                             {"ns", 1}};

char* put_padded(char* to, unsigned value, unsigned width) noexcept {
  for (unsigned i = width; i > 0; --i) {
    to[i - 1] = static_cast<char>('0' + value % 10);
    value /= 10;
  }
  return to + width;
}

}  // namespace

// Both conversions count years from March, so that the leap day is the last of a year (a well-known arithmetic, e.g.
// in E. G. Richards, "Mapping Time").
std::int64_t days_of(Date date) noexcept {
  const std::int64_t year = date.year - (date.month <= 2 ? 1 : 0);
  const std::int64_t era = (year >= 0 ? year : year - 399) / 400;
  const std::int64_t year_of_era = year - era * 400;
  const std::int64_t month = (date.month + 9) % 12;
  const std::int64_t day_of_year = (153 * month + 2) / 5 + date.day - 1;
  return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

Date date_of(std::int64_t days) noexcept {
  days += 719468;
  const std::int64_t era = (days >= 0 ? days : days - 146096) / 146097;
  const std::int64_t day_of_era = days - era * 146097;
  const std::int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  const std::int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const std::int64_t month = (5 * day_of_year + 2) / 153;
  Date out;
  out.day = static_cast<unsigned>(day_of_year - (153 * month + 2) / 5 + 1);
  out.month = static_cast<unsigned>(month < 10 ? month + 3 : month - 9);
  out.year = static_cast<int>(year_of_era + era * 400 + (out.month <= 2 ? 1 : 0));
  return out;
}

bool parse_date(std::string_view text, Date& out) noexcept {
  return take_date(text, out) && text.empty();
}

bool parse_timestamp(std::string_view text, std::int64_t& seconds, std::uint32_t& nanoseconds) noexcept {
  Date date;
  unsigned hour = 0;
  unsigned minute = 0;
  unsigned second = 0;
  if (!take_date(text, date) || text.empty() || (text[0] != 'T' && text[0] != 't' && text[0] != ' ')) return false;
  text.remove_prefix(1);
  if (!take_digits(text, 2, hour) || !take(text, ':') || !take_digits(text, 2, minute) || !take(text, ':') ||
      !take_digits(text, 2, second) || hour > 23 || minute > 59 || second > 60) {
    return false;
  }
  nanoseconds = 0;
  if (take(text, '.') && !take_fraction(text, nanoseconds)) return false;
  std::int64_t offset = 0;
  if (!take(text, 'Z') && !take(text, 'z')) {
    if (text.empty() || (text[0] != '+' && text[0] != '-')) return false;
    const bool west = text[0] == '-';
    text.remove_prefix(1);
    unsigned hours = 0;
    unsigned minutes = 0;
    if (!take_digits(text, 2, hours) || !take(text, ':') || !take_digits(text, 2, minutes) || hours > 23 ||
        minutes > 59) {
      return false;
    }
    offset = static_cast<std::int64_t>(hours * 3600 + minutes * 60) * (west ? -1 : 1);
  }
  if (!text.empty()) return false;
  if (second == 60) second = 59;
  seconds = days_of(date) * 86400 + static_cast<std::int64_t>(hour * 3600 + minute * 60 + second) - offset;
  return true;
}

bool parse_duration(std::string_view text, std::int64_t& seconds, std::uint32_t& nanoseconds) noexcept {
  const bool negative = take(text, '-');
  Wide total = 0;
  if (take(text, 'P')) {
    if (text.empty()) return false;
    if (text[0] != 'T' && !take_units(text, iso_days, 1, 'T', total)) return false;
    if (take(text, 'T') && !take_units(text, iso_times, 3, '\0', total)) return false;
  } else if (text != "0" && !take_units(text, go_units, 7, '\0', total)) {
    return false;
  } else if (text == "0") {
    text = {};
  }
  return text.empty() && split(negative ? -total : total, seconds, nanoseconds);
}

char* print_date(char* to, Date date) noexcept {
  if (date.year >= 0 && date.year <= 9999) {
    to = put_padded(to, static_cast<unsigned>(date.year), 4);
  } else {
    to = std::to_chars(to, to + 16, date.year).ptr;
  }
  *to++ = '-';
  to = put_padded(to, date.month, 2);
  *to++ = '-';
  return put_padded(to, date.day, 2);
}

char* print_timestamp(char* to, std::int64_t seconds, std::uint32_t nanoseconds, unsigned fraction_digits) noexcept {
  std::int64_t days = seconds / 86400;
  std::int64_t rest = seconds % 86400;
  if (rest < 0) {
    rest += 86400;
    --days;
  }
  const auto of_day = static_cast<unsigned>(rest);
  to = print_date(to, date_of(days));
  *to++ = 'T';
  to = put_padded(to, of_day / 3600, 2);
  *to++ = ':';
  to = put_padded(to, of_day / 60 % 60, 2);
  *to++ = ':';
  to = put_padded(to, of_day % 60, 2);
  if (fraction_digits > 0) {
    for (unsigned i = fraction_digits; i < 9; ++i) nanoseconds /= 10;
    *to++ = '.';
    to = put_padded(to, nanoseconds, fraction_digits);
  }
  *to++ = 'Z';
  return to;
}

char* print_duration(char* to, std::int64_t seconds, std::uint32_t nanoseconds) noexcept {
  Wide total = static_cast<Wide>(seconds) * billion + nanoseconds;
  if (total < 0) {
    *to++ = '-';
    total = -total;
  }
  *to++ = 'P';
  *to++ = 'T';
  to = std::to_chars(to, to + 24, static_cast<std::uint64_t>(total / billion)).ptr;
  if (auto fraction = static_cast<unsigned>(total % billion); fraction != 0) {
    *to++ = '.';
    unsigned width = 9;
    for (; fraction % 10 == 0; --width) fraction /= 10;
    to = put_padded(to, fraction, width);
  }
  *to++ = 'S';
  return to;
}

bool to_count(std::int64_t seconds, std::uint32_t nanoseconds, std::int64_t num, std::int64_t den, unsigned bytes,
              std::int64_t& count) noexcept {
  // seconds · den stays below 2^63 · 10^9 < 2^94.
  const Wide total = static_cast<Wide>(seconds) * den * 1 + static_cast<Wide>(nanoseconds) * den / billion;
  Wide units = total / num;
  if (total % num < 0) --units;
  const Wide largest = bytes >= 8 ? Wide{std::numeric_limits<std::int64_t>::max()} : (Wide{1} << (8 * bytes - 1)) - 1;
  if (units > largest || units < -largest - 1) return false;
  count = static_cast<std::int64_t>(units);
  return true;
}

void from_count(std::int64_t count, std::int64_t num, std::int64_t den, std::int64_t& seconds,
                std::uint32_t& nanoseconds) noexcept {
  const Wide scaled = static_cast<Wide>(count) * num;
  Wide whole = scaled / den;
  Wide rest = scaled % den;
  if (rest < 0) {
    rest += den;
    --whole;
  }
  seconds = static_cast<std::int64_t>(whole);
  nanoseconds = static_cast<std::uint32_t>(rest * billion / den);
}

}  // namespace weir::json::detail
