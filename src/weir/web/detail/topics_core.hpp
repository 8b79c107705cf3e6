// The subscribers of topics, loop by loop.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "weir/runtime/event_loop.hpp"
#include "weir/web/detail/published_message.hpp"
#include "weir/web/topics.hpp"

namespace weir::detail {

class TopicLane;
class WebSocketConnection;

/// One connection's subscription to one topic. Owned by the connection's list.
struct TopicSubscription {
  WebSocketConnection& connection;
  std::shared_ptr<TopicLane> lane;  // shared with messages under way to its loop
  std::size_t index = 0;            ///< In the lane's list.
  TopicSubscription* next = nullptr;
};

/// The subscribers of one topic on one loop. What is published reaches it as one message to that loop, however many
/// there are.
class TopicLane : public std::enable_shared_from_this<TopicLane> {
 public:
  TopicLane(std::shared_ptr<TopicsCore> core, EventLoop& loop, std::string name) noexcept
      : core_(std::move(core)), loop_(loop), name_(std::move(name)) {}

  [[nodiscard]] EventLoop& loop() const noexcept { return loop_; }
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] TopicsCore& core() const noexcept { return *core_; }
  [[nodiscard]] bool belongs_to(const TopicsCore& core) const noexcept { return &core == core_.get(); }

  // Under the core's mutex:
  void push(std::shared_ptr<const PublishedMessage> message, std::size_t limit);

  // On the loop's thread:
  void add(TopicSubscription& subscription);
  void remove(TopicSubscription& subscription) noexcept;
  [[nodiscard]] bool empty() const noexcept { return subscribers_.empty(); }
  /// Looks again whether it can go on.
  void go_on() noexcept;
  [[nodiscard]] bool held_up() const noexcept { return held_up_; }
  /// Nobody is left: what waits has reached everybody.
  void finish() noexcept;

 private:
  void post();
  void deliver() noexcept;
  [[nodiscard]] bool somebody_holds_up() noexcept;

  std::shared_ptr<TopicsCore> core_;  // shared: messages under way may outlive the Topics
  EventLoop& loop_;
  std::string name_;
  // Guarded by the core's mutex:
  std::deque<std::shared_ptr<const PublishedMessage>> pending_;
  bool posted_ = false;
  // The loop's thread only:
  std::deque<std::shared_ptr<const PublishedMessage>> ready_;
  std::vector<TopicSubscription*> subscribers_;
  bool held_up_ = false;
};

class TopicsCore : public std::enable_shared_from_this<TopicsCore> {
 public:
  explicit TopicsCore(const TopicsOptions& options) : options_(options) {}

  std::shared_ptr<const PublishedMessage> publish(std::string_view name, std::string_view data, bool binary);
  [[nodiscard]] std::size_t subscribers(std::string_view name) const;

  /// On the connection's loop.
  void subscribe(TopicSubscription& subscription, std::string_view name, bool compresses);
  void unsubscribe(TopicSubscription& subscription, bool compresses) noexcept;

  [[nodiscard]] std::mutex& mutex() const noexcept { return mutex_; }

 private:
  struct Topic {
    std::vector<std::shared_ptr<TopicLane>> lanes;  // shared with subscriptions and messages under way
    std::size_t subscribers = 0;
    std::size_t compressing = 0;  ///< Those that take compressed messages.
  };
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>()(text); }
  };

  TopicsOptions options_;
  mutable std::mutex mutex_;
  std::unordered_map<std::string, Topic, Hash, std::equal_to<>> topics_;
};

}  // namespace weir::detail
