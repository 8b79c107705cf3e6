#include "weir/net/socket.hpp"

#include <cerrno>

#include <fcntl.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include "weir/net/detail/ready_awaiter.hpp"
#include "weir/net/detail/syscalls.hpp"
#include "weir/net/socket_stream.hpp"

namespace weir::net {

using detail::syscalls;

void Fd::reset(int fd) noexcept {
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd;
}

SocketAddress local_address(int fd) noexcept {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  auto* address = reinterpret_cast<sockaddr*>(&storage);
  if (::getsockname(fd, address, &size) != 0) return {};
  return SocketAddress::from_native(address, size);
}

Result<std::unique_ptr<Stream>> make_socket_stream(EventLoop& loop, Fd socket, const SocketAddress& peer) {
  const int fd = socket.get();
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0 || ((flags & O_NONBLOCK) == 0 && ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0)) {
    return fail(system_error(errno, "socket of " + peer.to_string()));
  }
  if (peer.is_ip()) {
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  auto stream = std::make_unique<SocketStream>(loop, std::move(socket), peer);
  if (auto started = stream->start(); !started) return fail(std::move(started.error()));
  return stream;
}

Task<Result<std::unique_ptr<Stream>>> connect_tcp(EventLoop& loop, SocketAddress address, Duration timeout,
                                                  StopToken stop) {
  const std::string what = "connect to " + address.to_string();
  Fd socket(syscalls.socket(address.native()->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) co_return fail(system_error(errno, what));
  int error = 0;
  if (syscalls.connect(socket.get(), address.native(), address.native_size()) != 0) error = errno;
  if (error == EINPROGRESS || error == EINTR) {
    auto ready = co_await detail::ReadyAwaiter(loop, socket.get(), io::writable, timeout, stop);
    if (!ready) co_return fail(std::move(ready.error()).with_context(what));
    socklen_t size = sizeof error;
    if (::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
  }
  if (error != 0) co_return fail(system_error(error, what));
  co_return make_socket_stream(loop, std::move(socket), address);
}

}  // namespace weir::net
