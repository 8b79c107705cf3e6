// type_info<T>(): the TypeInfo of a C++ type, made at compile time.
//
// Which type becomes what is listed at json::Kind. A type that is none of them gets its JSON form from a
// specialisation:
//
//   template <>
//   struct weir::json::Custom<Money> {                  // as text:
//     static bool from_text(std::string_view text, Money& out);
//     static std::string_view to_text(const Money& value, weir::Buffer& scratch);
//     static constexpr std::string_view format = "money";                       // optional, for JSON Schema
//     static constexpr const char* expected = "must be an amount such as 9.99 EUR";   // optional
//   };
//   template <>
//   struct weir::json::Custom<Celsius> {                // or like another type:
//     using As = double;
//     static weir::Result<void> load(double&& from, Celsius& out);
//     static void store(const Celsius& from, double& to);
//   };
#pragma once

#include <concepts>
#include <optional>
#include <string>
#include <vector>

#include "weir/json/reflect.hpp"
#include "weir/json/rules.hpp"
#include "weir/json/type_info.hpp"

namespace weir::json {

class Value;
struct Raw;

/// Specialise it to give a type its JSON form; see the top of this file.
template <class T>
struct Custom;

template <class T>
const TypeInfo& type_info() noexcept;

namespace detail {

/// Makes the TypeInfo of T: a specialisation per kind, each with `static constexpr TypeInfo make()`.
template <class T>
struct Describe;

template <class T>
struct Described {
  static const TypeInfo info;
};
template <class T>
constinit const TypeInfo Described<T>::info = Describe<T>::make();

template <class T>
void construct(void* at) {
  ::new (at) T();
}
template <class T>
void destroy(void* at) {
  static_cast<T*>(at)->~T();
}

template <class T>
constexpr TypeInfo basic(Kind kind) {
  TypeInfo info{.kind = kind, .size = sizeof(T), .align = alignof(T), .name = reflect::short_type_name<T>};
  if constexpr (std::is_default_constructible_v<T>) info.construct = &construct<T>;
  info.destroy = &destroy<T>;
  return info;
}

// --- concepts: by shape where that spares an include
// -------------------------------------------------------------------

template <class T>
concept IsCustom = requires { sizeof(Custom<T>); };
template <class T>
concept IsStandardString = std::same_as<T, std::string>;
/// Other strings: recycle::String, std::pmr::string.
template <class T>
concept IsOtherString = !IsStandardString<T> && requires(T& s, const T& c, std::string_view v) {
  typename T::traits_type;
  typename T::allocator_type;
  requires std::same_as<typename T::value_type, char>;
  s.assign(v);
  std::string_view(c);
};
template <class T>
concept IsInteger = std::integral<T> && !std::same_as<T, bool> && !std::same_as<T, wchar_t> &&
                    !std::same_as<T, char8_t> && !std::same_as<T, char16_t> && !std::same_as<T, char32_t>;

template <class T>
struct OptionalOf {};
template <class V>
struct OptionalOf<std::optional<V>> {
  using Value = V;
};
template <class T>
  requires requires(T& p) {
    T(new typename T::element_type());
    p.reset(new typename T::element_type());
    { p.get() } -> std::same_as<typename T::element_type*>;
  }
struct OptionalOf<T> {  // std::unique_ptr and std::shared_ptr
  using Value = typename T::element_type;
};
template <class T>
concept IsOptional = requires { typename OptionalOf<T>::Value; };

template <class T>
concept IsMap = requires(T& m, const T& c) {
  typename T::key_type;
  typename T::mapped_type;
  requires std::constructible_from<typename T::key_type, std::string_view>;
  requires !std::same_as<typename T::key_type, std::string_view>;
  std::string_view(c.begin()->first);
  m.clear();
  m.try_emplace(typename T::key_type());
};
template <class T>
concept IsSet = !IsMap<T> && requires(T& s, typename T::key_type k) {
  requires std::same_as<typename T::key_type, typename T::value_type>;
  { s.insert(std::move(k)).second } -> std::convertible_to<bool>;
  s.clear();
};
template <class T>
concept IsBytes = requires(T& v) {
  requires std::same_as<typename T::value_type, std::byte>;
  v.resize(std::size_t{});
  { v.data() } -> std::same_as<std::byte*>;
};
template <class T>
concept IsVector = !IsBytes<T> && !IsOtherString<T> && !IsStandardString<T> && requires(T& v) {
  typename T::value_type;
  { v.emplace_back() } -> std::same_as<typename T::value_type&>;
  v.clear();
  v.size();
};
template <class T>
inline constexpr std::size_t array_size = 0;
template <class E, std::size_t N>
inline constexpr std::size_t array_size<std::array<E, N>> = N;
template <class T>
concept IsArray = array_size<T> != 0;

template <class T>
concept IsTuple = !IsArray<T> && requires {
  { std::tuple_size<T>::value } -> std::convertible_to<std::size_t>;
};

template <class T>
struct VariantOf {};
template <template <class...> class V, class... A>
  requires requires(const V<A...>& v) {
    v.valueless_by_exception();
    v.index();
  }
struct VariantOf<V<A...>> {
  using Alternatives = VariantOf;
};
template <class T>
concept IsVariant = requires { typename VariantOf<T>::Alternatives; };

template <class T>
concept IsTimestamp = requires(const T& t) {
  typename T::clock;
  typename T::duration::period;
  { t.time_since_epoch().count() } -> std::integral;
};
template <class T>
concept IsDuration = !IsTimestamp<T> && requires(const T& d) {
  typename T::period;
  { d.count() } -> std::integral;
  T(d.count());
};
template <class T>
concept IsDate = requires(const T& d) {
  { d.ok() } -> std::same_as<bool>;
  static_cast<int>(d.year());
  static_cast<unsigned>(d.month());
  static_cast<unsigned>(d.day());
  T(d.year(), d.month(), d.day());
};
template <class T>
concept IsNull = std::is_empty_v<T> && reflect::full_type_name<T> == "std::monostate";

template <class T>
concept IsSpecial =
    IsCustom<T> || IsStandardString<T> || IsOtherString<T> || IsOptional<T> || IsMap<T> || IsSet<T> || IsBytes<T> ||
    IsVector<T> || IsArray<T> || IsTuple<T> || IsVariant<T> || IsTimestamp<T> || IsDuration<T> || IsDate<T> ||
    IsNull<T> || std::same_as<T, std::string_view> || std::same_as<T, Value> || std::same_as<T, Raw>;
template <class T>
concept IsObject = std::is_aggregate_v<T> && std::is_class_v<T> && !std::is_union_v<T> && !IsSpecial<T>;

}  // namespace detail

/// The TypeInfo of T; compile-time data. A type that JSON cannot hold is a compile error that says so.
template <class T>
const TypeInfo& type_info() noexcept {
  return detail::Described<std::remove_cv_t<T>>::info;
}

}  // namespace weir::json

#include "weir/json/detail/describe_containers.hpp"
#include "weir/json/detail/describe_object.hpp"
#include "weir/json/detail/describe_scalars.hpp"
