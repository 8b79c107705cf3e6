// The operations endpoints, as routes for the main listener or the admin listener.
//
//   GET  /healthz                    {"status":"ok","uptime_ms":12345}: the process answers. Nothing else, always 200
//   GET  /health/live                200 UP, 503 DOWN: a failing liveness check wants a restart
//   GET  /health/ready, /health/readyz   200 UP, 503 DOWN or OUT_OF_SERVICE (draining): requests, or none
//   GET  /health/ready/{component}   the same of one check; 404 when there is none of this name
//   GET  /actuator/health[/{group or component}]   Spring Boot's format
//   GET  /actuator/prometheus        metrics as text; OpenMetrics by Accept; ?includedNames=a,b
//   GET  /actuator/metrics           the names of all metrics
//   GET  /actuator/info              name, version, git, uptime
//   GET  /actuator/loggers[/{name}]  levels
//   POST /actuator/loggers/{name}    {"configuredLevel":"DEBUG"}; {} removes the logger's own level
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "weir/operations/health.hpp"
#include "weir/telemetry/log.hpp"
#include "weir/telemetry/metrics.hpp"
#include "weir/time/clock.hpp"
#include "weir/web/context.hpp"
#include "weir/web/handler.hpp"

namespace weir {

/// Who is told which component is down and why.
enum class HealthDetails : std::uint8_t { never, when_authorized, always };

/// What /actuator/info tells. Empty texts are left out.
struct AppInfo {
  std::string name;
  std::string version;
  std::string build_time;
  std::string git_commit;
  std::string git_branch;
};

struct OperationsOptions {
  bool enabled = true;  ///< Looked at by the application.
  HealthDetails health_details = HealthDetails::never;
  /// Whether other machines may change the running service (POST /actuator/loggers). Without it only clients on this
  /// machine may, and no proxy on it for others: what comes with Forwarded or X-Forwarded-For is refused. Not looked at
  /// where `authorized` decides.
  bool remote_changes = false;
  /// Whether this client may see details (HealthDetails::when_authorized) and make changes: by a token that it sends, a
  /// client certificate, its address. Called on every loop at once. Null: nobody sees details; for changes see
  /// remote_changes.
  std::function<bool(Context&)> authorized;
  AppInfo info;
};

/// What the endpoints look at. Whoever registers the routes owns it; it and what it borrows outlive them. A null
/// pointer leaves the endpoints out that need it.
struct OperationsContext {
  HealthRegistry* health = nullptr;
  MetricsRegistry* metrics = nullptr;
  Log* log = nullptr;
  OperationsOptions options;
  /// Since when uptime counts.
  Instant started = Clock::system().now();
};

/// Whom an endpoint is for, so that the application can choose where to put it.
enum class Audience : std::uint8_t {
  anyone,      ///< Nothing sensitive: load balancers and orchestrators ask without credentials.
  monitoring,  ///< Figures and names, but no secrets and no changes.
  operators,   ///< Changes the running service.
};

struct OperationRoute {
  http::Method method = http::Method::get;
  std::string pattern;
  std::unique_ptr<Handler> handler;
  Audience audience = Audience::anyone;
  bool hidden = true;  ///< Not in the API's description.
};

[[nodiscard]] std::vector<OperationRoute> operations_routes(const OperationsContext& operations);

}  // namespace weir
