// What stands at the end of a route: its chain and its handler.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "weir/http/method.hpp"
#include "weir/time/clock.hpp"
#include "weir/web/handler.hpp"
#include "weir/web/middleware.hpp"
#include "weir/web/operation.hpp"

namespace weir {

/// Immutable once it serves; shared by all loops.
struct Endpoint {
  std::uint32_t id = 0;  ///< Stands for `pattern` in metrics; unique in the process.
  http::Method method = http::Method::get;
  std::string pattern;  ///< The whole pattern, group prefixes included; or "NOT_FOUND" and the like.
  std::string host;
  std::string name;
  std::vector<Middleware> chain;
  std::unique_ptr<Handler> handler;
  bool upgrades = false;  ///< Its handler switches protocols: extended CONNECT (RFC 8441) may ask for it, too.
  std::optional<std::uint64_t> body_limit;  ///< Instead of Limits::body_bytes. 0: no limit.
  std::optional<Duration> timeout;          ///< Instead of Limits::request_timeout. 0: none.
  OperationDoc doc;
};

}  // namespace weir
