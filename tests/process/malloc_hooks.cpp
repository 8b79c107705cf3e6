#include "malloc_hooks.hpp"

#include <atomic>
#include <cerrno>
#include <cstdint>

namespace {
constinit std::atomic<std::size_t> calls{0};
constinit std::atomic<std::size_t> fail_from{SIZE_MAX};
constinit std::atomic<std::size_t> failures{0};
}  // namespace

#ifndef WEIR_SANITIZED
namespace {
bool refused(std::size_t size) noexcept {
  calls.fetch_add(1, std::memory_order_relaxed);
  if (size < fail_from.load(std::memory_order_relaxed)) return false;
  failures.fetch_add(1, std::memory_order_relaxed);
  errno = ENOMEM;
  return true;
}
}  // namespace

// NOLINTBEGIN(bugprone-reserved-identifier): these are glibc's names
extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* block, std::size_t size);
void* __libc_memalign(std::size_t align, std::size_t size);

void* malloc(std::size_t size) {
  return refused(size) ? nullptr : __libc_malloc(size);
}
void* calloc(std::size_t count, std::size_t size) {
  return refused(count * size) ? nullptr : __libc_calloc(count, size);
}
void* realloc(void* block, std::size_t size) {
  return refused(size) ? nullptr : __libc_realloc(block, size);
}
void* aligned_alloc(std::size_t align, std::size_t size) {
  return refused(size) ? nullptr : __libc_memalign(align, size);
}
}
// NOLINTEND(bugprone-reserved-identifier)
#endif

namespace weir::process {

bool malloc_is_ours() noexcept {
#ifdef WEIR_SANITIZED
  return false;
#else
  return true;
#endif
}

std::size_t malloc_calls() noexcept {
  return calls.load(std::memory_order_relaxed);
}

LargeAllocationsFail::LargeAllocationsFail(std::size_t bytes) noexcept {
  failures.store(0);
  fail_from.store(bytes);
}
LargeAllocationsFail::~LargeAllocationsFail() {
  fail_from.store(SIZE_MAX);
}
std::size_t LargeAllocationsFail::count() const noexcept {
  return failures.load();
}

}  // namespace weir::process
