// Rules of members, checked on values.
#pragma once

#include "weir/json/detail/failures.hpp"
#include "weir/json/rules.hpp"
#include "weir/json/type_info.hpp"

namespace weir::json::detail {

/// Checks `rules` on one value (through optionals; not on what it contains) and adds what it breaks. Returns false if
/// the rules themselves are wrong: a pattern that is no regular expression.
[[nodiscard]] bool check_rules(const Rules& rules, const TypeInfo& type, const void* value, const Path& path,
                               Failures& failures);

/// Walks the whole value: rules of all members, then validate() of objects whose members are right.
[[nodiscard]] bool check_value(const TypeInfo& type, const void* value, const Path& path, Failures& failures);

/// Compiles the rules' pattern. Throws std::invalid_argument, naming the struct and its member, if it is no regular
/// expression, or if there is a rule that says nothing about values of the member's type.
void prepare_rules(const Rules& rules, const TypeInfo& member_type, std::string_view type, std::string_view member);

/// Whether `text` has the form.
[[nodiscard]] bool has_format(std::string_view text, weir::format form) noexcept;
/// JSON Schema's name of the form: "date-time".
[[nodiscard]] std::string_view format_name(weir::format form) noexcept;

/// "an e-mail address": for messages.
[[nodiscard]] std::string_view format_description(weir::format form) noexcept;

}  // namespace weir::json::detail
