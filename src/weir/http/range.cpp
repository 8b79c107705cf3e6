#include "weir/http/range.hpp"

#include <charconv>
#include <limits>
#include <optional>

#include "weir/http/chars.hpp"
#include "weir/http/headers.hpp"

namespace weir::http {
namespace {

// A number of digits only; too large ones become the largest number (they are cut to the size anyway).
std::optional<std::uint64_t> number(std::string_view text) noexcept {
  if (text.empty()) return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : text) {
    if (!chars::is(c, chars::digit)) return std::nullopt;
    const auto digit = static_cast<std::uint64_t>(c - '0');
    constexpr auto most = std::numeric_limits<std::uint64_t>::max();
    value = value > (most - digit) / 10 ? most : value * 10 + digit;
  }
  return value;
}

void write_number(std::uint64_t value, Buffer& out) {
  char* const to = out.reserve_more(20);
  out.advance(static_cast<std::size_t>(std::to_chars(to, to + 20, value).ptr - to));
}

}  // namespace

RangeRequest RangeRequest::parse(std::string_view value, std::uint64_t size) noexcept {
  RangeRequest request;
  constexpr std::string_view unit = "bytes=";
  if (value.size() < unit.size() || !equals_ignoring_case(value.substr(0, unit.size()), unit)) return request;
  bool good = true;
  std::size_t asked = 0;
  for_each_token(value.substr(unit.size()), [&](std::string_view spec) {
    const std::size_t dash = spec.find('-');
    if (!good || dash == std::string_view::npos || ++asked > max_ranges) {
      good = false;
      return;
    }
    const auto first = number(spec.substr(0, dash));
    const auto last = number(spec.substr(dash + 1));
    const bool open = dash + 1 == spec.size();
    if (dash == 0) {
      // The last N bytes.
      good = last.has_value();
      if (!good || *last == 0 || size == 0) return;
      const std::uint64_t length = *last < size ? *last : size;
      request.ranges_[request.count_++] = {size - length, length};
      return;
    }
    good = first && (open || last) && (open || *last >= *first);
    if (!good || *first >= size) return;
    const std::uint64_t end = open || *last >= size ? size : *last + 1;
    request.ranges_[request.count_++] = {*first, end - *first};
  });
  if (!good || asked == 0 || request.overlap()) {
    request.count_ = 0;
  } else {
    request.kind_ = request.count_ == 0 ? Kind::unsatisfiable : Kind::partial;
  }
  return request;
}

bool RangeRequest::overlap() const noexcept {
  for (std::size_t i = 0; i < count_; ++i) {
    for (std::size_t k = i + 1; k < count_; ++k) {
      const ByteRange& a = ranges_[i];
      const ByteRange& b = ranges_[k];
      if (a.offset < b.offset + b.length && b.offset < a.offset + a.length) return true;
    }
  }
  return false;
}

void write_content_range(const ByteRange& range, std::uint64_t size, Buffer& out) {
  out.append("bytes ");
  write_number(range.offset, out);
  out.push_back('-');
  write_number(range.offset + range.length - 1, out);
  out.push_back('/');
  write_number(size, out);
}

void write_unsatisfied_range(std::uint64_t size, Buffer& out) {
  out.append("bytes */");
  write_number(size, out);
}

}  // namespace weir::http
