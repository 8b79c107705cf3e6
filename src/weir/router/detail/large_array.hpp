// Arrays that are read at random and may be tens of megabytes: on large pages where the kernel has them, so that a
// lookup does not also miss the TLB.
#pragma once

#include <cstddef>
#include <new>
#include <vector>

#include <sys/mman.h>

namespace weir::router {

/// A standard allocator. From `large` bytes on it asks for transparent huge pages, which the kernel may decline.
template <class T>
struct LargeAllocator {
  using value_type = T;
  static constexpr std::size_t page = std::size_t{1} << 21;
  static constexpr std::size_t large = 2 * page;

  LargeAllocator() noexcept = default;
  template <class U>
  LargeAllocator(const LargeAllocator<U>&) noexcept {}  // NOLINT(google-explicit-constructor): allocators convert

  [[nodiscard]] T* allocate(std::size_t n) {
    const auto size = n * sizeof(T);
    if (size < large) return static_cast<T*>(::operator new(size));
    void* const block = ::operator new(size, std::align_val_t{page});
    static_cast<void>(::madvise(block, size, MADV_HUGEPAGE));  // a wish: without it everything is only slower
    return static_cast<T*>(block);
  }
  void deallocate(T* block, std::size_t n) noexcept {
    if (n * sizeof(T) < large)
      ::operator delete(block);
    else
      ::operator delete(block, std::align_val_t{page});
  }
  template <class U>
  bool operator==(const LargeAllocator<U>&) const noexcept {
    return true;
  }
};

template <class T>
using LargeArray = std::vector<T, LargeAllocator<T>>;

}  // namespace weir::router
