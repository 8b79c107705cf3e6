#include "weir/telemetry/detail/thread_slots.hpp"

namespace weir::telemetry {

std::uint64_t next_owner_id() noexcept {
  static constinit std::atomic<std::uint64_t> last{0};
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

}  // namespace weir::telemetry
