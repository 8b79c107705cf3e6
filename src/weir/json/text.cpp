#include "weir/json/text.hpp"

#include <cstring>
#include <set>
#include <stdexcept>

#include "weir/json/detail/check.hpp"
#include "weir/json/detail/number.hpp"
#include "weir/json/detail/temporary.hpp"
#include "weir/json/detail/text_forms.hpp"
#include "weir/json/value.hpp"
#include "weir/json/write.hpp"

namespace weir::json {
namespace detail {
namespace {

/// Numbers need a byte behind them that is none of theirs: they are read from a copy.
class NumberText {
 public:
  static constexpr std::size_t longest = 512;

  [[nodiscard]] bool scan(std::string_view text, bool allow_plus, Number& out) noexcept {
    if (allow_plus && text.size() > 1 && text[0] == '+' && is_digit(text[1])) text.remove_prefix(1);
    if (text.empty() || text.size() > longest) return false;
    std::memcpy(copy_, text.data(), text.size());
    copy_[text.size()] = '\0';
    return scan_number(copy_, copy_ + text.size(), out) && out.end == copy_ + text.size();
  }

 private:
  char copy_[longest + 1];
};

TextFailure read_integer(std::string_view text, const TypeInfo& type, void* out) {
  NumberText copy;
  Number number;
  std::uint64_t value = 0;
  if (!copy.scan(text, true, number) || !number.integral) return {"type", "must be an integer"};
  if (to_integer(number, type.is_signed, type.size, value) != IntegerStatus::ok) {
    return {"range", "must be " + integer_range(type)};
  }
  store_integer(out, type.size, value);
  return {};
}

TextFailure read_floating(std::string_view text, const TypeInfo& type, void* out) {
  NumberText copy;
  Number number;
  if (!copy.scan(text, true, number)) return {"type", "must be a number"};
  const bool fits = type.size == sizeof(double) ? to_double(number, *static_cast<double*>(out))
                                                : to_float(number, *static_cast<float*>(out));
  if (!fits) return {"range", "must be a smaller number"};
  return {};
}

TextFailure read_boolean(std::string_view text, void* out) {
  const bool yes = text == "true" || text == "1";
  if (!yes && text != "false" && text != "0") return {"type", "must be true or false"};
  *static_cast<bool*>(out) = yes;
  return {};
}

TextFailure read_custom(std::string_view text, const TypeInfo& type, void* out) {
  const CustomInfo& info = *type.detail.custom;
  const Temporary from(*info.as);
  if (TextFailure failure = read_text(text, *info.as, from.get()); !failure.rule.empty()) return failure;
  if (auto loaded = info.load(from.get(), out); !loaded) return {"form", loaded.error().message()};
  return {};
}

/// The first alternative that takes the text.
TextFailure read_variant(std::string_view text, const TypeInfo& type, void* out) {
  const VariantInfo& info = *type.detail.variant;
  for (std::size_t i = 0; i < info.alternatives.size(); ++i) {
    if (!has_text(*info.alternatives[i])) continue;
    if (read_text(text, *info.alternatives[i], info.emplace(out, i)).rule.empty()) return {};
  }
  return {"type", "must be " + expected_kind(type)};
}

}  // namespace

TextFailure read_text(std::string_view text, const TypeInfo& type, void* out) {
  switch (type.kind) {
    case Kind::boolean:
      return read_boolean(text, out);
    case Kind::integer:
      return read_integer(text, type, out);
    case Kind::floating:
      return read_floating(text, type, out);
    case Kind::string:
      static_cast<std::string*>(out)->assign(text);
      return {};
    case Kind::string_view:
      *static_cast<std::string_view*>(out) = text;
      return {};
    case Kind::text:
    case Kind::enumeration:
    case Kind::timestamp:
    case Kind::date:
    case Kind::duration:
    case Kind::bytes:
      return parse_text(type, text, out);
    case Kind::optional:
      return read_text(text, *type.detail.optional->value, type.detail.optional->emplace(out));
    case Kind::value:
      static_cast<Value*>(out)->make_string().assign(text);
      return {};
    case Kind::raw: {
      Buffer quoted;
      escape(quoted, text);
      static_cast<Raw*>(out)->text.assign(quoted.view());
      return {};
    }
    case Kind::custom:
      return read_custom(text, type, out);
    case Kind::variant:
      return read_variant(text, type, out);
    default:
      return {"type", "cannot be given as plain text"};
  }
}

namespace {

void prepare_type(const TypeInfo& type, std::set<const TypeInfo*>& seen) {
  if (!seen.insert(&type).second) return;
  switch (type.kind) {
    case Kind::optional:
      return prepare_type(*type.detail.optional->value, seen);
    case Kind::sequence:
      return prepare_type(*type.detail.sequence->element, seen);
    case Kind::map:
      return prepare_type(*type.detail.map->value, seen);
    case Kind::custom:
      return prepare_type(*type.detail.custom->as, seen);
    case Kind::tuple:
      for (const TypeInfo* element : type.detail.tuple->elements) prepare_type(*element, seen);
      return;
    case Kind::variant:
      for (const TypeInfo* alternative : type.detail.variant->alternatives) prepare_type(*alternative, seen);
      return;
    case Kind::object:
      for (const Field& field : type.detail.object->fields) {
        if (field.rules != nullptr) prepare_rules(*field.rules, *field.type, type.name, field.name);
        prepare_type(*field.type, seen);
      }
      return;
    default:
      return;
  }
}

}  // namespace
}  // namespace detail

bool has_text(const TypeInfo& type) noexcept {
  switch (type.kind) {
    case Kind::null:
    case Kind::sequence:
    case Kind::map:
    case Kind::tuple:
    case Kind::object:
      return false;
    case Kind::optional:
      return has_text(*type.detail.optional->value);
    case Kind::custom:
      return has_text(*type.detail.custom->as);
    case Kind::variant:
      for (const TypeInfo* alternative : type.detail.variant->alternatives) {
        if (has_text(*alternative)) return true;
      }
      return false;
    default:
      return true;
  }
}

namespace {
Result<void> failed(detail::TextFailure failure) {
  std::vector<FieldError> fields;
  fields.push_back({.field = {}, .rule = std::string(failure.rule), .message = failure.message});
  return fail(Error(Errc::invalid_argument, std::move(failure.message)).with_fields(std::move(fields)));
}
}  // namespace

Result<void> from_text(std::string_view text, const TypeInfo& type, void* out) {
  detail::TextFailure failure = detail::read_text(text, type, out);
  if (failure.rule.empty()) return {};
  return failed(std::move(failure));
}

Result<void> from_texts(std::span<const std::string_view> texts, const TypeInfo& type, void* out) {
  const std::size_t fixed = value_type(type).detail.sequence->fixed_size;
  if (fixed != 0 && texts.size() != fixed) {
    return failed({"items", "must be given exactly " + std::to_string(fixed) + " times"});
  }
  Result<void> result;
  detail::read_texts(texts, type, out, [&](std::size_t, detail::TextFailure failure) {
    if (result) result = failed(std::move(failure));
  });
  return result;
}

void to_text(const TypeInfo& type, const void* value, Buffer& out) {
  switch (type.kind) {
    case Kind::string:
      return out.append(*static_cast<const std::string*>(value));
    case Kind::string_view:
      return out.append(*static_cast<const std::string_view*>(value));
    case Kind::enumeration:
      if (detail::enumerator_name(*type.detail.enumeration,
                                  static_cast<std::int64_t>(detail::load_integer(value, type.size, type.is_signed)))
              .empty()) {
        return write(type, value, out);
      }
      [[fallthrough]];
    case Kind::text:
    case Kind::timestamp:
    case Kind::date:
    case Kind::duration:
    case Kind::bytes: {
      Buffer scratch;
      return out.append(detail::print_text(type, value, scratch));
    }
    case Kind::optional: {
      const void* inner = type.detail.optional->get(value);
      if (inner != nullptr) to_text(*type.detail.optional->value, inner, out);
      return;
    }
    case Kind::custom: {
      const detail::Temporary as(*type.detail.custom->as);
      type.detail.custom->store(value, as.get());
      return to_text(*type.detail.custom->as, as.get(), out);
    }
    case Kind::variant: {
      const VariantInfo& info = *type.detail.variant;
      if (const std::size_t index = info.index(value); index < info.alternatives.size()) {
        to_text(*info.alternatives[index], info.get(value), out);
      }
      return;
    }
    default:
      return write(type, value, out);
  }
}

void check(const Rules& rules, const TypeInfo& type, const void* value, std::string_view name,
           std::vector<FieldError>& found) {
  const detail::Path root;
  detail::Failures failures(64);
  const bool ok = detail::check_rules(rules, type, value, detail::Path{.up = &root, .name = name}, failures);
  if (!ok) failures.add(detail::Path{.up = &root, .name = name}, "pattern", "has a rule that is no regular expression");
  if (failures.empty()) return;
  const Error error = std::move(failures).take();
  found.insert(found.end(), error.fields().begin(), error.fields().end());
}

void prepare(const TypeInfo& type) {
  std::set<const TypeInfo*> seen;
  detail::prepare_type(type, seen);
}

}  // namespace weir::json
