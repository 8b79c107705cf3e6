#include "weir/runtime/blocking_pool.hpp"

#include <algorithm>
#include <csignal>
#include <string>

#include <pthread.h>

namespace weir {

namespace {

/// All signals of this thread, blocked as long as it lives.
class BlockedSignals {
 public:
  BlockedSignals() noexcept {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  BlockedSignals(const BlockedSignals&) = delete;
  BlockedSignals& operator=(const BlockedSignals&) = delete;
  ~BlockedSignals() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_;
};

}  // namespace

BlockingPool::BlockingPool(Options options) : options_(options), serving_(options.threads) {
  WEIR_ASSERT(options.threads > 0);
  start();
}

BlockingPool::~BlockingPool() {
  stop();
}

void BlockingPool::start() {
  if (!threads_.empty()) return;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = false;
  }
  const BlockedSignals blocked;  // inherited by the threads: signals are for those of the application
  try {
    for (std::size_t i = 0; i < options_.threads; ++i) {
      threads_.emplace_back([this, i] {
        ::pthread_setname_np(::pthread_self(), ("weir-pool-" + std::to_string(i)).c_str());
        work(i);
      });
    }
  } catch (...) {  // The system gives no more threads: those that run already must not outlive the pool.
    stop();
    throw;
  }
}

bool BlockingPool::submit(runtime::Job& job, std::optional<Error>& why) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) {
      why.emplace(Errc::unavailable, "the pool for blocking work has stopped");
    } else if (queue_.size() >= options_.queue_limit) {
      // This server's trouble and not the client's: 503, and not 429.
      why = Error(Errc::unavailable,
                  "the queue for blocking work is full (" + std::to_string(options_.queue_limit) + " calls wait)")
                .with_retry_after_s(1);
    } else {
      queue_.push(job);
      stats_.waiting.store(queue_.size(), std::memory_order_relaxed);
    }
  }
  if (why) {
    stats_.refused.fetch_add(1, std::memory_order_relaxed);
    return false;
  }
  wake_.notify_one();
  return true;
}

void BlockingPool::work(std::size_t thread) {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return stopping_ || queue_.size() != 0; });
    if (stopping_) return;
    runtime::Job* job = queue_.pop();
    stats_.waiting.store(queue_.size(), std::memory_order_relaxed);
    serving_[thread] = &job->loop();
    lock.unlock();
    stats_.running.fetch_add(1, std::memory_order_relaxed);
    job->execute();  // it belongs to the loop from now on
    recycle::age();  // no loop does it for this thread
    stats_.running.fetch_sub(1, std::memory_order_relaxed);
    stats_.executed.fetch_add(1, std::memory_order_relaxed);
    lock.lock();
    serving_[thread] = nullptr;
    if (forgetting_ != 0) finished_.notify_all();
  }
}

void BlockingPool::forget(const EventLoop& loop) noexcept {
  std::unique_lock lock(mutex_);
  runtime::JobQueue waiting = queue_.take_those_of(loop);
  stats_.waiting.store(queue_.size(), std::memory_order_relaxed);
  while (runtime::Job* job = waiting.pop()) job->refuse();
  ++forgetting_;
  finished_.wait(lock, [this, &loop] { return std::ranges::find(serving_, &loop) == serving_.end(); });
  --forgetting_;
}

void BlockingPool::stop() noexcept {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  for (auto& thread : threads_) thread.join();
  threads_.clear();
  while (runtime::Job* job = queue_.pop()) job->refuse();
  stats_.waiting.store(0, std::memory_order_relaxed);
}

}  // namespace weir
