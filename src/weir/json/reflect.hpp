// Names, types and offsets of an aggregate's members, and names of enumerators, without macros: read from the names
// that the compiler gives to template instances (g++ 12 and clang 19).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>
#include <utility>

#include "weir/json/detail/with_members.hpp"

namespace weir::json::reflect {

inline constexpr std::size_t max_members = 64;

/// Converts to anything but the aggregate itself: counting how many of these initialise T counts its members.
template <class T>
struct AnyBut {
  template <class U>
    requires(!std::is_same_v<U, T>)
  constexpr operator U() const noexcept {  // NOLINT(google-explicit-constructor): that is its purpose
    __builtin_unreachable();
  }
};

template <class T, std::size_t... I>
consteval bool takes(std::index_sequence<I...>) {
  return requires { T{(static_cast<void>(I), AnyBut<T>{})...}; };
}

template <class T, std::size_t N = 0>
consteval std::size_t count_from() {
  static_assert(N <= max_members, "weir::json: an aggregate may have at most 64 members; split it into nested ones");
  if constexpr (takes<T>(std::make_index_sequence<N + 1>{})) {
    return count_from<T, N + 1>();
  } else {
    return N;
  }
}

/// How many members the aggregate T has.
template <class T>
inline constexpr std::size_t member_count = count_from<T>();

// An object that is never defined: only the addresses of its members are used, and only by the compiler.
#ifdef __clang__
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wundefined-internal"
#pragma clang diagnostic ignored "-Wundefined-var-template"
#endif
template <class T>
struct Box {
  T value;
};
template <class T>
extern const Box<T> nowhere;

template <std::size_t I, class M>
struct Slot {
  const M* address;
};
template <class Indices, class... M>
struct Slots;
/// Addresses of members, by number.
template <std::size_t... I, class... M>
struct Slots<std::index_sequence<I...>, M...> : Slot<I, M>... {
  constexpr explicit Slots(const M*... m) : Slot<I, M>{m}... {}
};
template <std::size_t I, class M>
constexpr const M* slot(const Slot<I, M>& s) noexcept {
  return s.address;
}

struct Collect {
  template <class... M>
  constexpr auto operator()(const M&... m) const noexcept {
    return Slots<std::index_sequence_for<M...>, M...>(__builtin_addressof(m)...);
  }
};

template <class T>
inline constexpr auto members = with_members<member_count<T>>(nowhere<T>.value, Collect{});

/// The address of member number I of an object of type T that does not exist.
template <class T, std::size_t I>
inline constexpr auto* member = slot<I>(members<T>);

template <class T, std::size_t I>
using MemberType = std::remove_const_t<std::remove_pointer_t<std::remove_const_t<decltype(member<T, I>)>>>;

template <auto Pointer>
consteval std::string_view pretty_pointer() {
  return __PRETTY_FUNCTION__;
}
template <class T>
consteval std::string_view pretty_type() {
  return __PRETTY_FUNCTION__;
}
template <auto... Values>
consteval std::string_view pretty_values() {
  return __PRETTY_FUNCTION__;
}

constexpr bool is_name(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '$' ||
         static_cast<unsigned char>(c) >= 0x80;
}

/// The last identifier of g++'s "… [with auto Pointer = (& nowhere<T>.Box<T>::value.T::name); std::string_view = …" or
/// clang's "… [Pointer = &nowhere.value.name]".
consteval std::string_view member_name_in(std::string_view pretty) {
  auto end = pretty.find("; std::string_view");
  if (end == pretty.npos) end = pretty.size();
  while (end > 0 && !is_name(pretty[end - 1])) --end;
  auto begin = end;
  while (begin > 0 && is_name(pretty[begin - 1])) --begin;
  return pretty.substr(begin, end - begin);
}

/// The name of member number I of T, as written in its declaration.
template <class T, std::size_t I>
inline constexpr std::string_view member_name = member_name_in(pretty_pointer<member<T, I>>());

/// The number of the member of T that Pointer (a pointer to member) names; member_count<T> if there is none.
template <class T, auto Pointer, std::size_t... I>
consteval std::size_t find_member(std::index_sequence<I...>) {
  const void* const wanted = __builtin_addressof(nowhere<T>.value.*Pointer);
  std::size_t found = sizeof...(I);
  using Wanted = std::remove_cvref_t<decltype(nowhere<T>.value.*Pointer)>;
  ((std::is_same_v<Wanted, MemberType<T, I>> && static_cast<const void*>(member<T, I>) == wanted
        ? static_cast<void>(found = I)
        : static_cast<void>(0)),
   ...);
  return found;
}
template <class T, auto Pointer>
inline constexpr std::size_t member_index = find_member<T, Pointer>(std::make_index_sequence<member_count<T>>{});
#ifdef __clang__
#pragma clang diagnostic pop
#endif

/// "a::B<c::D>" of "… [with T = a::B<c::D>; std::string_view = …" or "… [T = a::B<c::D>]".
consteval std::string_view type_name_in(std::string_view pretty) {
  const auto begin = pretty.find("T = ") + 4;
  auto end = pretty.find("; std::string_view", begin);
  if (end == pretty.npos) end = pretty.rfind(']');
  return pretty.substr(begin, end - begin);
}

/// The full C++ name of T as the compiler prints it.
template <class T>
inline constexpr std::string_view full_type_name = type_name_in(pretty_type<T>());

/// `full` with every "qualifier::" removed, also inside template arguments.
template <std::size_t N>
struct ShortName {
  std::array<char, N> text{};
  std::size_t size = 0;
  consteval explicit ShortName(std::string_view full) {
    std::size_t word = 0;  // where the name that may turn out to be a qualifier begins
    for (std::size_t i = 0; i < full.size(); ++i) {
      const char c = full[i];
      if (c == ':' && i + 1 < full.size() && full[i + 1] == ':') {
        size = word;
        ++i;
        continue;
      }
      text[size++] = c;
      const bool in_name = is_name(c) || c == '{' || c == '}' || c == '(' || c == ')' ||
                           (c == ' ' && full.substr(0, i).ends_with("anonymous"));
      if (!in_name) word = size;
    }
  }
  [[nodiscard]] constexpr std::string_view view() const noexcept { return {text.data(), size}; }
};
template <class T>
inline constexpr ShortName<full_type_name<T>.size()> short_type_name_storage{full_type_name<T>};
/// The C++ name of T without namespaces and enclosing classes: "User", "Page<User>".
template <class T>
inline constexpr std::string_view short_type_name = short_type_name_storage<T>.view();

/// Offsets of the members by the layout rules that g++ and clang share (Itanium C++ ABI): each member at the next
/// multiple of its alignment. Aggregates with bases, [[no_unique_address]] or bit fields are not supported.
template <class T>
struct Layout {
  std::array<std::uint32_t, member_count<T> + 1> offset{};
  std::size_t size = 0;

  consteval Layout() { fill(std::make_index_sequence<member_count<T>>{}); }

 private:
  template <std::size_t... I>
  consteval void fill(std::index_sequence<I...>) {
    (place<MemberType<T, I>>(I), ...);
    size = (size + alignof(T) - 1) / alignof(T) * alignof(T);
    if (size == 0) size = 1;
  }
  template <class M>
  consteval void place(std::size_t i) {
    size = (size + alignof(M) - 1) / alignof(M) * alignof(M);
    offset[i] = static_cast<std::uint32_t>(size);
    size += sizeof(M);
  }
};
template <class T>
inline constexpr Layout<T> layout{};

/// Enumerators from min_enumerator (0 where the underlying type is unsigned) up to and without max_enumerator are
/// found; others are named with weir::enum_names (rules.hpp).
inline constexpr int min_enumerator = -16;
inline constexpr int max_enumerator = 128;

template <std::size_t Max>
struct Enumerators {
  std::array<std::string_view, Max> name{};
  std::array<std::int64_t, Max> value{};
  std::size_t count = 0;
};

template <class E, int First, int... I>
consteval std::string_view pretty_enumerators(std::integer_sequence<int, I...>) {
  return pretty_values<static_cast<E>(First + I)...>();
}

/// The length of the first item of "(E)-1, ns::E::red, …}".
consteval std::size_t item_size(std::string_view list) {
  std::size_t end = 0;
  for (int depth = 0; depth > 0 || (list[end] != ',' && list[end] != '}' && list[end] != '>' && list[end] != ']');
       ++end) {
    if (list[end] == '(' || list[end] == '{' || list[end] == '<') ++depth;
    if (list[end] == ')' || list[end] == '}' || list[end] == '>') --depth;
  }
  return end;
}

/// The enumerators of E in order of value; of several with one value the first declared.
template <class E>
consteval auto find_enumerators() {
  constexpr int first = std::is_signed_v<std::underlying_type_t<E>> ? min_enumerator : 0;
  constexpr int tried = max_enumerator - first;
  Enumerators<static_cast<std::size_t>(tried)> found;
  std::string_view list = pretty_enumerators<E, first>(std::make_integer_sequence<int, tried>{});
  // g++: "[with auto ...Values = {(E)-1, ns::E::red, …}; …", clang: "[Values = <(E)-1, E::red, …>]".
  list = list.substr(list.find("Values = ") + 10);
  for (int i = 0; i < tried; ++i) {
    const std::size_t end = item_size(list);
    const std::string_view item = list.substr(0, end);
    std::size_t begin = item.size();
    while (begin > 0 && is_name(item[begin - 1])) --begin;
    const std::string_view name = item.substr(begin);
    const bool is_number = name.empty() || (name[0] >= '0' && name[0] <= '9');
    if (!is_number && (begin == 0 || item[begin - 1] != ')')) {
      found.name[found.count] = name;
      found.value[found.count++] = first + i;
    }
    list = list.substr(end + 1);
    if (!list.empty() && list[0] == ' ') list = list.substr(1);
  }
  return found;
}
template <class E>
inline constexpr auto enumerators = find_enumerators<E>();

}  // namespace weir::json::reflect
