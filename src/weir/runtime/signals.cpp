#include "weir/runtime/signals.hpp"

#include <cerrno>
#include <system_error>
#include <utility>

#include <sys/signalfd.h>
#include <unistd.h>

namespace weir {

SignalWatcher::SignalWatcher(EventLoop& loop, std::initializer_list<int> signals,
                             std::move_only_function<void(int)> on_signal)
    : loop_(loop), on_signal_(std::move(on_signal)) {
  sigset_t mask;
  ::sigemptyset(&mask);
  for (const int signal : signals) ::sigaddset(&mask, signal);
  ::pthread_sigmask(SIG_BLOCK, &mask, &previous_mask_);
  fd_ = ::signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
  const int error = errno;
  if (fd_ < 0 || !loop.add(fd_, io::readable, *this)) {
    if (fd_ >= 0) ::close(fd_);
    ::pthread_sigmask(SIG_SETMASK, &previous_mask_, nullptr);
    throw std::system_error(fd_ < 0 ? error : ENOMEM, std::generic_category(), "signalfd");
  }
}

SignalWatcher::~SignalWatcher() {
  loop_.remove(fd_);
  ::close(fd_);
  ::pthread_sigmask(SIG_SETMASK, &previous_mask_, nullptr);
  if (destroyed_ != nullptr) *destroyed_ = true;
}

void SignalWatcher::on_io(std::uint32_t) noexcept {
  bool destroyed = false;
  destroyed_ = &destroyed;
  signalfd_siginfo info{};
  while (::read(fd_, &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
    on_signal_(static_cast<int>(info.ssi_signo));
    if (destroyed) return;
  }
  destroyed_ = nullptr;
}

}  // namespace weir
