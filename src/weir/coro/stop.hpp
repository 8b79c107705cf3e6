// Cancellation: one StopSource per piece of work, tokens and callbacks that look at it.
//
// Unlike std::stop_source it allocates nothing and takes no lock: callbacks belong to the thread (event loop) that owns
// the source. Other threads may only ask stop_requested() through a token.
#pragma once

#include <atomic>
#include <cstdint>

#include "weir/base/contracts.hpp"

namespace weir {

/// Why work was asked to stop.
enum class StopReason : std::uint8_t {
  none,      ///< It was not.
  gone,      ///< The client (or whoever waited for the result) has gone away.
  deadline,  ///< Its time is over.
  shutdown,  ///< The server stops and will not wait any longer.
};

class StopSource;
class StopCallbackBase;

/// Looks at a StopSource; must not outlive it. A default-made token never stops. Copyable, one pointer.
class StopToken {
 public:
  StopToken() noexcept = default;
  /// Any thread, as long as the source lives.
  [[nodiscard]] bool stop_requested() const noexcept;
  [[nodiscard]] StopReason reason() const noexcept;

 private:
  friend class StopSource;
  friend class StopCallbackBase;
  explicit StopToken(StopSource* source) noexcept : source_(source) {}
  StopSource* source_ = nullptr;
};

/// A callback registered with a source while it lives, in an intrusive list. Runs at most once, on the thread that
/// calls request_stop(); at once in the constructor if the stop was requested before. Destroying it unregisters it.
class StopCallbackBase {
 public:
  StopCallbackBase(const StopCallbackBase&) = delete;
  StopCallbackBase& operator=(const StopCallbackBase&) = delete;

 protected:
  StopCallbackBase() noexcept = default;
  virtual ~StopCallbackBase() { detach(); }
  /// Registers with the token's source; call it once, from the constructor of the most derived class.
  void attach(StopToken token) noexcept;
  void detach() noexcept;
  virtual void on_stop() noexcept = 0;

 private:
  friend class StopSource;
  StopSource* source_ = nullptr;
  StopCallbackBase* previous_ = nullptr;
  StopCallbackBase* next_ = nullptr;
};

class StopSource {
 public:
  StopSource() noexcept = default;
  StopSource(const StopSource&) = delete;
  StopSource& operator=(const StopSource&) = delete;
  ~StopSource() { WEIR_DEBUG_ASSERT(first_ == nullptr); }

  [[nodiscard]] StopToken token() noexcept { return StopToken(this); }
  [[nodiscard]] bool stop_requested() const noexcept { return reason() != StopReason::none; }
  [[nodiscard]] StopReason reason() const noexcept { return reason_.load(std::memory_order_acquire); }

  /// Owner thread. The first reason stays. Runs every callback, in the order of registration; callbacks may register,
  /// unregister and destroy others.
  void request_stop(StopReason reason) noexcept;

  /// Makes the source usable for the next piece of work. Owner thread; no callback may be registered.
  void reset() noexcept {
    WEIR_DEBUG_ASSERT(first_ == nullptr);
    reason_.store(StopReason::none, std::memory_order_release);
  }

 private:
  friend class StopCallbackBase;
  std::atomic<StopReason> reason_{StopReason::none};
  StopCallbackBase* first_ = nullptr;
  StopCallbackBase* last_ = nullptr;
};

inline bool StopToken::stop_requested() const noexcept {
  return source_ != nullptr && source_->stop_requested();
}
inline StopReason StopToken::reason() const noexcept {
  return source_ == nullptr ? StopReason::none : source_->reason();
}

inline void StopCallbackBase::attach(StopToken token) noexcept {
  StopSource* source = token.source_;
  if (source == nullptr) return;
  if (source->stop_requested()) {
    on_stop();
    return;
  }
  source_ = source;
  previous_ = source->last_;
  (previous_ == nullptr ? source->first_ : previous_->next_) = this;
  source->last_ = this;
}

inline void StopCallbackBase::detach() noexcept {
  if (source_ == nullptr) return;
  (previous_ == nullptr ? source_->first_ : previous_->next_) = next_;
  (next_ == nullptr ? source_->last_ : next_->previous_) = previous_;
  source_ = nullptr;
  previous_ = next_ = nullptr;
}

inline void StopSource::request_stop(StopReason reason) noexcept {
  if (stop_requested()) return;
  reason_.store(reason, std::memory_order_release);
  while (StopCallbackBase* callback = first_) {
    callback->detach();
    callback->on_stop();
  }
}

/// `StopCallback on_stop(token, [&] { … });`
template <class F>
class StopCallback final : public StopCallbackBase {
 public:
  StopCallback(StopToken token, F function) noexcept : function_(static_cast<F&&>(function)) { attach(token); }
  ~StopCallback() override { detach(); }

 private:
  void on_stop() noexcept override { function_(); }
  F function_;
};

}  // namespace weir
