// Telling many WebSockets, on many loops, what one thread publishes, by name.
//
//   auto& topics = app.make_state<weir::Topics>();
//   app.websocket("/rooms/{room}", [](weir::WebSocket& ws, weir::Path<std::string> room, weir::State<weir::Topics>
//   topics)
//       -> weir::Task<void> {
//     ws.subscribe(*topics, *room);
//     for (;;) {
//       auto message = co_await ws.receive();
//       if (!message) break;
//       topics->publish(*room, message->data);
//     }
//   });
#pragma once

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

namespace weir {

namespace detail {
class TopicsCore;
class WebSocketConnection;
struct PublishedMessage;
struct TopicSubscription;
}  // namespace detail

struct TopicsOptions {
  /// Messages of one topic that wait for one loop; when one more comes the oldest is dropped. Loops are not that slow:
  /// it is subscribers with SlowSubscriber::wait that hold a topic up, and publishers that do not wait for them.
  std::size_t queue = 1024;
  /// Messages from this size on are compressed (once, by the publisher) while any subscriber takes compressed ones.
  std::size_t compress_from = 512;
  std::uint8_t level = 1;  ///< zlib's.
};

/// Names that WebSockets subscribe to (WebSocket::subscribe) and anybody publishes under. A message is encoded once,
/// whoever gets it; it costs each loop that has subscribers one message. A topic exists while it has subscribers. Any
/// thread, but for co_await; must outlive the server whose connections subscribe. (Broadcast is the same for values and
/// coroutines: server-sent events, caches.)
class Topics {
 public:
  explicit Topics(TopicsOptions options = {});
  ~Topics();
  Topics(const Topics&) = delete;
  Topics& operator=(const Topics&) = delete;

  class Publication;
  /// Sends a text message (UTF-8) to all subscribers. What a subscriber that does not keep up gets is up to its route:
  /// WebSocketOptions::slow_subscriber. `co_await topics.publish(…)`, on a loop, waits until those that are to be
  /// waited for have room; without co_await it does not wait.
  Publication publish(std::string_view name, std::string_view text);
  Publication publish_binary(std::string_view name, std::string_view data);

  /// How many connections are subscribed now.
  [[nodiscard]] std::size_t subscribers(std::string_view name) const;

 private:
  friend class detail::WebSocketConnection;
  Publication publish(std::string_view name, std::string_view data, bool binary);
  std::shared_ptr<detail::TopicsCore> core_;  // shared with messages under way to loops
};

/// What publish() returns: may be dropped, or awaited once.
class Topics::Publication {
 public:
  Publication(Publication&&) noexcept = default;
  Publication& operator=(Publication&&) = delete;
  ~Publication();

  bool await_ready() const noexcept;
  bool await_suspend(std::coroutine_handle<> awaiting) noexcept;
  void await_resume() const noexcept {}

 private:
  friend class Topics;
  explicit Publication(std::shared_ptr<const detail::PublishedMessage> message) noexcept
      : message_(std::move(message)) {}
  std::shared_ptr<const detail::PublishedMessage> message_;  // shared with the loops; null: nobody was subscribed
};

}  // namespace weir
