// The stream over a connected socket. Users see it as a Stream: make_socket_stream() in socket.hpp.
#pragma once

#include "weir/base/recycle.hpp"
#include "weir/net/socket.hpp"
#include "weir/net/stream.hpp"
#include "weir/runtime/event_loop.hpp"

namespace weir::net {

/// Its memory comes from recycle: accepting in steady state calls no malloc.
class SocketStream final : public Stream, private IoHandler {
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

  static void* operator new(std::size_t size) { return recycle::allocate(size); }
  static void operator delete(void* block, std::size_t size) noexcept { recycle::deallocate(block, size); }

 private:
  void on_io(std::uint32_t events) noexcept override;
  void update_interest() noexcept;
  void leave_loop() noexcept;

  EventLoop& loop_;
  StreamHandler* handler_ = nullptr;
  bool* destroyed_ = nullptr;  // set while callbacks run
  Fd socket_;
  bool want_read_ = true;
  bool want_write_ = false;
  bool watch_peer_ = true;  // until the end of the peer's direction has been told
  bool watched_ = false;    // registered with the loop
  // IPv4 and IPv6 peers; a Unix socket's peer has hardly ever a name, and keeping one would double the object.
  union {
    sockaddr_in6 v6;
    sockaddr_in v4;
    sockaddr any;
  } peer_{};
};

}  // namespace weir::net
