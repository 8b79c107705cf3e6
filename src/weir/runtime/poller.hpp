// Readiness of file descriptors: what the event loop sleeps on. This is the epoll backend; another one (io_uring) would
// take this class's place behind EventLoop.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include <sys/epoll.h>

#include "weir/base/error.hpp"

namespace weir {

/// What can be asked of and told about a descriptor.
namespace io {
inline constexpr std::uint32_t none = 0;
inline constexpr std::uint32_t readable = EPOLLIN;
inline constexpr std::uint32_t writable = EPOLLOUT;
inline constexpr std::uint32_t error = EPOLLERR;          ///< Always reported.
inline constexpr std::uint32_t hangup = EPOLLHUP;         ///< Both directions are closed. Always reported.
inline constexpr std::uint32_t peer_closed = EPOLLRDHUP;  ///< The peer will send no more.
inline constexpr std::uint32_t urgent = EPOLLPRI;         ///< TCP urgent data; a read stops in front of it.
/// With any of them in an interest: what becomes ready is told once, until more arrives or room is made anew.
inline constexpr std::uint32_t edge_triggered = EPOLLET;
}  // namespace io

/// Receives the events of one or more descriptors, on the loop's thread. Borrowed by the loop between add() and
/// remove().
class IoHandler {
 public:
  /// `events` is a set of io:: bits. May add, modify and remove any descriptor and destroy any handler, itself
  /// included.
  virtual void on_io(std::uint32_t events) noexcept = 0;

 protected:
  ~IoHandler() = default;
};

namespace runtime {

/// Level-triggered, unless an interest says otherwise. One thread.
class Poller {
 public:
  Poller();  ///< Throws std::system_error when the kernel gives no epoll descriptor.
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;
  ~Poller();

  Result<void> add(int fd, std::uint32_t interest, IoHandler& handler);
  /// No system call when neither changes.
  void modify(int fd, std::uint32_t interest, IoHandler& handler) noexcept;
  /// Also drops what the current wait() has reported for it and dispatch() has not delivered yet.
  void remove(int fd) noexcept;

  /// Sleeps until something is ready or `timeout_ms` is over (-1: no limit); returns how many events there are.
  int wait(int timeout_ms) noexcept;
  /// Delivers the events of the last wait().
  void dispatch() noexcept;

 private:
  struct Entry {
    IoHandler* handler = nullptr;
    std::uint32_t interest = 0;
    std::uint32_t generation = 0;  // tells an event of a removed registration from one of its successor
  };

  int epoll_;
  int ready_ = 0;
  std::vector<Entry> entries_;  // by descriptor
  std::array<epoll_event, 256> events_;
};

}  // namespace runtime
}  // namespace weir
