// Exchanges that one loop recycles.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "weir/server/exchange.hpp"

namespace weir::server {

class Worker;

/// Owned by the loop's worker; loop thread only. Keeps at most `keep` idle exchanges.
class ExchangePool {
 public:
  explicit ExchangePool(Worker& worker, std::size_t keep = 256) : worker_(worker), keep_(keep) {}
  ~ExchangePool();
  ExchangePool(const ExchangePool&) = delete;
  ExchangePool& operator=(const ExchangePool&) = delete;

  /// An exchange as new. Throws std::bad_alloc.
  [[nodiscard]] Exchange& acquire();
  /// Takes it back; it must be over().
  void release(Exchange& exchange) noexcept;

  /// Destroys the coroutines of exchanges that still run without a connection, and takes those back.
  void abandon_all() noexcept;

  [[nodiscard]] Worker& worker() const noexcept { return worker_; }
  /// Exchanges that are running, the detached ones included.
  [[nodiscard]] std::size_t active() const noexcept { return active_; }

 private:
  Worker& worker_;
  std::vector<std::unique_ptr<Exchange>> idle_;
  std::size_t keep_;
  std::size_t active_ = 0;
  Exchange* first_active_ = nullptr;
};

}  // namespace weir::server
