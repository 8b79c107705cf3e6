#include "weir/server/http2_tunnel.hpp"

#include <algorithm>
#include <array>
#include <cerrno>

#include <unistd.h>

#include "weir/server/http2_connection.hpp"
#include "weir/server/http2_stream.hpp"

namespace weir::server {

Http2Tunnel::Http2Tunnel(Http2Stream& stream) noexcept
    : loop_(stream.connection().loop()),
      stream_(&stream),
      peer_(*stream.connection().info().peer),
      local_(*stream.connection().info().local) {}

Http2Tunnel::~Http2Tunnel() {
  close();
  if (destroyed_ != nullptr) *destroyed_ = true;
}

net::IoResult Http2Tunnel::read(std::span<char> into) noexcept {
  if (closed_ || stream_ == nullptr) return net::IoResult::failed(ECONNRESET);
  return stream_->take(into);
}

net::IoResult Http2Tunnel::write(std::span<const iovec> pieces) noexcept {
  if (closed_ || stream_ == nullptr) return net::IoResult::failed(EPIPE);
  return stream_->put(pieces);
}

net::IoResult Http2Tunnel::send_file(int fd, std::uint64_t offset, std::size_t count) noexcept {
  if (!writable()) return closed_ || broken() ? net::IoResult::failed(EPIPE) : net::IoResult::blocked();
  std::array<char, 16 * 1024> block;
  const ssize_t got = ::pread(fd, block.data(), std::min(count, block.size()), static_cast<off_t>(offset));
  if (got < 0) return net::IoResult::failed(errno);
  if (got == 0) return net::IoResult::moved(0);
  return write(block.data(), static_cast<std::size_t>(got));
}

void Http2Tunnel::set_handler(net::StreamHandler* handler) noexcept {
  handler_ = handler;
  tell_later();
}

void Http2Tunnel::want(bool read, bool write) noexcept {
  want_read_ = read;
  want_write_ = write;
  tell_later();
}

void Http2Tunnel::shutdown_write() noexcept {
  if (!closed_ && stream_ != nullptr) stream_->end_output();
}

void Http2Tunnel::close(bool reset) noexcept {
  if (closed_) return;
  closed_ = true;
  handler_ = nullptr;
  take_back();
  if (Http2Stream* stream = std::exchange(stream_, nullptr)) stream->leave_tunnel(reset);
}

const net::Security* Http2Tunnel::security() const noexcept {
  return stream_ == nullptr ? nullptr : stream_->connection().info().security;
}

std::size_t Http2Tunnel::unsent() const noexcept {
  return stream_ == nullptr ? 0 : stream_->unsent();
}

void Http2Tunnel::cut() noexcept {
  stream_ = nullptr;
  tell_later();
}

bool Http2Tunnel::broken() const noexcept {
  return stream_ == nullptr || stream_->broken();
}
bool Http2Tunnel::readable() const noexcept {
  return stream_ == nullptr || stream_->readable();
}
bool Http2Tunnel::writable() const noexcept {
  return stream_ == nullptr || stream_->writable();
}

void Http2Tunnel::tell_later() noexcept {
  if (handler_ == nullptr) return;
  if ((want_read_ && readable()) || (want_write_ && writable()) || (broken() && !hangup_told_)) loop_.defer(*this);
}

void Http2Tunnel::on_deferred() noexcept {
  bool destroyed = false;
  destroyed_ = &destroyed;
  if (handler_ != nullptr && broken() && !want_read_ && !want_write_ && !hangup_told_) {
    hangup_told_ = true;
    handler_->on_hangup();
    if (destroyed) return;
  }
  if (handler_ != nullptr && want_read_ && readable()) {
    handler_->on_readable();
    if (destroyed) return;
  }
  if (handler_ != nullptr && want_write_ && writable()) {
    handler_->on_writable();
    if (destroyed) return;
  }
  destroyed_ = nullptr;
  tell_later();  // As long as it is so, in every turn.
}

}  // namespace weir::server
