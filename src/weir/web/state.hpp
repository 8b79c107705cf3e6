// Values of the application that handlers find by their type.
#pragma once

#include <memory>
#include <string_view>
#include <utility>
#include <vector>

namespace weir {

namespace detail {
template <class T>
inline constexpr char type_tag{};
/// One address per type.
template <class T>
[[nodiscard]] constexpr const void* type_key() noexcept {
  return &type_tag<T>;
}
}  // namespace detail

/// One value per type. Filled before the server runs and read-only afterwards; the values themselves are shared by all
/// loops, so they must be safe to use from several threads.
class StateMap {
 public:
  /// Owns a value. The second one of a type replaces the first.
  template <class T>
  T& emplace(T value) {
    return construct<T>(std::move(value));
  }
  /// Makes a value in place, which need not be movable, and owns it.
  template <class T, class... A>
  T& construct(A&&... arguments) {
    auto owned = std::make_shared<T>(std::forward<A>(arguments)...);
    T& reference = *owned;
    put(detail::type_key<T>(), std::move(owned));
    return reference;
  }
  /// Borrows a value that outlives the application.
  template <class T>
  void borrow(T& value) {
    put(detail::type_key<T>(), std::shared_ptr<T>(std::shared_ptr<void>(), &value));
  }

  /// Null when there is none of this type.
  template <class T>
  [[nodiscard]] T* find() const noexcept {
    return static_cast<T*>(find(detail::type_key<T>()));
  }
  [[nodiscard]] void* find(const void* key) const noexcept {
    for (const Entry& entry : entries_) {
      if (entry.key == key) return entry.value.get();
    }
    return nullptr;
  }

 private:
  struct Entry {
    const void* key;
    std::shared_ptr<void> value;  // shared, because the deleter of an unknown type is remembered by shared_ptr only
  };
  void put(const void* key, std::shared_ptr<void> value) {
    for (Entry& entry : entries_) {
      if (entry.key == key) {
        entry.value = std::move(value);
        return;
      }
    }
    entries_.push_back({key, std::move(value)});
  }
  std::vector<Entry> entries_;
};

}  // namespace weir
