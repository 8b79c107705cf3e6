// How long a request may take before it is cancelled.
#pragma once

#include <chrono>

#include "weir/time/clock.hpp"
#include "weir/web/middleware.hpp"

namespace weir {

struct DeadlineOptions {
  bool enabled = true;  ///< Looked at by production_chain(). Without this, Limits::request_timeout holds.
  /// From the end of the head to the start of the answer; where the handler reads the body, from when that last moved:
  /// large uploads take their time while they keep to Limits::stall_timeout and min_rate. 0: none.
  Duration timeout = std::chrono::seconds(30);
};

/// When the time is over the exchange's stop token fires (StopReason::deadline) and the client is answered 503, or 408
/// if it had not sent its body yet. A route's own timeout wins; of several deadlines the innermost does.
[[nodiscard]] Middleware deadline(const DeadlineOptions& options = {});

}  // namespace weir
