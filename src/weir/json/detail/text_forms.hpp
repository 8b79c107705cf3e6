// The text forms of types that are text in JSON: enumerations, times, dates, bytes, custom text.
#pragma once

#include <string>
#include <string_view>

#include "weir/json/type_info.hpp"

namespace weir::json::detail {

/// "an integer", "one of red, green": what a value of the type must be, for messages.
std::string expected_kind(const TypeInfo& type);

/// "between 0 and 255": the values of an integer type.
std::string integer_range(const TypeInfo& type);

/// A failure of parse_text: the rule and what would be right.
struct TextFailure {
  std::string_view rule;
  std::string message;
};

/// Reads text, enumeration, timestamp, date, duration and bytes from their text. Empty rule: done.
TextFailure parse_text(const TypeInfo& type, std::string_view text, void* out);

/// Reads any type that has a plain text: see from_text().
TextFailure read_text(std::string_view text, const TypeInfo& type, void* out);

/// The text of such a value: a view of static storage, of the value, or of `scratch`, which it overwrites.
std::string_view print_text(const TypeInfo& type, const void* value, Buffer& scratch);

/// The name of the enumerator with that value; empty if there is none.
std::string_view enumerator_name(const EnumInfo& info, std::int64_t value) noexcept;

}  // namespace weir::json::detail
