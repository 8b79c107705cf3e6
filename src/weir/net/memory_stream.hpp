// Two connected streams in memory: for tests, for in-process clients, and to make the network fail on purpose.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>

#include "weir/base/buffer.hpp"
#include "weir/net/stream.hpp"
#include "weir/runtime/event_loop.hpp"

namespace weir::net {

/// What goes wrong at one end. May be changed at any time through MemoryStream::faults().
struct Faults {
  static constexpr std::size_t never = std::numeric_limits<std::size_t>::max();
  std::size_t max_read = never;          ///< Bytes that one read() gives at most.
  std::size_t max_write = never;         ///< Bytes that one write() or send_file() takes at most.
  std::size_t fail_read_after = never;   ///< Bytes after which read() fails.
  std::size_t fail_write_after = never;  ///< Bytes after which write() fails.
  int error_number = 104;                ///< What they fail with; ECONNRESET.
  /// Every n-th read and write would block although it need not; 0: none.
  std::size_t block_every = 0;
};

struct MemoryStreamOptions {
  std::size_t capacity = 65536;  ///< Bytes under way in each direction before write() would block.
  SocketAddress client_address;  ///< What the streams say that they are.
  SocketAddress server_address;
  Faults client_faults{};
  Faults server_faults{};
};

struct MemoryStreamPair;

/// One end. Behaves like a Unix socket: bytes that are unread when an end closes make the other end see a reset, and
/// writing to an end that is gone fails at once. Callbacks come from the loop, in the turn after what causes them,
/// never from within a call.
class MemoryStream final : public Stream, private Deferred {
 public:
  ~MemoryStream() override;

  using Stream::write;
  IoResult read(std::span<char> into) noexcept override;
  IoResult write(std::span<const iovec> pieces) noexcept override;
  IoResult send_file(int fd, std::uint64_t offset, std::size_t count) noexcept override;
  void set_handler(StreamHandler* handler) noexcept override;
  void want(bool read, bool write) noexcept override;
  void shutdown_write() noexcept override;
  void close(bool reset = false) noexcept override;
  [[nodiscard]] bool closed() const noexcept override { return closed_; }
  [[nodiscard]] SocketAddress peer() const noexcept override { return remote_; }
  [[nodiscard]] SocketAddress local() const noexcept override { return local_; }
  [[nodiscard]] int fd() const noexcept override { return -1; }
  [[nodiscard]] std::size_t undelivered() const noexcept override { return other_ == nullptr ? 0 : other_->unread(); }

  [[nodiscard]] Faults& faults() noexcept { return faults_; }
  /// Bytes that the other end wrote and this one has not read.
  [[nodiscard]] std::size_t unread() const noexcept { return inbound_.size(); }

 private:
  friend MemoryStreamPair memory_stream_pair(EventLoop& loop, MemoryStreamOptions options);
  MemoryStream(EventLoop& loop, std::size_t capacity) noexcept : loop_(loop), capacity_(capacity) {}
  void on_deferred() noexcept override;
  [[nodiscard]] bool readable() const noexcept;
  [[nodiscard]] bool writable() const noexcept;
  [[nodiscard]] bool broken() const noexcept { return reset_ || other_ == nullptr; }
  [[nodiscard]] bool something_to_tell() const noexcept;
  [[nodiscard]] bool blocked_by_fault() noexcept;
  void tell_later() noexcept;

  EventLoop& loop_;
  std::size_t capacity_;
  MemoryStream* other_ = nullptr;  // nullptr once that end is closed
  StreamHandler* handler_ = nullptr;
  bool* destroyed_ = nullptr;  // set while callbacks run
  Buffer inbound_;
  Faults faults_;
  SocketAddress local_;
  SocketAddress remote_;
  std::size_t read_total_ = 0;
  std::size_t written_total_ = 0;
  std::size_t calls_ = 0;
  bool want_read_ = true;
  bool want_write_ = false;
  bool closed_ = false;
  bool ended_ = false;       // the other end will write no more
  bool write_shut_ = false;  // this end will write no more
  bool reset_ = false;
  bool hangup_told_ = false;
  bool peer_closed_told_ = false;
};

struct MemoryStreamPair {
  std::unique_ptr<MemoryStream> client;
  std::unique_ptr<MemoryStream> server;
};

/// Both ends live on `loop` and its thread.
[[nodiscard]] MemoryStreamPair memory_stream_pair(EventLoop& loop, MemoryStreamOptions options = {});

}  // namespace weir::net
