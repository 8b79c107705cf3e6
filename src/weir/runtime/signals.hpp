// Signals as events of a loop.
#pragma once

#include <functional>
#include <initializer_list>

#include <signal.h>

#include "weir/runtime/event_loop.hpp"

namespace weir {

/// Blocks the signals in the calling thread and reads them from a descriptor (signalfd) in the loop. Make it in main
/// before any thread starts: threads inherit what is blocked, and a signal that one thread does not block would end the
/// process. One watcher for each signal.
///
///     SignalWatcher signals(loop, {SIGTERM, SIGINT}, [&](int signal) { server.stop(); });
class SignalWatcher final : private IoHandler {
 public:
  /// `on_signal` runs on the loop's thread, once for each delivery (equal signals may merge), and must not throw.
  /// Throws std::system_error when the kernel gives no descriptor.
  SignalWatcher(EventLoop& loop, std::initializer_list<int> signals, std::move_only_function<void(int)> on_signal);
  SignalWatcher(const SignalWatcher&) = delete;
  SignalWatcher& operator=(const SignalWatcher&) = delete;
  /// Restores the calling thread's mask.
  ~SignalWatcher();

 private:
  void on_io(std::uint32_t events) noexcept override;

  EventLoop& loop_;
  std::move_only_function<void(int)> on_signal_;
  sigset_t previous_mask_{};
  int fd_ = -1;
  bool* destroyed_ = nullptr;  // set while callbacks run
};

}  // namespace weir
