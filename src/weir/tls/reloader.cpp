#include "weir/tls/reloader.hpp"

#include <csignal>
#include <utility>

namespace weir {

TlsReloader::TlsReloader(TlsContext& context) : context_(context), thread_([this] { work(); }) {}

TlsReloader::~TlsReloader() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void TlsReloader::reload_soon() noexcept {
  {
    const std::lock_guard lock(mutex_);
    asked_ = true;
  }
  wake_.notify_all();
}

void TlsReloader::work() {
  // Signals are for the threads that wait for them.
  sigset_t all;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
  const Duration interval = context_.options().reload_interval;
  const auto something_to_do = [this] { return asked_ || stopping_; };
  std::unique_lock lock(mutex_);
  for (;;) {
    if (interval > Duration::zero()) {
      wake_.wait_for(lock, interval, something_to_do);
    } else {
      wake_.wait(lock, something_to_do);
    }
    if (stopping_) return;
    const bool asked = std::exchange(asked_, false);
    lock.unlock();
    if (asked) {
      static_cast<void>(context_.reload());  // The context logs how it went.
    } else {
      static_cast<void>(context_.reload_if_changed());
    }
    lock.lock();
  }
}

}  // namespace weir
