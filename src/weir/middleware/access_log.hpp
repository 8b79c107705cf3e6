// One JSON line for each request that has ended, written off the request path.
#pragma once

#include <string>
#include <vector>

#include "weir/telemetry/access_log.hpp"
#include "weir/web/middleware.hpp"

namespace weir {

struct RequestLogOptions {
  bool enabled = true;  ///< Looked at by production_chain().
  AccessLogOptions fields;
  /// Routes (their patterns) that are logged only when they fail, with a status from 400 on: "/healthz".
  std::vector<std::string> quiet_routes;
};

/// Writes an entry to `log`, which outlives the chain, under the logger "access" when the exchange is over, however it
/// ended. Its `duration` is counted from the turn of the loop in which the request arrived, queueing in that turn
/// included; `error` says "client_gone", "deadline", "shutdown" or "aborted" where the answer did not come from the
/// handler or did not get out whole; the status is 499 when the client went before there was one.
[[nodiscard]] Middleware access_log(Log& log, const RequestLogOptions& options = {});

}  // namespace weir
