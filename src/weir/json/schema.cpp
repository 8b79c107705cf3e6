#include "weir/json/schema.hpp"

#include "weir/json/detail/check.hpp"
#include "weir/json/detail/schema_directions.hpp"
#include "weir/json/detail/temporary.hpp"

namespace weir::json {

using detail::index;
using detail::is_listed;
using detail::is_required;

namespace {

void write_type(std::string_view name, bool nullable, Writer& out) {
  out.key("type");
  if (!nullable) {
    out.value(name);
    return;
  }
  out.begin_array().value(name).value("null").end_array();
}

void write_bound(std::string_view inclusive, std::string_view exclusive, const Bound& bound, Writer& out) {
  if (bound.is == Bound::Is::none) return;
  out.key(bound.is == Bound::Is::inclusive ? inclusive : exclusive);
  if (bound.is_integer) {
    out.value(bound.integer);
  } else {
    out.value(bound.number);
  }
}

bool is_textual(const TypeInfo& type) {
  switch (type.kind) {
    case Kind::string:
    case Kind::string_view:
    case Kind::text:
    case Kind::enumeration:
    case Kind::timestamp:
    case Kind::date:
    case Kind::duration:
    case Kind::bytes:
      return true;
    case Kind::custom:
      return is_textual(*type.detail.custom->as);
    default:
      return false;
  }
}

void write_example(const Example& example, bool textual, Writer& out) {
  if (example.is == Example::Is::none) return;
  out.key("examples").begin_array();
  switch (example.is) {
    case Example::Is::text:
      textual ? out.value(example.text) : out.raw(example.text);
      break;
    case Example::Is::integer:
      out.value(example.integer);
      break;
    case Example::Is::number:
      out.value(example.number);
      break;
    case Example::Is::boolean:
      out.value(example.integer != 0);
      break;
    case Example::Is::none:
      break;
  }
  out.end_array();
}

/// What a member's rules say whatever its type.
void write_annotations(const Rules& rules, const TypeInfo& type, Writer& out) {
  if (!rules.description.empty()) out.member("description", rules.description);
  write_example(rules.example, is_textual(value_type(type)), out);
  if (rules.deprecated) out.member("deprecated", true);
  if (rules.read_only) out.member("readOnly", true);
  if (rules.write_only) out.member("writeOnly", true);
}

void write_number_rules(const Rules& rules, bool nullable, Writer& out) {
  write_bound("minimum", "exclusiveMinimum", rules.min, out);
  write_bound("maximum", "exclusiveMaximum", rules.max, out);
  if (rules.multiple_of != 0) out.member("multipleOf", rules.multiple_of);
  if (rules.one_of_integer.empty()) return;
  out.key("enum").begin_array();
  for (const std::int64_t allowed : rules.one_of_integer) out.value(allowed);
  if (nullable) out.value(nullptr);
  out.end_array();
}

/// Whether an expression of RE2 is one of ECMA-262, too, as JSON Schema wants it (validation, section 6.3.3): programs
/// that read the schema stop at one that is not.
bool is_portable(std::string_view pattern) {
  static constexpr std::string_view only_in_escapes = "AzQECa";
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const std::string_view rest = pattern.substr(i);
    if (rest.starts_with("[[:") || rest.starts_with("[^[:")) return false;
    if (rest.starts_with("(?") && !rest.starts_with("(?:") && !rest.starts_with("(?<")) return false;  // flags, (?P<…>
    if (!rest.starts_with('\\') || rest.size() < 2) continue;
    const bool class_by_letter = (rest[1] == 'p' || rest[1] == 'P') && !rest.substr(2).starts_with('{');
    if (class_by_letter || only_in_escapes.find(rest[1]) != std::string_view::npos) return false;
    ++i;
  }
  return true;
}

void write_text_rules(const Rules& rules, bool nullable, Writer& out) {
  if (rules.min_length != 0) out.member("minLength", rules.min_length);
  if (rules.max_length != Rules::unbounded) out.member("maxLength", rules.max_length);
  // Patterns are matched against the whole text; JSON Schema's are not anchored.
  if (!rules.pattern.empty()) {
    out.member(is_portable(rules.pattern) ? "pattern" : "x-re2-pattern", "^(?:" + std::string(rules.pattern) + ")$");
  }
  if (rules.format != format::none) out.member("format", detail::format_name(rules.format));
  if (rules.one_of_text.empty()) return;
  out.key("enum").begin_array();
  for (const auto allowed : rules.one_of_text) out.value(allowed);
  if (nullable) out.value(nullptr);
  out.end_array();
}

void integer_body(const TypeInfo& type, const Rules* rules, bool nullable, Writer& out) {
  write_type("integer", nullable, out);
  // Without a format generators take 32 bits with a sign: what has no sign needs the next one above.
  if (type.size >= 4) out.member("format", type.size == 4 && type.is_signed ? "int32" : "int64");
  const bool has_min = rules != nullptr && rules->min.is != Bound::Is::none;
  const bool has_max = rules != nullptr && rules->max.is != Bound::Is::none;
  const unsigned bits = 8 * type.size - (type.is_signed ? 1 : 0);
  const bool narrow = type.size < 4 || (type.size == 4 && !type.is_signed);
  if (!has_min && !type.is_signed) out.member("minimum", 0);
  if (!has_min && type.is_signed && narrow) out.member("minimum", -(std::int64_t{1} << bits));
  if (!has_max && narrow) out.member("maximum", (std::int64_t{1} << bits) - 1);
  if (rules != nullptr) write_number_rules(*rules, nullable, out);
}

void text_body(std::string_view format, const Rules* rules, bool nullable, Writer& out) {
  write_type("string", nullable, out);
  if (!format.empty() && (rules == nullptr || rules->format == weir::format::none)) out.member("format", format);
  if (rules != nullptr) write_text_rules(*rules, nullable, out);
}

void write_size_rules(std::string_view min, std::string_view max, const Rules* rules, Writer& out) {
  if (rules == nullptr) return;
  if (rules->min_items != 0) out.member(min, rules->min_items);
  if (rules->max_items != Rules::unbounded) out.member(max, rules->max_items);
}

bool has_default(const TypeInfo& type) {
  switch (type.kind) {
    case Kind::boolean:
    case Kind::integer:
    case Kind::floating:
    case Kind::enumeration:
    case Kind::duration:
    case Kind::string:
      return true;
    default:
      return false;
  }
}

}  // namespace

std::string default_of(const TypeInfo& object, const Field& field) {
  if (object.construct == nullptr || field.required || field.read_only || !has_default(*field.type)) return {};
  const detail::Temporary defaults(object);
  Buffer text;
  json::write(*field.type, field.in(defaults.get()), text);
  return std::string(text.view());
}

void SchemaSet::write(const TypeInfo& type, Direction direction, Writer& out, const Rules* rules,
                      std::string_view default_json) {
  use(type, direction);
  name_components();
  direction_ = direction;
  schema(type, out, rules, default_json);
}

void SchemaSet::schema(const TypeInfo& type, Writer& out, const Rules* rules, std::string_view default_json) {
  out.begin_object();
  body(type, rules, false, out);
  if (rules != nullptr) write_annotations(*rules, type, out);
  if (!default_json.empty()) out.key("default").raw(default_json);
  out.end_object();
}

void SchemaSet::write_components(Writer& out) {
  out.begin_object();
  for (const Component& component : components_) {
    // One that is the same both ways is described as it comes in: then its defaults count.
    const bool split = component.name[0] != component.name[1];
    for (const Direction direction : {Direction::in, Direction::out}) {
      if (!component.used[index(direction)]) continue;
      out.key(component.name[index(direction)]);
      component_body(*component.type, direction, out);
      if (!split) break;
    }
  }
  out.end_object();
}

void SchemaSet::component_body(const TypeInfo& type, Direction direction, Writer& out) {
  direction_ = direction;
  out.begin_object();
  if (type.kind == Kind::object) {
    object_body(type, out);
  } else {
    enumeration_body(*type.detail.enumeration, out);
  }
  out.end_object();
}

void SchemaSet::reference(const TypeInfo& type, bool nullable, Writer& out) {
  const std::string target = prefix_ + std::string(name_of(type));
  if (!nullable) {
    out.member("$ref", target);
    return;
  }
  out.key("anyOf").begin_array().begin_object().member("$ref", target).end_object();
  out.begin_object().member("type", "null").end_object().end_array();
}

void SchemaSet::body(const TypeInfo& type, const Rules* rules, bool nullable, Writer& out) {
  switch (type.kind) {
    case Kind::null:
      out.member("type", "null");
      return;
    case Kind::boolean:
      return write_type("boolean", nullable, out);
    case Kind::integer:
      return integer_body(type, rules, nullable, out);
    case Kind::floating:
      write_type("number", nullable, out);
      out.member("format", type.size == sizeof(double) ? "double" : "float");
      if (rules != nullptr) write_number_rules(*rules, nullable, out);
      return;
    case Kind::string:
    case Kind::string_view:
      return text_body({}, rules, nullable, out);
    case Kind::text:
      return text_body(type.detail.text->format, rules, nullable, out);
    case Kind::timestamp:
      return text_body("date-time", rules, nullable, out);
    case Kind::date:
      return text_body("date", rules, nullable, out);
    case Kind::duration:
      return text_body("duration", rules, nullable, out);
    case Kind::bytes:
      text_body({}, nullptr, nullable, out);
      out.member("contentEncoding", "base64");
      return;
    case Kind::optional:
      return body(*type.detail.optional->value, rules, true, out);
    case Kind::sequence:
      return sequence_body(type, rules, nullable, out);
    case Kind::map:
      write_type("object", nullable, out);
      out.key("additionalProperties");
      schema(*type.detail.map->value, out);
      return write_size_rules("minProperties", "maxProperties", rules, out);
    case Kind::tuple:
      return tuple_body(*type.detail.tuple, nullable, out);
    case Kind::variant:
      return variant_body(*type.detail.variant, nullable, out);
    case Kind::enumeration:
    case Kind::object:
      return reference(type, nullable, out);
    case Kind::value:
    case Kind::raw:
      return;  // anything
    case Kind::custom:
      return body(*type.detail.custom->as, rules, nullable, out);
  }
}

void SchemaSet::object_body(const TypeInfo& type, Writer& out) {
  const ObjectInfo& info = *type.detail.object;
  out.member("type", "object");
  if (!info.description.empty()) out.member("description", info.description);
  out.key("properties").begin_object();
  if (!info.tag.name.empty()) {
    out.key(info.tag.name).begin_object().member("type", "string").member("const", info.tag.value).end_object();
  }
  std::vector<std::string_view> required;
  if (!info.tag.name.empty()) required.push_back(info.tag.name);
  for (const Field& field : info.fields) {
    if (!is_listed(info, field, direction_)) continue;
    out.key(field.name);
    if (direction_ == Direction::in) {
      schema(*field.type, out, field.rules, default_of(type, field));
    } else {  // One that is left out when it is null never goes out as null.
      schema(field.omit_empty ? value_type(*field.type) : *field.type, out, field.rules);
    }
    if (is_required(field, direction_)) required.push_back(field.name);
  }
  out.end_object();
  if (!required.empty()) {
    out.key("required").begin_array();
    for (const std::string_view name : required) out.value(name);
    out.end_array();
  }
  if (info.reject_unknown) out.member("additionalProperties", false);
}

void SchemaSet::enumeration_body(const EnumInfo& info, Writer& out) {
  out.member("type", "string").key("enum").begin_array();
  for (const auto& name : info.names) out.value(name.name);
  out.end_array();
}

void SchemaSet::sequence_body(const TypeInfo& type, const Rules* rules, bool nullable, Writer& out) {
  const SequenceInfo& info = *type.detail.sequence;
  write_type("array", nullable, out);
  out.key("items");
  schema(*info.element, out);
  if (info.fixed_size != 0) {
    out.member("minItems", info.fixed_size).member("maxItems", info.fixed_size);
  } else {
    write_size_rules("minItems", "maxItems", rules, out);
  }
  if (info.insert != nullptr || (rules != nullptr && rules->unique_items)) out.member("uniqueItems", true);
}

void SchemaSet::tuple_body(const TupleInfo& info, bool nullable, Writer& out) {
  write_type("array", nullable, out);
  out.key("prefixItems").begin_array();
  for (const TypeInfo* element : info.elements) schema(*element, out);
  out.end_array().member("minItems", info.elements.size()).member("maxItems", info.elements.size());
}

// With a tag exactly one alternative fits. By shape several may (1 is an integer and a number), so it is anyOf.
void SchemaSet::variant_body(const VariantInfo& info, bool nullable, Writer& out) {
  if (nullable && !info.tag.empty()) {  // null has no tag: it is no alternative beside the others
    out.key("anyOf").begin_array().begin_object();
    variant_body(info, false, out);
    out.end_object().begin_object().member("type", "null").end_object().end_array();
    return;
  }
  out.key(info.tag.empty() ? "anyOf" : "oneOf").begin_array();
  for (const TypeInfo* alternative : info.alternatives) schema(*alternative, out);
  if (nullable) out.begin_object().member("type", "null").end_object();
  out.end_array();
  if (info.tag.empty()) return;
  out.key("discriminator").begin_object().member("propertyName", info.tag).key("mapping").begin_object();
  for (const TypeInfo* alternative : info.alternatives) {
    out.member(alternative->detail.object->tag.value, prefix_ + std::string(name_of(*alternative)));
  }
  out.end_object().end_object();
}

void write_schema(const TypeInfo& type, Direction direction, Buffer& out) {
  SchemaSet set("#/$defs/");
  Buffer body;
  Writer inner(body);
  set.write(type, direction, inner);
  Writer w(out);
  w.begin_object().member("$schema", "https://json-schema.org/draft/2020-12/schema");
  // The members of the schema itself, without its braces.
  if (const auto members = body.view(); members.size() > 2) w.raw(members.substr(1, members.size() - 2));
  Buffer definitions;
  Writer d(definitions);
  set.write_components(d);
  if (definitions.size() > 2) w.key("$defs").raw(definitions.view());
  w.end_object();
}

}  // namespace weir::json
