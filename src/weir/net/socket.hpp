// Owning a descriptor, streams over sockets, and connecting.
#pragma once

#include <memory>
#include <utility>

#include "weir/base/error.hpp"
#include "weir/coro/stop.hpp"
#include "weir/coro/task.hpp"
#include "weir/net/address.hpp"
#include "weir/net/stream.hpp"
#include "weir/runtime/event_loop.hpp"

namespace weir::net {

/// A descriptor that is closed with its owner.
class Fd {
 public:
  Fd() noexcept = default;
  explicit Fd(int fd) noexcept : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) reset(std::exchange(other.fd_, -1));
    return *this;
  }
  ~Fd() { reset(); }

  [[nodiscard]] int get() const noexcept { return fd_; }
  [[nodiscard]] explicit operator bool() const noexcept { return fd_ >= 0; }
  [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }
  void reset(int fd = -1) noexcept;

 private:
  int fd_ = -1;
};

/// The address that the socket is bound to; empty if the kernel does not say.
[[nodiscard]] SocketAddress local_address(int fd) noexcept;

/// A stream over a connected socket (TCP or Unix), which it takes over and makes non-blocking; TCP gets TCP_NODELAY.
/// The socket is closed if this fails.
[[nodiscard]] Result<std::unique_ptr<Stream>> make_socket_stream(EventLoop& loop, Fd socket, const SocketAddress& peer);

/// Connects to a TCP or Unix address, on the loop's thread. Errors name the address and the cause; deadline_exceeded
/// after `timeout`, cancelled when `stop` says so.
[[nodiscard]] Task<Result<std::unique_ptr<Stream>>> connect_tcp(EventLoop& loop, SocketAddress address,
                                                                Duration timeout, StopToken stop = {});

}  // namespace weir::net
