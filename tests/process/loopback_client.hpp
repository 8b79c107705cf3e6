// For tests: a blocking client over loopback that allocates nothing while it asks.
#pragma once

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "weir/net/address.hpp"

namespace weir::process {

/// One connection. An answer is whole, or the connection has ended, or the time was over: nothing else.
class LoopbackClient {
 public:
  enum class End : std::uint8_t { answer, closed, timed_out };

  explicit LoopbackClient(const net::SocketAddress& address)
      : fd_(::socket(address.native()->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const timeval limit{.tv_sec = 20, .tv_usec = 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    if (::connect(fd_, address.native(), address.native_size()) != 0) connected_ = false;
  }
  LoopbackClient(const LoopbackClient&) = delete;
  LoopbackClient& operator=(const LoopbackClient&) = delete;
  ~LoopbackClient() { ::close(fd_); }

  /// Sends `request` and reads one answer with Content-Length.
  End exchange(std::string_view request) {
    status_ = 0;
    body_size_ = 0;
    if (!connected_) return End::closed;
    while (!request.empty()) {
      const ssize_t sent = ::send(fd_, request.data(), request.size(), MSG_NOSIGNAL);
      if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return End::timed_out;
      if (sent < 0) break;  // The answer may be there all the same.
      request.remove_prefix(static_cast<std::size_t>(sent));
    }
    return receive();
  }

  [[nodiscard]] int status() const noexcept { return status_; }
  /// Of the answer's body, as much as has room.
  [[nodiscard]] std::string_view body() const noexcept {
    return {buffer_.data() + head_size_, used_ < head_size_ ? 0 : used_ - head_size_};
  }
  [[nodiscard]] std::uint64_t body_size() const noexcept { return body_size_; }
  [[nodiscard]] std::string_view head() const noexcept { return {buffer_.data(), head_size_}; }

 private:
  End receive() {
    used_ = head_size_ = 0;
    std::uint64_t left = 0;
    for (bool in_body = false; !in_body || left != 0;) {
      // What has no room is read over.
      char* to = used_ < buffer_.size() ? buffer_.data() + used_ : waste_.data();
      const std::size_t room = used_ < buffer_.size() ? buffer_.size() - used_ : waste_.size();
      const ssize_t got = ::recv(fd_, to, room, 0);
      if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return End::timed_out;
      if (got <= 0) return End::closed;
      const auto count = static_cast<std::size_t>(got);
      if (used_ < buffer_.size()) used_ += count;
      if (in_body) {
        left -= count;
        continue;
      }
      const std::string_view so_far(buffer_.data(), used_);
      const std::size_t end = so_far.find("\r\n\r\n");
      if (end == std::string_view::npos) continue;
      head_size_ = end + 4;
      std::from_chars(so_far.data() + 9, so_far.data() + 12, status_);
      constexpr std::string_view name = "\r\nContent-Length: ";
      const std::size_t at = so_far.find(name);
      if (at < end) std::from_chars(so_far.data() + at + name.size(), so_far.data() + end, body_size_);
      left = body_size_ - (used_ - head_size_);
      in_body = true;
    }
    return End::answer;
  }

  int fd_;
  bool connected_ = true;
  int status_ = 0;
  std::uint64_t body_size_ = 0;
  std::size_t used_ = 0;
  std::size_t head_size_ = 0;
  std::array<char, 16384> buffer_{};
  std::array<char, 65536> waste_{};
};

}  // namespace weir::process
