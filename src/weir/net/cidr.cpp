#include "weir/net/cidr.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace weir::net {

namespace {

constexpr std::array<std::uint8_t, 12> mapped_prefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

std::array<std::uint8_t, 16> widen(std::string_view ip) noexcept {
  std::array<std::uint8_t, 16> result{};
  if (ip.size() == 4) {
    std::ranges::copy(mapped_prefix, result.begin());
    std::memcpy(result.data() + 12, ip.data(), 4);
  } else {
    std::memcpy(result.data(), ip.data(), 16);
  }
  return result;
}

bool same_bits(const std::array<std::uint8_t, 16>& a, const std::array<std::uint8_t, 16>& b, unsigned bits) noexcept {
  if (std::memcmp(a.data(), b.data(), bits / 8) != 0) return false;
  if (bits % 8 == 0) return true;
  const unsigned mask = 0xffu << (8 - bits % 8) & 0xffu;
  return ((a[bits / 8] ^ b[bits / 8]) & mask) == 0;
}

}  // namespace

Result<CidrSet> CidrSet::parse(std::span<const std::string> ranges) {
  CidrSet result;
  for (const std::string& text : ranges) {
    if (text == "unix") {
      result.unix_ = true;
      continue;
    }
    const auto wrong = [&text](const char* what) {
      return fail(Errc::invalid_argument, "\"" + text + "\" " + what + ", like 10.0.0.0/8 or 2001:db8::/32");
    };
    const std::size_t slash = text.find('/');
    const auto address = SocketAddress::ip(std::string_view(text).substr(0, slash), 0);
    if (!address) return wrong("is no range of IP addresses");
    const std::string_view ip = address->ip_bytes();
    const auto most = static_cast<unsigned>(8 * ip.size());
    unsigned bits = most;
    if (slash != std::string::npos) {
      const char* end = text.data() + text.size();
      const auto [stop, error] = std::from_chars(text.data() + slash + 1, end, bits);
      if (error != std::errc() || stop != end || bits > most) return wrong("has no good length of its prefix");
    }
    Range range{widen(ip), bits + (128 - most)};
    std::array<std::uint8_t, 16> masked{};
    for (unsigned i = 0; i < range.bits; ++i) {
      masked[i / 8] = static_cast<std::uint8_t>(masked[i / 8] | (range.bytes[i / 8] & (0x80u >> i % 8)));
    }
    if (masked != range.bytes) return wrong("has bits behind its prefix: is the prefix too short?");
    result.ranges_.push_back(range);
  }
  return result;
}

bool CidrSet::contains(const SocketAddress& address) const noexcept {
  if (!address.is_ip()) return unix_ && address.is_unix();
  if (ranges_.empty()) return false;
  const std::array<std::uint8_t, 16> bytes = widen(address.ip_bytes());
  return std::ranges::any_of(ranges_, [&](const Range& range) { return same_bits(range.bytes, bytes, range.bits); });
}

}  // namespace weir::net
