// The table that describes a C++ type at run time. One table drives the JSON reader and writer, validation, JSON
// Schema, form and query parameters, and configuration files; user code gets it with type_info<T>() (describe.hpp).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "weir/base/buffer.hpp"
#include "weir/base/error.hpp"

namespace weir::json {

struct TypeInfo;
struct Rules;

/// What a type is in JSON, and which member of TypeInfo::detail describes it further.
enum class Kind : std::uint8_t {
  null,         ///< std::monostate: always null.
  boolean,      ///< bool.
  integer,      ///< Any integer but bool and char8_t…; see TypeInfo::size and is_signed.
  floating,     ///< float or double, by size.
  string,       ///< std::string.
  string_view,  ///< std::string_view: views into the document or into ReadOptions::arena.
  text,         ///< A type with a text form: detail.text. Other string types, and Custom types with from_text().
  enumeration,  ///< detail.enumeration: the enumerators' names.
  timestamp,    ///< sys_time: RFC 3339, detail.time.
  date,         ///< year_month_day: "2026-01-31", detail.date.
  duration,     ///< std::chrono::duration: ISO 8601 "PT1.5S" (reads "1.5s" and "500ms" too), detail.time.
  bytes,        ///< A vector of std::byte: base64 text, detail.bytes.
  optional,     ///< std::optional, std::unique_ptr, std::shared_ptr: null or the value, detail.optional.
  sequence,     ///< Vectors, std::array, sets: detail.sequence.
  map,          ///< Maps with text keys: an object with any names, detail.map.
  tuple,        ///< std::pair and std::tuple: an array of fixed length, detail.tuple.
  variant,      ///< std::variant: one of several, detail.variant.
  object,       ///< An aggregate: detail.object.
  value,        ///< json::Value: anything.
  raw,          ///< json::Raw: the text of anything.
  custom,       ///< A type that Custom reads and writes through another type: detail.custom.
};

/// One member of an aggregate.
struct Field {
  std::string_view name;  ///< Its name in JSON, after rename() and rename_all().
  std::string_view key;   ///< `,"name":`, with 16 readable bytes behind it.
  const TypeInfo* type;
  const Rules* rules;    ///< nullptr when none were declared.
  std::uint32_t offset;  ///< In bytes from the start of the object.
  bool required : 1;     ///< Must be there when reading.
  bool read_only : 1;    ///< Ignored when a client sends it.
  bool write_only : 1;   ///< Never written.
  bool omit_empty : 1;   ///< Not written while null or empty.
  bool checked : 1;      ///< `rules` has something to check.

  [[nodiscard]] void* in(void* object) const noexcept { return static_cast<char*>(object) + offset; }
  [[nodiscard]] const void* in(const void* object) const noexcept { return static_cast<const char*>(object) + offset; }
};

/// What tells the alternatives of a variant apart: an extra member with a fixed text, `"kind":"cat"`.
struct Tag {
  std::string_view name;
  std::string_view value;
};

struct ObjectInfo {
  static constexpr std::size_t max_fields = 64;

  std::span<const Field> fields;
  std::span<const std::uint8_t> slots;  ///< A hash table of field numbers; 0xff: empty. Its size is a power of two.
  std::uint64_t required = 0;           ///< Bit i: fields[i].required.
  std::uint64_t read_only = 0;
  Tag tag;  ///< Empty name: none.
  std::string_view description;
  bool reject_unknown = false;
  /// The type's own validate(), which appends what it finds; nullptr: none. Called with an object whose fields are
  /// right.
  void (*validate)(const void* object, std::vector<FieldError>& found) = nullptr;

  static constexpr std::size_t hash(std::string_view name) noexcept {
    if (name.empty()) return 0;
    const auto byte = [&](std::size_t i) { return static_cast<std::size_t>(static_cast<unsigned char>(name[i])); };
    return name.size() * 7 + byte(0) * 31 + byte(name.size() - 1) * 5 + byte(name.size() / 2) * 131;
  }
  /// The field with that JSON name, or nullptr.
  [[nodiscard]] constexpr const Field* find(std::string_view name) const noexcept {
    if (slots.empty()) return nullptr;
    const std::size_t mask = slots.size() - 1;
    for (std::size_t at = hash(name) & mask; slots[at] != 0xff; at = (at + 1) & mask) {
      if (fields[slots[at]].name == name) return &fields[slots[at]];
    }
    return nullptr;
  }
};

/// Operations on a container of equal elements. `append` is there for those that grow at the end, `insert` for sets
/// (it moves from `element` and returns false if an equal one was there); neither for those of fixed size.
struct SequenceInfo {
  const TypeInfo* element;
  std::size_t (*size)(const void* container);
  void (*clear)(void* container);
  void* (*append)(void* container);
  bool (*insert)(void* container, void* element);
  void* (*data)(void* container);  ///< The first of `size` adjacent elements; nullptr: not contiguous, use `visit`.
  void (*visit)(const void* container, void* context, bool (*each)(void* context, const void* element));
  std::size_t fixed_size;  ///< For std::array.
};

struct MapInfo {
  const TypeInfo* value;
  std::size_t (*size)(const void* map);
  void (*clear)(void* map);
  /// A place for the value of `key`, or nullptr if the key is there already.
  void* (*insert)(void* map, std::string_view key);
  void (*visit)(const void* map, void* context, bool (*each)(void* context, std::string_view key, const void* value));
};

struct OptionalInfo {
  const TypeInfo* value;
  void (*reset)(void* optional);
  void* (*emplace)(void* optional);          ///< A default-constructed value, replacing any.
  const void* (*get)(const void* optional);  ///< nullptr when empty.
};

struct EnumInfo {
  struct Name {
    std::string_view name;
    std::int64_t value;
  };
  std::span<const Name> names;
};

struct TupleInfo {
  std::span<const TypeInfo* const> elements;
  void* (*get)(void* tuple, std::size_t index);
};

struct VariantInfo {
  std::span<const TypeInfo* const> alternatives;
  std::size_t (*index)(const void* variant);
  void* (*emplace)(void* variant, std::size_t index);
  const void* (*get)(const void* variant);
  std::string_view tag;  ///< The name of the member that tells them apart; empty: by shape.
};

struct TextInfo {
  /// nullptr on success, otherwise what would be right ("must be a colour such as #ff0000"), in static storage.
  const char* (*parse)(std::string_view text, void* out);
  /// The text of the value. It may be written to `scratch` and returned as a view of it.
  std::string_view (*print)(const void* value, Buffer& scratch);
  std::string_view format;  ///< JSON Schema's "format"; may be empty.
};

/// sys_time and durations: the value is a signed integer of TypeInfo::size bytes that counts units of num/den seconds.
struct TimeInfo {
  std::int64_t num;
  std::int64_t den;
};

struct DateInfo {
  void (*set)(void* out, int year, unsigned month, unsigned day);
  void (*get)(const void* in, int& year, unsigned& month, unsigned& day);
};

struct BytesInfo {
  std::span<std::byte> (*resize)(void* out, std::size_t size);
  std::span<const std::byte> (*get)(const void* in);
};

struct CustomInfo {
  const TypeInfo* as;
  Result<void> (*load)(void* as_value, void* out);
  void (*store)(const void* in, void* as_value);
};

struct TypeInfo {
  Kind kind;
  bool is_signed = false;  ///< Of an integer or the integer behind an enumeration.
  std::uint32_t size = 0;
  std::uint32_t align = 0;
  std::string_view name;  ///< The C++ name without namespaces: "NewUser", "Page<User>".
  void (*construct)(void* at) = nullptr;
  void (*destroy)(void* at) = nullptr;
  union Detail {
    const void* none = nullptr;
    const ObjectInfo* object;
    const SequenceInfo* sequence;
    const MapInfo* map;
    const OptionalInfo* optional;
    const EnumInfo* enumeration;
    const TupleInfo* tuple;
    const VariantInfo* variant;
    const TextInfo* text;
    const TimeInfo* time;
    const DateInfo* date;
    const BytesInfo* bytes;
    const CustomInfo* custom;
  } detail{};
};

/// The type behind optionals and pointers: what a value has when there is one.
[[nodiscard]] constexpr const TypeInfo& value_type(const TypeInfo& type) noexcept {
  const TypeInfo* t = &type;
  while (t->kind == Kind::optional) t = t->detail.optional->value;
  return *t;
}

}  // namespace weir::json
