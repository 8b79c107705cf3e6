#include "weir/net/socket.hpp"

#include <cerrno>

#include <fcntl.h>
#include <netinet/tcp.h>
#include <unistd.h>

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

}  // namespace weir::net
