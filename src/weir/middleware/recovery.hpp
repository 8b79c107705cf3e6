// What becomes of exceptions that leave a handler.
//
// Catching them needs no middleware: the chain always does, answers a 500 problem and logs the exception's type and
// text with the request's ids. What is here is what can be chosen about it.
#pragma once

#include <exception>
#include <functional>

#include "weir/telemetry/metrics.hpp"
#include "weir/web/context.hpp"
#include "weir/web/middleware.hpp"

namespace weir {

struct RecoveryOptions {
  bool enabled = true;           ///< Looked at by production_chain(): counts exceptions.
  bool show_exceptions = false;  ///< The 500 says what was thrown. Never in production.
};

/// Told of each exception: for error trackers. Runs on the exchange's loop, inside a handler of that exception; what it
/// throws is dropped.
using ErrorObserver = std::function<void(Context&, const std::exception_ptr&)>;

/// Sets what the options and the observer ask for in the environment that the application's chains share. Keeps an
/// on_exception that is there: it makes the answer, after `observer` was told.
void apply_recovery(ChainEnvironment& environment, const RecoveryOptions& options, ErrorObserver observer = {});

/// Counts in `weir_handler_exceptions_total` by the exception's type. `registry` outlives the chain.
[[nodiscard]] Middleware recovery(MetricsRegistry& registry);

}  // namespace weir
