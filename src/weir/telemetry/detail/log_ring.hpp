// The bytes between a thread that logs and the writer: single producer, single consumer, no lock.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "weir/telemetry/detail/thread_slots.hpp"

namespace weir::telemetry {

enum class RecordKind : std::uint8_t { padding, event, access };

/// How each record in a ring begins. Records are aligned to 8 bytes; a padding record ends the ring where the next
/// record did not fit, and only its first 8 bytes are written.
struct RecordHeader {
  std::uint32_t size = 0;  ///< With the header, a multiple of 8.
  RecordKind kind = RecordKind::padding;
  std::uint8_t level = 0;
  std::uint8_t fields = 0;
  std::uint8_t flags = 0;
  std::int64_t wall_ns = 0;

  static constexpr std::uint8_t has_trace = 1;
  static constexpr std::uint8_t truncated = 2;
};
static_assert(sizeof(RecordHeader) == 16);

class LogRing : public ThreadSlot {
 public:
  /// `bytes` is a power of two. Throws std::bad_alloc. The memory is touched as it is used.
  explicit LogRing(std::size_t bytes);
  ~LogRing();
  LogRing(const LogRing&) = delete;
  LogRing& operator=(const LogRing&) = delete;

  // The producer's side.

  /// Room for a record of `size` bytes (a multiple of 8, at most a quarter of the ring), or null: then the drop has
  /// been counted. The record exists once commit() was called.
  [[nodiscard]] char* reserve(std::size_t size) noexcept {
    const std::size_t at = head_local_ & mask_;
    const std::size_t to_end = mask_ + 1 - at;
    const std::size_t skipped = size > to_end ? to_end : 0;
    next_ = head_local_ + skipped + size;
    if (next_ - tail_seen_ > mask_ + 1) [[unlikely]] {
      tail_seen_ = tail_.load(std::memory_order_acquire);
      if (next_ - tail_seen_ > mask_ + 1) {
        dropped_.store(dropped_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
        return nullptr;
      }
    }
    if (skipped == 0) return data_ + at;
    const RecordHeader padding{.size = static_cast<std::uint32_t>(skipped)};
    std::memcpy(data_ + at, &padding, 8);
    return data_;
  }

  /// Publishes what reserve() gave. True when so much has gathered that the writer should be woken; then once more
  /// after each further such amount.
  [[nodiscard]] bool commit() noexcept {
    head_local_ = next_;
    head_.store(next_, std::memory_order_release);
    if (next_ < wake_at_) [[likely]]
      return false;
    const std::size_t threshold = (mask_ + 1) / 4;
    const std::uint64_t tail = tail_.load(std::memory_order_relaxed);
    const bool wake = next_ - tail >= threshold;
    wake_at_ = (wake ? next_ : tail) + threshold;
    return wake;
  }

  // The consumer's side.

  [[nodiscard]] std::uint64_t head() const noexcept { return head_.load(std::memory_order_acquire); }
  [[nodiscard]] std::uint64_t tail() const noexcept { return tail_.load(std::memory_order_relaxed); }
  /// The record at position `at`, which lies between tail() and head().
  [[nodiscard]] const char* record(std::uint64_t at) const noexcept { return data_ + (at & mask_); }
  /// Gives the bytes before `tail` back to the producer.
  void release(std::uint64_t tail) noexcept { tail_.store(tail, std::memory_order_release); }

  [[nodiscard]] std::uint64_t dropped() const noexcept { return dropped_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::size_t capacity() const noexcept { return mask_ + 1; }

 private:
  // Positions count bytes from the ring's beginning of life and never wrap.
  char* data_;
  std::size_t mask_;
  alignas(64) std::uint64_t head_local_ = 0;  // the producer's line
  std::uint64_t next_ = 0;
  std::uint64_t tail_seen_ = 0;
  std::uint64_t wake_at_;
  std::atomic<std::uint64_t> dropped_{0};
  alignas(64) std::atomic<std::uint64_t> head_{0};
  alignas(64) std::atomic<std::uint64_t> tail_{0};
};

}  // namespace weir::telemetry
