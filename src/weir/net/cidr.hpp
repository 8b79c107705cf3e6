// Ranges of IP addresses: whom to trust.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "weir/base/error.hpp"
#include "weir/net/address.hpp"

namespace weir::net {

/// A set of ranges in CIDR notation (RFC 4632, RFC 4291 section 2.3). IPv4 and IPv4-mapped IPv6 addresses are the same.
/// Immutable once made: any number of threads may ask. Asking allocates nothing and looks at every range in turn, so it
/// is for short lists.
class CidrSet {
 public:
  CidrSet() noexcept = default;
  /// "10.0.0.0/8", "2001:db8::/32", single addresses, and "unix" for peers on Unix sockets. The error names the text
  /// that is wrong; bits behind the prefix must be zero.
  [[nodiscard]] static Result<CidrSet> parse(std::span<const std::string> ranges);

  [[nodiscard]] bool empty() const noexcept { return ranges_.empty() && !unix_; }
  [[nodiscard]] bool contains(const SocketAddress& address) const noexcept;

 private:
  struct Range {
    std::array<std::uint8_t, 16> bytes;  // IPv4 as ::ffff:a.b.c.d
    unsigned bits;
  };
  std::vector<Range> ranges_;
  bool unix_ = false;
};

}  // namespace weir::net
