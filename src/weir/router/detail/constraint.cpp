#include "weir/router/detail/constraint.hpp"

#include <charconv>
#include <cstdint>
#include <system_error>
#include <utility>

#include <re2/re2.h>

namespace weir::router {
namespace {

constexpr bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}
constexpr bool is_alpha(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
constexpr bool is_hex(char c) noexcept {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

template <class T>
bool parses(std::string_view text, T& value) noexcept {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

bool is_uuid(std::string_view text) noexcept {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[i] != '-' : !is_hex(text[i])) return false;
  }
  return true;
}

bool is_float(std::string_view text) noexcept {
  double value = 0;
  // from_chars also reads "inf" and "nan".
  const char first = text.front() == '-' && text.size() > 1 ? text[1] : text.front();
  return (is_digit(first) || first == '.') && parses(text, value);
}

/// `count` digits at `at`, or -1.
int digits(std::string_view text, std::size_t at, std::size_t count) noexcept {
  int value = 0;
  if (at + count > text.size()) return -1;
  for (std::size_t i = at; i < at + count; ++i) {
    if (!is_digit(text[i])) return -1;
    value = value * 10 + (text[i] - '0');
  }
  return value;
}

bool is_date(std::string_view text) noexcept {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return false;
  const int year = digits(text, 0, 4);
  const int month = digits(text, 5, 2);
  const int day = digits(text, 8, 2);
  if (year < 0 || month < 1 || month > 12 || day < 1) return false;
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  const int days = month == 2 ? (leap ? 29 : 28) : (month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31);
  return day <= days;
}

bool within(int value, int low, int high) noexcept {
  return value >= low && value <= high;
}

/// RFC 3339 section 5.6, with 'T' and 'Z' in capitals only.
bool is_datetime(std::string_view text) noexcept {
  if (text.size() < 20 || !is_date(text.substr(0, 10)) || text[10] != 'T' || text[13] != ':' || text[16] != ':') {
    return false;
  }
  if (!within(digits(text, 11, 2), 0, 23) || !within(digits(text, 14, 2), 0, 59) ||
      !within(digits(text, 17, 2), 0, 60)) {
    return false;
  }
  std::size_t at = 19;
  if (text[at] == '.') {
    const auto first = ++at;
    while (at < text.size() && is_digit(text[at])) ++at;
    if (at == first) return false;
  }
  const auto zone = text.substr(at);
  if (zone == "Z") return true;
  return zone.size() == 6 && (zone[0] == '+' || zone[0] == '-') && within(digits(zone, 1, 2), 0, 23) &&
         zone[3] == ':' && within(digits(zone, 4, 2), 0, 59);
}

}  // namespace

LazyRegex::LazyRegex(std::string expression, std::size_t max_length, int max_program)
    : expression_(std::move(expression)), max_length_(max_length), max_program_(max_program) {}

LazyRegex::~LazyRegex() = default;

std::unique_ptr<re2::RE2> LazyRegex::compile() const {
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_never_capture(true);
  options.set_max_mem(1 << 20);  // bytes, for the program and the states of its automaton
  return std::make_unique<re2::RE2>(expression_, options);
}

std::string LazyRegex::problem() const {
  if (expression_.size() > max_length_) {
    return "the regular expression is longer than " + std::to_string(max_length_) + " bytes";
  }
  const auto program = compile();
  if (!program->ok()) return "the regular expression is wrong: " + program->error();
  if (program->ProgramSize() > max_program_) {
    return "the regular expression is too complex: its program has " + std::to_string(program->ProgramSize()) +
           " instructions, the limit is " + std::to_string(max_program_);
  }
  return {};
}

bool LazyRegex::matches(std::string_view text) const {
  std::call_once(once_, [this] { program_ = compile(); });
  return program_->ok() && re2::RE2::FullMatch(re2::StringPiece(text.data(), text.size()), *program_);
}

bool satisfies(const ParamConstraint& constraint, std::string_view value) noexcept {
  switch (constraint.kind) {
    case ParamKind::boolean:
      return value == "true" || value == "false";
    case ParamKind::unsigned_integer: {
      std::uint64_t number = 0;
      return parses(value, number);
    }
    case ParamKind::integer: {
      std::int64_t number = 0;
      return parses(value, number) && number >= constraint.min && number <= constraint.max;
    }
    case ParamKind::uuid:
      return is_uuid(value);
    case ParamKind::date:
      return is_date(value);
    case ParamKind::datetime:
      return is_datetime(value);
    case ParamKind::floating:
      return is_float(value);
    case ParamKind::alpha: {
      for (const char c : value) {
        if (!is_alpha(c)) return false;
      }
      return true;
    }
    case ParamKind::text: {
      const auto length = static_cast<std::int64_t>(value.size());
      return length >= constraint.min && length <= constraint.max;
    }
    case ParamKind::regex:
    case ParamKind::tail:
      return true;
  }
  return false;
}

}  // namespace weir::router
