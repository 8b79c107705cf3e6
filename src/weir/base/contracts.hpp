// Contracts: our own bugs end the process with a message; a peer's bad bytes never do.
#pragma once

namespace weir {
[[noreturn]] void contract_failed(const char* condition, const char* file, int line) noexcept;
}  // namespace weir

/// Holds in every build: use it where the check costs nothing beside the work it guards.
#define WEIR_ASSERT(condition) \
  (__builtin_expect(!!(condition), 1) ? static_cast<void>(0) : ::weir::contract_failed(#condition, __FILE__, __LINE__))

/// Holds in builds without NDEBUG only: for checks on hot paths.
#ifdef NDEBUG
#define WEIR_DEBUG_ASSERT(condition) static_cast<void>(sizeof(!(condition)))
#else
#define WEIR_DEBUG_ASSERT(condition) WEIR_ASSERT(condition)
#endif
