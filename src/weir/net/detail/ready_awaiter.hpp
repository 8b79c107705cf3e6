// Waits in a coroutine until a descriptor is ready, a time is over, or a stop is asked for.
#pragma once

#include <coroutine>

#include "weir/base/error.hpp"
#include "weir/runtime/event_loop.hpp"

namespace weir::net::detail {

/// `auto ready = co_await ReadyAwaiter(loop, fd, io::writable, timeout, stop);` → Result<void>: deadline_exceeded,
/// cancelled, or the loop's error. On the loop's thread.
class [[nodiscard]] ReadyAwaiter final : private IoHandler, private Timer, private Deferred, private StopCallbackBase {
 public:
  ReadyAwaiter(EventLoop& loop, int fd, std::uint32_t interest, Duration timeout, StopToken stop) noexcept
      : loop_(loop), fd_(fd), interest_(interest), timeout_(timeout), stop_(stop) {}
  ~ReadyAwaiter() override { loop_.remove(fd_); }

  bool await_ready() noexcept {
    if (stop_.stop_requested()) outcome_ = fail(Errc::cancelled, "stopped");
    return stop_.stop_requested();
  }
  bool await_suspend(std::coroutine_handle<> awaiting) {
    awaiting_ = awaiting;
    if (auto added = loop_.add(fd_, interest_, *this); !added) {
      outcome_ = fail(std::move(added.error()));
      return false;
    }
    loop_.arm_after(*this, timeout_);
    attach(stop_);
    return true;
  }
  Result<void> await_resume() { return std::move(outcome_); }

 private:
  void on_io(std::uint32_t) noexcept override { finish({}); }
  void on_timer() noexcept override { finish(fail(Errc::deadline_exceeded, "timed out")); }
  void on_stop() noexcept override {
    loop_.remove(fd_);
    loop_.cancel(*this);
    outcome_ = fail(Errc::cancelled, "stopped");
    loop_.defer(*this);  // whoever stops us must not find its own things gone
  }
  void on_deferred() noexcept override { awaiting_.resume(); }
  void finish(Result<void> outcome) noexcept {
    detach();
    loop_.cancel(*this);
    loop_.remove(fd_);
    outcome_ = std::move(outcome);
    awaiting_.resume();
  }

  EventLoop& loop_;
  int fd_;
  std::uint32_t interest_;
  Duration timeout_;
  StopToken stop_;
  std::coroutine_handle<> awaiting_;
  Result<void> outcome_;
};

}  // namespace weir::net::detail
