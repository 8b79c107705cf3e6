// How long an exchange took, read from the clock once for all middleware that wants to know.
#pragma once

#include "weir/time/clock.hpp"
#include "weir/web/context.hpp"

namespace weir::middleware {

/// For finish(): the time since the turn of the loop began in which the request was parsed. That a request waited in
/// that turn, behind those of other connections, therefore counts, as it does for its client; the loop's cached time,
/// which Outcome::duration is made from, would say 0 for whatever was answered in one turn.
[[nodiscard]] inline Duration measured_duration(Context& ctx) {
  struct Measured {
    Duration value;
  };
  if (const auto* known = ctx.get<Measured>()) return known->value;
  return ctx.set(Measured{ctx.loop().clock().now() - ctx.started()}).value;
}

}  // namespace weir::middleware
