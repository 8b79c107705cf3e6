// Structured concurrency: a Scope starts tasks beside each other, and nobody leaves it before they are done.
#pragma once

#include <coroutine>
#include <cstddef>
#include <exception>
#include <utility>

#include "weir/base/contracts.hpp"
#include "weir/base/recycle.hpp"
#include "weir/coro/stop.hpp"
#include "weir/coro/task.hpp"

namespace weir {

/// Owns the tasks that it starts, on one thread.
///
///     Scope scope;
///     scope.spawn(fetch(first, scope.token()));
///     scope.spawn(fetch(second, scope.token()));
///     co_await scope.join();   // rethrows the first exception of a child
///
/// Destroying a scope with unfinished children is a bug, and ends the process: join() it, or drop() the children.
class Scope {
 public:
  Scope() noexcept = default;
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;
  ~Scope() { WEIR_ASSERT(first_ == nullptr && "Scope: join() or drop() the children first"); }

  /// Starts `child`; it runs until it first suspends before this returns. The first exception that a child throws is
  /// kept for join(), and the others are asked to stop.
  void spawn(Task<void> child) {
    Child runner = run(*this, std::move(child));
    add(runner.handle.promise());
    runner.handle.resume();
  }

  /// How many children are not done.
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

  /// What children look at to learn that they are to stop.
  [[nodiscard]] StopToken token() noexcept { return stop_.token(); }
  /// Children go on until they notice; join() waits for them.
  void request_stop(StopReason reason) noexcept { stop_.request_stop(reason); }

  class JoinAwaiter;
  /// `co_await scope.join();` Waits until no child is left, also for those spawned meanwhile; then rethrows the first
  /// exception that a child threw. One coroutine at a time. The scope may be used again afterwards.
  [[nodiscard]] JoinAwaiter join() noexcept;

  /// Destroys the children where they stand, as destroying a Task does. Not from within a child.
  void drop() noexcept {
    while (first_ != nullptr) {
      Promise& child = *first_;
      remove(child);
      std::coroutine_handle<Promise>::from_promise(child).destroy();
    }
  }

 private:
  struct Promise;
  struct Child {
    using promise_type = Promise;
    std::coroutine_handle<Promise> handle;
  };

  /// A frame around each child; it takes itself out of the list, destroys itself and then resumes who joins.
  struct Promise : detail::RecycledFrame {
    Promise(Scope& owner, Task<void>&) noexcept : scope(owner) {}
    Child get_return_object() noexcept { return {std::coroutine_handle<Promise>::from_promise(*this)}; }
    std::suspend_always initial_suspend() const noexcept { return {}; }
    struct Finish {
      bool await_ready() const noexcept { return false; }
      std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> self) const noexcept {
        Scope& owner = self.promise().scope;
        owner.remove(self.promise());
        self.destroy();  // with it the child's frame: what it refers to is still there
        return owner.first_ == nullptr ? std::exchange(owner.joining_, std::noop_coroutine()) : std::noop_coroutine();
      }
      void await_resume() const noexcept {}
    };
    Finish final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    void unhandled_exception() noexcept {
      if (!scope.exception_) scope.exception_ = std::current_exception();
      scope.request_stop(StopReason::gone);
    }
    Scope& scope;
    Promise* previous = nullptr;
    Promise* next = nullptr;
  };

  static Child run(Scope&, Task<void> child) { co_await std::move(child); }

  void add(Promise& child) noexcept {
    child.next = first_;
    if (first_ != nullptr) first_->previous = &child;
    first_ = &child;
    ++size_;
  }
  void remove(Promise& child) noexcept {
    (child.previous == nullptr ? first_ : child.previous->next) = child.next;
    if (child.next != nullptr) child.next->previous = child.previous;
    --size_;
  }

  Promise* first_ = nullptr;
  std::size_t size_ = 0;
  std::coroutine_handle<> joining_ = std::noop_coroutine();
  std::exception_ptr exception_;
  StopSource stop_;
};

class [[nodiscard]] Scope::JoinAwaiter {
 public:
  explicit JoinAwaiter(Scope& scope) noexcept : scope_(scope) {}
  JoinAwaiter(const JoinAwaiter&) = delete;
  JoinAwaiter& operator=(const JoinAwaiter&) = delete;
  ~JoinAwaiter() {
    if (waiting_) scope_.joining_ = std::noop_coroutine();  // destroyed while it waits
  }

  bool await_ready() const noexcept { return scope_.first_ == nullptr; }
  void await_suspend(std::coroutine_handle<> awaiting) noexcept {
    WEIR_DEBUG_ASSERT(scope_.joining_ == std::noop_coroutine());
    waiting_ = true;
    scope_.joining_ = awaiting;
  }
  void await_resume() {
    waiting_ = false;
    if (scope_.exception_) std::rethrow_exception(std::exchange(scope_.exception_, nullptr));
  }

 private:
  Scope& scope_;
  bool waiting_ = false;
};

inline Scope::JoinAwaiter Scope::join() noexcept {
  return JoinAwaiter(*this);
}

}  // namespace weir
