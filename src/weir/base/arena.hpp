// A bump allocator for what lives as long as one request.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory_resource>
#include <new>
#include <string_view>
#include <type_traits>
#include <utility>

#include "weir/base/recycle.hpp"

namespace weir {

/// Hands out memory that is given back all at once by reset() or the destructor. One thread at a time. Chunks come
/// from recycle::allocate. It is a std::pmr::memory_resource, so standard containers can live in it; their
/// deallocations do nothing.
class Arena final : public std::pmr::memory_resource {
 public:
  static constexpr std::size_t first_chunk = 4096;

  Arena() noexcept = default;
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;
  ~Arena() override { release(); }

  /// `size` bytes, uninitialised, valid until reset(). `align` is a power of two. Throws std::bad_alloc.
  [[nodiscard]] void* bump(std::size_t size, std::size_t align = alignof(std::max_align_t)) {
    const auto at = (position_ + (align - 1)) & ~(align - 1);
    if (at + size > end_ || position_ == 0) return grow(size, align);
    position_ = at + size;
    return reinterpret_cast<void*>(at);
  }

  /// A copy of `text` that lives as long as the arena's contents.
  [[nodiscard]] std::string_view copy(std::string_view text) {
    if (text.empty()) return {};
    auto* to = static_cast<char*>(bump(text.size(), 1));
    std::memcpy(to, text.data(), text.size());
    return {to, text.size()};
  }

  /// A new T. Its destructor is not run: keep to types that need none.
  template <class T, class... Args>
    requires std::is_trivially_destructible_v<T>
  [[nodiscard]] T* make(Args&&... args) {
    return ::new (bump(sizeof(T), alignof(T))) T{std::forward<Args>(args)...};
  }

  /// Ends the life of everything in the arena. The first chunk is kept, the others are given back.
  void reset() noexcept;
  /// reset(), and the first chunk is given back too.
  void release() noexcept;

  /// Bytes held in chunks.
  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }

 private:
  struct Chunk {
    Chunk* previous;
    std::size_t size;
  };
  void* grow(std::size_t size, std::size_t align);
  void* do_allocate(std::size_t size, std::size_t align) override { return bump(size, align); }
  void do_deallocate(void*, std::size_t, std::size_t) override {}
  bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override { return this == &other; }

  std::size_t position_ = 0;  // an address; 0 while there is no chunk
  std::size_t end_ = 0;
  Chunk* last_ = nullptr;
  std::size_t capacity_ = 0;
};

}  // namespace weir
