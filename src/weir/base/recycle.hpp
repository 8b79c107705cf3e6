// Memory that a thread hands back to itself: blocks in powers of two, kept in free lists of the thread.
//
// Everything that lives about as long as a request (coroutine frames, response bodies, header tables, arena chunks,
// connection buffers) comes from here, so that a thread that serves a steady load calls malloc no more.
//
// Large blocks have pages of their own. In malloc's heap the place of one that is freed is soon taken by something
// small that stays, the next large one does not fit there any more, and the heap grows with every burst. Those that a
// thread does not use any more go back to the kernel (see age()).
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <new>
#include <string>
#include <vector>

namespace weir::recycle {

inline constexpr std::size_t min_block = 64;
inline constexpr std::size_t max_block = std::size_t{1} << 18;  ///< Larger blocks go straight to malloc.

/// Blocks from this size to max_block are whole pages.
inline constexpr std::size_t min_pages = std::size_t{1} << 14;

/// How many bytes of each size the calling thread's lists keep at most: of blocks from malloc, and of pages.
inline constexpr std::size_t keep_bytes = std::size_t{1} << 18;
inline constexpr std::size_t keep_page_bytes = std::size_t{1} << 22;

namespace detail {

inline constexpr unsigned min_shift = std::countr_zero(min_block);
inline constexpr std::size_t classes = std::countr_zero(max_block) - min_shift + 1;
inline constexpr std::size_t first_pages = std::countr_zero(min_pages) - min_shift;  ///< The first class of pages.

struct Node {
  Node* next;
};

/// The lists of one thread. Trivial, so that reaching them costs no more than an offset from the thread pointer.
struct Lists {
  std::array<Node*, classes> head;
  std::array<std::uint32_t, classes> room;  ///< Blocks that the list still takes; 0 before the thread's first one, too.
  std::array<Node*, classes - first_pages> resting;  ///< Pages that were in `head` at the last age().
};
extern constinit thread_local Lists lists;

constexpr unsigned class_of(std::size_t size) noexcept {
  return size <= min_block ? 0 : static_cast<unsigned>(std::bit_width(size - 1)) - min_shift;
}
constexpr std::size_t size_of(unsigned index) noexcept {
  return min_block << index;
}

[[nodiscard]] void* allocate_slowly(std::size_t size);
void deallocate_slowly(void* block, std::size_t size) noexcept;

}  // namespace detail

/// The size of the block that a request for `size` bytes gets: the whole of it may be used. At least `size`.
constexpr std::size_t block_size(std::size_t size) noexcept {
  return size > max_block ? size : detail::size_of(detail::class_of(size));
}

/// A block of at least `size` bytes, aligned for any scalar.
/// Throws std::bad_alloc. Any thread.
[[nodiscard]] inline void* allocate(std::size_t size) {
  if (size <= max_block) {
    const unsigned index = detail::class_of(size);
    if (detail::Node* node = detail::lists.head[index]) {
      detail::lists.head[index] = node->next;
      ++detail::lists.room[index];
      return node;
    }
  }
  return detail::allocate_slowly(size);
}

/// Gives back a block; `size` is what was asked for, or its block_size(). May be called by another thread than the one
/// that allocated: the block then belongs to the caller's lists. A list keeps a bounded number of bytes (see
/// keep_bytes) and the rest is freed. Null is nothing to give back.
inline void deallocate(void* block, std::size_t size) noexcept {
  if (block == nullptr) return;
  if (size <= max_block) {
    const unsigned index = detail::class_of(size);
    if (detail::lists.room[index] != 0) {
      auto* node = static_cast<detail::Node*>(block);
      node->next = detail::lists.head[index];
      detail::lists.head[index] = node;
      --detail::lists.room[index];
      return;
    }
  }
  detail::deallocate_slowly(block, size);
}

/// Frees what the calling thread's lists hold. For tests and for idle processes.
void trim() noexcept;

/// Gives the kernel the calling thread's pages that were not used since the last call of age(). Event loops call it
/// about once a second for as long as the thread keeps_pages(), threads of a BlockingPool after each call.
void age() noexcept;
[[nodiscard]] inline bool keeps_pages() noexcept {
  bool any = false;
  for (std::size_t i = detail::first_pages; i < detail::classes; ++i) {
    any |= detail::lists.head[i] != nullptr || detail::lists.resting[i - detail::first_pages] != nullptr;
  }
  return any;
}

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
