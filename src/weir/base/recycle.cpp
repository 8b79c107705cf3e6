#include "weir/base/recycle.hpp"

#include <cstdlib>

namespace weir::recycle {
namespace detail {

constinit thread_local Lists lists{};

namespace {

// Not aligned_alloc(): glibc before 2.38 asks for more than the block and gives the ends back, so a freed block never
// fits the next request of its own size, and the heap grows.
void* fresh(std::size_t size) {
  void* block = std::malloc(size);
  if (block == nullptr) throw std::bad_alloc();
  return block;
}

void free_all() noexcept {
  for (std::size_t i = 0; i < classes; ++i) {
    while (Node* node = lists.head[i]) {
      lists.head[i] = node->next;
      ++lists.room[i];
      std::free(node);
    }
  }
}

/// Opens the lists of a thread when it gives its first block back, and empties them when the thread ends.
struct Life {
  Life() noexcept {
// The sanitizers can only see misuse of blocks that really are freed.
#ifndef WEIR_SANITIZED
    for (unsigned i = 0; i < classes; ++i) lists.room[i] = static_cast<std::uint32_t>(keep_bytes / size_of(i));
#endif
  }
  ~Life() {
    free_all();
    lists.room.fill(0);  // Blocks that later destructors of this thread give back are freed at once.
  }
  Life(const Life&) = delete;
  Life& operator=(const Life&) = delete;
  void open() const noexcept {}
};
thread_local const Life life;

}  // namespace

void* allocate_slowly(std::size_t size) {
  return fresh(block_size(size));
}

void deallocate_slowly(void* block, std::size_t) noexcept {
  life.open();
  std::free(block);
}

}  // namespace detail

void trim() noexcept {
  detail::free_all();
}

}  // namespace weir::recycle
