#include "weir/http/uri.hpp"

#include <cstdint>
#include <cstring>

#include "weir/http/chars.hpp"

namespace weir::http {
namespace {

// The byte that "%XX" at the front of `text` stands for; nothing when it is none.
std::optional<char> escaped_byte(std::string_view text) noexcept {
  if (text.size() < 3 || text[0] != '%') return std::nullopt;
  const unsigned high = chars::hex_value(text[1]);
  const unsigned low = chars::hex_value(text[2]);
  if (high > 15 || low > 15) return std::nullopt;
  return static_cast<char>(high << 4 | low);
}

// The next decoded byte of a form text, and drops what it was made of.
char next_form_byte(std::string_view& raw) noexcept {
  if (const auto byte = escaped_byte(raw)) {
    raw.remove_prefix(3);
    return *byte;
  }
  const char c = raw.front();
  raw.remove_prefix(1);
  return c == '+' ? ' ' : c;
}

}  // namespace

Result<std::string_view> decode_percent(std::string_view text, Arena& arena) {
  const std::size_t first = text.find('%');
  if (first == std::string_view::npos) return text;
  char* const to = static_cast<char*>(arena.bump(text.size(), 1));
  std::memcpy(to, text.data(), first);
  std::size_t n = first;
  for (std::size_t i = first; i < text.size(); ++n) {
    if (text[i] != '%') {
      to[n] = text[i++];
      continue;
    }
    const auto byte = escaped_byte(text.substr(i));
    if (!byte) return fail(Errc::invalid_argument, "'%' is not followed by two hexadecimal digits");
    if (*byte == '\0') return fail(Errc::invalid_argument, "a percent-encoded NUL is not allowed");
    to[n] = *byte;
    i += 3;
  }
  return std::string_view(to, n);
}

std::string_view decode_form(std::string_view text, Arena& arena) {
  if (text.find_first_of("%+") == std::string_view::npos) return text;
  char* const to = static_cast<char*>(arena.bump(text.size(), 1));
  std::size_t n = 0;
  while (!text.empty()) to[n++] = next_form_byte(text);
  return {to, n};
}

bool equals_decoded(std::string_view raw, std::string_view plain) noexcept {
  for (const char c : plain) {
    if (raw.empty() || next_form_byte(raw) != c) return false;
  }
  return raw.empty();
}

void encode_percent(std::string_view text, Keep keep, Buffer& out) {
  static constexpr char digits[] = "0123456789ABCDEF";
  static constexpr std::string_view reserved = ":/?#[]@!$&'()*+,;=%";
  char* to = out.reserve_more(text.size() * 3);
  char* const start = to;
  for (const char c : text) {
    const bool plain = chars::is(c, chars::unreserved) || (keep == Keep::slashes && c == '/') ||
                       (keep == Keep::uri && reserved.find(c) != std::string_view::npos);
    if (plain) {
      *to++ = c;
      continue;
    }
    const auto byte = static_cast<std::uint8_t>(c);
    *to++ = '%';
    *to++ = digits[byte >> 4];
    *to++ = digits[byte & 15];
  }
  out.advance(static_cast<std::size_t>(to - start));
}

std::optional<std::string_view> QueryView::get(std::string_view name, Arena& arena) const {
  for (const QueryParameter parameter : *this) {
    if (equals_decoded(parameter.name, name)) return decode_form(parameter.value, arena);
  }
  return std::nullopt;
}

bool QueryView::has(std::string_view name) const noexcept {
  for (const QueryParameter parameter : *this) {
    if (equals_decoded(parameter.name, name)) return true;
  }
  return false;
}

namespace {

// 1 for ".", 2 for "..", 0 for anything else.
unsigned dots(std::string_view segment) noexcept {
  unsigned n = 0;
  while (!segment.empty()) {
    if (segment.front() == '.') {
      segment.remove_prefix(1);
    } else if (segment.size() >= 3 && escaped_byte(segment) == '.') {
      segment.remove_prefix(3);
    } else {
      return 0;
    }
    if (++n > 2) return 0;
  }
  return n;
}

// The segment at the front of `rest` (behind its '/'), which is dropped with the '/' that ends it.
std::string_view next_segment(std::string_view& rest, bool& ended_by_slash) noexcept {
  const std::size_t slash = rest.find('/');
  ended_by_slash = slash != std::string_view::npos;
  const std::string_view segment = rest.substr(0, slash);
  rest.remove_prefix(ended_by_slash ? slash + 1 : rest.size());
  return segment;
}

}  // namespace

bool has_dot_segments(std::string_view path) noexcept {
  // Such a segment begins with a dot or with one in an escape; most paths have neither behind a slash.
  const auto may_be_dot = [path](std::size_t i) { return path[i] == '.' || path[i] == '%'; };
  bool possible = !path.empty() && may_be_dot(0);
  for (std::size_t i = 1; i < path.size(); ++i) {
    if (path[i - 1] == '/' && may_be_dot(i)) possible = true;
  }
  if (!possible) return false;
  bool more = true;
  while (more) {
    if (dots(next_segment(path, more)) != 0) return true;
  }
  return false;
}

std::string_view remove_dot_segments(std::string_view path, Arena& arena) {
  if (!has_dot_segments(path)) return path;
  char* const to = static_cast<char*>(arena.bump(path.size() + 1, 1));
  std::size_t n = 0;
  std::string_view rest = path;
  if (rest.starts_with('/')) rest.remove_prefix(1);
  bool more = true;
  // Invariant: `to` is empty or a path of segments that each begin with '/'.
  while (more) {
    const std::string_view segment = next_segment(rest, more);
    const unsigned n_dots = dots(segment);
    if (n_dots == 2) {
      while (n > 0 && to[n - 1] != '/') --n;
      if (n > 0) --n;
    }
    if (n_dots != 0) {
      if (!more) to[n++] = '/';  // "/a/.." is "/", with a slash at its end
      continue;
    }
    to[n++] = '/';
    if (!segment.empty()) std::memcpy(to + n, segment.data(), segment.size());
    n += segment.size();
  }
  return {to, n};
}

}  // namespace weir::http
