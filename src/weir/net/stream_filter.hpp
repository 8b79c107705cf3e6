// Layers between a socket and its protocol: TLS, the PROXY protocol.
#pragma once

#include <functional>
#include <memory>

#include "weir/net/stream.hpp"
#include "weir/runtime/event_loop.hpp"

namespace weir::net {

/// Wraps the streams that one listener accepts on one loop. Lives on that loop's thread, longer than what it wrapped.
class StreamFilter {
 public:
  StreamFilter() noexcept = default;
  StreamFilter(const StreamFilter&) = delete;
  StreamFilter& operator=(const StreamFilter&) = delete;
  virtual ~StreamFilter() = default;
  /// What the protocol reads from and writes to from now on; it owns `stream`. nullptr refuses the connection.
  virtual std::unique_ptr<Stream> wrap(std::unique_ptr<Stream> stream) noexcept = 0;
};

/// Makes the filter of each loop. Called before the loops run.
using StreamFilterFactory = std::function<std::unique_ptr<StreamFilter>(EventLoop&)>;

}  // namespace weir::net
