#include "weir/web/websocket_metrics.hpp"

#include <string>

namespace weir {

WebSocketMetrics::WebSocketMetrics(MetricsRegistry& registry)
    : active(registry.up_down_counter({.name = "websocket_connections_active", .help = "Open WebSockets."}).with({})),
      received(
          registry.counter({.name = "websocket_messages_received_total", .help = "Messages received over WebSockets."})
              .with({})),
      sent(registry.counter({.name = "websocket_messages_sent_total", .help = "Messages sent over WebSockets."})
               .with({})),
      dropped(registry
                  .counter({.name = "websocket_messages_dropped_total",
                            .help = "Published messages that a slow subscriber missed."})
                  .with({})) {
  auto family = registry.counter(
      {.name = "websocket_closed_total", .help = "WebSockets that ended, by close code.", .labels = {"code"}});
  for (std::size_t i = 0; i < known; ++i) closed_[i] = family.with({std::to_string(1000 + i)});
  closed_[known] = family.with({"other"});
}

void WebSocketMetrics::count_close(websocket::CloseCode code) const noexcept {
  const std::size_t offset = static_cast<std::size_t>(code) - 1000;
  closed_[offset < known ? offset : known].add();
}

}  // namespace weir
