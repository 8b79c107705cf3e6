#include "weir/net/address.hpp"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstring>

#include <arpa/inet.h>

namespace weir::net {
namespace {

constexpr std::size_t path_offset = offsetof(sockaddr_un, sun_path);

std::unexpected<Error> bad_address(std::string_view text, std::string_view why) {
  return fail(Errc::invalid_argument, "address '" + std::string(text) + "': " + std::string(why));
}

/// Writes four bytes as "10.0.0.1": inet_ntop() goes through printf, and this stands in every line of an access log.
std::string_view write_ipv4(const void* bytes, SocketAddress::IpText& room) noexcept {
  std::array<unsigned char, 4> parts{};
  std::memcpy(parts.data(), bytes, parts.size());
  char* to = room.data();
  for (const unsigned part : parts) {
    if (to != room.data()) *to++ = '.';
    if (part >= 100) *to++ = static_cast<char>('0' + part / 100);
    if (part >= 10) *to++ = static_cast<char>('0' + part / 10 % 10);
    *to++ = static_cast<char>('0' + part % 10);
  }
  return {room.data(), static_cast<std::size_t>(to - room.data())};
}

}  // namespace

Result<SocketAddress> SocketAddress::ip(std::string_view address, std::uint16_t port) {
  SocketAddress result;
  std::array<char, INET6_ADDRSTRLEN> text{};  // inet_pton wants a terminated string
  if (address.size() < text.size()) {
    std::copy(address.begin(), address.end(), text.begin());
    if (::inet_pton(AF_INET, text.data(), &result.storage_.v4.sin_addr) == 1) {
      result.storage_.v4.sin_family = AF_INET;
      result.size_ = sizeof(sockaddr_in);
    } else if (::inet_pton(AF_INET6, text.data(), &result.storage_.v6.sin6_addr) == 1) {
      result.storage_.v6.sin6_family = AF_INET6;
      result.size_ = sizeof(sockaddr_in6);
    }
  }
  if (result.empty()) return bad_address(address, "must be an IPv4 or IPv6 address such as 127.0.0.1 or ::1");
  result.set_port(port);
  return result;
}

Result<SocketAddress> SocketAddress::parse(std::string_view text) {
  if (text.starts_with("unix:")) {
    const std::string_view path = text.substr(5);
    SocketAddress result;
    if (path.empty()) return bad_address(text, "must name a path, as in unix:/run/weir.sock, or unix:@name");
    if (path.size() >= sizeof result.storage_.local.sun_path) {
      return bad_address(text, "the path must be shorter than 108 bytes");
    }
    if (path.find('\0') != std::string_view::npos) return bad_address(text, "must not contain a NUL byte");
    result.storage_.local.sun_family = AF_UNIX;
    std::memcpy(result.storage_.local.sun_path, path.data(), path.size());
    result.size_ = static_cast<socklen_t>(path_offset + path.size());
    if (path.front() == '@') {
      result.storage_.local.sun_path[0] = '\0';
    } else {
      ++result.size_;  // the terminating NUL of a path
    }
    return result;
  }

  constexpr std::string_view form =
      "must look like 127.0.0.1:8080, [::1]:8080, :8080 or unix:/path; names are not looked up";
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return bad_address(text, form);
  std::string_view host = text.substr(0, colon);
  const std::string_view digits = text.substr(colon + 1);
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (digits.empty() || error != std::errc{} || end != digits.data() + digits.size()) {
    return bad_address(text, "the port must be a number from 0 to 65535");
  }
  if (host.empty()) host = "0.0.0.0";
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  if (bracketed != (host.find(':') != std::string_view::npos)) return bad_address(text, form);
  auto result = ip(host, port);
  if (!result) return bad_address(text, form);
  return result;
}

SocketAddress SocketAddress::loopback(std::uint16_t port) noexcept {
  SocketAddress result;
  result.storage_.v4.sin_family = AF_INET;
  result.storage_.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  result.storage_.v4.sin_port = htons(port);
  result.size_ = sizeof(sockaddr_in);
  return result;
}

SocketAddress SocketAddress::from_native(const sockaddr* address, socklen_t size) noexcept {
  SocketAddress result;
  if (address == nullptr || size < sizeof(sa_family_t)) return result;
  const auto fits = [size](std::size_t least) { return size >= least; };
  const bool known = (address->sa_family == AF_INET && fits(sizeof(sockaddr_in))) ||
                     (address->sa_family == AF_INET6 && fits(sizeof(sockaddr_in6))) || address->sa_family == AF_UNIX;
  if (!known) return result;
  result.size_ = std::min<socklen_t>(size, sizeof result.storage_);
  std::memcpy(&result.storage_, address, result.size_);
  return result;
}

SocketAddress::Family SocketAddress::family() const noexcept {
  switch (storage_.any.sa_family) {
    case AF_INET:
      return Family::ipv4;
    case AF_INET6:
      return Family::ipv6;
    case AF_UNIX:
      return Family::unix_socket;
    default:
      return Family::none;
  }
}

std::uint16_t SocketAddress::port() const noexcept {
  if (family() == Family::ipv4) return ntohs(storage_.v4.sin_port);
  if (family() == Family::ipv6) return ntohs(storage_.v6.sin6_port);
  return 0;
}

void SocketAddress::set_port(std::uint16_t port) noexcept {
  if (family() == Family::ipv4) storage_.v4.sin_port = htons(port);
  if (family() == Family::ipv6) storage_.v6.sin6_port = htons(port);
}

std::string_view SocketAddress::unix_path() const noexcept {
  if (!is_unix() || size_ <= path_offset) return {};
  const char* path = storage_.local.sun_path;
  const std::size_t size = size_ - path_offset;
  if (path[0] == '\0') return {path, size};
  return {path, ::strnlen(path, size)};
}

std::string_view SocketAddress::ip_bytes() const noexcept {
  if (family() == Family::ipv4) return {reinterpret_cast<const char*>(&storage_.v4.sin_addr), 4};
  if (family() == Family::ipv6) return {reinterpret_cast<const char*>(&storage_.v6.sin6_addr), 16};
  return {};
}

std::string_view SocketAddress::ip_text(IpText& room) const noexcept {
  const char* bytes = ip_bytes().data();
  if (bytes == nullptr) return is_unix() ? "unix" : "";
  if (family() == Family::ipv4) return write_ipv4(bytes, room);
  if (IN6_IS_ADDR_V4MAPPED(&storage_.v6.sin6_addr)) return write_ipv4(bytes + 12, room);
  const char* text = ::inet_ntop(AF_INET6, bytes, room.data(), static_cast<socklen_t>(room.size()));
  return text == nullptr ? std::string_view() : std::string_view(text);
}

std::string SocketAddress::to_string() const {
  if (empty()) return "(no address)";
  if (is_unix()) {
    std::string path(unix_path());
    if (!path.empty() && path.front() == '\0') path.front() = '@';
    return "unix:" + path;
  }
  std::array<char, INET6_ADDRSTRLEN> room{};
  const char* text = ::inet_ntop(storage_.any.sa_family, ip_bytes().data(), room.data(), room.size());
  const std::string host = family() == Family::ipv6 ? "[" + std::string(text) + "]" : std::string(text);
  return host + ":" + std::to_string(port());
}

bool operator==(const SocketAddress& a, const SocketAddress& b) noexcept {
  if (a.family() != b.family()) return false;
  if (a.is_unix()) return a.unix_path() == b.unix_path();
  return a.port() == b.port() && a.ip_bytes() == b.ip_bytes();
}

}  // namespace weir::net
