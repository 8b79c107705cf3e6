// bind_fields(): structs from named texts.
#include "weir/json/detail/check.hpp"
#include "weir/json/detail/text_forms.hpp"
#include "weir/json/text.hpp"

namespace weir::json {
namespace detail {
namespace {

/// Binds one struct; nested ones with the prefix of their names.
class Binder {
 public:
  explicit Binder(const FieldSource& source) : source_(source) {}

  Result<void> bind(const TypeInfo& type, void* out) {
    static_cast<void>(object(type, out, Path{}, {}));
    if (bad_pattern_) return fail(Errc::internal, "a rule's pattern is no regular expression");
    if (!failures_.empty()) return fail(std::move(failures_).take());
    return {};
  }

 private:
  static constexpr int deepest = 16;  ///< Recursive types end somewhere.

  /// Returns whether any member was given.
  bool object(const TypeInfo& type, void* out, const Path& path, std::string_view prefix) {
    const ObjectInfo& info = *type.detail.object;
    const std::size_t before = failures_.count();
    bool any = false;
    for (const Field& field : info.fields) {
      if (field.read_only) continue;
      any = member(field, field.in(out), Path{.up = &path, .name = field.name}, prefix) || any;
    }
    if (info.validate != nullptr && failures_.count() == before) {
      std::vector<FieldError> found;
      info.validate(out, found);
      failures_.add_below(path, std::move(found));
    }
    return any;
  }

  bool member(const Field& field, void* out, const Path& path, std::string_view prefix) {
    const TypeInfo& type = value_type(*field.type);
    if (type.kind == Kind::object) return nested(field, out, path, prefix);
    recycle::String name(prefix);
    name += field.name;
    recycle::Vector<std::string_view> values;
    source_.find(name, values);
    if (values.empty()) {
      if (field.required) failures_.add(path, "required", "is required");
      return false;
    }
    const std::size_t before = failures_.count();
    if (type.kind == Kind::sequence) {
      sequence(*field.type, out, values, path);
    } else if (values.size() > 1) {
      failures_.add(path, "duplicate", "was given more than once");
    } else {
      add(read_text(values.front(), *field.type, out), path);
    }
    if (field.checked && failures_.count() == before && !check_rules(*field.rules, *field.type, out, path, failures_)) {
      bad_pattern_ = true;
    }
    return true;
  }

  bool nested(const Field& field, void* out, const Path& path, std::string_view prefix) {
    recycle::String name(prefix);
    name += field.name;
    name += '.';
    if (++depth_ > deepest) {
      --depth_;
      return false;
    }
    bool any = false;
    if (field.type->kind == Kind::optional) {
      // There only if one of its members is: what is missing in it counts only then.
      const OptionalInfo& info = *field.type->detail.optional;
      Failures kept = failures_;
      any = object(value_type(*field.type), deep_emplace(*field.type, out), path, name);
      if (!any) {
        failures_ = std::move(kept);
        info.reset(out);
        if (field.required) failures_.add(path, "required", "is required");
      }
    } else {
      any = object(*field.type, out, path, name);
    }
    --depth_;
    return any;
  }

  static void* deep_emplace(const TypeInfo& type, void* out) {
    const TypeInfo* t = &type;
    while (t->kind == Kind::optional) {
      out = t->detail.optional->emplace(out);
      t = t->detail.optional->value;
    }
    return out;
  }

  void sequence(const TypeInfo& type, void* out, const recycle::Vector<std::string_view>& values, const Path& path) {
    const std::size_t fixed = value_type(type).detail.sequence->fixed_size;
    if (fixed != 0 && values.size() != fixed) {
      return failures_.add(path, "items", "must be given exactly " + std::to_string(fixed) + " times");
    }
    read_texts(values, type, out,
               [&](std::size_t i, TextFailure failure) { add(std::move(failure), Path{.up = &path, .index = i}); });
  }

  void add(TextFailure failure, const Path& path) {
    if (!failure.rule.empty()) failures_.add(path, failure.rule, std::move(failure.message));
  }

  const FieldSource& source_;
  Failures failures_{64};
  int depth_ = 0;
  bool bad_pattern_ = false;
};

}  // namespace
}  // namespace detail

Result<void> bind_fields(const TypeInfo& object, void* out, const FieldSource& source) {
  if (object.kind != Kind::object) return fail(Errc::internal, "bind_fields() fills a struct");
  return detail::Binder(source).bind(object, out);
}

}  // namespace weir::json
