// The stream over a connected socket. Users see it as a Stream: make_socket_stream() in socket.hpp.
#pragma once

#include "weir/base/recycle.hpp"
#include "weir/net/socket.hpp"
#include "weir/net/stream.hpp"
#include "weir/runtime/event_loop.hpp"

namespace weir::net {

/// Watches its socket edge-triggered, which spares the kernel a second look at it for every event, and remembers what
/// the edges have told, so that its handler hears of it in every turn as Stream promises. Its memory comes from
/// recycle: accepting in steady state calls no malloc.
class SocketStream final : public Stream, private IoHandler, private Deferred {
 public:
  /// `socket` is connected (or connecting) and non-blocking. start() has to follow.
  SocketStream(EventLoop& loop, Fd socket, const SocketAddress& peer) noexcept;
  ~SocketStream() override;
  /// Registers with the loop, wanting to read.
  Result<void> start();

  using Stream::write;
  IoResult read(std::span<char> into) noexcept override;
  IoResult write(std::span<const iovec> pieces) noexcept override;
  IoResult send_file(int fd, std::uint64_t offset, std::size_t count) noexcept override;
  void set_handler(StreamHandler* handler) noexcept override;
  void want(bool read, bool write) noexcept override;
  void shutdown_write() noexcept override;
  void close(bool reset = false) noexcept override;
  [[nodiscard]] bool closed() const noexcept override { return !socket_; }
  [[nodiscard]] SocketAddress peer() const noexcept override;
  [[nodiscard]] SocketAddress local() const noexcept override;
  [[nodiscard]] int fd() const noexcept override { return socket_.get(); }
  [[nodiscard]] std::size_t undelivered() const noexcept override;

  static void* operator new(std::size_t size) { return recycle::allocate(size); }
  static void operator delete(void* block, std::size_t size) noexcept { recycle::deallocate(block, size); }

 private:
  void on_io(std::uint32_t events) noexcept override;
  void on_deferred() noexcept override { tell(); }
  /// Makes the callbacks that are due, and comes again in the next turn if some still are.
  void tell() noexcept;
  [[nodiscard]] bool told_readable() const noexcept { return want_read_ && readable_; }
  [[nodiscard]] bool told_writable() const noexcept { return want_write_ && writable_; }
  [[nodiscard]] bool told_hangup() const noexcept { return broken_ && !want_read_ && !want_write_ && watch_hangup_; }
  [[nodiscard]] bool told_peer_closed() const noexcept { return peer_closed_ && !want_read_ && watch_peer_; }
  void tell_later() noexcept;

  EventLoop& loop_;
  StreamHandler* handler_ = nullptr;
  bool* destroyed_ = nullptr;  // set while callbacks run
  Fd socket_;
  bool want_read_ = true;
  bool want_write_ = false;
  bool watch_peer_ = true;    // until the end of the peer's direction has been told
  bool watch_hangup_ = true;  // until the hang-up has been told
  // What the kernel has told, until a call finds that it is not so any more.
  bool readable_ = false;
  bool writable_ = false;
  bool peer_closed_ = false;
  bool broken_ = false;
  bool less_is_all_ = true;     // a read of less than there is room for has emptied the socket
  bool watches_write_ = false;  // the interest includes room to write
  // IPv4 and IPv6 peers; a Unix socket's peer has hardly ever a name, and keeping one would double the object.
  union {
    sockaddr_in6 v6;
    sockaddr_in v4;
    sockaddr any;
  } peer_{};
};

}  // namespace weir::net
