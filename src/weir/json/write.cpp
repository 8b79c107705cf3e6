#include "weir/json/write.hpp"

#include "weir/json/detail/check.hpp"
#include "weir/json/detail/number.hpp"
#include "weir/json/detail/sink.hpp"
#include "weir/json/detail/temporary.hpp"
#include "weir/json/detail/text_forms.hpp"
#include "weir/json/detail/walk.hpp"
#include "weir/json/value.hpp"

namespace weir::json {
namespace detail {
namespace {

void write_value(const TypeInfo& type, const void* value, Sink& out);

void write_integer(const TypeInfo& type, const void* value, Sink& out) {
  const std::uint64_t bits = load_integer(value, type.size, type.is_signed);
  if (type.is_signed) {
    out.put_number(static_cast<std::int64_t>(bits));
  } else {
    out.put_number(bits);
  }
}

bool is_empty(const TypeInfo& type, const void* value) {
  switch (type.kind) {
    case Kind::null:
      return true;
    case Kind::optional:
      return type.detail.optional->get(value) == nullptr;
    case Kind::string:
      return static_cast<const std::string*>(value)->empty();
    case Kind::string_view:
      return static_cast<const std::string_view*>(value)->empty();
    case Kind::sequence:
      return type.detail.sequence->fixed_size == 0 && type.detail.sequence->size(value) == 0;
    case Kind::map:
      return type.detail.map->size(value) == 0;
    case Kind::bytes:
      return type.detail.bytes->get(value).empty();
    case Kind::value:
      return static_cast<const Value*>(value)->is_null();
    default:
      return false;
  }
}

void write_object(const TypeInfo& type, const void* value, Sink& out) {
  const ObjectInfo& info = *type.detail.object;
  out.put('{');
  bool first = true;
  if (!info.tag.name.empty()) {
    out.put_string(info.tag.name);
    out.put(':');
    out.put_string(info.tag.value);
    first = false;
  }
  for (const Field& field : info.fields) {
    const void* const member = field.in(value);
    if (field.write_only || (field.omit_empty && is_empty(*field.type, member))) continue;
    if (first) {
      out.put_key(field.key.substr(1));
      first = false;
    } else {
      out.put_key(field.key);
    }
    write_value(*field.type, member, out);
  }
  out.put('}');
}

void write_sequence(const SequenceInfo& info, const void* value, Sink& out) {
  out.put('[');
  bool first = true;
  for_each_element(info, value, [&](const void* element) {
    if (!first) out.put(',');
    first = false;
    write_value(*info.element, element, out);
    return true;
  });
  out.put(']');
}

void write_map(const MapInfo& info, const void* value, Sink& out) {
  out.put('{');
  bool first = true;
  for_each_entry(info, value, [&](std::string_view key, const void* entry) {
    if (!first) out.put(',');
    first = false;
    out.put_string(key);
    out.put(':');
    write_value(*info.value, entry, out);
    return true;
  });
  out.put('}');
}

void write_tuple(const TupleInfo& info, const void* value, Sink& out) {
  out.put('[');
  for (std::size_t i = 0; i < info.elements.size(); ++i) {
    if (i != 0) out.put(',');
    write_value(*info.elements[i], info.get(const_cast<void*>(value), i), out);
  }
  out.put(']');
}

void write_text(const TypeInfo& type, const void* value, Sink& out) {
  if (type.kind == Kind::enumeration) {
    const auto bits = load_integer(value, type.size, type.is_signed);
    const auto name = enumerator_name(*type.detail.enumeration, static_cast<std::int64_t>(bits));
    if (name.empty()) return write_integer(type, value, out);
    return out.put_string(name);
  }
  Buffer scratch;
  out.put_string(print_text(type, value, scratch));
}

void write_custom(const CustomInfo& info, const void* value, Sink& out) {
  const Temporary as(*info.as);
  info.store(value, as.get());
  write_value(*info.as, as.get(), out);
}

void write_any(const Value& value, Sink& out) {
  switch (value.type()) {
    case Value::Type::null:
      out.put("null");
      return;
    case Value::Type::boolean:
      out.put(value.as_bool() ? "true" : "false");
      return;
    case Value::Type::integer:
      out.put_number(value.as_integer());
      return;
    case Value::Type::unsigned_integer:
      out.put_number(value.as_unsigned());
      return;
    case Value::Type::number:
      out.put_number(value.as_double());
      return;
    case Value::Type::string:
      out.put_string(value.as_string());
      return;
    case Value::Type::array: {
      char separator = '[';
      for (const Value& element : value.as_array()) {
        out.put(separator);
        separator = ',';
        write_any(element, out);
      }
      out.put(separator == '[' ? "[]" : "]");
      return;
    }
    case Value::Type::object: {
      char separator = '{';
      for (const auto& member : value.as_object()) {
        out.put(separator);
        separator = ',';
        out.put_string(member.name);
        out.put(':');
        write_any(member.value, out);
      }
      out.put(separator == '{' ? "{}" : "}");
      return;
    }
  }
}

void write_variant(const VariantInfo& info, const void* value, Sink& out) {
  const std::size_t index = info.index(value);
  if (index >= info.alternatives.size()) return out.put("null");
  write_value(*info.alternatives[index], info.get(value), out);
}

void write_value(const TypeInfo& type, const void* value, Sink& out) {
  switch (type.kind) {
    case Kind::null:
      return out.put("null");
    case Kind::boolean:
      return out.put(*static_cast<const bool*>(value) ? "true" : "false");
    case Kind::integer:
      return write_integer(type, value, out);
    case Kind::floating:
      return type.size == sizeof(double) ? out.put_number(*static_cast<const double*>(value))
                                         : out.put_number(*static_cast<const float*>(value));
    case Kind::string:
      return out.put_string(*static_cast<const std::string*>(value));
    case Kind::string_view:
      return out.put_string(*static_cast<const std::string_view*>(value));
    case Kind::text:
    case Kind::enumeration:
    case Kind::timestamp:
    case Kind::date:
    case Kind::duration:
    case Kind::bytes:
      return write_text(type, value, out);
    case Kind::optional: {
      const void* inner = type.detail.optional->get(value);
      return inner == nullptr ? out.put("null") : write_value(*type.detail.optional->value, inner, out);
    }
    case Kind::sequence:
      return write_sequence(*type.detail.sequence, value, out);
    case Kind::map:
      return write_map(*type.detail.map, value, out);
    case Kind::tuple:
      return write_tuple(*type.detail.tuple, value, out);
    case Kind::variant:
      return write_variant(*type.detail.variant, value, out);
    case Kind::object:
      return write_object(type, value, out);
    case Kind::value:
      return write_any(*static_cast<const Value*>(value), out);
    case Kind::raw:
      return out.put(static_cast<const Raw*>(value)->text);
    case Kind::custom:
      return write_custom(*type.detail.custom, value, out);
  }
}

}  // namespace
}  // namespace detail

void write(const TypeInfo& type, const void* value, Buffer& out) {
  detail::Sink sink(out);
  detail::write_value(type, value, sink);
}

void escape(Buffer& out, std::string_view text) {
  detail::Sink(out).put_string(text);
}
void append_number(Buffer& out, double value) {
  detail::Sink(out).put_number(value);
}
void append_number(Buffer& out, std::int64_t value) {
  detail::Sink(out).put_number(value);
}
void append_number(Buffer& out, std::uint64_t value) {
  detail::Sink(out).put_number(value);
}

Result<void> validate(const TypeInfo& type, const void* value) {
  detail::Failures failures(64);
  if (!detail::check_value(type, value, detail::Path{}, failures)) {
    return fail(Errc::internal, "a rule's pattern is no regular expression");
  }
  if (!failures.empty()) return fail(std::move(failures).take());
  return {};
}

}  // namespace weir::json
