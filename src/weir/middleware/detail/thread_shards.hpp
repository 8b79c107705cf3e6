// One object per thread, for memory that threads need not share.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <memory>
#include <utility>

namespace weir::middleware {

/// A small number of the calling thread; the first threads of a process have different ones.
std::size_t thread_number() noexcept;

/// Up to `Count` objects, each made by the first thread that needs it. Each thread has its own as long as there are no
/// more than `Count` threads; beyond, some share one, and whoever comes while it is in use gets none. So nobody waits,
/// and no cache line moves between cores while there are enough.
template <class T, std::size_t Count = 64>
class ThreadShards {
  struct Shard {
    alignas(64) std::atomic<bool> busy{false};
    std::unique_ptr<T> object;
  };

 public:
  /// The right to use a shard's object, for as long as it lives. May hold none.
  class Use {
   public:
    explicit Use(Shard* shard) noexcept : shard_(shard) {}
    Use(Use&& other) noexcept : shard_(std::exchange(other.shard_, nullptr)) {}
    Use& operator=(Use&&) = delete;
    ~Use() {
      if (shard_ != nullptr) shard_->busy.store(false, std::memory_order_release);
    }
    explicit operator bool() const noexcept { return shard_ != nullptr; }
    T* operator->() const noexcept { return shard_->object.get(); }

   private:
    Shard* shard_;
  };

  /// `make()` returns std::unique_ptr<T>. What it throws comes out.
  template <class Make>
  [[nodiscard]] Use use(Make&& make) {
    Shard& shard = shards_[thread_number() % Count];
    if (shard.busy.exchange(true, std::memory_order_acquire)) return Use(nullptr);
    Use use(&shard);
    if (shard.object == nullptr) [[unlikely]]
      shard.object = make();
    return use;
  }

 private:
  std::array<Shard, Count> shards_;
};

}  // namespace weir::middleware
