// Describe<T> for types that hold others: optionals, sequences, maps, tuples, variants. Included by describe.hpp.
#pragma once

#include "weir/json/describe.hpp"

namespace weir::json::detail {

template <class T>
struct OptionalTable {
  using V = typename OptionalOf<T>::Value;
  static void reset(void* o) { static_cast<T*>(o)->reset(); }
  static void* emplace(void* o) {
    T& optional = *static_cast<T*>(o);
    if constexpr (requires { optional.emplace(); }) {
      return __builtin_addressof(optional.emplace());
    } else {
      optional.reset(new V());
      return optional.get();
    }
  }
  static const void* get(const void* o) {
    const T& optional = *static_cast<const T*>(o);
    return optional ? __builtin_addressof(*optional) : nullptr;
  }
  static constexpr OptionalInfo info{.value = &Described<V>::info, .reset = &reset, .emplace = &emplace, .get = &get};
};
template <IsOptional T>
struct Describe<T> {
  static constexpr TypeInfo make() {
    TypeInfo info = basic<T>(Kind::optional);
    info.detail.optional = &OptionalTable<T>::info;
    return info;
  }
};

// --- sequences
// ---------------------------------------------------------------------------------------------------------

template <class T>
struct SequenceTable {
  using E = typename T::value_type;
  static std::size_t size(const void* c) { return static_cast<const T*>(c)->size(); }
  static void clear(void* c) { static_cast<T*>(c)->clear(); }
  static void* append(void* c) { return __builtin_addressof(static_cast<T*>(c)->emplace_back()); }
  static bool insert(void* c, void* element) {
    return static_cast<T*>(c)->insert(std::move(*static_cast<E*>(element))).second;
  }
  static void* data(void* c) { return static_cast<T*>(c)->data(); }
  static void visit(const void* c, void* context, bool (*each)(void*, const void*)) {
    for (const auto& element : *static_cast<const T*>(c)) {
      if (!each(context, __builtin_addressof(element))) return;
    }
  }
  static consteval SequenceInfo make() {
    SequenceInfo made{.element = &Described<E>::info,
                      .size = &size,
                      .clear = nullptr,
                      .append = nullptr,
                      .insert = nullptr,
                      .data = nullptr,
                      .visit = nullptr,
                      .fixed_size = 0};
    if constexpr (IsArray<T>) {
      made.fixed_size = array_size<T>;
      made.data = &data;
    } else {
      made.clear = &clear;
      if constexpr (IsSet<T>) {
        made.insert = &insert;
      } else {
        made.append = &append;
      }
      if constexpr (requires(T& c) {
                      { c.data() } -> std::same_as<E*>;
                    }) {
        made.data = &data;
      } else {
        made.visit = &visit;
      }
    }
    return made;
  }
  static constexpr SequenceInfo info = make();
};
template <class T>
  requires IsVector<T> || IsArray<T> || (IsSet<T> && !IsOtherString<T> && !IsStandardString<T>)
struct Describe<T> {
  static constexpr TypeInfo make() {
    TypeInfo info = basic<T>(Kind::sequence);
    info.detail.sequence = &SequenceTable<T>::info;
    return info;
  }
};

// --- maps
// --------------------------------------------------------------------------------------------------------------

template <class T>
struct MapTable {
  static std::size_t size(const void* m) { return static_cast<const T*>(m)->size(); }
  static void clear(void* m) { static_cast<T*>(m)->clear(); }
  static void* insert(void* m, std::string_view key) {
    const auto [at, is_new] = static_cast<T*>(m)->try_emplace(typename T::key_type(key));
    return is_new ? __builtin_addressof(at->second) : nullptr;
  }
  static void visit(const void* m, void* context, bool (*each)(void*, std::string_view, const void*)) {
    for (const auto& [key, value] : *static_cast<const T*>(m)) {
      if (!each(context, std::string_view(key), __builtin_addressof(value))) return;
    }
  }
  static constexpr MapInfo info{.value = &Described<typename T::mapped_type>::info,
                                .size = &size,
                                .clear = &clear,
                                .insert = &insert,
                                .visit = &visit};
};
template <IsMap T>
struct Describe<T> {
  static constexpr TypeInfo make() {
    TypeInfo info = basic<T>(Kind::map);
    info.detail.map = &MapTable<T>::info;
    return info;
  }
};

// --- tuples
// ------------------------------------------------------------------------------------------------------------

template <class T, class Indices = std::make_index_sequence<std::tuple_size<T>::value>>
struct TupleTable;
template <class T, std::size_t... I>
struct TupleTable<T, std::index_sequence<I...>> {
  template <std::size_t J>
  static void* element(void* t) {
    return __builtin_addressof(get<J>(*static_cast<T*>(t)));
  }
  static void* at(void* t, std::size_t index) {
    static constexpr std::array<void* (*)(void*), sizeof...(I)> table{&element<I>...};
    return table[index](t);
  }
  static constexpr std::array<const TypeInfo*, sizeof...(I)> elements{
      &Described<typename std::tuple_element<I, T>::type>::info...};
  static constexpr TupleInfo info{.elements = elements, .get = &at};
};
template <IsTuple T>
struct Describe<T> {
  static constexpr TypeInfo make() {
    TypeInfo info = basic<T>(Kind::tuple);
    info.detail.tuple = &TupleTable<T>::info;
    return info;
  }
};

// --- variants
// ----------------------------------------------------------------------------------------------------------

template <class T>
consteval std::string_view tag_name_of();

template <class T, class Indices>
struct VariantTable;
template <template <class...> class V, class... A, std::size_t... I>
struct VariantTable<V<A...>, std::index_sequence<I...>> {
  using T = V<A...>;
  static std::size_t index(const void* v) { return static_cast<const T*>(v)->index(); }
  template <std::size_t J>
  static void* emplace_one(void* v) {
    return __builtin_addressof(static_cast<T*>(v)->template emplace<J>());
  }
  static void* emplace(void* v, std::size_t alternative) {
    static constexpr std::array<void* (*)(void*), sizeof...(I)> table{&emplace_one<I>...};
    return table[alternative](v);
  }
  template <std::size_t J>
  static const void* get_one(const void* v) {
    return __builtin_addressof(get<J>(*static_cast<const T*>(v)));
  }
  static const void* at(const void* v) {
    static constexpr std::array<const void* (*)(const void*), sizeof...(I)> table{&get_one<I>...};
    return table[index(v)](v);
  }
  static consteval std::string_view common_tag() {
    const std::array<std::string_view, sizeof...(A)> tags{tag_name_of<A>()...};
    for (const auto tag : tags) {
      if (tag != tags[0]) return {};
    }
    return tags[0];
  }
  static constexpr std::array<const TypeInfo*, sizeof...(A)> alternatives{&Described<A>::info...};
  static constexpr VariantInfo info{
      .alternatives = alternatives, .index = &index, .emplace = &emplace, .get = &at, .tag = common_tag()};
};
template <class T>
struct VariantIndices;
template <template <class...> class V, class... A>
struct VariantIndices<V<A...>> {
  using Type = std::index_sequence_for<A...>;
};
template <IsVariant T>
struct Describe<T> {
  static constexpr TypeInfo make() {
    TypeInfo info = basic<T>(Kind::variant);
    info.detail.variant = &VariantTable<T, typename VariantIndices<T>::Type>::info;
    return info;
  }
};

}  // namespace weir::json::detail
