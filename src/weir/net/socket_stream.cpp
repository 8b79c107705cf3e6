#include "weir/net/socket_stream.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "weir/net/detail/syscalls.hpp"

namespace weir::net {

using detail::syscalls;

static_assert(sizeof(SocketStream) <= 128, "one block of recycle: an idle connection has to be small");

namespace {

IoResult result_of_errno() noexcept {
  return errno == EAGAIN || errno == EWOULDBLOCK ? IoResult::blocked() : IoResult::failed(errno);
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
  auto added = loop_.add(socket_.get(), io::readable | io::peer_closed, *this);
  watched_ = added.has_value();
  return added;
}

IoResult SocketStream::read(std::span<char> into) noexcept {
  if (!socket_) return IoResult::failed(EBADF);
  if (into.empty()) return IoResult::moved(0);
  ssize_t got = 0;
  do {
    got = syscalls.recv(socket_.get(), into.data(), into.size(), 0);
  } while (got < 0 && errno == EINTR);
  if (got > 0) return IoResult::moved(static_cast<std::size_t>(got));
  if (got < 0) return result_of_errno();
  watch_peer_ = false;
  return IoResult::end();
}

IoResult SocketStream::write(std::span<const iovec> pieces) noexcept {
  if (!socket_) return IoResult::failed(EBADF);
  ssize_t sent = 0;
  if (pieces.size() == 1) {  // the usual case, and the cheaper call
    do {
      sent = syscalls.send(socket_.get(), pieces[0].iov_base, pieces[0].iov_len, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
  } else {
    msghdr message{};
    message.msg_iov = const_cast<iovec*>(pieces.data());              // sendmsg does not write through it
    message.msg_iovlen = std::min<std::size_t>(pieces.size(), 1024);  // IOV_MAX on Linux
    do {
      sent = syscalls.sendmsg(socket_.get(), &message, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
  }
  return sent < 0 ? result_of_errno() : IoResult::moved(static_cast<std::size_t>(sent));
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
  return sent < 0 ? result_of_errno() : IoResult::moved(static_cast<std::size_t>(sent));
}

void SocketStream::set_handler(StreamHandler* handler) noexcept {
  handler_ = handler;
  update_interest();
}

void SocketStream::want(bool read, bool write) noexcept {
  want_read_ = read;
  want_write_ = write;
  update_interest();
}

void SocketStream::update_interest() noexcept {
  if (!socket_) return;
  std::uint32_t interest = io::none;
  if (handler_ != nullptr) {
    if (want_read_) interest |= io::readable;
    if (want_write_) interest |= io::writable;
    if (watch_peer_) interest |= io::peer_closed;
  }
  if (watched_) return loop_.modify(socket_.get(), interest, *this);
  if (interest == io::none) return;
  // It left the loop after a hang-up; whoever wants something again gets it told as an error of read() or write().
  watched_ = loop_.add(socket_.get(), interest, *this).has_value();
}

void SocketStream::leave_loop() noexcept {
  if (watched_) loop_.remove(socket_.get());
  watched_ = false;
}

void SocketStream::on_io(std::uint32_t events) noexcept {
  bool destroyed = false;
  bool* const outer = std::exchange(destroyed_, &destroyed);
  const bool broken = (events & (io::hangup | io::error)) != 0;
  bool told = false;

  // A broken connection is told to whoever wants anything: read() and write() know more about it.
  if (handler_ != nullptr && want_write_ && (broken || (events & io::writable) != 0)) {
    told = true;
    handler_->on_writable();
    if (destroyed) return;
  }
  if (handler_ != nullptr && want_read_ && socket_ && (broken || (events & (io::readable | io::peer_closed)) != 0)) {
    told = true;
    handler_->on_readable();
    if (destroyed) return;
  }
  if (!told && socket_) {
    if (broken || handler_ == nullptr) {
      leave_loop();  // Hang-ups are reported whatever the interest: do not spin.
      if (handler_ != nullptr) handler_->on_hangup();
      if (destroyed) return;
    } else if ((events & io::peer_closed) != 0 && watch_peer_) {
      watch_peer_ = false;
      update_interest();
      handler_->on_peer_closed();
      if (destroyed) return;
    }
  }
  destroyed_ = outer;
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
  leave_loop();
  socket_.reset();
}

SocketAddress SocketStream::peer() const noexcept {
  const bool ip = peer_.any.sa_family == AF_INET || peer_.any.sa_family == AF_INET6;
  return SocketAddress::from_native(&peer_.any, ip ? sizeof peer_ : sizeof(sa_family_t));
}

SocketAddress SocketStream::local() const noexcept {
  return socket_ ? local_address(socket_.get()) : SocketAddress();
}

}  // namespace weir::net
