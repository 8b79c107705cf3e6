#include "weir/net/socket_stream.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <linux/sockios.h>
#include <sys/ioctl.h>

#include "weir/net/detail/syscalls.hpp"

namespace weir::net {

using detail::syscalls;

static_assert(sizeof(SocketStream) <= 128, "one block of recycle: an idle connection has to be small");

namespace {

constexpr std::uint32_t watched = io::readable | io::peer_closed | io::urgent | io::edge_triggered;

// What a call that moved nothing comes to; `ready` is what was thought of the socket before.
IoResult blocked_or_failed(bool& ready) noexcept {
  if (errno != EAGAIN && errno != EWOULDBLOCK) return IoResult::failed(errno);
  ready = false;
  return IoResult::blocked();
}

}  // namespace

SocketStream::SocketStream(EventLoop& loop, Fd socket, const SocketAddress& peer) noexcept
    : loop_(loop), socket_(std::move(socket)) {
  peer_.any.sa_family = peer.native()->sa_family;
  if (peer.is_ip()) std::memcpy(&peer_, peer.native(), peer.native_size());
}

SocketStream::~SocketStream() {
  close(false);
  if (destroyed_ != nullptr) *destroyed_ = true;
}

Result<void> SocketStream::start() {
  return loop_.add(socket_.get(), watched, *this);
}

IoResult SocketStream::read(std::span<char> into) noexcept {
  if (!socket_) return IoResult::failed(EBADF);
  if (into.empty()) return IoResult::moved(0);
  ssize_t got = 0;
  do {
    got = syscalls.recv(socket_.get(), into.data(), into.size(), 0);
  } while (got < 0 && errno == EINTR);
  if (got > 0) {
    const auto bytes = static_cast<std::size_t>(got);
    if (bytes < into.size() && less_is_all_ && syscalls.less_is_all) readable_ = false;
    return IoResult::moved(bytes);
  }
  if (got < 0) return blocked_or_failed(readable_);
  watch_peer_ = false;
  return IoResult::end();
}

IoResult SocketStream::write(std::span<const iovec> pieces) noexcept {
  if (!socket_) return IoResult::failed(EBADF);
  ssize_t sent = 0;
  std::size_t given = 0;
  if (pieces.size() == 1) {  // the usual case, and the cheaper call
    given = pieces[0].iov_len;
    do {
      sent = syscalls.send(socket_.get(), pieces[0].iov_base, pieces[0].iov_len, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
  } else {
    msghdr message{};
    message.msg_iov = const_cast<iovec*>(pieces.data());              // sendmsg does not write through it
    message.msg_iovlen = std::min<std::size_t>(pieces.size(), 1024);  // IOV_MAX on Linux
    for (std::size_t i = 0; i < message.msg_iovlen; ++i) given += pieces[i].iov_len;
    do {
      sent = syscalls.sendmsg(socket_.get(), &message, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
  }
  if (sent < 0) return blocked_or_failed(writable_);
  const auto bytes = static_cast<std::size_t>(sent);
  if (bytes < given && syscalls.less_is_all) writable_ = false;
  return IoResult::moved(bytes);
}

IoResult SocketStream::send_file(int fd, std::uint64_t offset, std::size_t count) noexcept {
  if (!socket_) return IoResult::failed(EBADF);
  // The kernel moves at most 0x7ffff000 bytes in one call anyway.
  const std::size_t most = std::min<std::size_t>(count, 0x7ffff000);
  ssize_t sent = 0;
  do {
    auto from = static_cast<off_t>(offset);
    sent = syscalls.sendfile(socket_.get(), fd, &from, most);
  } while (sent < 0 && errno == EINTR);
  return sent < 0 ? blocked_or_failed(writable_) : IoResult::moved(static_cast<std::size_t>(sent));
}

void SocketStream::set_handler(StreamHandler* handler) noexcept {
  handler_ = handler;
  tell_later();
}

void SocketStream::want(bool read, bool write) noexcept {
  want_read_ = read;
  want_write_ = write;
  if (write && !watches_write_ && socket_) {
    // From now on for good: an edge comes only after a write has found no room.
    watches_write_ = true;
    loop_.modify(socket_.get(), watched | io::writable, *this);
  }
  tell_later();
}

void SocketStream::tell_later() noexcept {
  if (handler_ == nullptr || !socket_ || destroyed_ != nullptr) return;  // tell() looks again when its callbacks end
  if (told_readable() || told_writable() || told_hangup() || told_peer_closed()) loop_.defer(*this);
}

void SocketStream::on_io(std::uint32_t events) noexcept {
  if ((events & io::readable) != 0) readable_ = true;
  if ((events & io::writable) != 0) writable_ = true;
  if ((events & (io::peer_closed | io::urgent | io::hangup | io::error)) != 0) {
    less_is_all_ = false;  // The end, or what lies behind an urgent byte, comes without another edge.
    if ((events & io::peer_closed) != 0) peer_closed_ = readable_ = true;
    // A broken connection is told to whoever wants anything: read() and write() know more about it.
    if ((events & (io::hangup | io::error)) != 0) broken_ = readable_ = writable_ = true;
  }
  tell();
}

void SocketStream::tell() noexcept {
  bool destroyed = false;
  bool* const outer = std::exchange(destroyed_, &destroyed);
  bool told = false;
  if (handler_ != nullptr && socket_ && told_writable()) {
    told = true;
    handler_->on_writable();
    if (destroyed) return;
  }
  if (handler_ != nullptr && socket_ && told_readable()) {
    told = true;
    handler_->on_readable();
    if (destroyed) return;
  }
  if (!told && handler_ != nullptr && socket_) {
    if (told_hangup()) {
      watch_hangup_ = false;
      handler_->on_hangup();
      if (destroyed) return;
    } else if (told_peer_closed()) {
      watch_peer_ = false;
      handler_->on_peer_closed();
      if (destroyed) return;
    }
  }
  destroyed_ = outer;
  tell_later();
}

void SocketStream::shutdown_write() noexcept {
  if (socket_) ::shutdown(socket_.get(), SHUT_WR);
}

void SocketStream::close(bool reset) noexcept {
  if (!socket_) return;
  if (reset) {
    const linger now{1, 0};
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
  }
  loop_.remove(socket_.get());
  socket_.reset();
}

SocketAddress SocketStream::peer() const noexcept {
  const bool ip = peer_.any.sa_family == AF_INET || peer_.any.sa_family == AF_INET6;
  return SocketAddress::from_native(&peer_.any, ip ? sizeof peer_ : sizeof(sa_family_t));
}

std::size_t SocketStream::undelivered() const noexcept {
  int bytes = 0;
  if (!socket_ || ::ioctl(socket_.get(), SIOCOUTQ, &bytes) != 0) return 0;
  return static_cast<std::size_t>(std::max(bytes, 0));
}

SocketAddress SocketStream::local() const noexcept {
  return socket_ ? local_address(socket_.get()) : SocketAddress();
}

}  // namespace weir::net
