#include "weir/web/detail/websocket_codecs.hpp"

namespace weir::detail {

WebSocketCodecs& WebSocketCodecs::of_this_thread() {
  thread_local WebSocketCodecs codecs;
  return codecs;
}

websocket::Deflater& WebSocketCodecs::deflater(const websocket::Deflater::Options& options) {
  for (const auto& each : deflaters_) {
    if (each->options() == options) return *each;
  }
  return *deflaters_.emplace_back(std::make_unique<websocket::Deflater>(options));
}

}  // namespace weir::detail
