// The bytes of an extended CONNECT (RFC 8441) as a net::Stream.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "weir/net/stream.hpp"
#include "weir/runtime/event_loop.hpp"

namespace weir::server {

class Http2Stream;

/// What an Upgrade gets over HTTP/2. Reading gives the client its window back, and writing stops at
/// Http2Limits::stream_output_bytes: whoever has it sees a socket. Callbacks come from the loop, never from within a
/// call.
///
/// Owned by the protocol that took over. The HTTP/2 stream behind it lives as long as this does, unless the connection
/// goes first: then reads and writes fail.
class Http2Tunnel final : public net::Stream, private Deferred {
 public:
  explicit Http2Tunnel(Http2Stream& stream) noexcept;
  ~Http2Tunnel() override;

  using Stream::write;
  net::IoResult read(std::span<char> into) noexcept override;
  net::IoResult write(std::span<const iovec> pieces) noexcept override;
  net::IoResult send_file(int fd, std::uint64_t offset, std::size_t count) noexcept override;
  void set_handler(net::StreamHandler* handler) noexcept override;
  void want(bool read, bool write) noexcept override;
  void shutdown_write() noexcept override;
  void close(bool reset = false) noexcept override;
  [[nodiscard]] bool closed() const noexcept override { return closed_; }
  [[nodiscard]] net::SocketAddress peer() const noexcept override { return peer_; }
  [[nodiscard]] net::SocketAddress local() const noexcept override { return local_; }
  [[nodiscard]] int fd() const noexcept override { return -1; }
  [[nodiscard]] const net::Security* security() const noexcept override;
  [[nodiscard]] std::size_t unsent() const noexcept override;

  // For the stream behind it.

  /// Something may have become readable or writable.
  void tell_later() noexcept;
  /// The stream behind it is gone.
  void cut() noexcept;

 private:
  void on_deferred() noexcept override;
  [[nodiscard]] bool readable() const noexcept;
  [[nodiscard]] bool writable() const noexcept;
  [[nodiscard]] bool broken() const noexcept;

  EventLoop& loop_;
  Http2Stream* stream_;  // null once it is gone
  net::StreamHandler* handler_ = nullptr;
  bool* destroyed_ = nullptr;  // set while callbacks run
  net::SocketAddress peer_;
  net::SocketAddress local_;
  bool want_read_ = true;
  bool want_write_ = false;
  bool closed_ = false;
  bool hangup_told_ = false;
};

}  // namespace weir::server
