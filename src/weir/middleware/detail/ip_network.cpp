#include "weir/middleware/detail/ip_network.hpp"

#include <algorithm>
#include <charconv>
#include <string>

namespace weir::middleware {
namespace {

constexpr std::size_t mapped_prefix = 12;  // ::ffff: before the four bytes

}  // namespace

std::optional<IpAddress> IpAddress::of(const net::SocketAddress& address) noexcept {
  const std::string_view raw = address.ip_bytes();
  IpAddress ip;
  if (raw.size() == 4) {
    ip.bytes_[10] = ip.bytes_[11] = 0xff;
  } else if (raw.size() != 16) {
    return std::nullopt;
  }
  for (std::size_t i = 0; i < raw.size(); ++i) ip.bytes_[16 - raw.size() + i] = static_cast<std::uint8_t>(raw[i]);
  return ip;
}

std::optional<IpAddress> IpAddress::parse(std::string_view text) noexcept {
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos || (end + 1 != text.size() && text[end + 1] != ':')) return std::nullopt;
    text = text.substr(1, end - 1);
  } else if (const std::size_t colon = text.find(':');
             colon != std::string_view::npos && text.find(':', colon + 1) == std::string_view::npos) {
    text = text.substr(0, colon);  // IPv4 with a port; IPv6 has two colons at least.
  }
  try {
    const auto address = net::SocketAddress::ip(text, 0);
    if (!address) return std::nullopt;
    return of(*address);
  } catch (...) {
    return std::nullopt;  // No memory for the error's text.
  }
}

Result<IpNetwork> IpNetwork::parse(std::string_view text) {
  const auto wrong = [text](std::string_view why) {
    return fail(Errc::invalid_argument, "\"" + std::string(text) + "\": " + std::string(why));
  };
  const std::size_t slash = text.find('/');
  const auto address = net::SocketAddress::ip(text.substr(0, slash), 0);
  if (!address) return wrong("not a network; write 10.0.0.0/8, 2001:db8::/32 or one address");
  const unsigned size = address->family() == net::SocketAddress::Family::ipv4 ? 32 : 128;
  unsigned prefix = size;
  if (slash != std::string_view::npos) {
    const std::string_view digits = text.substr(slash + 1);
    const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), prefix);
    if (failed != std::errc() || end != digits.data() + digits.size() || prefix > size) {
      return wrong("behind the / stands the number of bits, at most " + std::to_string(size));
    }
  }
  if (size == 32) prefix += mapped_prefix * 8;
  IpNetwork network;
  const auto ip = IpAddress::of(*address);
  for (std::size_t i = 0; i < 16; ++i) {
    const unsigned bits = prefix > i * 8 ? std::min(prefix - static_cast<unsigned>(i) * 8, 8U) : 0;
    network.mask_[i] = static_cast<std::uint8_t>(0xff00U >> bits);
    network.bytes_[i] = ip->bytes()[i];
    if ((network.bytes_[i] & ~network.mask_[i] & 0xff) != 0) return wrong("it has bits set behind its prefix");
  }
  return network;
}

bool IpNetwork::contains(const IpAddress& address) const noexcept {
  unsigned different = 0;
  for (std::size_t i = 0; i < 16; ++i) {
    different |= static_cast<unsigned>(address.bytes()[i] & mask_[i]) ^ bytes_[i];
  }
  return different == 0;
}

}  // namespace weir::middleware
