// The event loop: one thread that waits for descriptors, timers and messages, and calls who registered for them.
#pragma once

#include <atomic>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>

#include "weir/base/error.hpp"
#include "weir/coro/stop.hpp"
#include "weir/runtime/mailbox.hpp"
#include "weir/runtime/poller.hpp"
#include "weir/time/clock.hpp"
#include "weir/time/timer_wheel.hpp"

namespace weir {

class EventLoop;

/// Work that the loop does a little later (see EventLoop::defer), without an allocation. Destroying it takes it back.
class Deferred {
 public:
  Deferred(const Deferred&) = delete;
  Deferred& operator=(const Deferred&) = delete;
  [[nodiscard]] bool pending() const noexcept { return loop_ != nullptr; }

 protected:
  Deferred() noexcept = default;
  virtual ~Deferred() { take_back(); }
  void take_back() noexcept;
  /// It is not pending any more when this runs; it may defer itself again, or be destroyed.
  virtual void on_deferred() noexcept = 0;

 private:
  friend class EventLoop;
  EventLoop* loop_ = nullptr;
  Deferred* previous_ = nullptr;
  Deferred* next_ = nullptr;
};

/// Owned by whoever makes it; lives on one thread, the one that calls run() or run_once(). Everything here is for that
/// thread, except what says "any thread". Before the loop runs, the thread that made it counts as its thread.
///
/// A turn: wait for readiness, read the clock once, deliver descriptor events, fire timers, deliver messages, run what
/// was deferred. Delivering an event, arming a timer and deferring allocate nothing.
class EventLoop {
 public:
  struct Options {
    Clock* clock = &Clock::system();    ///< Borrowed; must outlive the loop.
    std::size_t mailbox_limit = 65536;  ///< How many messages of try_post() may wait.
  };
  /// Counters, written by the loop and readable by any thread.
  struct Stats {
    std::atomic<std::uint64_t> turns{0};
    std::atomic<std::uint64_t> io_events{0};
    std::atomic<std::uint64_t> posts{0};
    /// Loop lag: by how much the last turn that had a timer to fire came too late for it, and the most since max_lag_ns
    /// was last set to 0 (any thread may). Above some milliseconds, something blocks the loop.
    std::atomic<std::uint64_t> last_lag_ns{0};
    std::atomic<std::uint64_t> max_lag_ns{0};
  };

  EventLoop() : EventLoop(Options{}) {}
  /// Throws std::system_error when the kernel gives no descriptors.
  explicit EventLoop(Options options);
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;
  /// Drops messages that were not delivered.
  ~EventLoop();

  // Running ---------------------------------------------------------------------------------------------------------
  /// Turns until stop().
  void run();
  /// One turn. With `wait` it sleeps until there is something to do; with a manual clock timers never end the sleep.
  /// True if anything was done.
  bool run_once(bool wait);
  /// Turns (without sleeping) until nothing is ready, posted, deferred or due; true if anything was done.
  bool run_until_idle();
  /// Any thread, also from callbacks: run() returns at the end of the turn, or at once when it is called later.
  void stop() noexcept;
  [[nodiscard]] bool stopped() const noexcept { return stopping_.load(std::memory_order_acquire); }

  /// The loop that this thread is running a turn of, or nullptr.
  [[nodiscard]] static EventLoop* current() noexcept;
  [[nodiscard]] bool in_loop() const noexcept { return current() == this; }

  // Time ------------------------------------------------------------------------------------------------------------
  /// The time at which this turn began (outside of a turn: the clock's).
  [[nodiscard]] Instant now() const noexcept { return in_turn_ ? now_ : clock_->now(); }
  /// Calendar time, read at most once per turn.
  [[nodiscard]] WallTime wall() const noexcept;
  [[nodiscard]] Clock& clock() const noexcept { return *clock_; }

  // Descriptors -----------------------------------------------------------------------------------------------------
  /// Level-triggered (unless `interest` has io::edge_triggered): `handler` hears of `fd` in every turn in which it is
  /// ready for `interest` (io:: bits). Not for regular files. The error names the cause (no memory, too many watches).
  Result<void> add(int fd, std::uint32_t interest, IoHandler& handler) { return poller_.add(fd, interest, handler); }
  /// Costs no system call when nothing changes.
  void modify(int fd, std::uint32_t interest, IoHandler& handler) noexcept { poller_.modify(fd, interest, handler); }
  /// Call it before the descriptor is closed. Its handler hears nothing more, not even of events of this turn.
  void remove(int fd) noexcept { poller_.remove(fd); }

  // Timers ----------------------------------------------------------------------------------------------------------
  void arm(Timer& timer, Instant due) noexcept { wheel_.arm(timer, due); }
  void arm_after(Timer& timer, Duration delay) noexcept { wheel_.arm(timer, later(now(), delay)); }
  void cancel(Timer& timer) noexcept { wheel_.cancel(timer); }
  /// When the next timer may be due: for tests that move a manual clock.
  [[nodiscard]] std::optional<Instant> next_timer() const noexcept { return wheel_.next_due(); }

  // Messages --------------------------------------------------------------------------------------------------------
  /// Any thread: `function` runs in the loop, in the order of each sender's posts; it must not throw. Wakes the loop,
  /// once for many posts. Never refused: the sender bounds how much it posts.
  void post(std::move_only_function<void()> function);
  /// Any thread: as post(), but refused with resource_exhausted when Options::mailbox_limit messages wait.
  Result<void> try_post(std::move_only_function<void()> function);
  /// Any thread: as post(), for a message that owns itself.
  void post(runtime::Mail& mail) noexcept;

  /// Runs `deferred` at the end of this turn; outside of a turn, or while deferred work runs, in the next turn, which
  /// then does not sleep. Does nothing when it is pending.
  void defer(Deferred& deferred) noexcept;

  // Coroutines (runtime/awaitables.hpp) -----------------------------------------------------------------------------
  class ScheduleAwaiter;
  class SleepAwaiter;
  /// Any thread: `co_await loop.schedule();` goes on in a later moment on this loop.
  [[nodiscard]] ScheduleAwaiter schedule() noexcept;
  /// `auto slept = co_await loop.sleep(50ms, token);` → Result<void>: an error (cancelled) if the token's source
  /// stopped.
  [[nodiscard]] SleepAwaiter sleep(Duration duration, StopToken token = {}) noexcept;

  [[nodiscard]] Stats& stats() noexcept { return stats_; }
  [[nodiscard]] const Stats& stats() const noexcept { return stats_; }

 private:
  friend class Deferred;
  class Waker final : public IoHandler {
   public:
    Waker();
    Waker(const Waker&) = delete;
    Waker& operator=(const Waker&) = delete;
    ~Waker();
    void wake() const noexcept;
    void on_io(std::uint32_t events) noexcept override;
    [[nodiscard]] int fd() const noexcept { return fd_; }

   private:
    int fd_;
  };

  /// Runs out once a second while the thread keeps pages that it may not need any more.
  class MemoryAge final : public Timer {
   public:
    explicit MemoryAge(EventLoop& loop) noexcept : loop_(loop) {}
    void watch() noexcept;
    void on_timer() noexcept override;

   private:
    EventLoop& loop_;
  };

  bool turn(bool wait, bool just_turned) noexcept;
  int timeout_ms(bool wait, bool just_turned) const noexcept;
  bool fire_timers() noexcept;
  bool deliver_mail() noexcept;
  bool run_deferred() noexcept;

  Clock* clock_;
  Instant now_{};
  mutable WallTime wall_{};
  mutable bool wall_read_ = false;
  bool in_turn_ = false;
  bool manual_;
  Deferred* first_deferred_ = nullptr;
  Deferred* last_deferred_ = nullptr;
  runtime::Poller poller_;
  TimerWheel wheel_;
  MemoryAge memory_age_{*this};
  Stats stats_;
  std::size_t mailbox_limit_;
  std::atomic<std::size_t> limited_posts_{0};
  std::atomic<bool> stopping_{false};
  runtime::Mailbox mailbox_;
  Waker waker_;
};

}  // namespace weir

#include "weir/runtime/awaitables.hpp"
