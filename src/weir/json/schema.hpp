// JSON Schema (draft 2020-12, as OpenAPI 3.1 has it) of described types.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "weir/json/writer.hpp"

namespace weir::json {

/// Writes schemas and collects the named ones: structs and enumerations are written as references to
/// "#/components/schemas/Name", and write_components() defines all that were referred to. One thread at a time.
///
/// The name is the C++ name without namespaces; what no component may be called is replaced (Page<User> is Page_User),
/// and a second type of one name gets a number. In a struct, a member is in "required" when read() requires it; a
/// member that is not, and not nullable, has the value of a default-constructed struct as its "default".
class SchemaSet {
 public:
  /// `prefix` comes before the names in references.
  explicit SchemaSet(std::string_view prefix = "#/components/schemas/") : prefix_(prefix) {}

  /// Writes the schema of the type as one JSON object. `rules` are those of the member that has the type, or nullptr;
  /// `default_json` is written as its "default" unless it is empty.
  void write(const TypeInfo& type, Writer& out, const Rules* rules = nullptr, std::string_view default_json = {});
  template <class T>
  void write(Writer& out) {
    write(type_info<T>(), out);
  }

  /// Writes `{"Name": {…}, …}` with all that was referred to so far and what that refers to, in the order of mention.
  void write_components(Writer& out);

  /// The component's name, which makes it one. REQUIRES: an object or enumeration.
  std::string_view name_of(const TypeInfo& type);

 private:
  struct Component {
    const TypeInfo* type;
    std::string name;
  };

  void body(const TypeInfo& type, const Rules* rules, bool nullable, Writer& out);
  void reference(const TypeInfo& type, bool nullable, Writer& out);
  void object_body(const TypeInfo& type, Writer& out);
  void enumeration_body(const EnumInfo& info, Writer& out);
  void sequence_body(const TypeInfo& type, const Rules* rules, bool nullable, Writer& out);
  void tuple_body(const TupleInfo& info, bool nullable, Writer& out);
  void variant_body(const VariantInfo& info, bool nullable, Writer& out);

  std::string prefix_;
  std::vector<Component> components_;
};

/// What a member of `object` has when nobody gives it, as JSON: that of a default-constructed one. Empty when it must
/// be given, is null then, or is no single value.
[[nodiscard]] std::string default_of(const TypeInfo& object, const Field& field);

/// The schema of a type as a document of its own, with what it refers to under "$defs".
void write_schema(const TypeInfo& type, Buffer& out);
template <class T>
[[nodiscard]] std::string schema() {
  Buffer out;
  write_schema(type_info<T>(), out);
  return std::string(out.view());
}

}  // namespace weir::json
