// Waiting on a word with a time-out, and waking from a signal handler: what std::atomic::wait cannot do.
#pragma once

#include <atomic>
#include <cstdint>
#include <ctime>

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "weir/time/clock.hpp"

namespace weir::telemetry {

/// Sleeps while `word` is `expected`, for at most `timeout`, or until woken; may also return early. futex(2).
inline void futex_wait(std::atomic<std::uint32_t>& word, std::uint32_t expected, Duration timeout) noexcept {
  static_assert(sizeof(word) == 4);
  if (timeout <= Duration::zero()) return;
  const timespec limit{.tv_sec = timeout.count() / 1'000'000'000, .tv_nsec = timeout.count() % 1'000'000'000};
  syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, expected, &limit, nullptr, 0);
}

inline void futex_wake(std::atomic<std::uint32_t>& word) noexcept {
  syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, INT32_MAX, nullptr, nullptr, 0);
}

}  // namespace weir::telemetry
