// Values from plain text: parameters of paths and queries, header fields, form fields, environment variables.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "weir/base/error.hpp"
#include "weir/base/recycle.hpp"
#include "weir/json/describe.hpp"

namespace weir::json {

/// Reads one value from its plain text: numbers in decimal (RFC 8259's forms, integers also with a '+'), booleans as
/// true, false, 1 or 0, text as it is, enumerations by name, times as in JSON. Through optionals: `out` then holds a
/// value, also for an empty text. json::Value and json::Raw become a string. std::string_view views `text`.
///
/// invalid_argument with what would be right ("must be an integer") if the text has not the form, or if the type has no
/// plain text (objects, arrays, maps). Thread-safe.
Result<void> from_text(std::string_view text, const TypeInfo& type, void* out);
template <class T>
Result<void> from_text(std::string_view text, T& out) {
  return from_text(text, type_info<T>(), &out);
}

/// The same for a sequence, perhaps an optional one, that becomes these texts: all that was given for one name. Sets
/// take equal ones once. invalid_argument for the first that does not fit, or too many or too few for a std::array.
Result<void> from_texts(std::span<const std::string_view> texts, const TypeInfo& type, void* out);

/// Whether from_text() can read the type.
[[nodiscard]] bool has_text(const TypeInfo& type) noexcept;

/// Appends the plain text of a value that has one; nothing for an empty optional.
void to_text(const TypeInfo& type, const void* value, Buffer& out);

/// Where bind_fields() finds values by name.
class FieldSource {
 public:
  /// Appends all the values that the sender gave for `name`, in their order. They must live as long as what is bound to
  /// them: std::string_view members view them.
  virtual void find(std::string_view name, recycle::Vector<std::string_view>& values) const = 0;

 protected:
  ~FieldSource() = default;
};

/// Fills a struct from named texts: query parameters, form fields. `object` describes it (Kind::object). A member that
/// is a sequence takes all the values of its name; other members take one, and two are an error. Members of a nested
/// struct are named "address.zip". Required members, rules and validate() hold as in read(); the paths of failures are
/// the names that the sender used.
///
/// unprocessable with all failures in Error::fields(). Names that the struct does not have are not looked at.
Result<void> bind_fields(const TypeInfo& object, void* out, const FieldSource& source);
template <class T>
Result<void> bind_fields(T& out, const FieldSource& source) {
  return bind_fields(type_info<T>(), &out, source);
}

/// Checks rules on one value that stands alone, such as a parameter declared with rules: adds what it breaks, with
/// `name` as the path.
void check(const Rules& rules, const TypeInfo& type, const void* value, std::string_view name,
           std::vector<FieldError>& found);

/// Compiles all patterns that the type's rules contain, and looks whether each rule is one for its member's type, so
/// that mistakes show at start-up and not with the first request, or never. Throws std::invalid_argument.
void prepare(const TypeInfo& type);

}  // namespace weir::json
