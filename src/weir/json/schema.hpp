// JSON Schema (draft 2020-12, as OpenAPI 3.1 has it) of described types.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "weir/json/writer.hpp"

namespace weir::json {

/// Which way a value goes. A struct may look different both ways: read() ignores read_only() members and lets members
/// be missing that write() always writes; write() leaves out write_only() ones.
enum class Direction : std::uint8_t {
  in,   ///< What read() takes.
  out,  ///< What write() makes.
};

/// Writes schemas and collects the named ones: structs and enumerations are written as references to
/// "#/components/schemas/Name", and write_components() defines all that were referred to. One thread at a time.
///
/// The name is the C++ name without namespaces; what no component may be called is replaced (Page<User> is Page_User),
/// and a second type of one name gets a number. Where a struct goes both ways and looks different, there are two: User
/// goes out and UserInput comes in. Incoming, a member is in "required" when read() requires it; one that is not, and
/// not nullable, has the value of a default-constructed struct as its "default". Outgoing, all that is always written
/// is required.
class SchemaSet {
 public:
  /// `prefix` comes before the names in references.
  explicit SchemaSet(std::string_view prefix = "#/components/schemas/") : prefix_(prefix) {}

  /// Keeps a name for a component that is not a type. Before all others.
  void reserve(std::string name) { reserved_.push_back(std::move(name)); }

  /// Says that the type goes that way. Names depend on what goes both ways, so that all of it is said before the first
  /// write(), which says it by itself where a set only knows one way.
  void use(const TypeInfo& type, Direction direction);

  /// Writes the schema of the type as one JSON object. `rules` are those of the member that has the type, or nullptr;
  /// `default_json` is written as its "default" unless it is empty.
  void write(const TypeInfo& type, Direction direction, Writer& out, const Rules* rules = nullptr,
             std::string_view default_json = {});

  /// Writes `{"Name": {…}, …}` with all that was used, in the order of mention.
  void write_components(Writer& out);

 private:
  /// A named type that is used.
  struct Component {
    const TypeInfo* type;
    std::array<bool, 2> used{};         ///< By direction.
    std::array<std::string, 2> name{};  ///< The same one, unless it needs two. Empty until the first write().
  };

  Component& component_of(const TypeInfo& type);
  void name_components();
  std::string free_name(const std::string& wanted) const;
  std::string_view name_of(const TypeInfo& type);

  void schema(const TypeInfo& type, Writer& out, const Rules* rules = nullptr, std::string_view default_json = {});
  void body(const TypeInfo& type, const Rules* rules, bool nullable, Writer& out);
  void reference(const TypeInfo& type, bool nullable, Writer& out);
  void component_body(const TypeInfo& type, Direction direction, Writer& out);
  void object_body(const TypeInfo& type, Writer& out);
  void enumeration_body(const EnumInfo& info, Writer& out);
  void sequence_body(const TypeInfo& type, const Rules* rules, bool nullable, Writer& out);
  void tuple_body(const TupleInfo& info, bool nullable, Writer& out);
  void variant_body(const VariantInfo& info, bool nullable, Writer& out);

  std::string prefix_;
  std::vector<std::string> reserved_;
  std::deque<Component> components_;  // references into it stay
  bool all_named_ = true;
  Direction direction_ = Direction::in;  ///< Of what is being written.
};

/// What a member of `object` has when nobody gives it, as JSON: that of a default-constructed one. Empty when it must
/// be given, is null then, or is no single value.
[[nodiscard]] std::string default_of(const TypeInfo& object, const Field& field);

/// The schema of a type as a document of its own, with what it refers to under "$defs".
void write_schema(const TypeInfo& type, Direction direction, Buffer& out);
template <class T>
[[nodiscard]] std::string schema(Direction direction = Direction::in) {
  Buffer out;
  write_schema(type_info<T>(), direction, out);
  return std::string(out.view());
}

}  // namespace weir::json
