// Telling many subscribers, on many loops, what one thread publishes.
//
//   weir::Broadcast<Change> changes({.history = 100});
//   changes.publish(Change{…});                                   // any thread
//   auto subscription = changes.subscribe();                      // on a loop
//   auto change = co_await subscription.next(ctx.stop_token());   // Result<Published<Change>>
#pragma once

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "weir/base/error.hpp"
#include "weir/coro/stop.hpp"
#include "weir/runtime/event_loop.hpp"

namespace weir {

struct BroadcastOptions {
  /// How many values wait for a subscriber that does not keep up. When one more comes, the oldest is dropped, and
  /// Subscription::dropped() counts it: a slow reader holds up neither the publisher nor the others.
  std::size_t queue = 64;
  /// How many of the last values are kept for subscribers that say what they saw last.
  std::size_t history = 0;
  /// The number of the first value. Numbers that were given to clients as ids of events must not come again after a
  /// restart: take a time stamp, or whatever is stored beside the data.
  std::uint64_t first_number = 1;
};

/// A value with its number in the order of publication. All subscribers share the value.
template <class T>
struct Published {
  std::uint64_t number = 0;
  std::shared_ptr<const T> value;  // shared by the subscribers of all loops
  const T& operator*() const noexcept { return *value; }
  const T* operator->() const noexcept { return value.get(); }
};

namespace detail {

/// Published<T> without its type: the work is in broadcast.cpp.
struct AnyPublished {
  std::uint64_t number = 0;
  std::shared_ptr<const void> value;
};

class BroadcastSubscriber;

/// The subscribers of one loop. What is published reaches it as one message to that loop, however many there are.
struct BroadcastLane {
  explicit BroadcastLane(EventLoop& on) noexcept : loop(on) {}
  EventLoop& loop;
  // Guarded by the core's mutex:
  std::deque<AnyPublished> pending;
  std::uint64_t overflow = 0;  // values that were dropped before the loop saw them
  bool posted = false;
  bool closed = false;
  // The loop's thread only:
  std::vector<BroadcastSubscriber*> subscribers;
};

class BroadcastCore : public std::enable_shared_from_this<BroadcastCore> {
 public:
  explicit BroadcastCore(const BroadcastOptions& options);
  std::uint64_t publish(std::shared_ptr<const void> value);
  void close();
  std::unique_ptr<BroadcastSubscriber> subscribe(std::optional<std::uint64_t> after);
  [[nodiscard]] std::size_t subscribers() const;

 private:
  friend class BroadcastSubscriber;
  void notify(const std::shared_ptr<BroadcastLane>& lane);
  void deliver(BroadcastLane& lane) noexcept;
  void unsubscribe(BroadcastSubscriber& subscriber) noexcept;

  BroadcastOptions options_;
  mutable std::mutex mutex_;
  std::vector<std::shared_ptr<BroadcastLane>> lanes_;  // shared with the messages under way to their loops
  std::deque<AnyPublished> history_;
  std::uint64_t next_number_;
  std::size_t subscribers_ = 0;
  bool closed_ = false;
};

/// One subscription. Lives on its loop's thread.
class BroadcastSubscriber {
 public:
  explicit BroadcastSubscriber(std::shared_ptr<BroadcastCore> core) noexcept : core_(std::move(core)) {}
  BroadcastSubscriber(const BroadcastSubscriber&) = delete;
  BroadcastSubscriber& operator=(const BroadcastSubscriber&) = delete;
  ~BroadcastSubscriber() { core_->unsubscribe(*this); }

  class Next;
  [[nodiscard]] std::uint64_t take_dropped() noexcept { return std::exchange(dropped_, 0); }

 private:
  friend class BroadcastCore;
  void push(const AnyPublished& message) noexcept;
  void wake() noexcept;

  std::shared_ptr<BroadcastCore> core_;  // a subscription may outlive the broadcast
  std::shared_ptr<BroadcastLane> lane_;  // null until it is on the lane's list
  std::deque<AnyPublished> queue_;
  std::size_t limit_ = 0;
  Next* waiting_ = nullptr;
  std::uint64_t next_number_ = 0;  // values before it came from the history
  std::uint64_t dropped_ = 0;
  bool closed_ = false;
};

/// Waits for the next value.
class BroadcastSubscriber::Next : private Deferred, private StopCallbackBase {
 public:
  Next(BroadcastSubscriber& subscriber, StopToken stop) noexcept : subscriber_(subscriber), stop_(stop) {}
  ~Next() override {
    if (subscriber_.waiting_ == this) subscriber_.waiting_ = nullptr;
  }
  bool await_ready() const noexcept;
  void await_suspend(std::coroutine_handle<> awaiting) noexcept;

 protected:
  Result<AnyPublished> take();

 private:
  friend class BroadcastSubscriber;
  void on_deferred() noexcept override { awaiting_.resume(); }
  void on_stop() noexcept override;

  BroadcastSubscriber& subscriber_;
  StopToken stop_;
  std::coroutine_handle<> awaiting_;
};

}  // namespace detail

/// What one subscriber still has to see. Belongs to the loop on which it was made; may outlive the broadcast.
template <class T>
class Subscription {
 public:
  class [[nodiscard]] Next final : private detail::BroadcastSubscriber::Next {
    using Base = detail::BroadcastSubscriber::Next;

   public:
    using Base::await_ready;
    using Base::await_suspend;
    using Base::Base;
    Result<Published<T>> await_resume() {
      Result<detail::AnyPublished> message = this->take();
      if (!message) return std::unexpected(std::move(message.error()));
      return Published<T>{message->number, std::static_pointer_cast<const T>(std::move(message->value))};
    }
  };

  /// `auto value = co_await subscription.next(stop);`: waits for the next value. Errors: cancelled when `stop` stops;
  /// out_of_range when the broadcast was closed and everything has been read. One coroutine at a time.
  [[nodiscard]] Next next(StopToken stop = {}) noexcept { return Next(*subscriber_, stop); }
  /// How many values this subscriber has missed since the last call, because it was too slow or came back too late.
  [[nodiscard]] std::uint64_t dropped() noexcept { return subscriber_->take_dropped(); }

 private:
  template <class>
  friend class Broadcast;
  explicit Subscription(std::unique_ptr<detail::BroadcastSubscriber> subscriber) noexcept
      : subscriber_(std::move(subscriber)) {}
  std::unique_ptr<detail::BroadcastSubscriber> subscriber_;
};

/// A hub of values. publish() never waits for subscribers: it costs one message for each loop that has any. All
/// functions are safe from any thread; subscribe() must be called on an event loop, which owns the subscription.
template <class T>
class Broadcast {
 public:
  explicit Broadcast(BroadcastOptions options = {}) : core_(std::make_shared<detail::BroadcastCore>(options)) {}
  Broadcast(Broadcast&&) noexcept = default;
  Broadcast& operator=(Broadcast&&) = delete;
  /// close().
  ~Broadcast() {
    if (core_) core_->close();
  }

  /// Returns the value's number. After close() it reaches nobody.
  std::uint64_t publish(T value) { return core_->publish(std::make_shared<const T>(std::move(value))); }
  /// Everything published from now on; with `after`, first what the history has behind that number (all of it when the
  /// number was never given out: then it is from an earlier life of the program).
  [[nodiscard]] Subscription<T> subscribe(std::optional<std::uint64_t> after = std::nullopt) {
    return Subscription<T>(core_->subscribe(after));
  }
  /// Subscribers read what they have, and then hear that it is over.
  void close() { core_->close(); }
  [[nodiscard]] std::size_t subscribers() const { return core_->subscribers(); }

 private:
  std::shared_ptr<detail::BroadcastCore> core_;  // shared with the subscriptions, which may outlive the hub
};

/// A value for Broadcast whose subscribers are streams of events: see sse(Broadcast<SseMessage>&).
struct SseMessage {
  std::string event;
  std::string data;
};

}  // namespace weir
