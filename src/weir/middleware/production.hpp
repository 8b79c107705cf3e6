// The chain that is on by default.
#pragma once

#include <vector>

#include "weir/middleware/access_log.hpp"
#include "weir/middleware/body_limit.hpp"
#include "weir/middleware/deadline.hpp"
#include "weir/middleware/http_metrics.hpp"
#include "weir/middleware/recovery.hpp"
#include "weir/middleware/request_id.hpp"
#include "weir/middleware/security_headers.hpp"
#include "weir/middleware/trace_context.hpp"
#include "weir/telemetry/log.hpp"
#include "weir/telemetry/metrics.hpp"
#include "weir/web/middleware.hpp"

namespace weir {

/// The options of every part; `enabled` switches it off.
struct ProductionOptions {
  RequestMetricsOptions http_metrics;
  RequestIdOptions request_id;
  TraceContextOptions trace_context;
  RequestLogOptions access_log;
  RecoveryOptions recovery;
  SecurityHeadersOptions security_headers;
  DeadlineOptions deadline;
  BodyLimitOptions body_limit;
};

/// What the chain reports to. Both outlive it; null: the parts that need it are left out.
struct Telemetry {
  MetricsRegistry* metrics = nullptr;
  Log* log = nullptr;
};

/// The default middleware, outermost first:
///
///   http_metrics      counts everything, whatever the others answer
///   request_id        before anything can fail or log: problems and log lines carry the id
///   trace_context     the same
///   access_log        (only looks at the end)
///   recovery          counts exceptions (only looks at the end)
///   security_headers  ahead of all that may answer by itself, so that refusals have them too
///   deadline          the routes' middleware behind it runs within the time
///   body_limit        the last, as it may answer: 413
///
/// The recovery options that the environment needs are set by apply_recovery().
[[nodiscard]] std::vector<Middleware> production_chain(const ProductionOptions& options, Telemetry telemetry);

}  // namespace weir
