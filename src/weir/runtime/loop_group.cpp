#include "weir/runtime/loop_group.hpp"

#include <algorithm>
#include <string>

#include <pthread.h>
#include <sched.h>

#include "weir/base/contracts.hpp"
#include "weir/runtime/processors.hpp"

namespace weir {
namespace {

/// Binds the calling thread to the i-th of its processors, counted round and round. Only speed depends on it.
void pin_to_processor(std::size_t i) noexcept {
  cpu_set_t allowed;
  if (::sched_getaffinity(0, sizeof allowed, &allowed) != 0) return;
  std::size_t wanted = i % static_cast<std::size_t>(std::max(1, CPU_COUNT(&allowed)));
  for (std::size_t cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &allowed)) continue;
    if (wanted-- != 0) continue;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    ::sched_setaffinity(0, sizeof one, &one);
    return;
  }
}

}  // namespace

LoopGroup::LoopGroup(Options options) : options_(options) {
  const std::size_t count = options.loops == 0 ? available_processors() : options.loops;
  for (std::size_t i = 0; i < count; ++i) loops_.push_back(std::make_unique<EventLoop>(options.loop));
}

LoopGroup::~LoopGroup() {
  stop();
  join();
}

void LoopGroup::start() {
  start_from(0);
}

void LoopGroup::run() {
  start_from(1);
  serve(0);
  join();
}

void LoopGroup::start_from(std::size_t first) {
  WEIR_ASSERT(threads_.empty());
  threads_.reserve(loops_.size());
  try {
    for (std::size_t i = first; i < loops_.size(); ++i) {
      threads_.emplace_back([this, i] {
        ::pthread_setname_np(::pthread_self(), ("weir-loop-" + std::to_string(i)).c_str());
        serve(i);
      });
    }
  } catch (...) {  // The system gives no more threads: those that run already end.
    for (std::size_t i = 0; i < threads_.size(); ++i) loops_[first + i]->stop();
    join();
    throw;
  }
}

void LoopGroup::serve(std::size_t i) {
  if (options_.pin) pin_to_processor(i);
  loops_[i]->run();
}

void LoopGroup::stop() noexcept {
  for (auto& loop : loops_) loop->stop();
}

void LoopGroup::join() {
  for (auto& thread : threads_) thread.join();
  threads_.clear();
}

}  // namespace weir
