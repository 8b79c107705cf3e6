#include "weir/runtime/event_loop.hpp"

#include <algorithm>
#include <cerrno>
#include <limits>
#include <system_error>

#include <sys/eventfd.h>
#include <unistd.h>

#include "weir/base/contracts.hpp"
#include "weir/base/recycle.hpp"

namespace weir {
namespace {

thread_local EventLoop* current_loop = nullptr;

// Only the loop writes its counters: a load and a store, no locked instruction.
void count(std::atomic<std::uint64_t>& counter, std::uint64_t by) noexcept {
  counter.store(counter.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
}

class PostedFunction final : public runtime::Mail {
 public:
  PostedFunction(std::move_only_function<void()> function, std::atomic<std::size_t>* limited) noexcept
      : function_(std::move(function)), limited_(limited) {}
  void deliver() noexcept override {
    auto function = std::move(function_);
    drop();
    function();
  }
  void drop() noexcept override {
    if (limited_ != nullptr) limited_->fetch_sub(1, std::memory_order_relaxed);
    delete this;
  }
  static void* operator new(std::size_t size) { return recycle::allocate(size); }
  static void operator delete(void* block, std::size_t size) noexcept { recycle::deallocate(block, size); }

 private:
  std::move_only_function<void()> function_;
  std::atomic<std::size_t>* limited_;
};

}  // namespace

// Wakes the loop out of its sleep
// --------------------------------------------------------------------------------------

EventLoop::Waker::Waker() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (fd_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
}
EventLoop::Waker::~Waker() {
  ::close(fd_);
}
void EventLoop::Waker::wake() const noexcept {
  const std::uint64_t one = 1;
  static_cast<void>(::write(fd_, &one, sizeof one));
}
void EventLoop::Waker::on_io(std::uint32_t) noexcept {
  std::uint64_t value = 0;
  static_cast<void>(::read(fd_, &value, sizeof value));
}

// Life
// -----------------------------------------------------------------------------------------------------------------

EventLoop::EventLoop(Options options)
    : clock_(options.clock),
      now_(clock_->now()),
      manual_(clock_->manual()),
      wheel_(now_),
      mailbox_limit_(options.mailbox_limit) {
  if (auto added = poller_.add(waker_.fd(), io::readable, waker_); !added) {
    throw std::system_error(EIO, std::generic_category(), added.error().message());
  }
}

EventLoop::~EventLoop() {
  WEIR_ASSERT(!in_turn_);
  mailbox_.drop_all();
  while (first_deferred_ != nullptr) first_deferred_->take_back();
}

EventLoop* EventLoop::current() noexcept {
  return current_loop;
}

WallTime EventLoop::wall() const noexcept {
  if (!in_turn_) return clock_->wall();
  if (!wall_read_) {
    wall_ = clock_->wall();
    wall_read_ = true;
  }
  return wall_;
}

// Turns
// ----------------------------------------------------------------------------------------------------------------

void EventLoop::run() {
  for (bool just_turned = false; !stopped(); just_turned = true) turn(true, just_turned);
  stopping_.store(false, std::memory_order_release);
}

bool EventLoop::run_once(bool wait) {
  return turn(wait, false);
}

bool EventLoop::run_until_idle() {
  bool any = false;
  while (turn(false, false)) any = true;
  return any;
}

void EventLoop::stop() noexcept {
  stopping_.store(true, std::memory_order_release);
  waker_.wake();
}

// `just_turned`: now_ is the time of a turn that ended just now.
int EventLoop::timeout_ms(bool wait, bool just_turned) const noexcept {
  if (!wait || first_deferred_ != nullptr || !mailbox_.empty() || stopped()) return 0;
  const auto due = wheel_.next_due();
  if (!due) return -1;
  if (manual_) return *due <= clock_->now() ? 0 : -1;
  // A distant timer may be late by the length of a turn; for a near one it pays to read the clock again.
  constexpr Duration near = std::chrono::milliseconds(64);
  Duration left = *due - now_;
  if (!just_turned || left < near) left = *due - clock_->now();
  if (left <= Duration::zero()) return 0;
  const auto ms = (left.count() + 999'999) / 1'000'000;
  return static_cast<int>(std::min<std::int64_t>(ms, std::numeric_limits<int>::max()));
}

bool EventLoop::turn(bool wait, bool just_turned) noexcept {
  WEIR_ASSERT(!in_turn_);
  const int ready = poller_.wait(timeout_ms(wait, just_turned));
  now_ = clock_->now();
  wall_read_ = false;
  EventLoop* outer = std::exchange(current_loop, this);
  in_turn_ = true;

  count(stats_.turns, 1);
  if (ready != 0) count(stats_.io_events, static_cast<std::uint64_t>(ready));
  poller_.dispatch();
  bool busy = ready != 0;
  busy |= fire_timers();
  busy |= deliver_mail();
  busy |= run_deferred();
  if (!manual_) memory_age_.watch();  // With a manual clock a second has no length.

  in_turn_ = false;
  current_loop = outer;
  return busy;
}

void EventLoop::MemoryAge::watch() noexcept {
  if (!armed() && recycle::keeps_pages()) loop_.arm_after(*this, std::chrono::seconds(1));
}

void EventLoop::MemoryAge::on_timer() noexcept {
  recycle::age();
}

bool EventLoop::fire_timers() noexcept {
  const auto due = wheel_.next_due();
  if (!due || *due > now_) return false;
  const Duration lag = wheel_.advance(now_);
  const auto ns = static_cast<std::uint64_t>(std::max<std::int64_t>(lag.count(), 0));
  stats_.last_lag_ns.store(ns, std::memory_order_relaxed);
  if (ns > stats_.max_lag_ns.load(std::memory_order_relaxed)) stats_.max_lag_ns.store(ns, std::memory_order_relaxed);
  return true;
}

bool EventLoop::deliver_mail() noexcept {
  if (mailbox_.empty()) return false;
  count(stats_.posts, mailbox_.deliver_all());
  return true;
}

bool EventLoop::run_deferred() noexcept {
  if (first_deferred_ == nullptr) return false;
  // What is deferred from now on belongs to the next turn: run up to what is the last one now. That one may be taken
  // back meanwhile, so a marker stands behind it instead.
  struct Marker final : Deferred {
    bool reached = false;
    void on_deferred() noexcept override { reached = true; }
  } marker;
  defer(marker);
  while (!marker.reached) {
    Deferred* first = first_deferred_;
    first->take_back();
    first->on_deferred();
  }
  return true;
}

// Deferred work
// --------------------------------------------------------------------------------------------------------

void EventLoop::defer(Deferred& deferred) noexcept {
  if (deferred.loop_ != nullptr) return;
  deferred.loop_ = this;
  deferred.next_ = nullptr;
  deferred.previous_ = last_deferred_;
  (last_deferred_ == nullptr ? first_deferred_ : last_deferred_->next_) = &deferred;
  last_deferred_ = &deferred;
}

void Deferred::take_back() noexcept {
  if (loop_ == nullptr) return;
  (previous_ == nullptr ? loop_->first_deferred_ : previous_->next_) = next_;
  (next_ == nullptr ? loop_->last_deferred_ : next_->previous_) = previous_;
  loop_ = nullptr;
}

// Messages
// -------------------------------------------------------------------------------------------------------------

void EventLoop::post(runtime::Mail& mail) noexcept {
  // In the loop itself no wake-up is needed: it looks into the box before it sleeps.
  if (mailbox_.push(mail) && !in_loop()) waker_.wake();
}

void EventLoop::post(std::move_only_function<void()> function) {
  post(*new PostedFunction(std::move(function), nullptr));
}

Result<void> EventLoop::try_post(std::move_only_function<void()> function) {
  if (limited_posts_.fetch_add(1, std::memory_order_relaxed) >= mailbox_limit_) {
    limited_posts_.fetch_sub(1, std::memory_order_relaxed);
    return fail(Errc::resource_exhausted,
                "the loop's mailbox is full (" + std::to_string(mailbox_limit_) + " messages)");
  }
  post(*new PostedFunction(std::move(function), &limited_posts_));
  return {};
}

// Awaitables
// -----------------------------------------------------------------------------------------------------------

// The message outlives the awaiter if the coroutine is destroyed first: they know each other, on the loop's thread.
struct EventLoop::ScheduleAwaiter::Ticket final : runtime::Mail {
  explicit Ticket(ScheduleAwaiter& owner) noexcept : awaiter(&owner) {}
  void deliver() noexcept override {
    ScheduleAwaiter* resumed = awaiter;
    drop();
    if (resumed != nullptr) resumed->awaiting_.resume();
  }
  void drop() noexcept override {
    if (awaiter != nullptr) awaiter->ticket_ = nullptr;
    delete this;
  }
  static void* operator new(std::size_t size) { return recycle::allocate(size); }
  static void operator delete(void* block, std::size_t size) noexcept { recycle::deallocate(block, size); }
  ScheduleAwaiter* awaiter;
};

EventLoop::ScheduleAwaiter::~ScheduleAwaiter() {
  if (ticket_ != nullptr) ticket_->awaiter = nullptr;
}

void EventLoop::ScheduleAwaiter::await_suspend(std::coroutine_handle<> awaiting) {
  awaiting_ = awaiting;
  ticket_ = new Ticket(*this);
  loop_.post(*ticket_);  // The coroutine may be resumed, and gone, before this returns.
}

bool EventLoop::SleepAwaiter::await_ready() noexcept {
  stopped_ = token_.stop_requested();
  return stopped_;
}

void EventLoop::SleepAwaiter::await_suspend(std::coroutine_handle<> awaiting) noexcept {
  awaiting_ = awaiting;
  loop_.arm_after(*this, duration_);
  attach(token_);
}

Result<void> EventLoop::SleepAwaiter::await_resume() const {
  if (stopped_) return fail(Errc::cancelled, "stopped while sleeping");
  return {};
}

void EventLoop::SleepAwaiter::on_timer() noexcept {
  detach();
  awaiting_.resume();
}

// Resuming goes through the loop: whoever calls request_stop() must not find its own things gone when that returns.
void EventLoop::SleepAwaiter::on_stop() noexcept {
  stopped_ = true;
  loop_.cancel(*this);
  loop_.defer(*this);
}

}  // namespace weir
