#include "weir/http2/detail/memory.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <new>

#include "weir/base/recycle.hpp"

namespace weir::http2::detail {
namespace {

// The size of a block stands before it: nghttp2 does not say it when it gives the block back.
constexpr std::size_t head = alignof(std::max_align_t);
constexpr std::size_t largest_recycled = 4096;

void* with_size(void* block, std::size_t size) noexcept {
  std::memcpy(block, &size, sizeof size);
  return static_cast<char*>(block) + head;
}

std::size_t size_of(void* memory) noexcept {
  std::size_t size = 0;
  std::memcpy(&size, static_cast<char*>(memory) - head, sizeof size);
  return size;
}

void* allocate(std::size_t size, void*) noexcept {
  if (size > std::numeric_limits<std::size_t>::max() - head) return nullptr;
  const std::size_t whole = size + head;
  if (whole > largest_recycled) {
    void* const block = std::malloc(whole);
    return block == nullptr ? nullptr : with_size(block, whole);
  }
  try {
    return with_size(recycle::allocate(whole), whole);
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

void give_back(void* memory, void*) noexcept {
  if (memory == nullptr) return;
  const std::size_t whole = size_of(memory);
  void* const block = static_cast<char*>(memory) - head;
  if (whole > largest_recycled) {
    std::free(block);
  } else {
    recycle::deallocate(block, whole);
  }
}

void* allocate_zeroed(std::size_t count, std::size_t size, void* user) noexcept {
  if (size != 0 && count > std::numeric_limits<std::size_t>::max() / size) return nullptr;
  void* const memory = allocate(count * size, user);
  if (memory != nullptr) std::memset(memory, 0, count * size);
  return memory;
}

void* reallocate(void* memory, std::size_t size, void* user) noexcept {
  if (memory == nullptr) return allocate(size, user);
  const std::size_t held = size_of(memory) - head;
  void* const other = allocate(size, user);
  if (other == nullptr) return nullptr;
  std::memcpy(other, memory, std::min(held, size));
  give_back(memory, user);
  return other;
}

}  // namespace

nghttp2_mem* recycled_memory() noexcept {
  static nghttp2_mem memory{nullptr, allocate, give_back, allocate_zeroed, reallocate};
  return &memory;
}

}  // namespace weir::http2::detail
