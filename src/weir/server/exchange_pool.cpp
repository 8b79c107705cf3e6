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
  exchange->next_active_ = first_active_;
  if (first_active_ != nullptr) first_active_->previous_active_ = exchange;
  first_active_ = exchange;
  return *exchange;
}

void ExchangePool::release(Exchange& exchange) noexcept {
  WEIR_DEBUG_ASSERT(!exchange.running());
  exchange.recycle();
  --active_;
  Exchange*& before = exchange.previous_active_ == nullptr ? first_active_ : exchange.previous_active_->next_active_;
  before = exchange.next_active_;
  if (exchange.next_active_ != nullptr) exchange.next_active_->previous_active_ = exchange.previous_active_;
  exchange.previous_active_ = exchange.next_active_ = nullptr;
  std::unique_ptr<Exchange> owned(&exchange);
  if (idle_.size() < keep_) {
    if (idle_.capacity() == 0) idle_.reserve(keep_);
    idle_.push_back(std::move(owned));
  }
  if (active_ == 0) worker_.check_empty();
}

void ExchangePool::abandon_all() noexcept {
  while (first_active_ != nullptr) {
    Exchange& exchange = *first_active_;
    exchange.abandon();
    release(exchange);
  }
}

}  // namespace weir::server
