#include "weir/http/accept.hpp"

#include <cstdint>

#include "weir/http/chars.hpp"
#include "weir/http/detail/parameters.hpp"
#include "weir/http/mime.hpp"

namespace weir::http {
namespace {

constexpr Quality full = 1000;

struct Element {
  std::string_view value;  // what stands before the first ';'
  std::string_view parameters;
  Quality quality = full;
};

// weight = "0" [ "." 0*3DIGIT ] / "1" [ "." 0*3"0" ] (RFC 9110 section 12.4.2). Nothing when malformed.
std::optional<Quality> parse_quality(std::string_view text) noexcept {
  if (text.empty() || text.size() > 5 || (text[0] != '0' && text[0] != '1')) return std::nullopt;
  if (text.size() > 1 && text[1] != '.') return std::nullopt;
  Quality value = static_cast<Quality>(text[0] - '0') * full;
  Quality digit = 100;
  for (const char c : text.substr(text.size() > 1 ? 2 : 1)) {
    if (!chars::is(c, chars::digit)) return std::nullopt;
    value += static_cast<Quality>(c - '0') * digit;
    digit /= 10;
  }
  return value > full ? std::nullopt : std::optional<Quality>(value);
}

// Calls `f(const Element&)` for every well-formed element of the field.
template <class F>
void each_element(const HeaderView& headers, HeaderId id, F&& f) {
  headers.each(id, [&](std::string_view list) {
    while (!list.empty()) {
      Element element;
      const std::size_t end = list.find_first_of(",;");
      element.value = list.substr(0, end);
      list.remove_prefix(end == std::string_view::npos ? list.size() : end);
      while (!element.value.empty() && chars::is(element.value.front(), chars::space)) element.value.remove_prefix(1);
      while (!element.value.empty() && chars::is(element.value.back(), chars::space)) element.value.remove_suffix(1);
      bool good = !element.value.empty();
      element.parameters = list;
      if (list.starts_with(';')) {
        while (const auto parameter = detail::next_parameter(list)) {
          if (!equals_ignoring_case(parameter->name, "q")) continue;
          const auto quality = parse_quality(parameter->value);
          good = good && quality.has_value();
          element.quality = quality.value_or(0);
          break;  // what follows the weight is not part of the media range (section 12.5.1)
        }
        // On to the comma that ends the element.
        while (detail::next_parameter(list)) {
        }
      }
      if (list.starts_with(',')) list.remove_prefix(1);
      if (good) f(element);
    }
  });
}

// How well a media range names a type: 0 not at all, 1 */*, 2 type/*, 3 type/subtype.
int specificity(std::string_view range, const MediaType& offer) noexcept {
  if (range == "*/*") return 1;
  const std::size_t slash = range.find('/');
  if (slash == std::string_view::npos || !equals_ignoring_case(range.substr(0, slash), offer.type)) return 0;
  const std::string_view subtype = range.substr(slash + 1);
  if (subtype == "*") return 2;
  return equals_ignoring_case(subtype, offer.subtype) ? 3 : 0;
}

// The index of the highest of the qualities that `quality(i)` returns, the first among equals.
template <class F>
std::optional<std::size_t> best(std::size_t n, F&& quality) {
  std::optional<std::size_t> found;
  Quality highest = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const Quality q = quality(i);
    if (q > highest) {
      highest = q;
      found = i;
    }
  }
  return found;
}

// The weight of a coding: its own, else that of "*", else `fallback`.
Quality quality_of_coding(const HeaderView& headers, std::string_view coding, Quality fallback) noexcept {
  std::optional<Quality> own;
  std::optional<Quality> any;
  each_element(headers, HeaderId::accept_encoding, [&](const Element& element) {
    const bool alias = element.value.size() == coding.size() + 2 &&
                       equals_ignoring_case(element.value.substr(0, 2), "x-") &&
                       equals_ignoring_case(element.value.substr(2), coding);  // x-gzip (RFC 9110 section 8.4.1.3)
    if (alias || equals_ignoring_case(element.value, coding)) own = element.quality;
    if (element.value == "*") any = element.quality;
  });
  return own.value_or(any.value_or(fallback));
}

bool is_prefix_of(std::string_view range, std::string_view tag) noexcept {
  return tag.size() >= range.size() && equals_ignoring_case(tag.substr(0, range.size()), range) &&
         (tag.size() == range.size() || tag[range.size()] == '-');
}

// The weight of a language: of the longest range that names it, else (a little less) of a range that it is part of.
Quality quality_of_language(const HeaderView& headers, std::string_view tag) noexcept {
  Quality quality = 0;
  std::size_t matched = 0;
  Quality wider = 0;
  each_element(headers, HeaderId::accept_language, [&](const Element& element) {
    const bool any = element.value == "*";
    const std::size_t length = any ? 1 : element.value.size() + 1;
    if ((any || is_prefix_of(element.value, tag)) && length > matched) {
      matched = length;
      quality = element.quality * 2;
    } else if (is_prefix_of(tag, element.value) && element.quality != 0 && element.quality * 2 - 1 > wider) {
      wider = element.quality * 2 - 1;
    }
  });
  return matched > 1 ? quality : wider > quality ? wider : quality;
}

}  // namespace

Quality quality_of_media_type(const HeaderView& headers, std::string_view media_type) noexcept {
  if (headers.get(HeaderId::accept).empty() && headers.count(HeaderId::accept) < 2) return full;
  const auto offer = parse_media_type(media_type);
  if (!offer) return 0;
  int most = 0;
  Quality quality = 0;
  each_element(headers, HeaderId::accept, [&](const Element& element) {
    const int found = specificity(element.value, *offer);
    if (found > most || (found == most && found != 0 && element.quality > quality)) {
      most = found;
      quality = element.quality;
    }
  });
  return quality;
}

std::optional<std::size_t> negotiate_media_type(const HeaderView& headers,
                                                std::span<const std::string_view> offers) noexcept {
  return best(offers.size(), [&](std::size_t i) { return quality_of_media_type(headers, offers[i]); });
}

std::optional<std::size_t> negotiate_encoding(const HeaderView& headers,
                                              std::span<const std::string_view> offers) noexcept {
  if (!headers.has(HeaderId::accept_encoding)) return std::nullopt;
  const auto found = best(offers.size(), [&](std::size_t i) { return quality_of_coding(headers, offers[i], 0); });
  if (!found) return found;
  // Identity wins only where the client names it with a higher weight.
  Quality identity = 0;
  each_element(headers, HeaderId::accept_encoding, [&](const Element& element) {
    if (equals_ignoring_case(element.value, "identity")) identity = element.quality;
  });
  return identity > quality_of_coding(headers, offers[*found], 0) ? std::nullopt : found;
}

std::optional<std::size_t> negotiate_language(const HeaderView& headers,
                                              std::span<const std::string_view> offers) noexcept {
  return best(offers.size(), [&](std::size_t i) { return quality_of_language(headers, offers[i]); });
}

}  // namespace weir::http
