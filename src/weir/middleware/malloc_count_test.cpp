// The test program's malloc: glibc's with a counter.
#include <atomic>
#include <cstdlib>

#include <gtest/gtest.h>

#include "weir/middleware/malloc_count_test_support.hpp"

namespace {
constinit std::atomic<std::size_t> calls{0};
}

#ifndef WEIR_SANITIZED
// NOLINTBEGIN(bugprone-reserved-identifier): these are glibc's names
extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* block, std::size_t size);
void* __libc_memalign(std::size_t align, std::size_t size);

void* malloc(std::size_t size) {
  calls.fetch_add(1, std::memory_order_relaxed);
  return __libc_malloc(size);
}
void* calloc(std::size_t count, std::size_t size) {
  calls.fetch_add(1, std::memory_order_relaxed);
  return __libc_calloc(count, size);
}
void* realloc(void* block, std::size_t size) {
  calls.fetch_add(1, std::memory_order_relaxed);
  return __libc_realloc(block, size);
}
void* aligned_alloc(std::size_t align, std::size_t size) {
  calls.fetch_add(1, std::memory_order_relaxed);
  return __libc_memalign(align, size);
}
}
// NOLINTEND(bugprone-reserved-identifier)
#endif

namespace weir::middleware {

std::size_t malloc_calls() noexcept {
  return calls.load(std::memory_order_relaxed);
}

bool malloc_is_counted() noexcept {
#ifdef WEIR_SANITIZED
  return false;
#else
  return true;
#endif
}

TEST(MallocCount, Counts) {
  const std::size_t before = malloc_calls();
  void* volatile block = std::malloc(10);  // NOLINT: that is what is tested
  std::free(block);                        // NOLINT
  EXPECT_EQ(malloc_calls() - before, malloc_is_counted() ? 1U : 0U);
}

}  // namespace weir::middleware
