// What a coroutine awaits on an event loop. Included by event_loop.hpp; do not include it alone.
#pragma once

#include <coroutine>

#include "weir/runtime/event_loop.hpp"

namespace weir {

/// co_await loop.schedule(). A coroutine that waits in it may be destroyed on the loop's thread only.
class [[nodiscard]] EventLoop::ScheduleAwaiter {
 public:
  explicit ScheduleAwaiter(EventLoop& loop) noexcept : loop_(loop) {}
  ScheduleAwaiter(const ScheduleAwaiter&) = delete;
  ScheduleAwaiter& operator=(const ScheduleAwaiter&) = delete;
  ~ScheduleAwaiter();

  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> awaiting);
  void await_resume() const noexcept {}

 private:
  struct Ticket;
  EventLoop& loop_;
  std::coroutine_handle<> awaiting_;
  Ticket* ticket_ = nullptr;  // the message under way; belongs to the mailbox
};

/// co_await loop.sleep(…). On the loop's thread. A stop is noticed at the end of the turn in which it was requested.
class [[nodiscard]] EventLoop::SleepAwaiter final : private Timer, private Deferred, private StopCallbackBase {
 public:
  SleepAwaiter(EventLoop& loop, Duration duration, StopToken token) noexcept
      : loop_(loop), duration_(duration), token_(token) {}
  ~SleepAwaiter() override = default;

  bool await_ready() noexcept;
  void await_suspend(std::coroutine_handle<> awaiting) noexcept;
  Result<void> await_resume() const;

 private:
  void on_timer() noexcept override;
  void on_deferred() noexcept override { awaiting_.resume(); }
  void on_stop() noexcept override;

  EventLoop& loop_;
  Duration duration_;
  StopToken token_;
  std::coroutine_handle<> awaiting_;
  bool stopped_ = false;
};

inline EventLoop::ScheduleAwaiter EventLoop::schedule() noexcept {
  return ScheduleAwaiter(*this);
}
inline EventLoop::SleepAwaiter EventLoop::sleep(Duration duration, StopToken token) noexcept {
  return SleepAwaiter(*this, duration, token);
}

}  // namespace weir
