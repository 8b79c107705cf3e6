// The text forms of types that are text in JSON: enumerations, times, dates, bytes, custom text.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "weir/json/detail/temporary.hpp"
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

/// Reads a text into each element of a sequence, perhaps an optional one, which had other elements before: calls
/// `failed(index, TextFailure)` for those that do not fit. REQUIRES: as many texts as there are elements, where their
/// number is fixed.
template <class F>
void read_texts(std::span<const std::string_view> texts, const TypeInfo& type, void* out, F&& failed) {
  const TypeInfo* sequence = &type;
  for (; sequence->kind == Kind::optional; sequence = sequence->detail.optional->value) {
    out = sequence->detail.optional->emplace(out);
  }
  const SequenceInfo& info = *sequence->detail.sequence;
  if (info.clear != nullptr) info.clear(out);
  const auto read = [&](std::size_t i, void* element) {
    if (TextFailure failure = read_text(texts[i], *info.element, element); !failure.rule.empty()) {
      failed(i, std::move(failure));
    }
  };
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (info.insert != nullptr) {
      const Temporary element(*info.element);
      read(i, element.get());
      static_cast<void>(info.insert(out, element.get()));  // twice the same parameter is once in a set
    } else if (info.append != nullptr) {
      read(i, info.append(out));
    } else {
      read(i, static_cast<char*>(info.data(out)) + i * info.element->size);
    }
  }
}

/// The text of such a value: a view of static storage, of the value, or of `scratch`, which it overwrites.
std::string_view print_text(const TypeInfo& type, const void* value, Buffer& scratch);

/// The name of the enumerator with that value; empty if there is none.
std::string_view enumerator_name(const EnumInfo& info, std::int64_t value) noexcept;

}  // namespace weir::json::detail
