// The server's part on one event loop: its connections, its pool of exchanges, its date.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include "weir/coro/stop.hpp"
#include "weir/http/date.hpp"
#include "weir/net/stream.hpp"
#include "weir/runtime/event_loop.hpp"
#include "weir/server/connection.hpp"
#include "weir/server/exchange_pool.hpp"
#include "weir/server/limits.hpp"
#include "weir/server/turn_budget.hpp"

namespace weir::server {

/// Counters of a worker: written by its loop, readable by any thread.
struct WorkerStats {
  std::atomic<std::uint64_t> connections{0};  ///< Open now.
  std::atomic<std::uint64_t> accepted{0};
  std::atomic<std::uint64_t> refused{0};   ///< Over the limit of connections.
  std::atomic<std::uint64_t> requests{0};  ///< Being served now, cancelled ones that still run included.
};

/// Lives on its loop's thread; everything here is for that thread.
class Worker {
 public:
  /// `open_connections` is shared by the workers of a server, for the limit.
  Worker(EventLoop& loop, const Limits& limits, std::atomic<std::size_t>& open_connections);
  /// All connections must be gone: close_all() and turn the loop until connections() is 0.
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  /// Takes a new connection; its requests go to `service`. `local` outlives the worker's connections.
  void adopt(std::unique_ptr<net::Stream> stream, Service& service, const net::SocketAddress& local) noexcept;

  /// Takes a connection that goes on with the bytes of another one (see Upgrade): it counts, and hears of drains; at
  /// once if one has begun.
  void add(std::unique_ptr<Connection> connection) noexcept;

  /// Answers say `Connection: close` from now on.
  void end_keep_alive() noexcept { keep_alive_ = false; }
  [[nodiscard]] bool keep_alive() const noexcept { return keep_alive_; }
  /// Idle connections close now, the others after their running request. Connections without requests (WebSockets) say
  /// good-bye at moments spread over `spread`, so that their clients do not all come back at once elsewhere.
  void drain(Duration spread = Duration::zero()) noexcept;
  [[nodiscard]] Duration drain_spread() const noexcept { return drain_spread_; }
  [[nodiscard]] bool draining() const noexcept { return draining_; }
  /// Stops (for `shutdown`) when the worker begins to drain.
  [[nodiscard]] StopToken drain_token() noexcept { return drain_.token(); }
  /// Everything closes now; running requests are cancelled.
  void close_all() noexcept;
  /// Ends exchanges and connections whose coroutines did not end by themselves: their frames are destroyed. After
  /// close_all().
  void abandon_exchanges() noexcept;
  /// `done` is called (once, on the loop) as soon as there is neither a connection nor a running exchange.
  void when_empty(std::move_only_function<void()> done);

  [[nodiscard]] EventLoop& loop() const noexcept { return loop_; }
  [[nodiscard]] const Limits& limits() const noexcept { return limits_; }
  [[nodiscard]] ExchangePool& pool() noexcept { return pool_; }
  [[nodiscard]] TurnBudget& turn_budget() noexcept { return turn_budget_; }
  [[nodiscard]] std::size_t connections() const noexcept { return count_; }
  [[nodiscard]] const WorkerStats& stats() const noexcept { return stats_; }
  /// The value of Date for now (RFC 9110 section 6.6.1): 29 bytes, valid until the next call.
  [[nodiscard]] std::string_view date() noexcept;

  /// For connections: destroys it, at once or when the last exchange that keeps it has let go.
  void remove(Connection& connection) noexcept;
  /// For exchanges that outlive their connection.
  void keep(Connection& connection) noexcept { ++connection.left_behind_; }
  void let_go(Connection& connection) noexcept;
  /// For exchanges: a request has begun or ended.
  void count_request(bool begins) noexcept {
    const std::uint64_t running = stats_.requests.load(std::memory_order_relaxed);
    stats_.requests.store(begins ? running + 1 : running - 1, std::memory_order_relaxed);
  }
  /// For exchanges and connections: something ended.
  void check_empty() noexcept;

 private:
  EventLoop& loop_;
  Limits limits_;
  StopSource drain_;  // outlives the exchanges, whose callbacks it holds
  ExchangePool pool_;
  TurnBudget turn_budget_;
  std::atomic<std::size_t>& open_connections_;
  void link(Connection& connection) noexcept;
  void destroy(Connection& connection) noexcept;

  Duration drain_spread_{};
  Connection* first_ = nullptr;
  std::size_t count_ = 0;
  bool draining_ = false;
  bool keep_alive_ = true;
  std::move_only_function<void()> when_empty_;
  std::int64_t date_second_ = -1;
  http::DateText date_;
  WorkerStats stats_;
};

}  // namespace weir::server
