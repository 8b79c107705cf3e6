// A stream of bytes between two ends, as protocol drivers use it: over TCP, Unix sockets, memory and TLS.
//
// Callbacks instead of coroutines: a connection that waits for its next request owns no frame and no buffer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <sys/uio.h>

#include "weir/net/address.hpp"

namespace weir::net {

struct Security;

/// Hears of a stream, on its loop's thread. May destroy the stream (and itself) in any of its callbacks.
class StreamHandler {
 public:
  /// There is something to read: bytes, the end, or an error; read() tells. In every turn while reading is wanted.
  virtual void on_readable() noexcept = 0;
  /// There is room to write, or write() will tell an error. In every turn while writing is wanted.
  virtual void on_writable() noexcept = 0;
  /// The connection failed or both directions are closed, while neither reading nor writing was wanted. Once.
  virtual void on_hangup() noexcept = 0;
  /// The peer will send no more, noticed while reading was not wanted. Bytes may still wait to be read, and the peer
  /// may still read: a half-closed peer looks like one that has gone until something is written to it. Once.
  virtual void on_peer_closed() noexcept {}

 protected:
  ~StreamHandler() = default;
};

struct [[nodiscard]] IoResult {
  enum class Kind : std::uint8_t {
    ok,             ///< `bytes` were moved; more than 0 unless 0 were asked for.
    would_block,    ///< Nothing now: want it and wait.
    end_of_stream,  ///< Reading only: the peer has closed its direction.
    error,          ///< The connection is of no more use; `error_number` is an errno.
  };
  Kind kind = Kind::ok;
  int error_number = 0;
  std::size_t bytes = 0;

  static IoResult moved(std::size_t bytes) noexcept { return {Kind::ok, 0, bytes}; }
  static IoResult blocked() noexcept { return {Kind::would_block, 0, 0}; }
  static IoResult end() noexcept { return {Kind::end_of_stream, 0, 0}; }
  static IoResult failed(int error_number) noexcept { return {Kind::error, error_number, 0}; }

  [[nodiscard]] bool ok() const noexcept { return kind == Kind::ok; }
  [[nodiscard]] bool would_block() const noexcept { return kind == Kind::would_block; }
  [[nodiscard]] bool end_of_stream() const noexcept { return kind == Kind::end_of_stream; }
  [[nodiscard]] bool error() const noexcept { return kind == Kind::error; }
};

/// Owned through a unique_ptr by the driver of the connection; belongs to one loop and its thread. A new stream wants
/// to read and not to write; it has no handler until the owner, in the same turn, sets one.
class Stream {
 public:
  Stream() noexcept = default;
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  /// Closes it. Its handler hears nothing more.
  virtual ~Stream() = default;

  /// Moves what is there, at most into.size() bytes. Never blocks.
  virtual IoResult read(std::span<char> into) noexcept = 0;
  /// Writes from the pieces, in order; may write only some of the bytes. At most 1024 pieces are looked at. Never
  /// blocks.
  virtual IoResult write(std::span<const iovec> pieces) noexcept = 0;
  /// Writes up to `count` bytes of the regular file `fd` from `offset`; may write only some. At the end of the file the
  /// result is 0 bytes moved: the file is shorter than it was thought to be. May wait for the disk.
  virtual IoResult send_file(int fd, std::uint64_t offset, std::size_t count) noexcept = 0;

  /// `handler` is borrowed; nullptr: nobody listens, and the stream wants nothing until there is a handler again.
  virtual void set_handler(StreamHandler* handler) noexcept = 0;
  /// Which callbacks to make from now on, in every turn in which they apply. No system call when nothing changes.
  virtual void want(bool read, bool write) noexcept = 0;

  /// Tells the peer that no more will be written (FIN). Reading goes on.
  virtual void shutdown_write() noexcept = 0;
  /// Closes both directions; with `reset` the peer sees a reset (RST) and unsent bytes are thrown away. Reads and
  /// writes fail afterwards and no callback comes. Idempotent.
  virtual void close(bool reset = false) noexcept = 0;
  [[nodiscard]] virtual bool closed() const noexcept = 0;

  /// The other end; unnamed for Unix sockets and memory. Cheap.
  [[nodiscard]] virtual SocketAddress peer() const noexcept = 0;
  /// This end. Asks the kernel.
  [[nodiscard]] virtual SocketAddress local() const noexcept = 0;
  /// The descriptor; -1 when there is none (memory) or it is closed. For options and tests, not for reading.
  [[nodiscard]] virtual int fd() const noexcept = 0;
  /// What is known of its security; nullptr for a plain stream, and until the handshake of a secured one is done. It is
  /// done when read() has given the first byte.
  [[nodiscard]] virtual const Security* security() const noexcept { return nullptr; }
  /// Bytes that write() has taken and that this object itself still holds, because the peer reads slowly: close() loses
  /// them. The stream sends them by itself; want(…, true) tells when more can be written.
  [[nodiscard]] virtual std::size_t unsent() const noexcept { return 0; }
  /// Bytes, about, that write() has taken and the peer has not: those of unsent(), and those that wait in the kernel. A
  /// slow reader moves this long before there is room to write again. Asks the kernel.
  [[nodiscard]] virtual std::size_t undelivered() const noexcept { return unsent(); }

  /// write() of one piece.
  IoResult write(const char* data, std::size_t size) noexcept {
    const iovec piece{const_cast<char*>(data), size};
    return write(std::span(&piece, 1));
  }
};

}  // namespace weir::net
