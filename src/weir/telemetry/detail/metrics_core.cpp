#include "weir/telemetry/detail/metrics_core.hpp"

#include <new>

namespace weir::telemetry {
namespace {
/// Where counts go that have no place. Shared by all threads, never read.
constinit std::array<Cell, MetricsShard::chunk_cells> nowhere{};
}  // namespace

MetricsShard::~MetricsShard() {
  for (auto& chunk : chunks_) {
    Cell* cells = chunk.load(std::memory_order_relaxed);
    if (cells != nullptr && cells != nowhere.data()) ::operator delete[](cells, std::align_val_t{64});
  }
}

Cell* MetricsShard::grow(std::uint32_t chunk) noexcept {
  void* memory = ::operator new[](chunk_cells * sizeof(Cell), std::align_val_t{64}, std::nothrow);
  if (memory == nullptr) return nowhere.data();
  Cell* cells = static_cast<Cell*>(memory);
  for (std::uint32_t i = 0; i < chunk_cells; ++i) new (cells + i) Cell(0);
  chunks_[chunk].store(cells, std::memory_order_release);
  return cells;
}

std::shared_ptr<MetricsShard> MetricsCells::make_shard() {
  return std::make_shared<MetricsShard>();
}

Cell* MetricsCells::void_cells() noexcept {
  return nowhere.data();
}

std::uint64_t MetricsCells::sum(std::uint32_t slot) const {
  std::uint64_t total = 0;
  shards_.for_each([&](const MetricsShard& shard) {
    const Cell* cell = shard.peek(slot);
    if (cell != nullptr) total += cell->load(std::memory_order_relaxed);
  });
  return total;
}

}  // namespace weir::telemetry
