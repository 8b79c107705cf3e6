// Several event loops, each with a thread of its own: one loop a core.
#pragma once

#include <cstddef>
#include <memory>
#include <thread>
#include <vector>

#include "weir/runtime/event_loop.hpp"

namespace weir {

/// Owns its loops. Things are set up on a loop before start(), from the thread that made the group, or later by post().
///
///     LoopGroup group({.loops = 4});
///     … listeners on group.loop(0) … group.loop(3) …
///     group.run();   // this thread serves loop 0; returns after stop()
class LoopGroup {
 public:
  struct Options {
    std::size_t loops = 0;         ///< 0: one for each processor that this process may use.
    EventLoop::Options loop = {};  ///< For each of them.
    bool pin = false;              ///< Binds the thread of loop i to the i-th of the processors that it may use.
  };

  LoopGroup() : LoopGroup(Options{}) {}
  /// Makes the loops; no thread runs yet. Throws std::system_error when the kernel gives no descriptors.
  explicit LoopGroup(Options options);
  LoopGroup(const LoopGroup&) = delete;
  LoopGroup& operator=(const LoopGroup&) = delete;
  /// stop() and join().
  ~LoopGroup();

  [[nodiscard]] std::size_t size() const noexcept { return loops_.size(); }
  [[nodiscard]] EventLoop& loop(std::size_t i) noexcept { return *loops_[i]; }

  /// Runs every loop on a thread of its own, named weir-loop-N. Throws std::system_error when the system gives no more
  /// threads: then none runs.
  void start();
  /// Runs loop 0 on the calling thread and the others on threads of their own; returns when all have ended after
  /// stop(). Throws as start() does.
  void run();
  /// Any thread: every loop ends after its turn.
  void stop() noexcept;
  /// Waits for the threads. Not from one of them.
  void join();

 private:
  void start_from(std::size_t first);
  void serve(std::size_t i);

  Options options_;
  std::vector<std::unique_ptr<EventLoop>> loops_;
  std::vector<std::thread> threads_;
};

}  // namespace weir
