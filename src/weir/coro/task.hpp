// Task<T>: a lazy coroutine that one awaiter owns.
#pragma once

#include <coroutine>
#include <cstddef>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

#include "weir/base/contracts.hpp"
#include "weir/base/recycle.hpp"

namespace weir {

template <class T = void>
class Task;

namespace detail {

// The compiler gives operator delete the frame's size, so no header is needed to find the block's list.
struct RecycledFrame {
  static void* operator new(std::size_t size) { return recycle::allocate(size); }
  static void operator delete(void* frame, std::size_t size) noexcept { recycle::deallocate(frame, size); }
};

/// The promise of the task that this thread is starting for an awaiter, until that task has ended: null from then on.
/// Starts nest; each puts back what stood here before it. It lives on the thread and not in the frame, because after
/// the start neither frame may be there any more.
inline constinit thread_local const void* starting_task = nullptr;

class TaskPromiseBase : public RecycledFrame {
 public:
  std::suspend_always initial_suspend() const noexcept { return {}; }

  struct ResumeAwaiter {
    bool await_ready() const noexcept { return false; }
    template <class P>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<P> self) const noexcept {
      if (starting_task == &self.promise()) [[likely]] {
        starting_task =
            nullptr;  // The awaiter has not suspended: it stands below on the stack, and goes on from there.
        return std::noop_coroutine();
      }
      return self.promise().continuation_;
    }
    void await_resume() const noexcept {}
  };
  ResumeAwaiter final_suspend() const noexcept { return {}; }

  void unhandled_exception() noexcept { exception_ = std::current_exception(); }
  void continue_with(std::coroutine_handle<> continuation) noexcept { continuation_ = continuation; }

 protected:
  void rethrow() const {
    if (exception_) std::rethrow_exception(exception_);
  }

 private:
  std::coroutine_handle<> continuation_ = std::noop_coroutine();
  std::exception_ptr exception_;
};

template <class T>
class TaskPromise final : public TaskPromiseBase {
 public:
  Task<T> get_return_object() noexcept;
  template <class U>
    requires std::is_constructible_v<T, U&&>
  void return_value(U&& value) {
    value_.emplace(std::forward<U>(value));
  }
  T take() {
    rethrow();
    WEIR_DEBUG_ASSERT(value_.has_value());
    return std::move(*value_);
  }

 private:
  std::optional<T> value_;
};

template <>
class TaskPromise<void> final : public TaskPromiseBase {
 public:
  Task<void> get_return_object() noexcept;
  void return_void() const noexcept {}
  void take() const { rethrow(); }
};

}  // namespace detail

/// A coroutine that starts when it is awaited, and resumes its awaiter when it ends. Move-only; whoever holds the Task
/// owns the frame, and destroying a suspended Task destroys the frame and what it awaits: that is how work is dropped.
/// A Task stays on the thread (event loop) on which it was started, unless it awaits something that says otherwise.
/// Frames come from recycle::allocate, so starting one in steady state does not call malloc.
/// Exceptions thrown inside come out of `co_await`.
template <class T>
class [[nodiscard]] Task {
 public:
  using promise_type = detail::TaskPromise<T>;
  using value_type = T;
  using Handle = std::coroutine_handle<promise_type>;

  Task() noexcept = default;
  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Task& operator=(Task&& other) noexcept {
    if (this != &other) {
      destroy();
      handle_ = std::exchange(other.handle_, nullptr);
    }
    return *this;
  }
  ~Task() { destroy(); }

  [[nodiscard]] bool valid() const noexcept { return handle_ != nullptr; }
  [[nodiscard]] bool done() const noexcept { return handle_ && handle_.done(); }

  /// `T value = co_await std::move(task);`
  auto operator co_await() && noexcept {
    struct Awaiter {
      Handle handle;
      bool await_ready() const noexcept { return handle.done(); }
      /// Starts the task as a plain call. If it ends without having waited, its awaiter goes on without having been
      /// suspended, so that a loop that awaits such tasks keeps its place on the stack. Symmetric transfer would do the
      /// same only where the compiler makes tail calls, which g++ does not without optimisation or under the
      /// sanitizers.
      bool await_suspend(std::coroutine_handle<> awaiter) const noexcept {
        handle.promise().continue_with(awaiter);
        const void* const outer = std::exchange(detail::starting_task, &handle.promise());
        handle.resume();
        // A task that waits may have been resumed or destroyed meanwhile, and its awaiter with it: touch neither.
        return std::exchange(detail::starting_task, outer) != nullptr;
      }
      T await_resume() const { return handle.promise().take(); }
    };
    WEIR_DEBUG_ASSERT(handle_);
    return Awaiter{handle_};
  }

  /// For the engine, which drives tasks without being a coroutine itself: runs the task until its first suspension
  /// (check done() afterwards). `on_done` is resumed when the task ends later; it must stay valid until then.
  void start(std::coroutine_handle<> on_done = std::noop_coroutine()) {
    WEIR_DEBUG_ASSERT(handle_ && !handle_.done());
    handle_.promise().continue_with(on_done);
    handle_.resume();
  }
  /// The result of a task that is done(); rethrows what it threw.
  T take() { return handle_.promise().take(); }

 private:
  friend promise_type;
  explicit Task(Handle handle) noexcept : handle_(handle) {}
  void destroy() noexcept {
    if (handle_) handle_.destroy();
  }
  Handle handle_;
};

namespace detail {
template <class T>
Task<T> TaskPromise<T>::get_return_object() noexcept {
  return Task<T>(std::coroutine_handle<TaskPromise>::from_promise(*this));
}
inline Task<void> TaskPromise<void>::get_return_object() noexcept {
  return Task<void>(std::coroutine_handle<TaskPromise>::from_promise(*this));
}
}  // namespace detail

}  // namespace weir
