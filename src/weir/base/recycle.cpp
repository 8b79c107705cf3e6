#include "weir/base/recycle.hpp"

#include <cstdlib>
#include <utility>

#include <sys/mman.h>

namespace weir::recycle {
namespace detail {

constinit thread_local Lists lists{};

namespace {

constexpr bool has_pages(std::size_t block) noexcept {
#ifdef WEIR_SANITIZED
  constexpr bool watched = true;  // The sanitizers know malloc's blocks only.
#else
  constexpr bool watched = false;
#endif
  return !watched && block >= min_pages && block <= max_block;
}

// Not aligned_alloc(): glibc before 2.38 asks for more than the block and gives the ends back, so a freed block never
// fits the next request of its own size, and the heap grows.
void* fresh(std::size_t block) {
  if (!has_pages(block)) {
    void* memory = std::malloc(block);
    if (memory == nullptr) throw std::bad_alloc();
    return memory;
  }
  void* memory = ::mmap(nullptr, block, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  return memory;
}

void give_back(void* memory, std::size_t block) noexcept {
  if (!has_pages(block)) return std::free(memory);
  // It can only fail where it would split a mapping and the process may have no more of them (vm.max_map_count).
  if (::munmap(memory, block) != 0) ::madvise(memory, block, MADV_DONTNEED);
}

void free_list(Node*& list, std::size_t block) noexcept {
  while (Node* node = list) {
    list = node->next;
    give_back(node, block);
  }
}

[[maybe_unused]] constexpr std::uint32_t most_kept(unsigned index) noexcept {
  return static_cast<std::uint32_t>((index < first_pages ? keep_bytes : keep_page_bytes) / size_of(index));
}

void free_all() noexcept {
  for (unsigned i = 0; i < classes; ++i) {
    for (const Node* node = lists.head[i]; node != nullptr; node = node->next) ++lists.room[i];
    free_list(lists.head[i], size_of(i));
    if (i >= first_pages) free_list(lists.resting[i - first_pages], size_of(i));
  }
}

/// Opens the lists of a thread when it gives its first block back, and empties them when the thread ends.
struct Life {
  Life() noexcept {
// The sanitizers can only see misuse of blocks that really are freed.
#ifndef WEIR_SANITIZED
    for (unsigned i = 0; i < classes; ++i) lists.room[i] = most_kept(i);
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
  const std::size_t block = block_size(size);
  if (has_pages(block)) {
    Node*& resting = lists.resting[class_of(block) - first_pages];
    if (Node* node = resting) {
      resting = node->next;
      return node;
    }
  }
  return fresh(block);
}

void deallocate_slowly(void* block, std::size_t size) noexcept {
  life.open();
  give_back(block, block_size(size));
}

}  // namespace detail

void trim() noexcept {
  detail::free_all();
}

void age() noexcept {
  using namespace detail;
  for (unsigned i = first_pages; i < classes; ++i) {
    Node*& resting = lists.resting[i - first_pages];
    free_list(resting, size_of(i));
    if (lists.head[i] == nullptr) continue;
    resting = std::exchange(lists.head[i], nullptr);
    lists.room[i] = most_kept(i);
  }
}

}  // namespace weir::recycle
