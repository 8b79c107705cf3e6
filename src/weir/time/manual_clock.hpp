// A clock for tests: it stands still until it is advanced.
#pragma once

#include <atomic>
#include <cstdint>

#include "weir/time/clock.hpp"

namespace weir {

/// Starts at 1 s after the monotonic epoch and 2026-01-01T00:00:00Z. Thread-safe.
class ManualClock final : public Clock {
 public:
  [[nodiscard]] Instant now() const noexcept override {
    return Instant(std::chrono::seconds(1) + Duration(elapsed_.load(std::memory_order_acquire)));
  }
  [[nodiscard]] WallTime wall() const noexcept override {
    return WallTime(std::chrono::seconds(1767225600) + Duration(elapsed_.load(std::memory_order_acquire)));
  }
  [[nodiscard]] bool manual() const noexcept override { return true; }

  void advance(Duration by) noexcept { elapsed_.fetch_add(by.count(), std::memory_order_acq_rel); }

 private:
  std::atomic<std::int64_t> elapsed_{0};
};

}  // namespace weir
