// Where a socket is: an IPv4 or IPv6 address with a port, or a Unix socket's name.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "weir/base/error.hpp"

namespace weir::net {

/// A value: holding, copying and comparing it allocates nothing.
class SocketAddress {
 public:
  enum class Family : std::uint8_t { none, ipv4, ipv6, unix_socket };

  SocketAddress() noexcept { storage_.any.sa_family = AF_UNSPEC; }

  /// "127.0.0.1:8080", "[::1]:80", ":8080" (all IPv4 interfaces), "unix:/path", "unix:@abstract". Names of hosts are
  /// not looked up. The error says what would be right.
  [[nodiscard]] static Result<SocketAddress> parse(std::string_view text);
  /// An IP address without a port ("10.0.0.1", "::1") and the port beside it.
  [[nodiscard]] static Result<SocketAddress> ip(std::string_view address, std::uint16_t port);
  [[nodiscard]] static SocketAddress loopback(std::uint16_t port) noexcept;
  /// What the kernel gave: accept, getsockname, …. Unknown families give an empty address.
  [[nodiscard]] static SocketAddress from_native(const sockaddr* address, socklen_t size) noexcept;

  [[nodiscard]] Family family() const noexcept;
  [[nodiscard]] bool empty() const noexcept { return family() == Family::none; }
  [[nodiscard]] bool is_ip() const noexcept { return family() == Family::ipv4 || family() == Family::ipv6; }
  [[nodiscard]] bool is_unix() const noexcept { return family() == Family::unix_socket; }
  /// 0 for addresses without ports.
  [[nodiscard]] std::uint16_t port() const noexcept;
  void set_port(std::uint16_t port) noexcept;
  /// The path of a Unix socket; an abstract one's begins with NUL; empty if it is unnamed.
  [[nodiscard]] std::string_view unix_path() const noexcept;
  /// The bytes of the IP address, 4 or 16, in network order; empty if not is_ip(). A view into this object.
  [[nodiscard]] std::string_view ip_bytes() const noexcept;

  /// Room for every text that ip_text() can write.
  using IpText = std::array<char, 64>;
  /// "10.0.0.1", "::1", or "unix" for Unix sockets; an IPv4 address mapped into IPv6 is written as IPv4. The view is
  /// into `room`. Allocates nothing.
  [[nodiscard]] std::string_view ip_text(IpText& room) const noexcept;
  /// What parse() reads.
  [[nodiscard]] std::string to_string() const;

  [[nodiscard]] const sockaddr* native() const noexcept { return &storage_.any; }
  [[nodiscard]] socklen_t native_size() const noexcept { return size_; }

  friend bool operator==(const SocketAddress& a, const SocketAddress& b) noexcept;

 private:
  union Storage {
    sockaddr_un local;  // first, because it is the largest: all of it starts as zero
    sockaddr any;
    sockaddr_in v4;
    sockaddr_in6 v6;
  };
  Storage storage_{};
  socklen_t size_ = 0;
};

}  // namespace weir::net
