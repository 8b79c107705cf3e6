// What a program says about the members of a struct beside it: other names, bounds, patterns, descriptions.
//
//   struct NewUser {
//     std::string name;
//     int age = 0;
//     std::optional<std::string> email;
//
//     static constexpr auto rules = weir::rules<NewUser>(
//         weir::field<&NewUser::name>().min_length(1).max_length(80).describe("As on the badge").example("Ada"),
//         weir::field<&NewUser::age>().min(0).max(150).optional(),
//         weir::field<&NewUser::email>().format(weir::format::email),
//         weir::rename_all(weir::naming::camel_case));
//   };
//
// For a struct that cannot be changed, the same from outside, before its first use:
//
//   template <>
//   inline constexpr auto weir::rules_for<geo::Point> = weir::rules<geo::Point>(
//       weir::field<&geo::Point::lat>().min(-90).max(90));
//
// A member is required when reading unless it is a std::optional (or std::unique_ptr), a json::Value, or says
// .optional(): reflection cannot see whether a member has an initialiser. An optional() member that is missing keeps
// the value that the object had.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

#include "weir/base/fixed_string.hpp"

namespace weir {

/// Well-known forms of text, checked as their RFCs say, and "format" in JSON Schema.
// Lower case, as it reads where rules are declared.
// NOLINTNEXTLINE(readability-identifier-naming)
enum class format : std::uint8_t {
  none,
  email,      ///< RFC 5321 addr-spec with a dot-atom or quoted local part.
  uuid,       ///< RFC 9562, any version, 8-4-4-4-12 hexadecimal digits.
  uri,        ///< RFC 3986 with a scheme.
  date,       ///< RFC 3339 full-date.
  date_time,  ///< RFC 3339 date-time.
  ipv4,       ///< Dotted decimal without leading zeros.
  ipv6,       ///< RFC 4291 section 2.2.
  hostname,   ///< RFC 1123 section 2.1.
};

/// How names of members become names in JSON.
// NOLINTNEXTLINE(readability-identifier-naming): as above
enum class naming : std::uint8_t {
  as_is,
  camel_case,   ///< created_at → createdAt
  pascal_case,  ///< created_at → CreatedAt
  kebab_case,   ///< created_at → created-at
};

namespace json {

/// A compiled pattern's place; filled by the library at first use.
struct PatternSlot {
  mutable const void* compiled = nullptr;
};

struct Bound {
  enum class Is : std::uint8_t { none, inclusive, exclusive };
  double number = 0;
  std::int64_t integer = 0;
  bool is_integer = false;
  Is is = Is::none;
};

/// An example value for the documentation.
struct Example {
  enum class Is : std::uint8_t { none, text, integer, number, boolean };
  std::string_view text;  ///< For a member that is not text: JSON.
  double number = 0;
  std::int64_t integer = 0;
  Is is = Is::none;
};

/// The rules of one member, as data.
struct Rules {
  static constexpr std::size_t unbounded = static_cast<std::size_t>(-1);

  std::string_view rename;
  std::string_view description;
  std::string_view pattern;
  const PatternSlot* pattern_slot = nullptr;
  std::span<const std::string_view> one_of_text;
  std::span<const std::int64_t> one_of_integer;
  Bound min, max;
  double multiple_of = 0;
  std::size_t min_length = 0, max_length = unbounded;  ///< In Unicode code points.
  std::size_t min_items = 0, max_items = unbounded;
  Example example;
  weir::format format = weir::format::none;
  bool unique_items = false;
  bool optional = false;
  bool required = false;
  bool read_only = false;
  bool write_only = false;
  bool omit_empty = false;
  bool deprecated = false;

  [[nodiscard]] constexpr bool checks() const noexcept {
    return !pattern.empty() || !one_of_text.empty() || !one_of_integer.empty() || min.is != Bound::Is::none ||
           max.is != Bound::Is::none || multiple_of != 0 || min_length != 0 || max_length != unbounded ||
           min_items != 0 || max_items != unbounded || format != weir::format::none || unique_items;
  }
};

/// What holds for a whole struct.
struct StructRules {
  naming names = naming::as_is;
  bool reject_unknown = false;
  bool all_optional = false;
  bool omit_empty = false;
  std::string_view description;
  std::string_view tag_name;
  std::string_view tag_value;
};

template <auto Pointer>
inline constinit PatternSlot pattern_slot{};
template <FixedString... Texts>
inline constexpr std::array<std::string_view, sizeof...(Texts)> text_list{Texts.view()...};
template <std::int64_t... Values>
inline constexpr std::array<std::int64_t, sizeof...(Values)> integer_list{Values...};

/// Collects the rules of the member that Pointer names; made by weir::field.
template <auto Pointer>
struct FieldRules {
  Rules rules;

  /// Its name in JSON.
  [[nodiscard]] constexpr FieldRules rename(std::string_view name) const {
    return with([&](Rules& r) { r.rename = name; });
  }
  /// May be missing.
  [[nodiscard]] constexpr FieldRules optional() const {
    return with([](Rules& r) { r.optional = true; });
  }
  /// Must be there, even in a struct with all_optional() or as a std::optional (then null is allowed).
  [[nodiscard]] constexpr FieldRules required() const {
    return with([](Rules& r) { r.required = true; });
  }
  /// Only the server sets it: ignored when reading, always written.
  [[nodiscard]] constexpr FieldRules read_only() const {
    return with([](Rules& r) { r.read_only = true; });
  }
  /// Never written: passwords.
  [[nodiscard]] constexpr FieldRules write_only() const {
    return with([](Rules& r) { r.write_only = true; });
  }
  /// Not written while it is null, an empty container or an empty text.
  [[nodiscard]] constexpr FieldRules omit_empty() const {
    return with([](Rules& r) { r.omit_empty = true; });
  }

  template <class N>
    requires std::is_arithmetic_v<N>
  [[nodiscard]] constexpr FieldRules min(N bound) const {
    return with([&](Rules& r) { r.min = make_bound(bound, Bound::Is::inclusive); });
  }
  template <class N>
    requires std::is_arithmetic_v<N>
  [[nodiscard]] constexpr FieldRules max(N bound) const {
    return with([&](Rules& r) { r.max = make_bound(bound, Bound::Is::inclusive); });
  }
  template <class N>
    requires std::is_arithmetic_v<N>
  [[nodiscard]] constexpr FieldRules exclusive_min(N bound) const {
    return with([&](Rules& r) { r.min = make_bound(bound, Bound::Is::exclusive); });
  }
  template <class N>
    requires std::is_arithmetic_v<N>
  [[nodiscard]] constexpr FieldRules exclusive_max(N bound) const {
    return with([&](Rules& r) { r.max = make_bound(bound, Bound::Is::exclusive); });
  }
  [[nodiscard]] constexpr FieldRules multiple_of(double step) const {
    return with([&](Rules& r) { r.multiple_of = step; });
  }
  /// Lengths are in Unicode code points.
  [[nodiscard]] constexpr FieldRules min_length(std::size_t n) const {
    return with([&](Rules& r) { r.min_length = n; });
  }
  [[nodiscard]] constexpr FieldRules max_length(std::size_t n) const {
    return with([&](Rules& r) { r.max_length = n; });
  }
  /// The whole text must match this regular expression (RE2's syntax; no ^ and $ needed).
  [[nodiscard]] constexpr FieldRules pattern(std::string_view expression) const {
    return with([&](Rules& r) {
      r.pattern = expression;
      r.pattern_slot = &pattern_slot<Pointer>;
    });
  }
  [[nodiscard]] constexpr FieldRules format(weir::format form) const {
    return with([&](Rules& r) { r.format = form; });
  }
  [[nodiscard]] constexpr FieldRules min_items(std::size_t n) const {
    return with([&](Rules& r) { r.min_items = n; });
  }
  [[nodiscard]] constexpr FieldRules max_items(std::size_t n) const {
    return with([&](Rules& r) { r.max_items = n; });
  }
  [[nodiscard]] constexpr FieldRules unique_items() const {
    return with([](Rules& r) { r.unique_items = true; });
  }
  /// One of these texts: one_of<"asc", "desc">().
  template <FixedString... Texts>
  [[nodiscard]] constexpr FieldRules one_of() const {
    return with([](Rules& r) { r.one_of_text = text_list<Texts...>; });
  }
  /// One of these numbers: one_of<10, 20, 50>().
  template <std::int64_t... Values>
  [[nodiscard]] constexpr FieldRules one_of() const {
    return with([](Rules& r) { r.one_of_integer = integer_list<Values...>; });
  }

  [[nodiscard]] constexpr FieldRules describe(std::string_view text) const {
    return with([&](Rules& r) { r.description = text; });
  }
  /// An example for the documentation: text for a member that is text, otherwise JSON.
  [[nodiscard]] constexpr FieldRules example(std::string_view text) const {
    return with([&](Rules& r) { r.example = {.text = text, .is = Example::Is::text}; });
  }
  [[nodiscard]] constexpr FieldRules example(const char* text) const { return example(std::string_view(text)); }
  template <class N>
    requires std::is_arithmetic_v<N>
  [[nodiscard]] constexpr FieldRules example(N value) const {
    return with([&](Rules& r) {
      r.example = {.number = static_cast<double>(value),
                   .integer = static_cast<std::int64_t>(value),
                   .is = std::is_same_v<N, bool> ? Example::Is::boolean
                         : std::is_integral_v<N> ? Example::Is::integer
                                                 : Example::Is::number};
    });
  }
  [[nodiscard]] constexpr FieldRules deprecated() const {
    return with([](Rules& r) { r.deprecated = true; });
  }

 private:
  template <class F>
  [[nodiscard]] constexpr FieldRules with(F change) const {
    FieldRules copy = *this;
    change(copy.rules);
    return copy;
  }
  template <class N>
  static constexpr Bound make_bound(N bound, Bound::Is is) {
    static_assert(!std::is_unsigned_v<N> || sizeof(N) < 8, "bounds are signed 64-bit numbers");
    return {.number = static_cast<double>(bound),
            .integer = static_cast<std::int64_t>(bound),
            .is_integer = std::is_integral_v<N>,
            .is = is};
  }
};

/// The rules of the struct T and its members: what weir::rules returns.
template <class T, class... Parts>
struct RuleSet : Parts... {
  StructRules whole;
};

// Options of a whole struct; see the functions of their names in namespace weir.
struct RenameAll {
  naming names;
  constexpr void apply(StructRules& whole) const { whole.names = names; }
};
struct UnknownFields {
  bool reject;
  constexpr void apply(StructRules& whole) const { whole.reject_unknown = reject; }
};
struct AllOptional {
  constexpr void apply(StructRules& whole) const { whole.all_optional = true; }
};
struct OmitEmpty {
  constexpr void apply(StructRules& whole) const { whole.omit_empty = true; }
};
struct Describe {
  std::string_view text;
  constexpr void apply(StructRules& whole) const { whole.description = text; }
};
struct TagWith {
  std::string_view name;
  std::string_view value;
  constexpr void apply(StructRules& whole) const {
    whole.tag_name = name;
    whole.tag_value = value;
  }
};

struct NoRules {};

template <class E, std::size_t N>
struct EnumNaming {
  std::array<std::pair<E, std::string_view>, N> names;
};

}  // namespace json

/// Begins the rules of one member: weir::field<&NewUser::name>().min_length(1)…
template <auto Pointer>
  requires std::is_member_object_pointer_v<decltype(Pointer)>
[[nodiscard]] constexpr json::FieldRules<Pointer> field() {
  return {};
}

/// The rules of the struct T: any number of weir::field<…>()… and of the options below.
template <class T, class... Parts>
[[nodiscard]] constexpr json::RuleSet<T, Parts...> rules(Parts... parts) {
  json::StructRules whole;
  const auto apply = [&](const auto& part) {
    if constexpr (requires { part.apply(whole); }) part.apply(whole);
  };
  (apply(parts), ...);
  return {parts..., whole};
}

/// Specialise it for a struct that has no `rules` of its own.
template <class T>
inline constexpr auto rules_for = json::NoRules{};

/// All members are renamed so, but those with rename().
[[nodiscard]] constexpr json::RenameAll rename_all(naming names) {
  return {names};
}
/// Members that the struct does not have are an error when reading. By default they are ignored.
[[nodiscard]] constexpr json::UnknownFields reject_unknown_fields() {
  return {true};
}
/// No member is required, but those with required(). For options structs.
[[nodiscard]] constexpr json::AllOptional all_optional() {
  return {};
}
/// omit_empty() for every member that can be null.
[[nodiscard]] constexpr json::OmitEmpty omit_empty() {
  return {};
}
/// A description of the struct for the documentation.
[[nodiscard]] constexpr json::Describe describe(std::string_view text) {
  return {text};
}
/// The struct is written with a first member `"name":"value"` that tells it apart from the other alternatives of a
/// std::variant: all of them need a tag of the same name.
[[nodiscard]] constexpr json::TagWith tag(std::string_view name, std::string_view value) {
  return {name, value};
}

/// Names of an enumeration in JSON; the default are the enumerators' own names (of values from -16 to 127).
///   template <> inline constexpr auto weir::enum_names_for<Color> =
///       weir::enum_names<Color>({{Color::red, "RED"}, {Color::green, "GREEN"}});
template <class E>
inline constexpr auto enum_names_for = json::NoRules{};

template <class E, std::size_t N>
[[nodiscard]] constexpr json::EnumNaming<E, N> enum_names(const std::pair<E, std::string_view> (&names)[N]) {
  json::EnumNaming<E, N> naming{};
  for (std::size_t i = 0; i < N; ++i) naming.names[i] = names[i];
  return naming;
}

}  // namespace weir
