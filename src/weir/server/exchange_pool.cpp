#include "weir/server/exchange_pool.hpp"

#include "weir/base/contracts.hpp"
#include "weir/server/worker.hpp"

namespace weir::server {

ExchangePool::~ExchangePool() {
  WEIR_ASSERT(active_ == 0);
}

Exchange& ExchangePool::acquire() {
  if (idle_.empty()) idle_.push_back(std::make_unique<Exchange>(worker_.loop(), *this));
  Exchange* exchange = idle_.back().release();
  idle_.pop_back();
  ++active_;
  return *exchange;
}

void ExchangePool::release(Exchange& exchange) noexcept {
  WEIR_DEBUG_ASSERT(!exchange.running());
  exchange.recycle();
  --active_;
  std::unique_ptr<Exchange> owned(&exchange);
  if (idle_.size() < keep_) {
    if (idle_.capacity() == 0) idle_.reserve(keep_);
    idle_.push_back(std::move(owned));
  }
  if (active_ == 0) worker_.check_empty();
}

}  // namespace weir::server
