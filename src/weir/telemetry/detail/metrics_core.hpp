// The cells that metrics count in: one array of 64-bit cells per thread, summed when scraped.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "weir/telemetry/detail/thread_slots.hpp"

namespace weir::telemetry {

using Cell = std::atomic<std::uint64_t>;

/// Adds to a cell that only the calling thread writes: no lock prefix, no contended cache line.
inline void bump(Cell& cell, std::uint64_t by) noexcept {
  cell.store(cell.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
}

/// One thread's cells, in chunks that are allocated when first counted in.
class MetricsShard : public ThreadSlot {
 public:
  static constexpr std::uint32_t chunk_bits = 9;
  static constexpr std::uint32_t chunk_cells = 1U << chunk_bits;
  static constexpr std::uint32_t max_chunks = 512;
  static constexpr std::uint32_t max_cells = max_chunks * chunk_cells;

  MetricsShard() noexcept = default;
  ~MetricsShard();

  /// For the thread that owns the shard. Cells of one series stand side by side.
  [[nodiscard]] Cell* at(std::uint32_t slot) noexcept {
    Cell* chunk = chunks_[slot >> chunk_bits].load(std::memory_order_relaxed);
    if (chunk == nullptr) [[unlikely]]
      chunk = grow(slot >> chunk_bits);
    return chunk + (slot & (chunk_cells - 1));
  }
  /// For any thread; null when nothing was counted near `slot` yet.
  [[nodiscard]] const Cell* peek(std::uint32_t slot) const noexcept {
    const Cell* chunk = chunks_[slot >> chunk_bits].load(std::memory_order_acquire);
    return chunk == nullptr ? nullptr : chunk + (slot & (chunk_cells - 1));
  }

 private:
  Cell* grow(std::uint32_t chunk) noexcept;
  std::array<std::atomic<Cell*>, max_chunks> chunks_{};
};

/// What every handle points to. Lives in the registry.
class MetricsCells {
 public:
  static constexpr std::size_t max_shards = 1024;

  /// The calling thread's cells from `slot` on. Never null: a thread that cannot have a shard counts into the void.
  [[nodiscard]] Cell* local(std::uint32_t slot) noexcept {
    MetricsShard* shard = shards_.local(make_shard);
    if (shard == nullptr) [[unlikely]]
      return void_cells();
    return shard->at(slot);
  }

  [[nodiscard]] std::uint64_t sum(std::uint32_t slot) const;
  template <class Visit>
  void for_each(Visit&& visit) const {
    shards_.for_each(visit);
  }

  /// The period that maxima are noted under; see DurationHistogram.
  [[nodiscard]] std::uint32_t period() const noexcept { return period_.load(std::memory_order_relaxed); }
  void next_period() noexcept { period_.fetch_add(1, std::memory_order_relaxed); }

 private:
  static std::shared_ptr<MetricsShard> make_shard();
  static Cell* void_cells() noexcept;

  ThreadSlots<MetricsShard> shards_{max_shards};
  std::atomic<std::uint32_t> period_{0};
};

/// A timer's cells: [0] the sum in nanoseconds, [1..3] maxima, [4…] one count a bucket.
struct TimerCells {
  static constexpr std::uint32_t sum = 0;
  static constexpr std::uint32_t maxima = 1;
  static constexpr std::uint32_t max_periods = 3;
  static constexpr std::uint32_t buckets = 4;
  static constexpr std::uint64_t max_value = (std::uint64_t{1} << 48) - 1;

  /// `bounds` are upper bounds in nanoseconds, ascending, the last one UINT64_MAX.
  static void record(Cell* cells, const std::uint64_t* bounds, std::uint64_t ns, std::uint32_t period) noexcept {
    bump(cells[sum], ns);
    std::uint32_t bucket = 0;
    while (ns > bounds[bucket]) ++bucket;
    bump(cells[buckets + bucket], 1);
    // The period's low 16 bits stand above the value: a cell of an older period is simply overwritten.
    const std::uint64_t tag = std::uint64_t{period & 0xffff} << 48;
    const std::uint64_t value = tag | (ns < max_value ? ns : max_value);
    Cell& cell = cells[maxima + period % max_periods];
    const std::uint64_t held = cell.load(std::memory_order_relaxed);
    if (value > held || (held >> 48) != (tag >> 48)) cell.store(value, std::memory_order_relaxed);
  }
};

}  // namespace weir::telemetry
