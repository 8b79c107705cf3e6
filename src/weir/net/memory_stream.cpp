#include "weir/net/memory_stream.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "weir/net/detail/syscalls.hpp"

namespace weir::net {

MemoryStreamPair memory_stream_pair(EventLoop& loop, MemoryStreamOptions options) {
  MemoryStreamPair pair;
  pair.client.reset(new MemoryStream(loop, options.capacity));
  pair.server.reset(new MemoryStream(loop, options.capacity));
  pair.client->other_ = pair.server.get();
  pair.server->other_ = pair.client.get();
  pair.client->local_ = pair.server->remote_ = options.client_address;
  pair.server->local_ = pair.client->remote_ = options.server_address;
  pair.client->faults_ = options.client_faults;
  pair.server->faults_ = options.server_faults;
  return pair;
}

MemoryStream::~MemoryStream() {
  close(false);
  if (destroyed_ != nullptr) *destroyed_ = true;
}

bool MemoryStream::blocked_by_fault() noexcept {
  return faults_.block_every != 0 && ++calls_ % faults_.block_every == 0;
}

IoResult MemoryStream::read(std::span<char> into) noexcept {
  if (closed_) return IoResult::failed(EBADF);
  if (into.empty()) return IoResult::moved(0);
  if (read_total_ >= faults_.fail_read_after) return IoResult::failed(faults_.error_number);
  if (blocked_by_fault()) return IoResult::blocked();
  if (inbound_.empty()) {
    if (reset_) return IoResult::failed(ECONNRESET);
    return ended_ ? IoResult::end() : IoResult::blocked();
  }
  const std::size_t size =
      std::min({into.size(), inbound_.size(), faults_.max_read, faults_.fail_read_after - read_total_});
  std::memcpy(into.data(), inbound_.data(), size);
  inbound_.consume(size);
  read_total_ += size;
  if (other_ != nullptr) other_->tell_later();  // there is room again
  return IoResult::moved(size);
}

IoResult MemoryStream::write(std::span<const iovec> pieces) noexcept {
  if (closed_) return IoResult::failed(EBADF);
  if (written_total_ >= faults_.fail_write_after) return IoResult::failed(faults_.error_number);
  if (reset_) return IoResult::failed(ECONNRESET);
  if (write_shut_ || other_ == nullptr) return IoResult::failed(EPIPE);
  if (blocked_by_fault()) return IoResult::blocked();
  std::size_t room = capacity_ - std::min(capacity_, other_->inbound_.size());
  room = std::min({room, faults_.max_write, faults_.fail_write_after - written_total_});
  std::size_t moved = 0;
  std::size_t wanted = 0;
  for (const iovec& piece : pieces.first(std::min<std::size_t>(pieces.size(), 1024))) {
    const std::size_t size = std::min(piece.iov_len, room - moved);
    other_->inbound_.append({static_cast<const char*>(piece.iov_base), size});
    moved += size;
    wanted += piece.iov_len;
  }
  if (moved == 0 && wanted != 0) return IoResult::blocked();
  written_total_ += moved;
  other_->tell_later();
  return IoResult::moved(moved);
}

IoResult MemoryStream::send_file(int fd, std::uint64_t offset, std::size_t count) noexcept {
  if (closed_) return IoResult::failed(EBADF);
  std::array<char, 16384> block;
  ssize_t got = 0;
  do {
    got = detail::syscalls.pread(fd, block.data(), std::min(count, block.size()), static_cast<off_t>(offset));
  } while (got < 0 && errno == EINTR);
  if (got < 0) return IoResult::failed(errno);
  if (got == 0) return IoResult::moved(0);
  return Stream::write(block.data(), static_cast<std::size_t>(got));
}

void MemoryStream::set_handler(StreamHandler* handler) noexcept {
  handler_ = handler;
  tell_later();
}

void MemoryStream::want(bool read, bool write) noexcept {
  want_read_ = read;
  want_write_ = write;
  if (read || write) hangup_told_ = false;
  tell_later();
}

void MemoryStream::shutdown_write() noexcept {
  if (closed_ || write_shut_) return;
  write_shut_ = true;
  if (other_ != nullptr) {
    other_->ended_ = true;
    other_->tell_later();
  }
  tell_later();
}

void MemoryStream::close(bool reset) noexcept {
  if (closed_) return;
  closed_ = true;
  take_back();
  if (MemoryStream* other = std::exchange(other_, nullptr)) {
    other->other_ = nullptr;
    other->ended_ = true;
    if (reset || !inbound_.empty()) other->reset_ = true;
    if (reset) other->inbound_.clear();
    other->tell_later();
  }
  inbound_.release();
}

bool MemoryStream::readable() const noexcept {
  return !inbound_.empty() || ended_ || reset_ || read_total_ >= faults_.fail_read_after;
}

bool MemoryStream::writable() const noexcept {
  return broken() || write_shut_ || other_->inbound_.size() < capacity_ || written_total_ >= faults_.fail_write_after;
}

bool MemoryStream::something_to_tell() const noexcept {
  if (closed_ || handler_ == nullptr) return false;
  if ((want_read_ && readable()) || (want_write_ && writable())) return true;
  if (want_read_ || want_write_) return false;
  return broken() ? !hangup_told_ : ended_ && !peer_closed_told_;
}

void MemoryStream::tell_later() noexcept {
  if (something_to_tell()) loop_.defer(*this);
}

void MemoryStream::on_deferred() noexcept {
  if (!something_to_tell()) return;
  bool destroyed = false;
  bool* const outer = std::exchange(destroyed_, &destroyed);
  bool told = false;
  if (want_write_ && writable()) {
    told = true;
    handler_->on_writable();
    if (destroyed) return;
  }
  if (!closed_ && handler_ != nullptr && want_read_ && readable()) {
    told = true;
    handler_->on_readable();
    if (destroyed) return;
  }
  if (!told && !closed_ && handler_ != nullptr) {
    if (broken()) {
      hangup_told_ = true;
      handler_->on_hangup();
    } else {
      peer_closed_told_ = true;
      handler_->on_peer_closed();
    }
    if (destroyed) return;
  }
  destroyed_ = outer;
  tell_later();  // level-triggered: again in the next turn
}

}  // namespace weir::net
