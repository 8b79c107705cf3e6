// Entity tags and conditional requests (RFC 9110 sections 8.8.3 and 13).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "weir/http/headers.hpp"
#include "weir/http/method.hpp"

namespace weir::http {

/// An entity tag; `opaque` is the text between the quotes.
struct EntityTag {
  std::string_view opaque;
  bool weak = false;
};

/// `"abc"` or `W/"abc"`; nothing for anything else.
std::optional<EntityTag> parse_entity_tag(std::string_view text) noexcept;

/// Equal, and neither is weak: for If-Match and If-Range.
constexpr bool strong_equal(const EntityTag& a, const EntityTag& b) noexcept {
  return !a.weak && !b.weak && a.opaque == b.opaque;
}
/// Equal but for weakness: for If-None-Match.
constexpr bool weak_equal(const EntityTag& a, const EntityTag& b) noexcept {
  return a.opaque == b.opaque;
}

/// Whether the value of If-Match or If-None-Match names `tag`; "*" names every one. Opaque texts may hold commas.
bool entity_tag_list_has(std::string_view list, const EntityTag& tag, bool weak_comparison) noexcept;

/// What is known of the selected representation; empty members are not known.
struct Validators {
  std::optional<EntityTag> tag;
  std::optional<std::int64_t> last_modified;  ///< Unix seconds.
  bool exists = true;
};

enum class Precondition : std::uint8_t {
  proceed,       ///< Do what was asked for.
  not_modified,  ///< Answer 304.
  failed,        ///< Answer 412.
};

/// If-Match, If-Unmodified-Since, If-None-Match and If-Modified-Since in their order (RFC 9110 section 13.2.2). `now`
/// is needed to read old date formats.
Precondition evaluate_preconditions(Method method, const HeaderView& headers, const Validators& validators,
                                    std::int64_t now_unix_seconds) noexcept;

/// Whether a Range may be honoured: there is no If-Range, or it names the representation (RFC 9110 section 13.1.5).
bool if_range_holds(const HeaderView& headers, const Validators& validators, std::int64_t now_unix_seconds) noexcept;

}  // namespace weir::http
