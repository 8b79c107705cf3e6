#include "weir/middleware/detail/thread_shards.hpp"

namespace weir::middleware {

std::size_t thread_number() noexcept {
  static constinit std::atomic<std::size_t> next{0};
  thread_local const std::size_t number = next.fetch_add(1, std::memory_order_relaxed);
  return number;
}

}  // namespace weir::middleware
