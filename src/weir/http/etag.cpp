#include "weir/http/etag.hpp"

#include "weir/http/chars.hpp"
#include "weir/http/date.hpp"

namespace weir::http {
namespace {

// The entity tag at the front of `text`, which is dropped from it.
std::optional<EntityTag> take_entity_tag(std::string_view& text) noexcept {
  EntityTag tag;
  std::string_view rest = text;
  if (rest.starts_with("W/")) {
    tag.weak = true;
    rest.remove_prefix(2);
  }
  if (!rest.starts_with('"')) return std::nullopt;
  std::size_t n = 1;
  while (n < rest.size() && chars::is(rest[n], chars::etag)) ++n;
  if (n == rest.size() || rest[n] != '"') return std::nullopt;
  tag.opaque = rest.substr(1, n - 1);
  text = rest.substr(n + 1);
  return tag;
}

void skip_separators(std::string_view& text) noexcept {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t' || text.front() == ',')) text.remove_prefix(1);
}

bool any_list_has(const HeaderView& headers, HeaderId id, const Validators& v, bool weak) noexcept {
  bool found = false;
  headers.each(id, [&](std::string_view list) {
    found = found || (list == "*" && v.exists) || (v.exists && v.tag && entity_tag_list_has(list, *v.tag, weak));
  });
  return found;
}

}  // namespace

std::optional<EntityTag> parse_entity_tag(std::string_view text) noexcept {
  const auto tag = take_entity_tag(text);
  return text.empty() ? tag : std::nullopt;
}

bool entity_tag_list_has(std::string_view list, const EntityTag& tag, bool weak_comparison) noexcept {
  if (list == "*") return true;
  for (skip_separators(list); !list.empty(); skip_separators(list)) {
    const auto candidate = take_entity_tag(list);
    if (!candidate) return false;  // malformed from here on
    if (weak_comparison ? weak_equal(*candidate, tag) : strong_equal(*candidate, tag)) return true;
  }
  return false;
}

Precondition evaluate_preconditions(Method method, const HeaderView& headers, const Validators& validators,
                                    std::int64_t now) noexcept {
  const auto date_of = [&](HeaderId id) { return parse_date(headers.get(id), now); };
  if (headers.has(HeaderId::if_match)) {
    if (!any_list_has(headers, HeaderId::if_match, validators, false)) return Precondition::failed;
  } else if (headers.has(HeaderId::if_unmodified_since) && validators.last_modified) {
    const auto since = date_of(HeaderId::if_unmodified_since);
    if (since && *validators.last_modified > *since) return Precondition::failed;
  }
  const bool reads = method == Method::get || method == Method::head;
  if (headers.has(HeaderId::if_none_match)) {
    if (any_list_has(headers, HeaderId::if_none_match, validators, true)) {
      return reads ? Precondition::not_modified : Precondition::failed;
    }
  } else if (reads && headers.has(HeaderId::if_modified_since) && validators.last_modified) {
    const auto since = date_of(HeaderId::if_modified_since);
    if (since && *validators.last_modified <= *since) return Precondition::not_modified;
  }
  return Precondition::proceed;
}

bool if_range_holds(const HeaderView& headers, const Validators& validators, std::int64_t now) noexcept {
  if (!headers.has(HeaderId::if_range)) return true;
  const std::string_view value = headers.get(HeaderId::if_range);
  if (const auto tag = parse_entity_tag(value)) return validators.tag && strong_equal(*tag, *validators.tag);
  const auto date = parse_date(value, now);
  return date && validators.last_modified == date;
}

}  // namespace weir::http
