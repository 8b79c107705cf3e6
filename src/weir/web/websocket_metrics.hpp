// What is counted of WebSockets: all of an application's together.
#pragma once

#include <array>
#include <cstddef>

#include "weir/telemetry/metrics.hpp"
#include "weir/websocket/frame.hpp"

namespace weir {

/// Made once per App and found by the connections in its StateMap; without one nothing is counted.
///
///   websocket_connections_active       open now
///   websocket_messages_received_total  whole messages, and those that were sent (published ones by subscriber)
///   websocket_messages_sent_total
///   websocket_messages_dropped_total   published, and not delivered to a subscriber that was too slow
///   websocket_closed_total{code}       connections that ended, by the close code; "other" for codes of applications
class WebSocketMetrics {
 public:
  explicit WebSocketMetrics(MetricsRegistry& registry);

  UpDownCounter active;
  Counter received;
  Counter sent;
  Counter dropped;

  void count_close(websocket::CloseCode code) const noexcept;

 private:
  static constexpr std::size_t known = 15;  // 1000 to 1014
  std::array<Counter, known + 1> closed_;
};

}  // namespace weir
