// Listeners and workers on a group of event loops.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "weir/base/error.hpp"
#include "weir/net/listener.hpp"
#include "weir/net/stream_filter.hpp"
#include "weir/runtime/loop_group.hpp"
#include "weir/server/limits.hpp"
#include "weir/server/worker.hpp"

namespace weir::server {

struct ServerOptions {
  Limits limits;
  unsigned threads = 0;      ///< Event loops, a thread each; 0: one per core that the process may use.
  bool pin_threads = false;  ///< Loop i only runs on the i-th of those cores.
  bool share_port = false;   ///< Other processes may listen on the same addresses (SO_REUSEPORT), all with this option.
  Clock* clock = &Clock::system();
};

/// Serves exchanges on sockets. Everything but stats() is for one thread, the owner's, which is none of the loops'.
class Server {
 public:
  explicit Server(const ServerOptions& options);
  /// Stops hard if it still runs.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Before start(): every loop gets a listening socket of its own for the address (SO_REUSEPORT), or its own
  /// descriptor of the one socket, for Unix sockets and adopted ones. The error names the address and the cause.
  /// `service` must outlive the server. `filter`, where given, makes each loop's layer between the sockets and the
  /// protocol (TLS, for one).
  Result<void> listen(net::ListenOptions options, Service& service, const net::StreamFilterFactory& filter = {});
  /// The addresses listened on, ports resolved, in the order of listen().
  [[nodiscard]] const std::vector<net::SocketAddress>& addresses() const noexcept { return addresses_; }

  /// Starts the threads. Connections are accepted from here on. Throws std::system_error when the system gives no more
  /// threads: then none runs, and the server is good for nothing but its destruction.
  void start();
  [[nodiscard]] bool running() const noexcept { return running_; }

  /// From now on every answer says `Connection: close`, so that clients go elsewhere; all else goes on.
  void end_keep_alive();
  /// Refuses new connections, closes idle ones, lets requests end with `Connection: close`. `empty` is called on one of
  /// the loops when nothing is left. `spread`: see Worker::drain().
  void drain(std::function<void()> empty, Duration spread = Duration::zero());
  /// Cuts what is left; `empty` of drain() follows.
  void close_all();
  /// Ends the threads, whatever runs. Idempotent.
  void stop();

  struct Stats {
    std::uint64_t open_connections = 0;
    std::uint64_t accepted = 0;
    std::uint64_t refused = 0;
    std::uint64_t rejected_fd_limit = 0;
    std::uint64_t active_requests = 0;
  };
  /// Any thread.
  [[nodiscard]] Stats stats() const noexcept;
  [[nodiscard]] std::vector<EventLoop*> loops() const;

 private:
  struct Entry;
  struct Lane;

  std::atomic<std::size_t> open_connections_{0};
  bool share_port_;
  LoopGroup loops_;
  std::vector<std::unique_ptr<Lane>> lanes_;
  std::vector<net::SocketAddress> addresses_;
  bool running_ = false;
};

}  // namespace weir::server
