// A growing byte buffer on recycled memory: what responses and bodies are written into.
#pragma once

#include <cstddef>
#include <cstring>
#include <string_view>
#include <utility>

#include "weir/base/recycle.hpp"

namespace weir {

/// Contiguous bytes that grow at the end. Unlike std::string it does not clear what it grows into, and it can be
/// written through a raw cursor: `char* p = b.reserve_more(n); …; b.advance(n)`. Move-only. One thread at a time.
/// data() is invalidated by anything that grows the buffer.
class Buffer {
 public:
  Buffer() noexcept = default;
  explicit Buffer(std::string_view text) { append(text); }
  Buffer(Buffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)),
        size_(std::exchange(other.size_, 0)),
        capacity_(std::exchange(other.capacity_, 0)) {}
  Buffer& operator=(Buffer&& other) noexcept {
    if (this != &other) {
      release();
      data_ = std::exchange(other.data_, nullptr);
      size_ = std::exchange(other.size_, 0);
      capacity_ = std::exchange(other.capacity_, 0);
    }
    return *this;
  }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer() { release(); }

  [[nodiscard]] char* data() noexcept { return data_; }
  [[nodiscard]] const char* data() const noexcept { return data_; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] std::string_view view() const noexcept { return {data_, size_}; }

  /// Room for `n` bytes behind the end; returns where they go. advance() makes them part of the buffer.
  /// Throws std::bad_alloc.
  [[nodiscard]] char* reserve_more(std::size_t n) {
    if (capacity_ - size_ < n) grow(n);
    return data_ + size_;
  }
  void advance(std::size_t n) noexcept { size_ += n; }

  void append(std::string_view text) {
    if (text.empty()) return;
    std::memcpy(reserve_more(text.size()), text.data(), text.size());
    size_ += text.size();
  }
  void push_back(char c) {
    *reserve_more(1) = c;
    ++size_;
  }

  void clear() noexcept { size_ = 0; }
  void truncate(std::size_t size) noexcept { size_ = size; }
  /// Drops the first `n` bytes and moves the rest to the front.
  void consume(std::size_t n) noexcept {
    size_ -= n;
    if (size_ != 0) std::memmove(data_, data_ + n, size_);
  }
  /// Gives the memory back.
  void release() noexcept {
    if (data_ == nullptr) return;
    recycle::deallocate(data_, capacity_);
    data_ = nullptr;
    size_ = capacity_ = 0;
  }

 private:
  void grow(std::size_t n) {
    const std::size_t wanted = size_ + n > capacity_ * 2 ? size_ + n : capacity_ * 2;
    const std::size_t bytes = recycle::block_size(wanted < 256 ? 256 : wanted);
    auto* to = static_cast<char*>(recycle::allocate(bytes));
    if (size_ != 0) std::memcpy(to, data_, size_);
    recycle::deallocate(data_, capacity_);
    data_ = to;
    capacity_ = bytes;
  }

  char* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace weir
