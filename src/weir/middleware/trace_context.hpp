// W3C Trace Context (https://www.w3.org/TR/trace-context/): every exchange is a span of a trace.
#pragma once

#include <string_view>

#include "weir/web/middleware.hpp"

namespace weir {

struct TraceContextOptions {
  bool enabled = true;          ///< Looked at by production_chain().
  bool accept_incoming = true;  ///< Off at the edge, where callers are not to choose trace ids or to force sampling.
  double sample_ratio = 1.0;    ///< Of the traces that begin here, 0 to 1. A caller's decision is kept (§3.2.2.5.1).
  bool respond =
      false;  ///< Answers `traceresponse` (Trace Context Level 2 §4), which tells browsers and tools the ids.
};

/// The caller's `tracestate`, to be passed on as it is (§3.3): `if (auto* state = ctx.get<TraceState>()) …`. Only there
/// when the caller sent a valid one beside a valid `traceparent`.
struct TraceState {
  std::string_view text;
};

/// Sets Context::trace() to a child span of the incoming `traceparent`, or to the root of a new trace where there is
/// none or it is malformed.
[[nodiscard]] Middleware trace_context(const TraceContextOptions& options = {});

}  // namespace weir
