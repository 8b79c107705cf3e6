#include "weir/web/broadcast.hpp"

#include <algorithm>
#include <new>

#include "weir/base/contracts.hpp"

namespace weir::detail {

BroadcastCore::BroadcastCore(const BroadcastOptions& options) : options_(options), next_number_(options.first_number) {
  options_.queue = std::max<std::size_t>(options_.queue, 1);
}

/// Tells the lane's loop that something waits. Under the mutex: a lane is taken off the list under it before its loop
/// can end, so the loop is there.
void BroadcastCore::notify(const std::shared_ptr<BroadcastLane>& lane) {
  if (std::exchange(lane->posted, true)) return;
  lane->loop.post([core = shared_from_this(), lane] { core->deliver(*lane); });
}

std::uint64_t BroadcastCore::publish(std::shared_ptr<const void> value) {
  const std::lock_guard lock(mutex_);
  const AnyPublished message{next_number_++, std::move(value)};
  if (closed_) return message.number;
  if (options_.history != 0) {
    history_.push_back(message);
    if (history_.size() > options_.history) history_.pop_front();
  }
  for (const std::shared_ptr<BroadcastLane>& lane : lanes_) {
    lane->pending.push_back(message);
    if (lane->pending.size() > options_.queue) {  // The loop itself is behind.
      lane->pending.pop_front();
      ++lane->overflow;
    }
    notify(lane);
  }
  return message.number;
}

void BroadcastCore::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  for (const std::shared_ptr<BroadcastLane>& lane : lanes_) {
    lane->closed = true;
    notify(lane);
  }
}

/// On the lane's loop.
void BroadcastCore::deliver(BroadcastLane& lane) noexcept {
  std::deque<AnyPublished> messages;
  std::uint64_t overflow = 0;
  bool closed = false;
  {
    const std::lock_guard lock(mutex_);
    messages.swap(lane.pending);
    overflow = std::exchange(lane.overflow, 0);
    closed = lane.closed;
    lane.posted = false;
  }
  for (BroadcastSubscriber* subscriber : lane.subscribers) {
    subscriber->dropped_ += overflow;
    subscriber->closed_ = closed;
    for (const AnyPublished& message : messages) subscriber->push(message);
    subscriber->wake();
  }
}

std::unique_ptr<BroadcastSubscriber> BroadcastCore::subscribe(std::optional<std::uint64_t> after) {
  EventLoop* const loop = EventLoop::current();
  WEIR_ASSERT(loop != nullptr && "Broadcast::subscribe() must be called on an event loop");
  auto subscriber = std::make_unique<BroadcastSubscriber>(shared_from_this());
  const std::lock_guard lock(mutex_);
  auto at = std::ranges::find_if(lanes_, [&](const auto& lane) { return &lane->loop == loop; });
  if (at == lanes_.end()) at = lanes_.insert(lanes_.end(), std::make_shared<BroadcastLane>(*loop));
  (*at)->subscribers.push_back(subscriber.get());
  subscriber->lane_ = *at;
  ++subscribers_;
  // What was published before may still be on its way to this loop: it is in the history, or was not asked for.
  subscriber->next_number_ = next_number_;
  subscriber->closed_ = closed_;
  if (after) {
    const bool known = *after < next_number_;
    for (const AnyPublished& message : history_) {
      if (!known || message.number > *after) subscriber->queue_.push_back(message);
    }
    const std::uint64_t oldest = history_.empty() ? next_number_ : history_.front().number;
    if (known && *after + 1 < oldest) subscriber->dropped_ = oldest - *after - 1;
  }
  // A replayed history may be longer than the queue; it is not thrown away for that.
  subscriber->limit_ = std::max(options_.queue, subscriber->queue_.size());
  return subscriber;
}

void BroadcastCore::unsubscribe(BroadcastSubscriber& subscriber) noexcept {
  if (subscriber.lane_ == nullptr) return;
  const std::lock_guard lock(mutex_);
  BroadcastLane& lane = *subscriber.lane_;
  std::erase(lane.subscribers, &subscriber);
  --subscribers_;
  if (lane.subscribers.empty()) {
    std::erase_if(lanes_, [&](const auto& each) { return each.get() == &lane; });
  }
}

std::size_t BroadcastCore::subscribers() const {
  const std::lock_guard lock(mutex_);
  return subscribers_;
}

void BroadcastSubscriber::push(const AnyPublished& message) noexcept try {
  if (message.number < next_number_) return;
  if (queue_.size() >= limit_) {
    queue_.pop_front();
    ++dropped_;
  }
  queue_.push_back(message);
} catch (const std::bad_alloc&) {
  ++dropped_;
}

void BroadcastSubscriber::wake() noexcept {
  if (waiting_ != nullptr && (!queue_.empty() || closed_)) lane_->loop.defer(*waiting_);
}

bool BroadcastSubscriber::Next::await_ready() const noexcept {
  return stop_.stop_requested() || !subscriber_.queue_.empty() || subscriber_.closed_;
}

void BroadcastSubscriber::Next::await_suspend(std::coroutine_handle<> awaiting) noexcept {
  WEIR_DEBUG_ASSERT(subscriber_.waiting_ == nullptr);
  awaiting_ = awaiting;
  subscriber_.waiting_ = this;
  attach(stop_);
}

void BroadcastSubscriber::Next::on_stop() noexcept {
  subscriber_.lane_->loop.defer(*this);
}

Result<AnyPublished> BroadcastSubscriber::Next::take() {
  subscriber_.waiting_ = nullptr;
  detach();
  if (stop_.stop_requested()) return fail(Errc::cancelled, "stopped while waiting for the next value");
  if (subscriber_.queue_.empty()) return fail(Errc::out_of_range, "the broadcast is closed");
  AnyPublished message = std::move(subscriber_.queue_.front());
  subscriber_.queue_.pop_front();
  return message;
}

}  // namespace weir::detail
