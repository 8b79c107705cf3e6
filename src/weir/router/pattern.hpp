// Route patterns: how "/users/{id:int}/files/{rest*}" is written, and a reader that also works at compile time.
//
//   /users/new               literal text; %XX stands for a byte ("/a%20b", "/%7Bx%7D")
//   /users/{id}              one segment, not empty
//   /users/{id:int}          one segment that is an int, uint, bool, uuid (or guid), float, alpha, date or datetime
//   /items/{n:range(1,100)}  min(n), max(n), range(a,b): a whole number within bounds
//   /codes/{c:len(8)}        len(n), minLen(n), maxLen(n), betweenLen(a,b): bounds of the length in bytes
//   /pics/{file:[a-z]+\.png} an RE2 expression that the whole segment must match
//   /img-{id}.png            literal text around a placeholder, one placeholder a segment
//   /users/{id}:activate     a verb, behind the placeholder of the last segment
//   /files/{rest*}           the rest of the path, which may be empty: "/files/" and "/files/a/b", not "/files"
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>

namespace weir {

inline constexpr std::size_t max_pattern_length = 2048;
inline constexpr std::size_t max_pattern_segments = 64;
/// Placeholders of one route, those of its host included.
inline constexpr std::size_t max_route_params = 16;

/// What a placeholder accepts. The order is the order of precedence: of two placeholders at one place, the one that
/// stands first here is tried first (after the one with more literal text around it).
enum class ParamKind : std::uint8_t {
  boolean,           ///< true, false
  unsigned_integer,  ///< decimal digits, fits 64 bits
  integer,           ///< an optional minus and decimal digits, fits 64 bits
  uuid,              ///< 8-4-4-4-12 hexadecimal digits (RFC 9562 section 4)
  date,              ///< full-date of RFC 3339: 2024-02-29
  datetime,          ///< date-time of RFC 3339: 2024-02-29T12:00:00Z
  floating,          ///< a decimal number, maybe with an exponent; no infinity, no NaN
  alpha,             ///< ASCII letters
  regex,             ///< RE2, the whole segment
  text,              ///< anything but the empty segment
  tail,              ///< the rest of the path
};

constexpr std::string_view to_string(ParamKind kind) noexcept {
  constexpr std::array<std::string_view, 11> names{"bool",  "uint",  "int",   "uuid", "date", "datetime",
                                                   "float", "alpha", "regex", "text", "tail"};
  return names[static_cast<std::size_t>(kind)];
}

/// What stands behind the colon of a placeholder. `min` and `max` bound the value of an integer and the length of a
/// text; they are the limits of the type where the pattern says nothing.
struct ParamConstraint {
  ParamKind kind = ParamKind::text;
  std::string_view regex;
  std::int64_t min = std::numeric_limits<std::int64_t>::min();
  std::int64_t max = std::numeric_limits<std::int64_t>::max();

  constexpr bool operator==(const ParamConstraint&) const = default;
};

/// One segment of a pattern. All views point into the pattern.
struct PatternSegment {
  bool literal = true;
  bool last = false;
  std::string_view text;    ///< The literal segment, or the literal text before the placeholder. Not percent-decoded.
  std::string_view name;    ///< The placeholder's name.
  std::string_view suffix;  ///< The literal text behind the placeholder; a verb starts with ':'.
  ParamConstraint constraint;

  [[nodiscard]] constexpr bool has_verb() const noexcept { return suffix.starts_with(':'); }
};

/// Reads a pattern segment by segment: `while (reader.next(segment)) …`, then look at error(). Usable in constant
/// expressions. The pattern must outlive the reader and the segments.
class PatternReader {
 public:
  constexpr explicit PatternReader(std::string_view pattern) noexcept : text_(pattern) {
    if (pattern.empty() || pattern.front() != '/') fail("a pattern starts with '/'", 0);
    if (pattern.size() > max_pattern_length) fail("the pattern is longer than 2048 bytes", max_pattern_length);
  }

  /// False at the end of the pattern and at an error.
  constexpr bool next(PatternSegment& out) noexcept {
    if (!error_.empty() || at_ == text_.size()) return false;
    const auto begin = ++at_;
    if (++segments_ > max_pattern_segments) return fail("the pattern has more than 64 segments", begin);
    out = {};
    out.text = read_literal();
    out.literal = at_ == text_.size() || text_[at_] == '/';
    if (!error_.empty()) return false;
    if (!out.literal && (!read_placeholder(out) || !read_suffix(out))) return false;
    out.last = at_ == text_.size();
    return check(out, begin);
  }

  /// What is wrong with the pattern (static text), or empty.
  [[nodiscard]] constexpr std::string_view error() const noexcept { return error_; }
  /// The offset in the pattern where the error was found.
  [[nodiscard]] constexpr std::size_t error_at() const noexcept { return error_at_; }

 private:
  constexpr bool fail(std::string_view message, std::size_t at) noexcept {
    if (error_.empty()) {
      error_ = message;
      error_at_ = at;
    }
    return false;
  }

  static constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
  static constexpr bool is_word(char c) noexcept {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  }
  static constexpr bool is_hex(char c) noexcept {
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
  }

  /// Up to '/', '{' or the end.
  constexpr std::string_view read_literal() noexcept {
    const auto begin = at_;
    for (; at_ < text_.size() && text_[at_] != '/' && text_[at_] != '{'; ++at_) {
      const char c = text_[at_];
      const auto byte = static_cast<unsigned char>(c);
      if (c == '}')
        fail("'}' without '{' (a literal one is written %7D)", at_);
      else if (c == '?' || c == '#')
        fail("a pattern has no query and no fragment", at_);
      else if (byte <= ' ' || byte == 0x7f || c == '\\')
        fail("this character must be written as %XX", at_);
      else if (c == '%' && !escape_at(at_))
        fail("'%' must be followed by two hexadecimal digits, not 00", at_);
    }
    return text_.substr(begin, at_ - begin);
  }

  constexpr bool escape_at(std::size_t at) const noexcept {
    if (at + 2 >= text_.size() || !is_hex(text_[at + 1]) || !is_hex(text_[at + 2])) return false;
    return text_[at + 1] != '0' || text_[at + 2] != '0';
  }

  /// "{name}", "{name:constraint}" or "{name*}".
  constexpr bool read_placeholder(PatternSegment& out) noexcept {
    const auto open = at_++;
    const auto begin = at_;
    while (at_ < text_.size() && (is_word(text_[at_]) || text_[at_] == '-' || text_[at_] == '.')) ++at_;
    out.name = text_.substr(begin, at_ - begin);
    if (out.name.empty()) return fail("a placeholder needs a name of letters, digits, '_', '-' or '.'", begin);
    if (at_ == text_.size()) return fail("'{' without '}'", open);
    if (text_[at_] == '*') {
      out.constraint.kind = ParamKind::tail;
      ++at_;
    } else if (text_[at_] == ':') {
      const auto from = ++at_;
      if (!skip_constraint(open)) return false;
      if (!read_constraint(text_.substr(from, at_ - from), from, out.constraint)) return false;
    }
    if (at_ == text_.size()) return fail("'{' without '}'", open);
    if (text_[at_] != '}') return fail("expected '}', ':' or '*' behind the placeholder's name", at_);
    ++at_;
    return true;
  }

  /// Moves to the '}' that ends the constraint. A regular expression may hold braces, escapes and classes.
  constexpr bool skip_constraint(std::size_t open) noexcept {
    std::size_t depth = 0;
    bool in_class = false;
    for (; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (c == '/') return fail("a constraint cannot hold '/': it sees one segment", at_);
      if (c == '\\' && at_ + 1 < text_.size() && text_[at_ + 1] != '/')
        ++at_;
      else if (in_class)
        in_class = c != ']';
      else if (c == '[')
        in_class = true;
      else if (c == '{')
        ++depth;
      else if (c == '}' && depth-- == 0)
        return true;
    }
    return fail("'{' without '}'", open);
  }

  /// A bare word is the name of a kind, word(numbers) a bound; anything else is a regular expression.
  constexpr bool read_constraint(std::string_view text, std::size_t at, ParamConstraint& out) noexcept {
    if (text.empty()) return fail("the constraint is empty", at);
    std::size_t word = 0;
    while (word < text.size() && is_word(text[word])) ++word;
    if (word == text.size()) return read_kind(text, at, out);
    std::int64_t numbers[2] = {};
    std::size_t count = 0;
    if (word > 0 && text[word] == '(' && read_numbers(text.substr(word), numbers, count)) {
      return read_bound(text.substr(0, word), numbers, count, at, out);
    }
    out.kind = ParamKind::regex;
    out.regex = text;
    return true;
  }

  constexpr bool read_kind(std::string_view word, std::size_t at, ParamConstraint& out) noexcept {
    if (word == "guid") word = "uuid";
    for (std::uint8_t kind = 0; kind < static_cast<std::uint8_t>(ParamKind::regex); ++kind) {
      out.kind = static_cast<ParamKind>(kind);
      if (word == to_string(out.kind)) return true;
    }
    return fail(
        "unknown constraint: int, uint, bool, uuid, float, alpha, date and datetime exist "
        "(a regular expression that is only a word is written in parentheses)",
        at);
  }

  /// "(12)" or "(-3,12)".
  static constexpr bool read_numbers(std::string_view text, std::int64_t (&numbers)[2], std::size_t& count) noexcept {
    std::size_t at = 1;
    while (count < 2) {
      const bool minus = at < text.size() && text[at] == '-';
      if (minus) ++at;
      const auto first = at;
      std::int64_t value = 0;
      for (; at < text.size() && is_digit(text[at]) && at - first < 18; ++at) value = value * 10 + (text[at] - '0');
      if (at == first || at == text.size()) return false;
      numbers[count++] = minus ? -value : value;
      if (text[at] == ')') return at + 1 == text.size();
      if (text[at++] != ',') return false;
    }
    return false;
  }

  constexpr bool read_bound(std::string_view word, const std::int64_t (&numbers)[2], std::size_t count, std::size_t at,
                            ParamConstraint& out) noexcept {
    const bool of_value = word == "min" || word == "max" || word == "range";
    const bool of_length = word == "len" || word == "minLen" || word == "maxLen" || word == "betweenLen";
    if (!of_value && !of_length) {
      return fail(
          "unknown bound: min, max, range, len, minLen, maxLen and betweenLen exist "
          "(a regular expression of this form is written in parentheses)",
          at);
    }
    const bool two = word == "range" || word == "betweenLen";
    if (count != (two ? 2U : 1U)) return fail("wrong number of arguments", at);
    out.kind = of_value ? ParamKind::integer : ParamKind::text;
    if (word != "max" && word != "maxLen") out.min = numbers[0];
    if (word != "min" && word != "minLen") out.max = numbers[two ? 1 : 0];
    if (out.min > out.max) return fail("the lower bound is above the upper one", at);
    if (of_length && (numbers[0] < 0 || out.max <= 0)) return fail("a length is at least 1", at);
    return true;
  }

  constexpr bool read_suffix(PatternSegment& out) noexcept {
    const auto begin = at_;
    out.suffix = read_literal();
    if (at_ < text_.size() && text_[at_] == '{')
      return fail("one placeholder a segment (a regular expression can do more)", at_);
    if (!out.has_verb()) return error_.empty();
    for (const char c : out.suffix.substr(1)) {
      if (!is_word(c) && c != '-' && c != '.' && c != '~')
        return fail("a verb is letters, digits, '_', '-', '.', '~'", begin);
    }
    if (out.suffix.size() == 1) return fail("the verb behind ':' is empty", begin);
    if (at_ != text_.size()) return fail("a verb stands at the end of the pattern", begin);
    return error_.empty();
  }

  constexpr bool check(const PatternSegment& s, std::size_t begin) noexcept {
    if (!s.literal) {
      if (s.constraint.kind != ParamKind::tail) return true;
      if (!s.last) return fail("a tail stands at the end of the pattern", begin);
      if (!s.text.empty() || (!s.suffix.empty() && !s.has_verb())) return fail("a tail is the whole segment", begin);
      return true;
    }
    if (s.text.empty()) return s.last ? true : fail("an empty segment: slashes are not merged", begin);
    if (s.text.front() == ':') return fail("a placeholder is written {name}, not :name", begin);
    if (s.text.front() == '*') return fail("a tail is written {name*}", begin);
    if (s.text == "." || s.text == "..") return fail("'.' and '..' never reach the router", begin);
    return true;
  }

  std::string_view text_;
  std::string_view error_;
  std::size_t at_ = 0;
  std::size_t error_at_ = 0;
  std::size_t segments_ = 0;
};

struct Placeholder {
  std::string_view name;
  ParamKind kind = ParamKind::text;
};

/// The placeholders of a pattern in order, or what is wrong with it.
struct PatternInfo {
  std::array<Placeholder, max_route_params> placeholders{};
  std::size_t count = 0;
  std::string_view error;  ///< Static text; empty when the pattern is right.
  std::size_t error_at = 0;

  [[nodiscard]] constexpr bool ok() const noexcept { return error.empty(); }
  [[nodiscard]] constexpr const Placeholder* find(std::string_view name) const noexcept {
    for (std::size_t i = 0; i < count; ++i) {
      if (placeholders[i].name == name) return &placeholders[i];
    }
    return nullptr;
  }
};

/// Checks all of a pattern except the syntax of its regular expressions, at compile time if asked to.
constexpr PatternInfo inspect_pattern(std::string_view pattern) noexcept {
  PatternInfo info;
  PatternReader reader(pattern);
  PatternSegment segment;
  while (info.ok() && reader.next(segment)) {
    if (segment.literal) continue;
    info.error_at = pattern.size();
    if (info.count == max_route_params)
      info.error = "more than 16 placeholders";
    else if (info.find(segment.name) != nullptr)
      info.error = "two placeholders have the same name";
    else
      info.placeholders[info.count++] = {segment.name, segment.constraint.kind};
  }
  if (info.ok()) {
    info.error = reader.error();
    info.error_at = reader.error_at();
  }
  return info;
}

}  // namespace weir
