// Tokens and scalars.
#include <cstring>

#include "weir/base/arena.hpp"
#include "weir/json/detail/reader.hpp"
#include "weir/json/detail/string_scan.hpp"
#include "weir/json/detail/utf8.hpp"

namespace weir::json::detail {
namespace {

int hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// Four hexadecimal digits at `p`, or -1. They may run into the closing quote but not over it.
std::int32_t hex4(const char* p) noexcept {
  std::int32_t value = 0;
  for (int i = 0; i < 4; ++i) {
    const int digit = hex_digit(p[i]);
    if (digit < 0) return -1;
    value = value * 16 + digit;
  }
  return value;
}

/// The character that `\c` stands for, or 0.
char simple_escape(char c) noexcept {
  switch (c) {
    case '"':
      return '"';
    case '\\':
      return '\\';
    case '/':
      return '/';
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    default:
      return 0;
  }
}

}  // namespace

bool Reader::string_token(std::string_view& out, Buffer& scratch) {
  const char* const p = token() + 1;
  const char* const q = find_quote_or_backslash(p, end_);
  if (*q != '"') return unescape(p, q, out, scratch);
  out = {p, static_cast<std::size_t>(q - p)};
  value_end_ = q + 1;
  ++at_;
  return true;
}

// RFC 8259 section 7. Half of a surrogate pair alone has no UTF-8 and is refused.
bool Reader::unescape(const char* from, const char* backslash, std::string_view& out, Buffer& scratch) {
  scratch.clear();
  for (;;) {
    scratch.append({from, static_cast<std::size_t>(backslash - from)});
    const char* p = backslash;
    if (*p == '"') break;
    if (p[1] != 'u') {
      const char c = simple_escape(p[1]);
      if (c == 0) return syntax(p + 1, "one of \" \\ / b f n r t u behind a backslash");
      scratch.push_back(c);
      from = p + 2;
    } else {
      std::int32_t c = hex4(p + 2);
      if (c < 0) return syntax(p, "\\u with four hexadecimal digits");
      from = p + 6;
      if (c >= 0xd800 && c < 0xdc00) {
        const std::int32_t low = from[0] == '\\' && from[1] == 'u' ? hex4(from + 2) : -1;
        if (low < 0xdc00 || low > 0xdfff) return syntax(p, "two halves of a surrogate pair");
        c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
        from += 6;
      } else if (c >= 0xdc00 && c < 0xe000) {
        return syntax(p, "two halves of a surrogate pair");
      }
      scratch.advance(put_utf8(scratch.reserve_more(4), static_cast<std::uint32_t>(c)));
    }
    backslash = find_quote_or_backslash(from, end_);
  }
  value_end_ = backslash + 1;
  out = scratch.view();
  ++at_;
  return true;
}

bool Reader::number_token(Number& out) {
  if (!scan_number(token(), end_, out)) return syntax(token(), "a value");
  value_end_ = out.end;
  ++at_;
  return true;
}

bool Reader::literal(std::string_view word) {
  const char* const p = token();
  const auto left = static_cast<std::size_t>(end_ - p);
  if (left < word.size() || std::memcmp(p, word.data(), word.size()) != 0 ||
      (left > word.size() && !ends_scalar(p[word.size()]))) {
    return syntax(p, "a value");
  }
  value_end_ = p + word.size();
  ++at_;
  return true;
}

bool Reader::skip() {
  switch (*token()) {
    case '{':
      return skip_container('}');
    case '[':
      return skip_container(']');
    case '"': {
      std::string_view ignored;
      return string_token(ignored, workspace_.text);
    }
    case 't':
      return literal("true");
    case 'f':
      return literal("false");
    case 'n':
      return literal("null");
    default: {
      Number ignored;
      return number_token(ignored);
    }
  }
}

bool Reader::skip_container(char close) {
  if (!enter()) return false;
  ++at_;
  if (*token() == close) {
    value_end_ = token() + 1;
    ++at_;
    leave();
    return true;
  }
  for (bool more = true; more;) {
    if (close == '}') {
      if (*token() != '"') return syntax(token(), "a name in double quotes");
      std::string_view ignored;
      if (!string_token(ignored, workspace_.text)) return false;
      if (*token() != ':') return syntax(token(), "':' behind a name");
      ++at_;
    }
    if (!skip() || !next(close, more)) return false;
  }
  value_end_ = text_ + at_[-1] + 1;
  leave();
  return true;
}

bool Reader::null(const TypeInfo& type, const Path& path) {
  return *token() == 'n' ? literal("null") : mismatch(type, path);
}

bool Reader::boolean(const TypeInfo& type, void* out, const Path& path) {
  const char first = *token();
  if (first != 't' && first != 'f') return mismatch(type, path);
  *static_cast<bool*>(out) = first == 't';
  return literal(first == 't' ? "true" : "false");
}

bool Reader::integer(const TypeInfo& type, void* out, const Path& path) {
  const char first = *token();
  if (!is_digit(first) && first != '-') return mismatch(type, path);
  Number number;
  if (!number_token(number)) return false;
  std::uint64_t value = 0;
  switch (to_integer(number, type.is_signed, type.size, value)) {
    case IntegerStatus::ok:
      store_integer(out, type.size, value);
      return true;
    case IntegerStatus::not_integer:
      failed(path, "type", "must be an integer, not a number with a fraction");
      return true;
    case IntegerStatus::out_of_range:
      failed(path, "range", "must be " + integer_range(type));
      return true;
  }
  return true;
}

bool Reader::floating(const TypeInfo& type, void* out, const Path& path) {
  const char first = *token();
  if (!is_digit(first) && first != '-') return mismatch(type, path);
  Number number;
  if (!number_token(number)) return false;
  const bool fits = type.size == sizeof(double) ? to_double(number, *static_cast<double*>(out))
                                                : to_float(number, *static_cast<float*>(out));
  if (!fits)
    failed(path, "range",
           type.size == sizeof(double) ? "must be a number up to 1.7e308" : "must be a number up to 3.4e38");
  return true;
}

bool Reader::string(const TypeInfo& type, void* out, const Path& path) {
  if (*token() != '"') return mismatch(type, path);
  std::string_view text;
  if (!string_token(text, workspace_.text)) return false;
  static_cast<std::string*>(out)->assign(text);
  return true;
}

bool Reader::string_view(const TypeInfo& type, void* out, const Path& path) {
  if (*token() != '"') return mismatch(type, path);
  std::string_view text;
  if (!string_token(text, workspace_.text)) return false;
  const bool in_document = text.data() >= document_.data() && text.data() <= document_.data() + document_.size();
  if (!in_document && !text.empty()) {
    if (options_.arena == nullptr) {
      return limit(Errc::failed_precondition,
                   "a std::string_view member got a text with escapes and ReadOptions::arena is not set");
    }
    text = options_.arena->copy(text);
  }
  *static_cast<std::string_view*>(out) = text;
  return true;
}

bool Reader::text_like(const TypeInfo& type, void* out, const Path& path) {
  if (*token() != '"') return mismatch(type, path);
  std::string_view text;
  if (!string_token(text, workspace_.text)) return false;
  TextFailure failure = parse_text(type, text, out);
  if (!failure.rule.empty()) failed(path, failure.rule, std::move(failure.message));
  return true;
}

}  // namespace weir::json::detail
