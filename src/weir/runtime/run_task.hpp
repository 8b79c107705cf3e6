// Runs a loop until a task is done: for main functions, tools and tests.
#pragma once

#include "weir/coro/task.hpp"
#include "weir/runtime/event_loop.hpp"

namespace weir {

/// Starts the task on the calling thread and turns the loop until it is done; returns its result or rethrows what it
/// threw. With a manual clock the caller's other code has to see to it that time moves.
template <class T>
T run_task(EventLoop& loop, Task<T> task) {
  struct Starter final : Deferred {
    explicit Starter(Task<T>& owned) noexcept : task(owned) {}
    void on_deferred() noexcept override { task.start(); }
    Task<T>& task;
  } starter(task);
  loop.defer(starter);
  while (!task.done()) loop.run_once(true);
  return task.take();
}

}  // namespace weir
