// How large a request's body may be.
#pragma once

#include <cstdint>

#include "weir/web/middleware.hpp"

namespace weir {

struct BodyLimitOptions {
  bool enabled = true;               ///< Looked at by production_chain(). Without this, Limits::body_bytes holds.
  std::uint64_t bytes = 4ull << 20;  ///< 0: no limit.
};

/// 413 instead of the handler's answer, before anything of the body is read, when its announced length is above the
/// limit, and when more comes while it is read. Middleware behind this one is passed before, so that cors() and the
/// like hold for the refusal. A route's own body_limit wins; of several limits the innermost does.
[[nodiscard]] Middleware body_limit(const BodyLimitOptions& options = {});

}  // namespace weir
