// Threads for work that blocks (files, databases, slow computations), awaited from event loops.
#pragma once

#include <atomic>
#include <condition_variable>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "weir/base/contracts.hpp"
#include "weir/base/error.hpp"
#include "weir/base/recycle.hpp"
#include "weir/coro/stop.hpp"
#include "weir/runtime/event_loop.hpp"

namespace weir {

namespace runtime {

/// One call on its way: to a pool thread, and as mail back to the loop that awaits it. Both the pool's side and the
/// awaiter's side hold a reference, so either may end first.
class Job : public Mail {
 public:
  explicit Job(EventLoop& loop) noexcept : loop_(loop) {}
  /// On a pool thread. Does nothing when nobody waits any more.
  void execute() noexcept {
    if (!abandoned_.load(std::memory_order_acquire)) call();
    loop_.post(*this);
  }
  /// Instead of execute(): the pool, or the loop, ends without having called it.
  void refuse() noexcept { loop_.post(*this); }
  [[nodiscard]] const EventLoop& loop() const noexcept { return loop_; }

 protected:
  virtual void call() noexcept = 0;
  /// Back on the loop.
  virtual void returned() noexcept = 0;

  void deliver() noexcept override {
    returned();
    release();
  }
  void drop() noexcept override { release(); }
  void release() noexcept {
    if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }
  /// The loop's side does not wait any more.
  void abandon() noexcept { abandoned_.store(true, std::memory_order_release); }

 private:
  friend class JobQueue;
  EventLoop& loop_;
  std::atomic<int> references_{2};
  std::atomic<bool> abandoned_{false};
  Job* next_job_ = nullptr;
};

/// Result<R> for a function that returns R; a function that returns a Result itself is not wrapped twice.
template <class R>
struct JobResult {
  using type = Result<R>;
};
template <class T>
struct JobResult<Result<T>> {
  using type = Result<T>;
};

/// The waiting jobs, first in, first out.
class JobQueue {
 public:
  void push(Job& job) noexcept {
    job.next_job_ = nullptr;
    (last_ == nullptr ? first_ : last_->next_job_) = &job;
    last_ = &job;
    ++size_;
  }
  Job* pop() noexcept {
    Job* job = first_;
    if (job == nullptr) return nullptr;
    first_ = job->next_job_;
    if (first_ == nullptr) last_ = nullptr;
    --size_;
    return job;
  }
  /// Takes out those of one loop, in order.
  JobQueue take_those_of(const EventLoop& loop) noexcept {
    JobQueue all = std::exchange(*this, {});
    JobQueue taken;
    while (Job* job = all.pop()) (&job->loop() == &loop ? taken : *this).push(*job);
    return taken;
  }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

 private:
  Job* first_ = nullptr;
  Job* last_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace runtime

/// A bounded pool. run() may be called on any loop; before a loop is destroyed, the pool must be stopped or destroyed,
/// or told to forget() the loop.
class BlockingPool {
 public:
  struct Options {
    std::size_t threads = 4;
    std::size_t queue_limit = 1024;  ///< Calls that wait for a thread; more are refused.
  };
  /// Counters, readable by any thread.
  struct Stats {
    std::atomic<std::uint64_t> executed{0};
    std::atomic<std::uint64_t> refused{0};
    std::atomic<std::size_t> waiting{0};
    std::atomic<std::size_t> running{0};
  };

  BlockingPool() : BlockingPool(Options{}) {}
  /// start().
  explicit BlockingPool(Options options);
  BlockingPool(const BlockingPool&) = delete;
  BlockingPool& operator=(const BlockingPool&) = delete;
  /// stop().
  ~BlockingPool();

  /// Begins the threads again after stop(). Idempotent. Throws std::system_error when the system gives no more threads;
  /// then it has none. Not while another thread is in start() or stop().
  void start();

  /// Ends the threads: calls that run are waited for, calls that wait come back as errors (unavailable), as do those
  /// that come before the next start(). Idempotent.
  void stop() noexcept;

  /// Ends what the pool does for `loop`, which is about to be destroyed: its calls that run are waited for, those that
  /// wait come back as errors (unavailable), and all of them are in the loop's mailbox when this returns. On the loop's
  /// thread, or when that has ended; nobody may call run() on that loop any more.
  void forget(const EventLoop& loop) noexcept;

  template <class F>
  class Call;
  /// `auto result = co_await pool.run([&table, id] { return table.find(id); }, token);`
  ///
  /// A function that owns something (captures a string, a shared_ptr) takes two lines, because of a bug in g++ 12:
  ///
  ///     auto call = pool.run([name = std::move(name)] { return read_file(name); });
  ///     auto result = co_await call;
  ///
  /// Calls `function` on a pool thread and goes on, on the same loop, with Result<R> of what it returned (a function
  /// that returns a Result gives that one). Errors: unavailable at once when the queue is full (with retry_after_s) and
  /// when the pool stops, cancelled when the token's source stops. What the function throws comes out of co_await.
  ///
  /// If the awaiting coroutine is destroyed, or stopped, while the function runs, the function goes on and its result
  /// is thrown away: so it must own what it uses, or use what outlives the pool.
  template <class F>
  [[nodiscard]] Call<std::decay_t<F>> run(F&& function, StopToken stop = {}) {
    return Call<std::decay_t<F>>(*this, std::forward<F>(function), stop);
  }

  [[nodiscard]] const Stats& stats() const noexcept { return stats_; }

 private:
  /// False when it is refused; `why` says why.
  bool submit(runtime::Job& job, std::optional<Error>& why);
  void work(std::size_t thread);

  Options options_;
  Stats stats_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable finished_;  ///< A thread has finished a call; for forget().
  std::size_t forgetting_ = 0;        ///< Those that wait for it.
  runtime::JobQueue queue_;
  std::vector<const EventLoop*> serving_;  ///< The loop whose call each thread runs, or null.
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

template <class F>
class [[nodiscard]] BlockingPool::Call final : private StopCallbackBase, private Deferred {
  using Returned = std::invoke_result_t<F&>;
  using Outcome = typename runtime::JobResult<Returned>::type;

 public:
  Call(BlockingPool& pool, F function, StopToken stop) : pool_(pool), function_(std::move(function)), stop_(stop) {}
  ~Call() override { let_go(); }

  /// Awaits it; once.
  struct Awaiter {
    Call& call;
    bool await_ready() { return call.ready(); }
    bool await_suspend(std::coroutine_handle<> awaiting) { return call.suspend(awaiting); }
    Outcome await_resume() { return call.resume(); }
  };
  Awaiter operator co_await() & noexcept { return Awaiter{*this}; }
  Awaiter operator co_await() && noexcept {
#if defined(__GNUC__) && !defined(__clang__)
    static_assert(std::is_trivially_destructible_v<F>,
                  "g++ 12 destroys what a lambda inside a co_await expression captured twice. Write it in two lines: "
                  "auto call = pool.run([…] { … }); auto result = co_await call;");
#endif
    return Awaiter{*this};
  }

 private:
  bool ready() {
    if (stop_.stop_requested()) error_.emplace(Errc::cancelled, "stopped before the blocking call");
    return error_.has_value();
  }
  bool suspend(std::coroutine_handle<> awaiting) {
    loop_ = EventLoop::current();
    WEIR_ASSERT(loop_ != nullptr && "BlockingPool::run() must be awaited on an event loop");
    awaiting_ = awaiting;
    job_ = new Message(*loop_, *this, std::move(function_));
    if (!pool_.submit(*job_, error_)) {
      delete std::exchange(job_, nullptr);  // Nobody else has it.
      return false;
    }
    attach(stop_);
    return true;
  }
  Outcome resume() {
    if (exception_) std::rethrow_exception(exception_);
    if (error_) return std::unexpected(std::move(*error_));
    return std::move(*outcome_);
  }

  struct Message final : runtime::Job {
    Message(EventLoop& loop, Call& owner, F&& f) : Job(loop), awaiter(&owner), function(std::move(f)) {}

    void call() noexcept override {
      try {
        if constexpr (std::is_void_v<Returned>) {
          function();
          outcome.emplace();
        } else {
          outcome.emplace(function());
        }
      } catch (...) {
        exception = std::current_exception();
      }
    }
    void returned() noexcept override {
      if (awaiter != nullptr) awaiter->finished(*this);
    }
    void let_go() noexcept {
      awaiter = nullptr;
      this->abandon();
      this->release();
    }
    static void* operator new(std::size_t size) { return recycle::allocate(size); }
    static void operator delete(void* block, std::size_t size) noexcept { recycle::deallocate(block, size); }

    Call* awaiter;  // the loop's thread only
    F function;
    std::optional<Outcome> outcome;
    std::exception_ptr exception;
  };

  void let_go() noexcept {
    if (Message* job = std::exchange(job_, nullptr)) job->let_go();
  }
  void finished(Message& message) noexcept {
    detach();
    exception_ = std::move(message.exception);
    outcome_ = std::move(message.outcome);
    if (!exception_ && !outcome_) error_.emplace(Errc::unavailable, "the pool for blocking work has stopped");
    let_go();
    awaiting_.resume();
  }
  void on_stop() noexcept override {
    let_go();
    error_.emplace(Errc::cancelled, "stopped during the blocking call");
    loop_->defer(*this);  // whoever stops us must not find its own things gone
  }
  void on_deferred() noexcept override { awaiting_.resume(); }

  BlockingPool& pool_;
  F function_;
  StopToken stop_;
  EventLoop* loop_ = nullptr;
  std::coroutine_handle<> awaiting_;
  Message* job_ = nullptr;
  std::optional<Outcome> outcome_;
  std::optional<Error> error_;
  std::exception_ptr exception_;
};

}  // namespace weir
