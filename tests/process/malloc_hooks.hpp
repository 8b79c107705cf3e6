// For tests: counts the calls of malloc and its like, and makes the large ones fail.
#pragma once

#include <cstddef>

namespace weir::process {

/// False where a sanitizer has its own malloc: then neither counts nor failures are to be had.
bool malloc_is_ours() noexcept;
/// Calls of malloc, calloc, realloc and aligned_alloc so far, by any thread.
std::size_t malloc_calls() noexcept;

/// While it lives, requests for `bytes` and more get no memory. One at a time.
class LargeAllocationsFail {
 public:
  explicit LargeAllocationsFail(std::size_t bytes) noexcept;
  LargeAllocationsFail(const LargeAllocationsFail&) = delete;
  LargeAllocationsFail& operator=(const LargeAllocationsFail&) = delete;
  ~LargeAllocationsFail();
  /// How many have failed.
  [[nodiscard]] std::size_t count() const noexcept;
};

}  // namespace weir::process
