// Writing C++ values as JSON.
#pragma once

#include <string>
#include <string_view>

#include "weir/base/buffer.hpp"
#include "weir/base/error.hpp"
#include "weir/json/describe.hpp"

namespace weir::json {

/// Appends the value as JSON without spaces. What JSON cannot say becomes what it can: NaN and infinities null, bytes
/// that are not UTF-8 U+FFFD, enumerators without a name their number, a valueless variant null. An empty optional is
/// null unless its member says omit_empty(). Allocates nothing but the buffer's memory. Thread-safe.
void write(const TypeInfo& type, const void* value, Buffer& out);

template <class T>
void write(const T& value, Buffer& out) {
  write(type_info<T>(), &value, out);
}

/// The same as a string.
template <class T>
[[nodiscard]] std::string to_string(const T& value) {
  Buffer out;
  write(type_info<T>(), &value, out);
  return std::string(out.view());
}

/// Appends `text` as a JSON string, with its quotes.
void escape(Buffer& out, std::string_view text);

/// Appends the text of a number: the shortest that reads back as the same double; null for NaN and infinities.
void append_number(Buffer& out, double value);
void append_number(Buffer& out, std::int64_t value);
void append_number(Buffer& out, std::uint64_t value);

/// Checks the rules of an object that did not come from read(): unprocessable with all failures.
Result<void> validate(const TypeInfo& type, const void* value);
template <class T>
Result<void> validate(const T& value) {
  return validate(type_info<T>(), &value);
}

}  // namespace weir::json
