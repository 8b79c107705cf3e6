#include "weir/base/arena.hpp"

#include <algorithm>

namespace weir {

void* Arena::grow(std::size_t size, std::size_t align) {
  const std::size_t doubled =
      last_ == nullptr ? first_chunk : std::min<std::size_t>(last_->size * 2, recycle::max_block);
  const std::size_t bytes = recycle::block_size(std::max(doubled, size + align + sizeof(Chunk)));
  auto* chunk = static_cast<Chunk*>(recycle::allocate(bytes));
  chunk->previous = last_;
  chunk->size = bytes;
  last_ = chunk;
  capacity_ += bytes;
  position_ = reinterpret_cast<std::size_t>(chunk + 1);
  end_ = reinterpret_cast<std::size_t>(chunk) + bytes;
  return bump(size, align);
}

void Arena::reset() noexcept {
  if (last_ == nullptr) return;
  while (last_->previous != nullptr) {
    Chunk* previous = last_->previous;
    capacity_ -= last_->size;
    recycle::deallocate(last_, last_->size);
    last_ = previous;
  }
  if (last_->size > first_chunk) return release();  // An outsized first chunk is not worth keeping.
  position_ = reinterpret_cast<std::size_t>(last_ + 1);
  end_ = reinterpret_cast<std::size_t>(last_) + last_->size;
}

void Arena::release() noexcept {
  while (last_ != nullptr) {
    Chunk* previous = last_->previous;
    recycle::deallocate(last_, last_->size);
    last_ = previous;
  }
  position_ = end_ = capacity_ = 0;
}

}  // namespace weir
