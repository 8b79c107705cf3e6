#include "weir/runtime/poller.hpp"

#include <cerrno>
#include <system_error>

#include <unistd.h>

#include "weir/base/contracts.hpp"

namespace weir::runtime {
namespace {

epoll_event make_event(int fd, std::uint32_t interest, std::uint32_t generation) noexcept {
  epoll_event event{};
  event.events = interest;
  event.data.u64 = (std::uint64_t{generation} << 32) | static_cast<std::uint32_t>(fd);
  return event;
}

}  // namespace

Poller::Poller() : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
  if (epoll_ < 0) throw std::system_error(errno, std::generic_category(), "epoll_create1");
}

Poller::~Poller() {
  ::close(epoll_);
}

Result<void> Poller::add(int fd, std::uint32_t interest, IoHandler& handler) {
  WEIR_ASSERT(fd >= 0);
  const auto index = static_cast<std::size_t>(fd);
  if (index >= entries_.size()) entries_.resize(index + index / 2 + 16);
  Entry& entry = entries_[index];
  WEIR_ASSERT(entry.handler == nullptr);
  epoll_event event = make_event(fd, interest, entry.generation);
  if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) {
    return fail(system_error(errno, "watch descriptor " + std::to_string(fd)));
  }
  entry.handler = &handler;
  entry.interest = interest;
  return {};
}

void Poller::modify(int fd, std::uint32_t interest, IoHandler& handler) noexcept {
  const auto index = static_cast<std::size_t>(fd);
  WEIR_ASSERT(index < entries_.size() && entries_[index].handler != nullptr);
  Entry& entry = entries_[index];
  entry.handler = &handler;
  if (entry.interest == interest) return;
  entry.interest = interest;
  epoll_event event = make_event(fd, interest, entry.generation);
  WEIR_ASSERT(::epoll_ctl(epoll_, EPOLL_CTL_MOD, fd, &event) == 0);
}

void Poller::remove(int fd) noexcept {
  const auto index = static_cast<std::size_t>(fd);
  if (index >= entries_.size() || entries_[index].handler == nullptr) return;
  Entry& entry = entries_[index];
  entry.handler = nullptr;
  entry.interest = 0;
  ++entry.generation;
  epoll_event unused{};
  static_cast<void>(::epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, &unused));
}

int Poller::wait(int timeout_ms) noexcept {
  const int ready = ::epoll_wait(epoll_, events_.data(), static_cast<int>(events_.size()), timeout_ms);
  ready_ = ready < 0 ? 0 : ready;  // EINTR: the turn just has nothing to deliver
  return ready_;
}

void Poller::dispatch() noexcept {
  const auto ready = static_cast<std::size_t>(ready_);
  const auto entry_of = [this](std::size_t i) -> Entry& {
    return entries_[static_cast<std::uint32_t>(events_[i].data.u64)];
  };
  for (std::size_t i = 0; i < ready; ++i) {
    // Among thousands of descriptors each one's state has left the cache since it was last served: fetch the next ones'
    // while this one is.
    if (i + 2 < ready) __builtin_prefetch(&entry_of(i + 2));
    if (i + 1 < ready) __builtin_prefetch(entry_of(i + 1).handler);
    const Entry& entry = entry_of(i);
    if (entry.handler == nullptr || entry.generation != events_[i].data.u64 >> 32) continue;
    entry.handler->on_io(events_[i].events);
  }
  ready_ = 0;
}

}  // namespace weir::runtime
