// Describe<T> for scalars: numbers, text, enumerations, times, and Custom types. Included by describe.hpp.
#pragma once

#include "weir/json/describe.hpp"

namespace weir::json::detail {

template <class T>
inline constexpr bool never = false;

template <class T>
struct Describe {
  static_assert(
      never<T>,
      "weir::json: this type has no JSON form. Supported are bool, integers, float and double, strings, enums, "
      "std::optional, smart pointers, vectors, std::array, sets, maps with string keys, std::variant, pairs and "
      "tuples, chrono times and dates, json::Value, json::Raw, and aggregates of these without base classes. "
      "(For std::vector<bool> use std::vector<char> or a set of flags.) For another type specialise "
      "weir::json::Custom<T>.");
};

template <IsNull T>
struct Describe<T> {
  static constexpr TypeInfo make() { return basic<T>(Kind::null); }
};
template <>
struct Describe<bool> {
  static constexpr TypeInfo make() { return basic<bool>(Kind::boolean); }
};
template <IsInteger T>
struct Describe<T> {
  static constexpr TypeInfo make() {
    static_assert(sizeof(T) <= 8, "weir::json: integers have at most 64 bits");
    TypeInfo info = basic<T>(Kind::integer);
    info.is_signed = std::is_signed_v<T>;
    return info;
  }
};
template <class T>
  requires std::same_as<T, float> || std::same_as<T, double>
struct Describe<T> {
  static constexpr TypeInfo make() { return basic<T>(Kind::floating); }
};
template <>
struct Describe<std::string> {
  static constexpr TypeInfo make() {
    TypeInfo info = basic<std::string>(Kind::string);
    info.name = "string";
    return info;
  }
};
template <>
struct Describe<std::string_view> {
  static constexpr TypeInfo make() {
    TypeInfo info = basic<std::string_view>(Kind::string_view);
    info.name = "string";
    return info;
  }
};
template <>
struct Describe<Value> {
  static constexpr TypeInfo make() { return {.kind = Kind::value, .name = "Value"}; }
};
template <>
struct Describe<Raw> {
  static constexpr TypeInfo make() { return {.kind = Kind::raw, .name = "Raw"}; }
};

// --- text
// --------------------------------------------------------------------------------------------------------------

template <class T>
struct StringText {
  static const char* parse(std::string_view text, void* out) {
    static_cast<T*>(out)->assign(text);
    return nullptr;
  }
  static std::string_view print(const void* in, Buffer&) { return std::string_view(*static_cast<const T*>(in)); }
  static constexpr TextInfo info{.parse = &parse, .print = &print, .format = {}};
};
template <IsOtherString T>
struct Describe<T> {
  static constexpr TypeInfo make() {
    TypeInfo info = basic<T>(Kind::text);
    info.name = "string";
    info.detail.text = &StringText<T>::info;
    return info;
  }
};

template <class T>
struct CustomText {
  static const char* parse(std::string_view text, void* out) {
    if (Custom<T>::from_text(text, *static_cast<T*>(out))) return nullptr;
    if constexpr (requires { Custom<T>::expected; }) {
      return Custom<T>::expected;
    } else {
      return "has the wrong form";
    }
  }
  static std::string_view print(const void* in, Buffer& scratch) {
    return Custom<T>::to_text(*static_cast<const T*>(in), scratch);
  }
  static consteval TextInfo make() {
    TextInfo made{.parse = &parse, .print = &print, .format = {}};
    if constexpr (requires { Custom<T>::format; }) made.format = Custom<T>::format;
    return made;
  }
  static constexpr TextInfo info = make();
};
template <class T>
struct CustomAs {
  using As = typename Custom<T>::As;
  static Result<void> load(void* from, void* out) {
    return Custom<T>::load(std::move(*static_cast<As*>(from)), *static_cast<T*>(out));
  }
  static void store(const void* from, void* to) {
    Custom<T>::store(*static_cast<const T*>(from), *static_cast<As*>(to));
  }
  static constexpr CustomInfo info{.as = &Described<As>::info, .load = &load, .store = &store};
};
template <IsCustom T>
struct Describe<T> {
  static constexpr TypeInfo make() {
    if constexpr (requires { typename Custom<T>::As; }) {
      TypeInfo info = basic<T>(Kind::custom);
      info.detail.custom = &CustomAs<T>::info;
      return info;
    } else {
      TypeInfo info = basic<T>(Kind::text);
      info.detail.text = &CustomText<T>::info;
      return info;
    }
  }
};

// --- enumerations
// ------------------------------------------------------------------------------------------------------

template <class E>
struct EnumTable {
  static constexpr bool named = !std::same_as<std::remove_cv_t<decltype(enum_names_for<E>)>, NoRules>;

  static consteval std::size_t count() {
    if constexpr (named) {
      return enum_names_for<E>.names.size();
    } else {
      static_assert(
          requires { E{0}; } || std::same_as<std::underlying_type_t<E>, bool>,
          "weir::json: an enumeration needs `enum class` or a fixed underlying type, or weir::enum_names_for");
      return reflect::enumerators<E>.count;
    }
  }
  static_assert(count() > 0,
                "weir::json: no enumerator between -16 and 127 found: name them with weir::enum_names_for");

  static consteval auto make() {
    std::array<EnumInfo::Name, count()> table{};
    for (std::size_t i = 0; i < table.size(); ++i) {
      if constexpr (named) {
        table[i] = {enum_names_for<E>.names[i].second, static_cast<std::int64_t>(enum_names_for<E>.names[i].first)};
      } else {
        table[i] = {reflect::enumerators<E>.name[i], reflect::enumerators<E>.value[i]};
      }
    }
    return table;
  }
  static constexpr auto names = make();
  static constexpr EnumInfo info{.names = names};
};
template <class T>
  requires std::is_enum_v<T> && (!IsCustom<T>) && (!IsBytes<std::vector<T>>)
struct Describe<T> {
  static constexpr TypeInfo make() {
    TypeInfo info = basic<T>(Kind::enumeration);
    info.is_signed = std::is_signed_v<std::underlying_type_t<T>>;
    info.detail.enumeration = &EnumTable<T>::info;
    return info;
  }
};

// --- times
// -------------------------------------------------------------------------------------------------------------

template <class Period>
inline constexpr TimeInfo time_info{.num = Period::num, .den = Period::den};

template <IsTimestamp T>
struct Describe<T> {
  static constexpr TypeInfo make() {
    static_assert(sizeof(T) == sizeof(typename T::rep) && std::is_signed_v<typename T::rep>);
    TypeInfo info = basic<T>(Kind::timestamp);
    info.is_signed = true;
    info.detail.time = &time_info<typename T::duration::period>;
    return info;
  }
};
template <IsDuration T>
struct Describe<T> {
  static constexpr TypeInfo make() {
    static_assert(sizeof(T) == sizeof(typename T::rep) && std::is_signed_v<typename T::rep>);
    TypeInfo info = basic<T>(Kind::duration);
    info.is_signed = true;
    info.detail.time = &time_info<typename T::period>;
    return info;
  }
};

template <class T>
struct DateTable {
  static void set(void* out, int year, unsigned month, unsigned day) {
    using Year = decltype(T().year());
    using Month = decltype(T().month());
    using Day = decltype(T().day());
    *static_cast<T*>(out) = T(Year(year), Month(month), Day(day));
  }
  static void get(const void* in, int& year, unsigned& month, unsigned& day) {
    const T& date = *static_cast<const T*>(in);
    year = static_cast<int>(date.year());
    month = static_cast<unsigned>(date.month());
    day = static_cast<unsigned>(date.day());
  }
  static constexpr DateInfo info{.set = &set, .get = &get};
};
template <IsDate T>
struct Describe<T> {
  static constexpr TypeInfo make() {
    TypeInfo info = basic<T>(Kind::date);
    info.detail.date = &DateTable<T>::info;
    return info;
  }
};

template <class T>
struct BytesTable {
  static std::span<std::byte> resize(void* out, std::size_t size) {
    static_cast<T*>(out)->resize(size);
    return {static_cast<T*>(out)->data(), size};
  }
  static std::span<const std::byte> get(const void* in) {
    return {static_cast<const T*>(in)->data(), static_cast<const T*>(in)->size()};
  }
  static constexpr BytesInfo info{.resize = &resize, .get = &get};
};
template <IsBytes T>
struct Describe<T> {
  static constexpr TypeInfo make() {
    TypeInfo info = basic<T>(Kind::bytes);
    info.detail.bytes = &BytesTable<T>::info;
    return info;
  }
};

}  // namespace weir::json::detail
