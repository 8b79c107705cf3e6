#include "weir/operations/health.hpp"

#include <algorithm>
#include <coroutine>
#include <exception>
#include <stdexcept>

#include "weir/time/timer_wheel.hpp"

namespace weir {

std::string_view to_string(HealthStatus status) noexcept {
  switch (status) {
    case HealthStatus::up:
      return "UP";
    case HealthStatus::down:
      return "DOWN";
    case HealthStatus::out_of_service:
      return "OUT_OF_SERVICE";
  }
  return "DOWN";
}

/// One check and its last result. One run at a time, on the loop that began it; `mutex_` guards what other loops look
/// at. The timer is the run's time-out; the deferred step destroys the run's coroutine after its end.
class HealthRegistry::Entry final : private Timer, private Deferred {
 public:
  Entry(std::string name, std::variant<Check, AsyncCheck> check, const HealthCheckOptions& options)
      : options_(options), check_(std::move(check)) {
    last_.name = std::move(name);
  }

  [[nodiscard]] const std::string& name() const noexcept { return last_.name; }
  [[nodiscard]] bool in(HealthGroup group) const noexcept {
    return group == HealthGroup::all || (group == HealthGroup::liveness ? options_.liveness : options_.readiness);
  }
  [[nodiscard]] ComponentHealth last() const {
    const std::lock_guard lock(mutex_);
    return last_;
  }

  /// Begins a run on `loop` if the last result is too old and none runs.
  void refresh(EventLoop& loop) {
    {
      const std::lock_guard lock(mutex_);
      if (running_ || (known_ && loop.now() < valid_until_)) return;
      running_ = true;
      settled_ = false;
      loop_ = &loop;
    }
    began_ = loop.clock().now();
    timed_out_ = false;
    if (const Check* check = std::get_if<Check>(&check_)) {
      settle(call(*check));
      return end();
    }
    loop.arm(*this, began_ + options_.timeout);
    task_ = run();
    task_.start();
  }

  /// Waits until there is a result that can be told: the one of the run that refresh() began, or the last one.
  [[nodiscard]] Task<void> result(EventLoop& loop) {
    if (awaitable_on(loop)) {
      Settled settled{*this};
      co_await settled;
    }
    // Another loop's run, and nothing known from before: it ends, or its time does.
    while (!known()) {
      const Result<void> slept = co_await loop.sleep(std::chrono::milliseconds(2));
      static_cast<void>(slept);
    }
  }

 private:
  /// Waits for the run's result. One waiter: who began it.
  struct Settled {
    Entry& entry;
    explicit Settled(Entry& of) noexcept : entry(of) {}
    Settled(const Settled&) = delete;
    Settled& operator=(const Settled&) = delete;
    ~Settled() { entry.waiter_ = nullptr; }
    [[nodiscard]] bool await_ready() const noexcept { return entry.settled_; }
    void await_suspend(std::coroutine_handle<> self) const noexcept { entry.waiter_ = self; }
    void await_resume() const noexcept {}
  };

  [[nodiscard]] bool known() const {
    const std::lock_guard lock(mutex_);
    return known_;
  }
  [[nodiscard]] bool awaitable_on(const EventLoop& loop) const {
    const std::lock_guard lock(mutex_);
    return running_ && !settled_ && loop_ == &loop && waiter_ == nullptr;
  }

  static Result<void> call(const Check& check) noexcept try { return check(); } catch (...) {
    return fail(thrown_error().with_context("the check threw"));
  }

  Task<void> run() {
    Result<void> result;
    try {
      Task<Result<void>> check = std::get<AsyncCheck>(check_)();
      result = co_await std::move(check);
    } catch (...) {
      result = fail(thrown_error().with_context("the check threw"));
    }
    loop_->cancel(*this);
    loop_->defer(*this);
    if (!timed_out_) settle(std::move(result));
  }

  /// Notes the result, and tells who waits.
  void settle(Result<void> result) {
    {
      const std::lock_guard lock(mutex_);
      last_.status = result ? HealthStatus::up : HealthStatus::down;
      last_.error = result ? std::string() : result.error().message();
      last_.duration = loop_->clock().now() - began_;
      valid_until_ = later(loop_->now(), options_.cache_for);
      known_ = true;
      settled_ = true;
    }
    if (const auto waiter = std::exchange(waiter_, nullptr)) waiter.resume();
  }
  void end() {
    const std::lock_guard lock(mutex_);
    running_ = false;
  }

  void on_timer() noexcept override {
    timed_out_ = true;
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(options_.timeout).count();
    settle(fail(Errc::deadline_exceeded, "no result within " + std::to_string(ms) + " ms"));
  }
  void on_deferred() noexcept override {
    task_ = {};
    end();
  }

  const HealthCheckOptions options_;
  const std::variant<Check, AsyncCheck> check_;

  mutable std::mutex mutex_;
  ComponentHealth last_;
  Instant valid_until_{};
  EventLoop* loop_ = nullptr;  // where it runs, or ran last
  bool known_ = false;
  bool running_ = false;
  bool settled_ = false;  // the run has a result, or its time is over; it may still be running

  // Of the run: touched on its loop only.
  Instant began_{};
  bool timed_out_ = false;
  Task<void> task_;
  std::coroutine_handle<> waiter_;
};

HealthRegistry::HealthRegistry() = default;
HealthRegistry::~HealthRegistry() = default;

void HealthRegistry::add_check(std::string name, std::variant<Check, AsyncCheck> check,
                               const HealthCheckOptions& options) {
  if (name.empty() || name == "liveness" || name == "readiness") {
    throw std::invalid_argument("a health check cannot be called \"" + name + "\"");
  }
  if (std::ranges::any_of(entries_, [&](const auto& entry) { return entry->name() == name; })) {
    throw std::invalid_argument("there are two health checks \"" + name + "\"");
  }
  entries_.push_back(std::make_unique<Entry>(std::move(name), std::move(check), options));
}

Task<HealthReport> HealthRegistry::check(HealthGroup group, EventLoop& loop) {
  for (const auto& entry : entries_) {
    if (entry->in(group)) entry->refresh(loop);
  }
  HealthReport report;
  for (const auto& entry : entries_) {
    if (!entry->in(group)) continue;
    co_await entry->result(loop);
    report.components.push_back(entry->last());
    if (report.components.back().status == HealthStatus::down) report.status = HealthStatus::down;
  }
  if (report.status == HealthStatus::up && group != HealthGroup::liveness && !wants_requests()) {
    report.status = HealthStatus::out_of_service;
  }
  co_return report;
}

Task<std::optional<ComponentHealth>> HealthRegistry::check_one(HealthGroup group, std::string_view name,
                                                               EventLoop& loop) {
  for (const auto& entry : entries_) {
    if (entry->name() != name || !entry->in(group)) continue;
    entry->refresh(loop);
    co_await entry->result(loop);
    co_return entry->last();
  }
  co_return std::nullopt;
}

}  // namespace weir
