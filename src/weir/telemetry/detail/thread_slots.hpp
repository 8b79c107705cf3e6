// One object per thread and owner, found in a nanosecond: what metric shards and log rings are made of.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

namespace weir::telemetry {

/// What a slot type derives from. A slot is written by one thread at a time; when that thread ends, the next new thread
/// takes the slot over.
struct ThreadSlot {
  std::uint64_t owner = 0;
  std::atomic<bool> in_use{true};
  std::atomic<bool> owner_gone{false};
};

std::uint64_t next_owner_id() noexcept;

/// The owner's side. `Slot` derives from ThreadSlot. local() may be called by any thread while the owner lives.
template <class Slot>
class ThreadSlots {
 public:
  explicit ThreadSlots(std::size_t max_slots) noexcept : max_slots_(max_slots) {}
  ThreadSlots(const ThreadSlots&) = delete;
  ThreadSlots& operator=(const ThreadSlots&) = delete;
  ~ThreadSlots() {
    for (auto& slot : slots_) slot->owner_gone.store(true, std::memory_order_release);
    if (cache_.owner == id_) cache_ = {};
  }

  /// The calling thread's slot, made with `make()` (returning shared_ptr<Slot>) at the thread's first call. Null when
  /// there are max_slots, memory is out, or the thread is ending.
  template <class Make>
  [[nodiscard]] Slot* local(Make&& make) noexcept {
    if (cache_.owner == id_) [[likely]]
      return cache_.slot;
    return find(make);
  }

  /// Calls `visit(Slot&)` for every slot. Slots are never removed while the owner lives.
  template <class Visit>
  void for_each(Visit&& visit) const {
    for (std::size_t i = 0;; ++i) {
      Slot* slot = nullptr;
      {
        const std::lock_guard lock(mutex_);
        if (i >= slots_.size()) return;
        slot = slots_[i].get();
      }
      visit(*slot);
    }
  }

 private:
  struct Cache {
    std::uint64_t owner = 0;
    Slot* slot = nullptr;
    bool thread_ending = false;
  };
  /// What the thread holds. Shared with the owner because either may end first.
  struct Held {
    std::vector<std::shared_ptr<Slot>> slots;
    ~Held() {
      cache_ = {.thread_ending = true};
      for (auto& slot : slots) slot->in_use.store(false, std::memory_order_release);
    }
  };
  inline static constinit thread_local Cache cache_{};
  inline static thread_local Held held_{};

  template <class Make>
  [[gnu::noinline]] Slot* find(Make&& make) noexcept {
    if (cache_.thread_ending) return nullptr;
    try {
      auto& held = held_.slots;
      std::erase_if(held, [](const auto& slot) { return slot->owner_gone.load(std::memory_order_acquire); });
      auto at = std::find_if(held.begin(), held.end(), [this](const auto& slot) { return slot->owner == id_; });
      if (at == held.end()) {
        held.reserve(held.size() + 1);
        auto slot = adopt(make);
        if (!slot) return nullptr;
        held.push_back(std::move(slot));
        at = held.end() - 1;
      }
      cache_.owner = id_;
      return cache_.slot = at->get();
    } catch (...) {
      return nullptr;
    }
  }

  template <class Make>
  std::shared_ptr<Slot> adopt(Make&& make) {
    const std::lock_guard lock(mutex_);
    for (auto& slot : slots_) {
      bool free = false;
      if (slot->in_use.compare_exchange_strong(free, true, std::memory_order_acq_rel)) return slot;
    }
    if (slots_.size() >= max_slots_) return nullptr;
    slots_.reserve(slots_.size() + 1);
    std::shared_ptr<Slot> slot = make();
    slot->owner = id_;
    slots_.push_back(slot);
    return slot;
  }

  const std::uint64_t id_ = next_owner_id();
  const std::size_t max_slots_;
  mutable std::mutex mutex_;
  std::vector<std::shared_ptr<Slot>> slots_;
};

}  // namespace weir::telemetry
