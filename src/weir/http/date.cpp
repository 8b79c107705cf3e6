#include "weir/http/date.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>

#include "weir/http/chars.hpp"

namespace weir::http {
namespace {

constexpr std::string_view days = "SunMonTueWedThuFriSat";
constexpr std::array<std::string_view, 7> long_days = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                       "Thursday", "Friday", "Saturday"};
constexpr std::string_view months = "JanFebMarAprMayJunJulAugSepOctNovDec";
constexpr std::int64_t day_seconds = 86400;
constexpr std::int64_t first_second = -62167219200;  // 0000-01-01T00:00:00
constexpr std::int64_t last_second = 253402300799;   // 9999-12-31T23:59:59

void put2(char* to, unsigned value) noexcept {
  to[0] = static_cast<char>('0' + value / 10);
  to[1] = static_cast<char>('0' + value % 10);
}

// A cursor over a text of fixed parts; `ok` turns false at the first part that is not there.
struct Reader {
  std::string_view rest;
  bool ok = true;

  void expect(std::string_view text) noexcept {
    ok = ok && rest.starts_with(text);
    if (ok) rest.remove_prefix(text.size());
  }
  unsigned number(std::size_t digits) noexcept {
    ok = ok && rest.size() >= digits;
    if (!ok) return 0;
    unsigned value = 0;
    for (std::size_t i = 0; i < digits; ++i) {
      ok = ok && chars::is(rest[i], chars::digit);
      value = value * 10 + static_cast<unsigned>(rest[i] - '0');
    }
    rest.remove_prefix(digits);
    return value;
  }
  // The index of the three letters at the front in a text of such names.
  unsigned name3(std::string_view names) noexcept {
    ok = ok && rest.size() >= 3;
    if (!ok) return 0;
    for (std::size_t i = 0; i < names.size(); i += 3) {
      if (rest.starts_with(names.substr(i, 3))) {
        rest.remove_prefix(3);
        return static_cast<unsigned>(i / 3);
      }
    }
    ok = false;
    return 0;
  }
};

struct Fields {
  int year = 0;
  unsigned month = 0, day = 0, hour = 0, minute = 0, second = 0;
};

void read_time(Reader& reader, Fields& f) noexcept {
  f.hour = reader.number(2);
  reader.expect(":");
  f.minute = reader.number(2);
  reader.expect(":");
  f.second = reader.number(2);
}

std::optional<std::int64_t> to_seconds(const Reader& reader, const Fields& f) noexcept {
  using namespace std::chrono;
  if (!reader.ok || !reader.rest.empty()) return std::nullopt;
  const year_month_day date{year{f.year}, month{f.month}, day{f.day}};
  if (!date.ok() || f.hour > 23 || f.minute > 59 || f.second > 60) return std::nullopt;  // 60: a leap second
  return sys_days{date}.time_since_epoch().count() * day_seconds + f.hour * 3600 + f.minute * 60 + f.second;
}

// "Sun, 06 Nov 1994 08:49:37 GMT"
std::optional<std::int64_t> parse_fixdate(std::string_view text) noexcept {
  Reader r{text};
  Fields f;
  r.name3(days);
  r.expect(", ");
  f.day = r.number(2);
  r.expect(" ");
  f.month = r.name3(months) + 1;
  r.expect(" ");
  f.year = static_cast<int>(r.number(4));
  r.expect(" ");
  read_time(r, f);
  r.expect(" GMT");
  return to_seconds(r, f);
}

// "Sunday, 06-Nov-94 08:49:37 GMT"
std::optional<std::int64_t> parse_rfc850(std::string_view text, std::int64_t now) noexcept {
  const auto known =
      std::find_if(long_days.begin(), long_days.end(), [&](std::string_view d) { return text.starts_with(d); });
  if (known == long_days.end()) return std::nullopt;
  Reader r{text.substr(known->size())};
  Fields f;
  r.expect(", ");
  f.day = r.number(2);
  r.expect("-");
  f.month = r.name3(months) + 1;
  r.expect("-");
  const auto two_digits = static_cast<int>(r.number(2));
  r.expect(" ");
  read_time(r, f);
  r.expect(" GMT");
  using namespace std::chrono;
  const int this_year = static_cast<int>(year_month_day{sys_days{std::chrono::days{now / day_seconds}}}.year());
  f.year = this_year / 100 * 100 + two_digits;
  if (f.year > this_year + 50) f.year -= 100;
  return to_seconds(r, f);
}

// "Sun Nov  6 08:49:37 1994"
std::optional<std::int64_t> parse_asctime(std::string_view text) noexcept {
  Reader r{text};
  Fields f;
  r.name3(days);
  r.expect(" ");
  f.month = r.name3(months) + 1;
  r.expect(" ");
  if (r.rest.starts_with(' ')) {
    r.expect(" ");
    f.day = r.number(1);
  } else {
    f.day = r.number(2);
  }
  r.expect(" ");
  read_time(r, f);
  r.expect(" ");
  f.year = static_cast<int>(r.number(4));
  return to_seconds(r, f);
}

}  // namespace

DateText format_date(std::int64_t unix_seconds) noexcept {
  using namespace std::chrono;
  const std::int64_t seconds = std::clamp(unix_seconds, first_second, last_second);
  const std::int64_t day_number = (seconds - (seconds < 0 ? day_seconds - 1 : 0)) / day_seconds;
  const auto rest = static_cast<unsigned>(seconds - day_number * day_seconds);
  const sys_days date{std::chrono::days{day_number}};
  const year_month_day ymd{date};
  const auto year = static_cast<unsigned>(static_cast<int>(ymd.year()));
  DateText text;
  char* to = text.text_.data();
  std::memcpy(to, "Sun, 06 Nov 1994 08:49:37 GMT", date_size);
  std::memcpy(to, days.data() + weekday{date}.c_encoding() * 3, 3);
  put2(to + 5, static_cast<unsigned>(ymd.day()));
  std::memcpy(to + 8, months.data() + (static_cast<unsigned>(ymd.month()) - 1) * 3, 3);
  put2(to + 12, year / 100);
  put2(to + 14, year % 100);
  put2(to + 17, rest / 3600);
  put2(to + 20, rest / 60 % 60);
  put2(to + 23, rest % 60);
  return text;
}

std::optional<std::int64_t> parse_date(std::string_view text, std::int64_t now_unix_seconds) noexcept {
  if (text.size() == date_size && text[3] == ',') return parse_fixdate(text);
  if (text.size() == 24) return parse_asctime(text);
  return parse_rfc850(text, std::clamp(now_unix_seconds, first_second, last_second));
}

}  // namespace weir::http
