#include "weir/time/clock.hpp"

namespace weir {
namespace {
class SystemClock final : public Clock {
 public:
  Instant now() const noexcept override { return std::chrono::steady_clock::now(); }
  WallTime wall() const noexcept override { return std::chrono::system_clock::now(); }
};
}  // namespace

Clock& Clock::system() noexcept {
  static SystemClock clock;
  return clock;
}
}  // namespace weir
