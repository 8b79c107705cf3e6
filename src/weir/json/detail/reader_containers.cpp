// Objects, arrays, maps and what else holds other values.
#include <cstring>

#include "weir/json/detail/check.hpp"
#include "weir/json/detail/reader.hpp"
#include "weir/json/detail/temporary.hpp"
#include "weir/json/value.hpp"

namespace weir::json::detail {
bool Reader::object(const TypeInfo& type, void* out, const Path& path) {
  if (*token() != '{') return mismatch(type, path);
  const ObjectInfo& info = *type.detail.object;
  if (!enter()) return false;
  ++at_;
  const std::size_t failures_before = failures_.count();
  std::uint64_t seen = 0;
  const Field* guess = info.fields.data();  // members mostly come in the order of their declaration
  const Field* const end_of_fields = guess + info.fields.size();
  bool more = *token() != '}';
  if (!more) ++at_;
  while (more) {
    const char* const quote = token();
    if (*quote != '"') return syntax(quote, "a name in double quotes");
    std::string_view name;
    const Field* field = nullptr;
    if (guess != end_of_fields && static_cast<std::size_t>(end_ - quote) > guess->name.size() + 1 &&
        quote[guess->name.size() + 1] == '"' && std::memcmp(quote + 1, guess->name.data(), guess->name.size()) == 0) {
      field = guess;
      ++at_;
    } else {
      if (!string_token(name, workspace_.key)) return false;
      field = info.find(name);
    }
    if (*token() != ':') return syntax(token(), "':' behind a name");
    ++at_;
    if (!member(info, name, field, seen, out, path)) return false;
    if (field != nullptr) guess = field + 1;
    if (!next('}', more)) return false;
  }
  leave();
  if (const std::uint64_t missing = info.required & ~seen; missing != 0) missing_members(info, missing, path);
  if (info.validate != nullptr && failures_.count() == failures_before) {
    std::vector<FieldError> found;
    info.validate(out, found);
    failures_.add_below(path, std::move(found));
  }
  return true;
}

bool Reader::member(const ObjectInfo& info, std::string_view name, const Field* field, std::uint64_t& seen, void* out,
                    const Path& path) {
  if (field == nullptr) {
    if (!info.tag.name.empty() && name == info.tag.name) return tag_member(info, path);
    return unknown_member(info, name, path);
  }
  const std::uint64_t bit = std::uint64_t{1} << (field - info.fields.data());
  const Path below{.up = &path, .name = field->name};
  if ((seen & bit) != 0) {
    failed(below, "duplicate", "stands in the object twice");
    return skip();
  }
  seen |= bit;
  if (field->read_only && !options_.accept_read_only) return skip();
  const std::size_t failures_before = failures_.count();
  if (!value(*field->type, field->in(out), below)) return false;
  if (field->checked && failures_.count() == failures_before) {
    return check_rules(*field->rules, *field->type, field->in(out), below, failures_) ||
           limit(Errc::internal, "a rule's pattern is no regular expression: " + std::string(field->rules->pattern));
  }
  return true;
}

bool Reader::tag_member(const ObjectInfo& info, const Path& path) {
  const Path below{.up = &path, .name = info.tag.name};
  std::string_view text;
  if (*token() == '"') {
    if (!string_token(text, workspace_.text)) return false;
    if (text == info.tag.value) return true;
  } else if (!skip()) {
    return false;
  }
  failed(below, "one_of", "must be \"" + std::string(info.tag.value) + "\"");
  return true;
}

bool Reader::unknown_member(const ObjectInfo& info, std::string_view name, const Path& path) {
  using Unknown = ReadOptions::Unknown;
  const bool reject =
      options_.unknown == Unknown::reject || (options_.unknown == Unknown::as_declared && info.reject_unknown);
  if (reject) failed(Path{.up = &path, .name = name}, "unknown", "is not a known member");
  return skip();
}

void Reader::missing_members(const ObjectInfo& info, std::uint64_t missing, const Path& path) {
  for (std::size_t i = 0; i < info.fields.size(); ++i) {
    if ((missing >> i & 1) == 0) continue;
    if (options_.accept_read_only && info.fields[i].write_only) continue;
    failed(Path{.up = &path, .name = info.fields[i].name}, "required", "is required");
  }
}

bool Reader::optional(const TypeInfo& type, void* out, const Path& path) {
  const OptionalInfo& info = *type.detail.optional;
  if (*token() == 'n') {
    info.reset(out);
    return literal("null");
  }
  if (!charge(info.value->size)) return false;
  return value(*info.value, info.emplace(out), path);
}

bool Reader::sequence(const TypeInfo& type, void* out, const Path& path) {
  if (*token() != '[') return mismatch(type, path);
  const SequenceInfo& info = *type.detail.sequence;
  if (!enter()) return false;
  ++at_;
  if (info.clear != nullptr) info.clear(out);
  std::size_t count = 0;
  bool more = *token() != ']';
  if (!more) ++at_;
  for (; more; ++count) {
    if (!element(info, out, count, path) || !next(']', more)) return false;
  }
  if (info.fixed_size != 0 && count != info.fixed_size) {
    failed(path, "items",
           "must have exactly " + std::to_string(info.fixed_size) + " items, not " + std::to_string(count));
  }
  leave();
  return true;
}

bool Reader::element(const SequenceInfo& info, void* out, std::size_t index, const Path& path) {
  const Path below{.up = &path, .index = index};
  if (info.fixed_size != 0) {
    if (index >= info.fixed_size) return skip();
    return value(*info.element, static_cast<char*>(info.data(out)) + index * info.element->size, below);
  }
  if (!charge(info.element->size)) return false;
  if (info.append != nullptr) return value(*info.element, info.append(out), below);
  return set_element(info, out, below);
}

bool Reader::set_element(const SequenceInfo& info, void* out, const Path& path) {
  const Temporary element(*info.element);
  const std::size_t failures_before = failures_.count();
  if (!value(*info.element, element.get(), path)) return false;
  if (failures_.count() == failures_before && !info.insert(out, element.get())) {
    failed(path, "unique_items", "must not be the same as another item");
  }
  return true;
}

bool Reader::map(const TypeInfo& type, void* out, const Path& path) {
  if (*token() != '{') return mismatch(type, path);
  const MapInfo& info = *type.detail.map;
  if (!enter()) return false;
  ++at_;
  info.clear(out);
  bool more = *token() != '}';
  if (!more) ++at_;
  std::string kept;  // an unescaped key: its buffer is used again below
  while (more) {
    if (*token() != '"') return syntax(token(), "a name in double quotes");
    std::string_view key;
    if (!string_token(key, workspace_.key)) return false;
    if (key.data() == workspace_.key.data()) key = kept = key;
    if (*token() != ':') return syntax(token(), "':' behind a name");
    ++at_;
    if (!charge(info.value->size + key.size() + 64)) return false;
    const Path below{.up = &path, .name = key};
    void* const place = info.insert(out, key);
    if (place == nullptr) failed(below, "duplicate", "stands in the object twice");
    if (!(place == nullptr ? skip() : value(*info.value, place, below))) return false;
    if (!next('}', more)) return false;
  }
  leave();
  return true;
}

bool Reader::tuple(const TypeInfo& type, void* out, const Path& path) {
  if (*token() != '[') return mismatch(type, path);
  const TupleInfo& info = *type.detail.tuple;
  if (!enter()) return false;
  ++at_;
  std::size_t count = 0;
  bool more = *token() != ']';
  if (!more) ++at_;
  for (; more; ++count) {
    const Path below{.up = &path, .index = count};
    const bool ok = count < info.elements.size() ? value(*info.elements[count], info.get(out, count), below) : skip();
    if (!ok || !next(']', more)) return false;
  }
  if (count != info.elements.size()) {
    failed(path, "items",
           "must have exactly " + std::to_string(info.elements.size()) + " items, not " + std::to_string(count));
  }
  leave();
  return true;
}

bool Reader::custom(const TypeInfo& type, void* out, const Path& path) {
  const CustomInfo& info = *type.detail.custom;
  const Temporary from(*info.as);
  const std::size_t failures_before = failures_.count();
  if (!value(*info.as, from.get(), path)) return false;
  if (failures_.count() != failures_before) return true;
  if (auto loaded = info.load(from.get(), out); !loaded) failed(path, "form", loaded.error().message());
  return true;
}

bool Reader::raw(void* out) {
  const char* const begin = token();
  if (!skip()) return false;
  static_cast<Raw*>(out)->text.assign(begin, value_end_);
  return true;
}

}  // namespace weir::json::detail
