// std::variant: which alternative a value is for.
#include "weir/json/detail/reader.hpp"

namespace weir::json::detail {
namespace {

/// Whether a value that begins with that byte can be of the type at all.
bool can_begin(const TypeInfo& type, char first) {
  const TypeInfo* t = &type;
  while (t->kind == Kind::optional || t->kind == Kind::custom) {
    if (t->kind == Kind::optional && first == 'n') return true;
    t = t->kind == Kind::optional ? t->detail.optional->value : t->detail.custom->as;
  }
  switch (t->kind) {
    case Kind::value:
    case Kind::raw:
      return true;
    case Kind::null:
      return first == 'n';
    case Kind::boolean:
      return first == 't' || first == 'f';
    case Kind::integer:
    case Kind::floating:
      return is_digit(first) || first == '-';
    case Kind::object:
    case Kind::map:
      return first == '{';
    case Kind::sequence:
    case Kind::tuple:
      return first == '[';
    case Kind::variant:
      for (const TypeInfo* alternative : t->detail.variant->alternatives) {
        if (can_begin(*alternative, first)) return true;
      }
      return false;
    default:
      return first == '"';
  }
}

bool is_plain_object(const TypeInfo& type) {
  return type.kind == Kind::object;
}

}  // namespace

bool Reader::variant(const TypeInfo& type, void* out, const Path& path) {
  const VariantInfo& info = *type.detail.variant;
  if (!info.tag.empty()) {
    if (*token() != '{') return mismatch(type, path);
    return tagged(info, out, path);
  }
  return by_shape(type, out, path);
}

// The tag may stand anywhere in the object: look for it, then read the object from its beginning.
bool Reader::tagged(const VariantInfo& info, void* out, const Path& path) {
  const std::uint32_t* const begin = at_;
  if (!enter()) return false;
  ++at_;
  std::size_t found = info.alternatives.size();
  bool has_tag = false;
  bool more = *token() != '}';
  if (!more) ++at_;
  while (more && !has_tag) {
    if (*token() != '"') return syntax(token(), "a name in double quotes");
    std::string_view name;
    if (!string_token(name, workspace_.key)) return false;
    if (*token() != ':') return syntax(token(), "':' behind a name");
    ++at_;
    if (name == info.tag) {
      has_tag = true;
      std::string_view text;
      if (*token() == '"') {
        if (!string_token(text, workspace_.text)) return false;
        for (std::size_t i = 0; i < info.alternatives.size(); ++i) {
          if (info.alternatives[i]->detail.object->tag.value == text) found = i;
        }
      }
    } else if (!skip() || !next('}', more)) {
      return false;
    }
  }
  leave();
  at_ = begin;
  if (found < info.alternatives.size()) {
    if (!charge(info.alternatives[found]->size)) return false;
    return value(*info.alternatives[found], info.emplace(out, found), path);
  }
  const Path below{.up = &path, .name = info.tag};
  if (!has_tag) {
    failed(below, "required", "is required");
  } else {
    std::string names;
    for (const TypeInfo* alternative : info.alternatives) {
      if (!names.empty()) names += ", ";
      names += alternative->detail.object->tag.value;
    }
    failed(below, "one_of", "must be one of " + names);
  }
  return skip();
}

bool Reader::by_shape(const TypeInfo& type, void* out, const Path& path) {
  const VariantInfo& info = *type.detail.variant;
  const char first = *token();
  std::size_t candidates = 0;
  std::size_t chosen = info.alternatives.size();
  bool only_objects = true;
  for (std::size_t i = 0; i < info.alternatives.size(); ++i) {
    if (!can_begin(*info.alternatives[i], first)) continue;
    if (chosen == info.alternatives.size()) chosen = i;
    only_objects = only_objects && is_plain_object(*info.alternatives[i]);
    ++candidates;
  }
  if (candidates == 0) return mismatch(type, path);
  if (candidates > 1 && first == '{' && only_objects) {
    if (!best_object(info, chosen)) return false;
  } else if (candidates > 1 && first != '{' && first != '[') {
    return scalar_alternative(type, out, path);
  }
  if (!charge(info.alternatives[chosen]->size)) return false;
  return value(*info.alternatives[chosen], info.emplace(out, chosen), path);
}

// Of several structs the first whose required members are all there and that knows all the members; failing that, the
// one that misses and ignores the fewest. Only names are compared, once per level, so nesting costs no more than
// max_depth times the size of the text.
bool Reader::best_object(const VariantInfo& info, std::size_t& found) {
  struct Score {
    std::uint64_t seen = 0;
    std::size_t unknown = 0;
  };
  constexpr std::size_t most = 16;
  Score scores[most];
  const std::size_t count = info.alternatives.size() < most ? info.alternatives.size() : most;
  const std::uint32_t* const begin = at_;
  if (!enter()) return false;
  ++at_;
  bool more = *token() != '}';
  if (!more) ++at_;
  while (more) {
    if (*token() != '"') return syntax(token(), "a name in double quotes");
    std::string_view name;
    if (!string_token(name, workspace_.key)) return false;
    if (*token() != ':') return syntax(token(), "':' behind a name");
    ++at_;
    for (std::size_t i = 0; i < count; ++i) {
      if (!is_plain_object(*info.alternatives[i])) continue;
      const ObjectInfo& object = *info.alternatives[i]->detail.object;
      if (const Field* field = object.find(name)) {
        scores[i].seen |= std::uint64_t{1} << (field - object.fields.data());
      } else {
        ++scores[i].unknown;
      }
    }
    if (!skip() || !next('}', more)) return false;
  }
  leave();
  at_ = begin;
  std::size_t best = static_cast<std::size_t>(-1);
  for (std::size_t i = 0; i < count; ++i) {
    if (!is_plain_object(*info.alternatives[i])) continue;
    const auto missing = info.alternatives[i]->detail.object->required & ~scores[i].seen;
    const std::size_t wrong = static_cast<std::size_t>(__builtin_popcountll(missing)) * 2 + scores[i].unknown;
    if (wrong < best) {
      best = wrong;
      found = i;
    }
  }
  return true;
}

// Of several scalars the first that takes the value: integers before doubles, an enumeration before a string, if they
// are declared in this order.
bool Reader::scalar_alternative(const TypeInfo& type, void* out, const Path& path) {
  const VariantInfo& info = *type.detail.variant;
  const std::uint32_t* const begin = at_;
  const char first = *token();
  for (std::size_t i = 0; i < info.alternatives.size(); ++i) {
    if (!can_begin(*info.alternatives[i], first)) continue;
    Failures kept(options_.max_failures);
    std::swap(kept, failures_);
    at_ = begin;
    const bool ok = value(*info.alternatives[i], info.emplace(out, i), path);
    std::swap(kept, failures_);
    if (!ok) return false;
    if (kept.empty()) return true;
  }
  at_ = begin;
  return mismatch(type, path);
}

}  // namespace weir::json::detail
