// Compressors and decompressors that the WebSockets of one loop share: those that keep no context.
#pragma once

#include <memory>
#include <vector>

#include "weir/base/buffer.hpp"
#include "weir/websocket/deflate.hpp"

namespace weir::detail {

/// One per thread, made when it is first used: a connection that compresses now and then costs nothing in between, and
/// ten thousand of them as much as one.
class WebSocketCodecs {
 public:
  [[nodiscard]] static WebSocketCodecs& of_this_thread();

  [[nodiscard]] websocket::Inflater& inflater() noexcept { return inflater_; }
  [[nodiscard]] websocket::Deflater& deflater(const websocket::Deflater::Options& options);
  /// Scratch memory; whoever uses it clears it before, and needs it no longer than one call.
  [[nodiscard]] Buffer& scratch() noexcept { return scratch_; }

 private:
  websocket::Inflater inflater_;
  std::vector<std::unique_ptr<websocket::Deflater>> deflaters_;  // by their options; a handful
  Buffer scratch_;
};

}  // namespace weir::detail
