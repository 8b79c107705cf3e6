#include "weir/web/topics.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "weir/base/contracts.hpp"
#include "weir/web/detail/topics_core.hpp"
#include "weir/web/detail/websocket_codecs.hpp"
#include "weir/web/detail/websocket_connection.hpp"
#include "weir/websocket/frame.hpp"

namespace weir {

namespace detail {

// --- messages ---

void PublishedMessage::done(const std::shared_ptr<const PublishedMessage>& self) noexcept {
  if (self->left.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  // Zero is reached only when the publisher waits: it gave up its one in await_suspend().
  self->loop->post([self] {
    if (const auto awaiting = std::exchange(self->awaiting, nullptr)) awaiting.resume();
  });
  self->woken.store(true, std::memory_order_release);
  self->woken.notify_all();
}

void PublishedMessage::give_up() const noexcept {
  if (std::exchange(awaiting, nullptr) == nullptr) return;
  // Takes back its one of `left`, which then does not come to zero.
  std::size_t others = left.load(std::memory_order_relaxed);
  while (others != 0 && !left.compare_exchange_weak(others, others + 1, std::memory_order_acq_rel)) {
  }
  if (others == 0) woken.wait(false, std::memory_order_acquire);  // Another thread is between done()'s two lines.
}

namespace {

Buffer encode(std::string_view payload, websocket::Opcode opcode, bool compressed) {
  Buffer frame;
  char* const to = frame.reserve_more(websocket::max_frame_header + payload.size());
  const std::size_t header =
      websocket::write_frame_header(to, opcode, payload.size(), {.final = true, .compressed = compressed});
  if (!payload.empty()) std::memcpy(to + header, payload.data(), payload.size());
  frame.advance(header + payload.size());
  return frame;
}

Buffer encode_compressed(std::string_view payload, websocket::Opcode opcode, std::uint8_t level) {
  WebSocketCodecs& codecs = WebSocketCodecs::of_this_thread();
  Buffer& packed = codecs.scratch();
  packed.clear();
  Buffer frame;
  websocket::Deflater& deflater = codecs.deflater({.window_bits = 15, .memory_level = 8, .level = level});
  if (deflater.compress(payload, false, packed) && packed.size() < payload.size()) {
    frame = encode(packed.view(), opcode, true);
  }
  packed.release();
  return frame;
}

}  // namespace

// --- lanes ---

void TopicLane::post() {
  if (std::exchange(posted_, true)) return;
  loop_.post([self = shared_from_this()] { self->deliver(); });
}

void TopicLane::push(std::shared_ptr<const PublishedMessage> message, std::size_t limit) {
  message->left.fetch_add(1, std::memory_order_relaxed);
  pending_.push_back(std::move(message));
  if (pending_.size() > limit) {
    PublishedMessage::done(pending_.front());
    pending_.pop_front();
  }
  // One that is held up looks by itself when it goes on.
  post();
}

void TopicLane::add(TopicSubscription& subscription) {
  subscription.index = subscribers_.size();
  subscribers_.push_back(&subscription);
}

void TopicLane::remove(TopicSubscription& subscription) noexcept {
  subscribers_[subscription.index] = subscribers_.back();
  subscribers_[subscription.index]->index = subscription.index;
  subscribers_.pop_back();
  if (held_up_) go_on();  // Perhaps it was the one.
}

void TopicLane::go_on() noexcept {
  const std::lock_guard lock(core_->mutex());
  post();
}

bool TopicLane::somebody_holds_up() noexcept {
  for (TopicSubscription* subscription : subscribers_) {
    if (!subscription->connection.holds_up()) continue;
    subscription->connection.tell_lanes_later();
    return true;
  }
  return false;
}

void TopicLane::deliver() noexcept {
  {
    const std::lock_guard lock(core_->mutex());
    posted_ = false;
    // What is held up stays in the bounded queue.
    if (ready_.empty()) ready_.swap(pending_);
  }
  while (!ready_.empty()) {
    held_up_ = somebody_holds_up();
    if (held_up_) return;
    const std::shared_ptr<const PublishedMessage> message = std::move(ready_.front());
    ready_.pop_front();
    // Delivering may end a subscription: its own, never another one's.
    for (std::size_t i = 0; i < subscribers_.size();) {
      TopicSubscription* const subscription = subscribers_[i];
      subscription->connection.deliver(message);
      if (i < subscribers_.size() && subscribers_[i] == subscription) ++i;
    }
    PublishedMessage::done(message);
  }
  held_up_ = false;
  const std::lock_guard lock(core_->mutex());
  if (!pending_.empty()) post();
}

void TopicLane::finish() noexcept {
  for (const auto& message : ready_) PublishedMessage::done(message);
  ready_.clear();
  for (const auto& message : pending_) PublishedMessage::done(message);
  pending_.clear();
}

// --- topics ---

std::shared_ptr<const PublishedMessage> TopicsCore::publish(std::string_view name, std::string_view data, bool binary) {
  bool compresses = false;
  {
    const std::lock_guard lock(mutex_);
    const auto topic = topics_.find(name);
    if (topic == topics_.end()) return nullptr;
    compresses = topic->second.compressing != 0 && data.size() >= options_.compress_from;
  }
  const auto opcode = binary ? websocket::Opcode::binary : websocket::Opcode::text;
  auto message = std::make_shared<PublishedMessage>();
  message->frame = encode(data, opcode, false);
  if (compresses) message->packed = encode_compressed(data, opcode, options_.level);
  const std::lock_guard lock(mutex_);
  const auto topic = topics_.find(name);
  if (topic == topics_.end()) return nullptr;
  for (const auto& lane : topic->second.lanes) lane->push(message, options_.queue);
  return message;
}

std::size_t TopicsCore::subscribers(std::string_view name) const {
  const std::lock_guard lock(mutex_);
  const auto topic = topics_.find(name);
  return topic == topics_.end() ? 0 : topic->second.subscribers;
}

void TopicsCore::subscribe(TopicSubscription& subscription, std::string_view name, bool compresses) {
  EventLoop& loop = subscription.connection.loop();
  const std::lock_guard lock(mutex_);
  Topic& topic = topics_.try_emplace(std::string(name)).first->second;
  auto at = std::ranges::find_if(topic.lanes, [&](const auto& lane) { return &lane->loop() == &loop; });
  if (at == topic.lanes.end()) {
    at =
        topic.lanes.insert(topic.lanes.end(), std::make_shared<TopicLane>(shared_from_this(), loop, std::string(name)));
  }
  (*at)->add(subscription);
  subscription.lane = *at;
  ++topic.subscribers;
  if (compresses) ++topic.compressing;
}

void TopicsCore::unsubscribe(TopicSubscription& subscription, bool compresses) noexcept {
  TopicLane& lane = *subscription.lane;
  lane.remove(subscription);
  const std::lock_guard lock(mutex_);
  const auto at = topics_.find(std::string_view(lane.name()));
  WEIR_ASSERT(at != topics_.end());
  Topic& topic = at->second;
  --topic.subscribers;
  if (compresses) --topic.compressing;
  if (!lane.empty()) return;
  lane.finish();
  std::erase_if(topic.lanes, [&](const auto& each) { return each.get() == &lane; });
  if (topic.lanes.empty()) topics_.erase(at);
}

// --- the connection's side ---

void WebSocketConnection::subscribe(Topics& topics, std::string_view name) {
  if (state_ != State::open) return;
  for (TopicSubscription* at = subscriptions_; at != nullptr; at = at->next) {
    if (at->lane->belongs_to(*topics.core_) && at->lane->name() == name) return;
  }
  auto subscription = std::make_unique<TopicSubscription>(TopicSubscription{*this, nullptr, 0, subscriptions_});
  topics.core_->subscribe(*subscription, name, accepted_.deflate.has_value());
  subscriptions_ = subscription.release();
}

void WebSocketConnection::unsubscribe(Topics& topics, std::string_view name) noexcept {
  for (TopicSubscription** at = &subscriptions_; *at != nullptr; at = &(*at)->next) {
    if (!(*at)->lane->belongs_to(*topics.core_) || (*at)->lane->name() != name) continue;
    const std::unique_ptr<TopicSubscription> subscription(std::exchange(*at, (*at)->next));
    topics.core_->unsubscribe(*subscription, accepted_.deflate.has_value());
    return;
  }
}

void WebSocketConnection::leave_topics() noexcept {
  while (subscriptions_ != nullptr) {
    const std::unique_ptr<TopicSubscription> subscription(std::exchange(subscriptions_, subscriptions_->next));
    subscription->lane->core().unsubscribe(*subscription, accepted_.deflate.has_value());
  }
  held_.clear();
}

void WebSocketConnection::tell_waiting_lanes() noexcept {
  lanes_wait_ = false;
  for (TopicSubscription* at = subscriptions_; at != nullptr; at = at->next) {
    if (at->lane->held_up()) at->lane->go_on();
  }
}

}  // namespace detail

// --- the public face ---

Topics::Topics(TopicsOptions options) : core_(std::make_shared<detail::TopicsCore>(options)) {}
Topics::~Topics() = default;

Topics::Publication Topics::publish(std::string_view name, std::string_view data, bool binary) {
  return Publication(core_->publish(name, data, binary));
}
Topics::Publication Topics::publish(std::string_view name, std::string_view text) {
  return publish(name, text, false);
}
Topics::Publication Topics::publish_binary(std::string_view name, std::string_view data) {
  return publish(name, data, true);
}
std::size_t Topics::subscribers(std::string_view name) const {
  return core_->subscribers(name);
}

Topics::Publication::~Publication() {
  if (message_ != nullptr) message_->give_up();
}

bool Topics::Publication::await_ready() const noexcept {
  return message_ == nullptr || message_->left.load(std::memory_order_acquire) == 1;
}

bool Topics::Publication::await_suspend(std::coroutine_handle<> awaiting) noexcept {
  EventLoop* const loop = EventLoop::current();
  WEIR_ASSERT(loop != nullptr && "co_await topics.publish() must be on an event loop");
  message_->loop = loop;
  message_->awaiting = awaiting;
  if (message_->left.fetch_sub(1, std::memory_order_acq_rel) != 1) return true;
  message_->awaiting = nullptr;  // Nobody is left to wait for, nor to wake it.
  return false;
}

}  // namespace weir
