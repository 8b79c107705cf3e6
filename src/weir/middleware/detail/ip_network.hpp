// Networks of IP addresses: "10.0.0.0/8", "2001:db8::/32", or one address.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "weir/base/error.hpp"
#include "weir/net/address.hpp"

namespace weir::middleware {

/// An address as 16 bytes; IPv4 in its mapped form ::ffff:a.b.c.d, so that both spellings are one address.
class IpAddress {
 public:
  /// Nothing for addresses that are no IP addresses.
  static std::optional<IpAddress> of(const net::SocketAddress& address) noexcept;
  /// As proxies write it: "10.0.0.1", "10.0.0.1:4711", "2001:db8::1", "[2001:db8::1]:4711".
  static std::optional<IpAddress> parse(std::string_view text) noexcept;

  [[nodiscard]] std::span<const std::uint8_t, 16> bytes() const noexcept { return bytes_; }

 private:
  std::array<std::uint8_t, 16> bytes_{};
};

class IpNetwork {
 public:
  /// The error says what would be right. Bits behind the prefix must be zero: "10.0.0.1/8" is most likely a mistake.
  static Result<IpNetwork> parse(std::string_view text);
  [[nodiscard]] bool contains(const IpAddress& address) const noexcept;

 private:
  std::array<std::uint8_t, 16> bytes_{};
  std::array<std::uint8_t, 16> mask_{};
};

}  // namespace weir::middleware
