// Accepts connections on a socket, and stays alive when there are no descriptors or no memory for more.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>

#include "weir/base/error.hpp"
#include "weir/net/address.hpp"
#include "weir/net/socket.hpp"
#include "weir/net/stream.hpp"
#include "weir/runtime/event_loop.hpp"

namespace weir::net {

struct ListenOptions {
  SocketAddress address;  ///< Port 0: the kernel chooses, see Listener::local_address().
  int backlog = 1024;     ///< Connections that the kernel completes before they are accepted.
  /// SO_REUSEPORT: several loops each listen on the address, the kernel spreads connections over them.
  bool reuse_port = false;
  /// With reuse_port: refuse an address that somebody listens on already, which the kernel alone would share.
  bool exclusive = false;
  /// A socket that listens already (socket activation): used instead of making one, and owned from then on; -1: none.
  int adopt_fd = -1;
  /// TCP_DEFER_ACCEPT: the kernel hands over connections only once there is something to read (waits at most this
  /// long).
  std::chrono::seconds defer_accept{0};
  bool ipv6_only = false;
  /// Permissions of the file of a Unix socket; 0: what the umask leaves.
  unsigned unix_mode = 0;
  /// Connections accepted in one turn at most, so that accepting does not starve those that are there.
  std::size_t accept_batch = 64;
  /// How long to stop accepting when there are no descriptors (or no memory) for more.
  Duration back_off = std::chrono::milliseconds(100);
};

class AcceptHandler {
 public:
  /// A new connection. It wants to read; set its handler, or destroy it to refuse it. May pause(), close() or destroy
  /// the listener.
  virtual void on_accept(std::unique_ptr<Stream> stream) noexcept = 0;

 protected:
  ~AcceptHandler() = default;
};

/// Lives on its loop's thread; owned by whoever made it, borrowed by the loop. Destroying it closes the socket.
class Listener final : private IoHandler, private Timer {
 public:
  /// Counters, readable by any thread.
  struct Stats {
    std::atomic<std::uint64_t> accepted{0};
    std::atomic<std::uint64_t> rejected_fd_limit{0};  ///< Closed at once because there was no descriptor to keep them.
    std::atomic<std::uint64_t> errors{0};             ///< Other failures of accept.
    std::atomic<std::uint64_t> back_offs{0};          ///< How often accepting was paused for a while.
  };

  /// Binds and listens; connections are accepted from the loop's next turn on. `handler` is borrowed. The error names
  /// the address and the cause: "listen on 127.0.0.1:8080: Address already in use". The file of a Unix socket that
  /// nobody listens on any more is replaced.
  [[nodiscard]] static Result<std::unique_ptr<Listener>> listen(EventLoop& loop, ListenOptions options,
                                                                AcceptHandler& handler);
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  ~Listener() override;

  /// Where it listens, with the port that the kernel chose.
  [[nodiscard]] const SocketAddress& local_address() const noexcept { return local_; }
  [[nodiscard]] EventLoop& loop() const noexcept { return loop_; }
  /// The listening descriptor; -1 once closed.
  [[nodiscard]] int fd() const noexcept { return socket_.get(); }

  /// Leaves new connections in the kernel's queue until resume().
  void pause() noexcept;
  void resume() noexcept;
  [[nodiscard]] bool paused() const noexcept { return paused_; }
  /// Accepts what the kernel has completed already, then close(): so that stopping loses no connection. What arrives
  /// while this runs may still be reset.
  void drain() noexcept;
  /// Stops for good: new connections are refused by the kernel, and those in its queue are reset. The file of a Unix
  /// socket that this listener made is removed. Idempotent.
  void close() noexcept;

  [[nodiscard]] const Stats& stats() const noexcept { return stats_; }

 private:
  Listener(EventLoop& loop, ListenOptions options, AcceptHandler& handler, Fd socket) noexcept;
  enum class Step : std::uint8_t { next, done };
  Step accept_one() noexcept;
  Step accept_failed(int error) noexcept;
  void reject_one() noexcept;
  void back_off() noexcept;
  void update_interest() noexcept;
  void on_io(std::uint32_t events) noexcept override;
  void on_timer() noexcept override;

  EventLoop& loop_;
  ListenOptions options_;
  AcceptHandler& handler_;
  Fd socket_;
  Fd reserve_;  // given up to accept, and close, one connection more than there are descriptors
  SocketAddress local_;
  std::uint64_t file_inode_ = 0;  // of the Unix socket's file, to remove only our own
  bool paused_ = false;
  bool* destroyed_ = nullptr;  // set while callbacks run
  Stats stats_;
};

}  // namespace weir::net
