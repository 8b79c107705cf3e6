// Memory that a thread hands back to itself: blocks in powers of two, kept in free lists of the thread.
//
// Everything that lives about as long as a request (coroutine frames, response bodies, header tables, arena chunks,
// connection buffers) comes from here, so that a thread that serves a steady load calls malloc no more.
#pragma once

#include <cstddef>
#include <limits>
#include <new>
#include <string>
#include <vector>

namespace weir::recycle {

inline constexpr std::size_t min_block = 64;
inline constexpr std::size_t max_block = std::size_t{1} << 18;  ///< Larger blocks go straight to malloc.

/// The size of the block that a request for `size` bytes gets: the whole of it may be used. At least `size`.
std::size_t block_size(std::size_t size) noexcept;

/// A block of at least `size` bytes, aligned for any scalar (and to 64 bytes when it is at least 4 KiB).
/// Throws std::bad_alloc. Any thread.
[[nodiscard]] void* allocate(std::size_t size);

/// Gives back a block; `size` is what was asked for, or its block_size(). May be called by another thread than the one
/// that allocated: the block then belongs to the caller's lists. A list keeps a bounded number of bytes (see
/// keep_bytes) and frees the rest.
void deallocate(void* block, std::size_t size) noexcept;

/// How many bytes of each size the calling thread's lists keep at most. The default is 1 MiB.
inline constexpr std::size_t keep_bytes = std::size_t{1} << 20;

/// Frees what the calling thread's lists hold. For tests and for idle processes.
void trim() noexcept;

/// A standard allocator on top of it.
template <class T>
struct Allocator {
  using value_type = T;
  Allocator() noexcept = default;
  template <class U>
  Allocator(const Allocator<U>&) noexcept {}  // NOLINT(google-explicit-constructor): allocators convert

  [[nodiscard]] T* allocate(std::size_t n) {
    static_assert(alignof(T) <= alignof(std::max_align_t));
    if (n > std::numeric_limits<std::size_t>::max() / sizeof(T)) throw std::bad_alloc();
    return static_cast<T*>(recycle::allocate(n * sizeof(T)));
  }
  void deallocate(T* p, std::size_t n) noexcept { recycle::deallocate(p, n * sizeof(T)); }
  template <class U>
  bool operator==(const Allocator<U>&) const noexcept {
    return true;
  }
};

template <class T>
using Vector = std::vector<T, Allocator<T>>;
using String = std::basic_string<char, std::char_traits<char>, Allocator<char>>;

}  // namespace weir::recycle
