#include "weir/base/recycle.hpp"

#include <array>
#include <bit>
#include <cstdint>
#include <cstdlib>

// The sanitizers can only see misuse of blocks that really are freed.
#ifdef WEIR_SANITIZED
#define WEIR_RECYCLE_PLAIN 1
#endif

namespace weir::recycle {
namespace {

constexpr unsigned min_shift = std::countr_zero(min_block);
constexpr std::size_t classes = std::countr_zero(max_block) - min_shift + 1;

struct Node {
  Node* next;
};

struct Lists {
  std::array<Node*, classes> head{};
  std::array<std::uint32_t, classes> count{};
  bool gone = false;

  ~Lists() {
    clear();
    gone = true;  // Blocks that later destructors of this thread give back are freed at once.
  }
  void clear() noexcept {
    for (std::size_t i = 0; i < classes; ++i) {
      while (Node* node = head[i]) {
        head[i] = node->next;
        std::free(node);
      }
      count[i] = 0;
    }
  }
};
thread_local Lists lists;

unsigned class_of(std::size_t size) noexcept {
  return size <= min_block ? 0 : static_cast<unsigned>(std::bit_width(size - 1)) - min_shift;
}
constexpr std::size_t size_of(unsigned index) noexcept {
  return min_block << index;
}

void* fresh(std::size_t size) {
  void* block = size >= 4096 ? std::aligned_alloc(64, (size + 63) & ~std::size_t{63}) : std::malloc(size);
  if (block == nullptr) throw std::bad_alloc();
  return block;
}

}  // namespace

std::size_t block_size(std::size_t size) noexcept {
  return size > max_block ? size : size_of(class_of(size));
}

void* allocate(std::size_t size) {
  if (size > max_block) return fresh(size);
  const unsigned index = class_of(size);
#ifndef WEIR_RECYCLE_PLAIN
  if (Node* node = lists.head[index]) {
    lists.head[index] = node->next;
    --lists.count[index];
    return node;
  }
  return fresh(size_of(index));
#else
  return fresh(size_of(index));
#endif
}

void deallocate(void* block, std::size_t size) noexcept {
  if (block == nullptr) return;
#ifndef WEIR_RECYCLE_PLAIN
  if (size <= max_block) {
    const unsigned index = class_of(size);
    if (!lists.gone && lists.count[index] < keep_bytes / size_of(index)) {
      auto* node = static_cast<Node*>(block);
      node->next = lists.head[index];
      lists.head[index] = node;
      ++lists.count[index];
      return;
    }
  }
#endif
  static_cast<void>(size);
  std::free(block);
}

void trim() noexcept {
  lists.clear();
}

}  // namespace weir::recycle
