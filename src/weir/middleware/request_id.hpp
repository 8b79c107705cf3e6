// Names every request, so that its log lines, its answer and what it causes elsewhere can be put together.
#pragma once

#include <string>

#include "weir/web/middleware.hpp"

namespace weir {

struct RequestIdOptions {
  bool enabled = true;                  ///< Looked at by production_chain().
  std::string header = "X-Request-Id";  ///< Where the id is read from and answered in.
  bool accept_incoming = true;  ///< A valid id that the client (or a proxy) sent is kept; see valid_request_id().
  bool echo = true;             ///< The answer tells the id.
};

/// Sets Context::request_id(). Throws std::invalid_argument when `header` is no field name.
[[nodiscard]] Middleware request_id(const RequestIdOptions& options = {});

}  // namespace weir
