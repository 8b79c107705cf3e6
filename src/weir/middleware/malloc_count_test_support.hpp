// For tests: how often malloc and its like were called, by whomever.
#pragma once

#include <cstddef>

namespace weir::middleware {

/// Calls of malloc, calloc, realloc and aligned_alloc so far; always 0 where a sanitizer has its own.
std::size_t malloc_calls() noexcept;
/// Whether they are counted.
bool malloc_is_counted() noexcept;

}  // namespace weir::middleware
