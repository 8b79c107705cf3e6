// Whether the service is well: checks that users register, and whether it wants requests.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "weir/base/error.hpp"
#include "weir/coro/task.hpp"
#include "weir/runtime/event_loop.hpp"
#include "weir/time/clock.hpp"

namespace weir {

enum class HealthStatus : std::uint8_t {
  up,
  down,            ///< A check failed.
  out_of_service,  ///< Nothing failed, but it wants no requests: it starts, or it drains.
};
/// "UP", "DOWN", "OUT_OF_SERVICE". Static storage.
[[nodiscard]] std::string_view to_string(HealthStatus status) noexcept;

/// Which checks are asked.
enum class HealthGroup : std::uint8_t { all, liveness, readiness };

struct HealthCheckOptions {
  /// After this an asynchronous check counts as failed; it is left to end by itself, and not started again before.
  Duration timeout = std::chrono::seconds(1);
  /// How long a result is given to others who ask, so that probes cannot become load.
  Duration cache_for = std::chrono::seconds(1);
  /// Requests are kept away while it fails: for what the service cannot work without.
  bool readiness = true;
  /// The service is restarted while it fails: only for what a restart mends. A liveness check must not look at other
  /// systems, or their outage restarts everything that needs them.
  bool liveness = false;
};

struct ComponentHealth {
  std::string name;
  HealthStatus status = HealthStatus::up;
  std::string error;  ///< What the check said; empty when up.
  Duration duration{};
};

struct HealthReport {
  HealthStatus status = HealthStatus::up;
  std::vector<ComponentHealth> components;
};

/// The checks of an application and its readiness. Checks are added before the server runs; everything else may be
/// called from any thread. It outlives the running of the loops that ask.
class HealthRegistry {
 public:
  /// Runs on an event loop: it must be quick. What it throws counts as failure.
  using Check = std::function<Result<void>()>;
  /// For checks that wait (a query, a connection). Runs on the loop of whoever asks.
  using AsyncCheck = std::function<Task<Result<void>>()>;

  HealthRegistry();
  ~HealthRegistry();
  HealthRegistry(const HealthRegistry&) = delete;
  HealthRegistry& operator=(const HealthRegistry&) = delete;

  /// `check` is a Check or an AsyncCheck. Throws std::invalid_argument when the name is taken, empty, or the name of a
  /// group ("liveness", "readiness").
  template <class F>
  void add(std::string name, F check, const HealthCheckOptions& options = {}) {
    if constexpr (std::is_invocable_r_v<Task<Result<void>>, F&>) {
      add_check(std::move(name), AsyncCheck(std::move(check)), options);
    } else {
      add_check(std::move(name), Check(std::move(check)), options);
    }
  }

  /// Whether the service wants requests; it does unless told otherwise. For start-up work.
  void set_ready(bool ready) noexcept { ready_.store(ready, std::memory_order_relaxed); }
  /// While draining it wants none, whatever set_ready() says.
  void set_draining(bool draining) noexcept { draining_.store(draining, std::memory_order_relaxed); }
  [[nodiscard]] bool wants_requests() const noexcept {
    return ready_.load(std::memory_order_relaxed) && !draining_.load(std::memory_order_relaxed);
  }

  /// The group's health; runs the checks whose results are too old, all at once, on `loop`, which is the caller's.
  [[nodiscard]] Task<HealthReport> check(HealthGroup group, EventLoop& loop);
  /// One check of the group; nothing when there is none of this name in it.
  [[nodiscard]] Task<std::optional<ComponentHealth>> check_one(HealthGroup group, std::string_view name,
                                                               EventLoop& loop);

 private:
  class Entry;
  void add_check(std::string name, std::variant<Check, AsyncCheck> check, const HealthCheckOptions& options);

  std::vector<std::unique_ptr<Entry>> entries_;
  std::atomic<bool> ready_{true};
  std::atomic<bool> draining_{false};
};

}  // namespace weir
