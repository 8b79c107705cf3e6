// Describe<T> for aggregates: the table of fields, their keys, the hash table of their names. Included by describe.hpp.
#pragma once

#include "weir/json/describe.hpp"

namespace weir::json::detail {

template <class S>
inline constexpr bool is_rule_set = false;
template <class T, class... Parts>
inline constexpr bool is_rule_set<RuleSet<T, Parts...>> = true;

/// The rules declared in T (a static member `rules`) or beside it (weir::rules_for<T>), or NoRules.
template <class T>
consteval const auto& rule_set() {
  if constexpr (requires { requires is_rule_set<std::remove_cvref_t<decltype(T::rules)>>; }) {
    return T::rules;
  } else {
    return rules_for<T>;
  }
}

template <class T>
consteval StructRules struct_rules() {
  if constexpr (requires { rule_set<T>().whole; }) {
    return rule_set<T>().whole;
  } else {
    return {};
  }
}

template <class T>
consteval std::string_view tag_name_of() {
  if constexpr (IsObject<T>) {
    return struct_rules<T>().tag_name;
  } else {
    return {};
  }
}

/// The rules of one member. (Not just a pointer: under UBSan g++ 12 holds that no address of an inline variable can be
/// compared with nullptr at compile time.)
struct RuleEntry {
  const Rules* rules = nullptr;
  bool present = false;
  [[nodiscard]] constexpr bool renames() const { return present && !rules->rename.empty(); }
};
template <class T>
using RuleTable = std::array<RuleEntry, reflect::member_count<T> + 1>;

template <class T, auto P>
consteval void enter(RuleTable<T>& table, const FieldRules<P>& field) {
  table[reflect::member_index<T, P>] = {&field.rules, true};
}
template <class T, class Option>
  requires requires(const Option& o, StructRules& whole) { o.apply(whole); }
consteval void enter(RuleTable<T>&, const Option&) {}
template <class T, class S, class... Parts>
consteval void enter_all(RuleTable<T>& table, const RuleSet<S, Parts...>& set) {
  static_assert(std::is_same_v<T, S>, "weir::rules<S> stands in another struct than S");
  (enter<T>(table, static_cast<const Parts&>(set)), ...);
}
/// The rules of each member of T.
template <class T>
consteval RuleTable<T> make_rule_table() {
  RuleTable<T> table{};
  if constexpr (!std::is_same_v<std::remove_cvref_t<decltype(rule_set<T>())>, NoRules>)
    enter_all<T>(table, rule_set<T>());
  return table;
}

constexpr char upper(char c) noexcept {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}

/// All the keys of T, `,"name":` one after the other, with room behind the last.
template <class T, std::size_t Capacity>
struct KeyText {
  std::array<char, Capacity> text{};
  std::array<std::uint32_t, reflect::member_count<T> + 1> start{};

  consteval explicit KeyText(const std::array<std::string_view, reflect::member_count<T> + 1>& names,
                             const RuleTable<T>& rules, naming style) {
    std::size_t at = 0;
    for (std::size_t i = 0; i < reflect::member_count<T>; ++i) {
      start[i] = static_cast<std::uint32_t>(at);
      text[at++] = ',';
      text[at++] = '"';
      const bool renamed = rules[i].renames();
      at = put(renamed ? rules[i].rules->rename : names[i], renamed ? naming::as_is : style, at);
      text[at++] = '"';
      text[at++] = ':';
    }
    start[reflect::member_count<T>] = static_cast<std::uint32_t>(at);
  }
  [[nodiscard]] constexpr std::string_view key(std::size_t i) const {
    return {text.data() + start[i], start[i + 1] - start[i]};
  }
  [[nodiscard]] constexpr std::string_view name(std::size_t i) const { return key(i).substr(2, key(i).size() - 4); }

 private:
  consteval std::size_t put(std::string_view name, naming style, std::size_t at) {
    bool raise = style == naming::pascal_case;
    for (std::size_t i = 0; i < name.size(); ++i) {
      const char c = name[i];
      if (c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20) throw "a name in JSON needs no escapes";
      if (style != naming::as_is && c == '_' && i > 0 && i + 1 < name.size()) {
        if (style == naming::kebab_case) text[at++] = '-';
        raise = style != naming::kebab_case;
        continue;
      }
      text[at++] = raise ? upper(c) : c;
      raise = false;
    }
    return at;
  }
};

template <class T>
consteval auto member_names() {
  std::array<std::string_view, reflect::member_count<T> + 1> names{};
  [&]<std::size_t... I>(std::index_sequence<I...>) {
    ((names[I] = reflect::member_name<T, I>), ...);
  }(std::make_index_sequence<reflect::member_count<T>>{});
  return names;
}

/// A validate() that would never be called.
template <class T>
concept HasForeignValidate = requires { requires std::is_member_function_pointer_v<decltype(&T::validate)>; } &&
                             !requires(const T& t) { t.validate(); };

template <class T>
struct ObjectTable {
  static_assert(!HasForeignValidate<T>,
                "weir::json: validate() of a struct is const, takes nothing, and returns Result<void> or "
                "std::vector<weir::FieldError>");
  static constexpr std::size_t count = reflect::member_count<T>;
  static_assert(reflect::layout<T>.size == sizeof(T),
                "weir::json: this aggregate's layout is not understood: [[no_unique_address]], alignas on members, bit "
                "fields and base classes are not supported");

  static constexpr StructRules whole = struct_rules<T>();
  static constexpr RuleTable<T> rules = make_rule_table<T>();

  static consteval std::size_t key_capacity() {
    std::size_t size = 16;
    const auto names = member_names<T>();
    for (std::size_t i = 0; i < count; ++i) {
      size += 4 + (rules[i].renames() ? rules[i].rules->rename.size() : names[i].size());
    }
    return size;
  }
  static constexpr KeyText<T, key_capacity()> keys{member_names<T>(), rules, whole.names};

  template <std::size_t I>
  static consteval Field make_field() {
    using M = reflect::MemberType<T, I>;
    const Rules* const r = rules[I].rules;
    const bool ruled = rules[I].present;
    const bool nullable = IsOptional<M> || std::same_as<M, Value> || IsNull<M>;
    const bool optional = nullable || whole.all_optional || (ruled && r->optional);
    const bool read_only = ruled && r->read_only;
    return {.name = keys.name(I),
            .key = keys.key(I),
            .type = &Described<M>::info,
            .rules = r,
            .offset = reflect::layout<T>.offset[I],
            .required = !read_only && (!optional || (ruled && r->required)),
            .read_only = read_only,
            .write_only = ruled && r->write_only,
            .omit_empty = (whole.omit_empty && nullable) || (ruled && r->omit_empty),
            .checked = ruled && r->checks()};
  }
  template <std::size_t... I>
  static consteval std::array<Field, count> make_fields(std::index_sequence<I...>) {
    return {make_field<I>()...};
  }
  static constexpr std::array<Field, count> fields = make_fields(std::make_index_sequence<count>{});

  static consteval std::size_t slot_count() {
    std::size_t size = 4;
    while (size < count * 2) size *= 2;
    return size;
  }
  static consteval auto make_slots() {
    std::array<std::uint8_t, slot_count()> made{};
    made.fill(0xff);
    for (std::size_t i = 0; i < count; ++i) {
      std::size_t at = ObjectInfo::hash(fields[i].name) & (made.size() - 1);
      for (; made[at] != 0xff; at = (at + 1) & (made.size() - 1)) {
        if (fields[made[at]].name == fields[i].name) throw "two members have the same name in JSON";
      }
      made[at] = static_cast<std::uint8_t>(i);
    }
    return made;
  }
  static constexpr auto slots = make_slots();

  static void validate(const void* object, std::vector<FieldError>& found) {
    auto result = static_cast<const T*>(object)->validate();
    if constexpr (std::same_as<decltype(result), std::vector<FieldError>>) {
      for (auto& error : result) found.push_back(std::move(error));
    } else if (!result) {
      if (result.error().fields().empty()) {
        found.push_back({.field = {}, .rule = "validate", .message = result.error().message()});
      }
      for (const auto& error : result.error().fields()) found.push_back(error);
    }
  }

  static consteval ObjectInfo make() {
    ObjectInfo made{.fields = fields,
                    .slots = slots,
                    .tag = {whole.tag_name, whole.tag_value},
                    .description = whole.description,
                    .reject_unknown = whole.reject_unknown};
    for (std::size_t i = 0; i < count; ++i) {
      if (fields[i].required) made.required |= std::uint64_t{1} << i;
      if (fields[i].read_only) made.read_only |= std::uint64_t{1} << i;
    }
    if constexpr (requires(const T& t) { t.validate(); }) made.validate = &validate;
    return made;
  }
  static constexpr ObjectInfo info = make();
};

template <IsObject T>
struct Describe<T> {
  static constexpr TypeInfo make() {
    TypeInfo info = basic<T>(Kind::object);
    info.detail.object = &ObjectTable<T>::info;
    return info;
  }
};

}  // namespace weir::json::detail
