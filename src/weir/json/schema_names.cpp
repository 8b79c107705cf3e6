// Which components a SchemaSet has, and how they are called.
#include <algorithm>
#include <utility>

#include "weir/json/detail/schema_directions.hpp"
#include "weir/json/schema.hpp"

namespace weir::json {

using detail::index;
using detail::is_listed;
using detail::is_required;

namespace {

/// C++ names as component names, of which OpenAPI 3.1 section 4.8.7.1 allows letters, digits, '.', '-' and '_'.
std::string component_name(std::string_view name) {
  static constexpr std::string_view standard = "basic_string<char>";
  std::string out;
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (name.substr(i).starts_with(standard)) {
      out += "string";
      i += standard.size() - 1;
      continue;
    }
    const char c = name[i];
    const bool plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
    if (plain) {
      out += c;
    } else if (!out.empty() && out.back() != '_') {
      out += '_';
    }
  }
  while (out.ends_with('_')) out.pop_back();
  return out.empty() ? "Type" : out;
}

/// Calls `f` with the structs and enumerations that the schema of the type refers to by name.
template <class F>
void each_named(const TypeInfo& type, F&& f) {
  switch (type.kind) {
    case Kind::enumeration:
    case Kind::object:
      return f(type);
    case Kind::optional:
      return each_named(*type.detail.optional->value, f);
    case Kind::sequence:
      return each_named(*type.detail.sequence->element, f);
    case Kind::map:
      return each_named(*type.detail.map->value, f);
    case Kind::custom:
      return each_named(*type.detail.custom->as, f);
    case Kind::tuple:
      for (const TypeInfo* element : type.detail.tuple->elements) each_named(*element, f);
      return;
    case Kind::variant:
      for (const TypeInfo* alternative : type.detail.variant->alternatives) each_named(*alternative, f);
      return;
    default:
      return;
  }
}

/// Whether the type looks different both ways, or something in it does. `seen` ends recursion.
bool differs(const TypeInfo& type, std::vector<const TypeInfo*>& seen) {
  if (type.kind != Kind::object || std::ranges::find(seen, &type) != seen.end()) return false;
  seen.push_back(&type);
  const ObjectInfo& info = *type.detail.object;
  for (const Field& field : info.fields) {
    const bool listed = is_listed(info, field, Direction::in);
    if (listed != is_listed(info, field, Direction::out)) return true;
    if (!listed) continue;
    if (is_required(field, Direction::in) != is_required(field, Direction::out)) return true;
    bool inside = false;
    each_named(*field.type, [&](const TypeInfo& named) { inside = inside || differs(named, seen); });
    if (inside) return true;
  }
  return false;
}

}  // namespace

void SchemaSet::use(const TypeInfo& type, Direction direction) {
  each_named(type, [&](const TypeInfo& named) {
    bool& used = component_of(named).used[index(direction)];
    if (std::exchange(used, true)) return;
    all_named_ = false;
    if (named.kind != Kind::object) return;
    const ObjectInfo& info = *named.detail.object;
    for (const Field& field : info.fields) {
      if (is_listed(info, field, direction)) use(*field.type, direction);
    }
  });
}

SchemaSet::Component& SchemaSet::component_of(const TypeInfo& type) {
  const auto at = std::ranges::find(components_, &type, &Component::type);
  return at != components_.end() ? *at : components_.emplace_back(Component{.type = &type});
}

// What goes out keeps the plain name, and so does what goes one way only: a client's types are called as the program's.
void SchemaSet::name_components() {
  if (std::exchange(all_named_, true)) return;
  for (Component& component : components_) {
    if (component.name[0].empty()) component.name.fill(free_name(component_name(component.type->name)));
  }
  for (Component& component : components_) {
    std::string& in = component.name[index(Direction::in)];
    std::vector<const TypeInfo*> seen;
    const bool both = component.used[0] && component.used[1];
    if (both && in == component.name[index(Direction::out)] && differs(*component.type, seen)) {
      in = free_name(in + "Input");
    }
  }
}

std::string SchemaSet::free_name(const std::string& wanted) const {
  const auto taken = [&](const std::string& name) {
    return std::ranges::find(reserved_, name) != reserved_.end() ||
           std::ranges::any_of(components_, [&](const Component& c) { return c.name[0] == name || c.name[1] == name; });
  };
  std::string name = wanted;
  for (int n = 2; taken(name); ++n) name = wanted + std::to_string(n);
  return name;
}

std::string_view SchemaSet::name_of(const TypeInfo& type) {
  return component_of(type).name[index(direction_)];
}

}  // namespace weir::json
