#include "weir/net/address.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir::net {
namespace {

using Family = SocketAddress::Family;

TEST(SocketAddress, ReadsAndWritesEveryForm) {
  const struct {
    std::string_view text, written, ip;
    Family family;
    std::uint16_t port;
  } cases[] = {
      {"127.0.0.1:8080", "127.0.0.1:8080", "127.0.0.1", Family::ipv4, 8080},
      {"255.10.0.199:1", "255.10.0.199:1", "255.10.0.199", Family::ipv4, 1},
      {":80", "0.0.0.0:80", "0.0.0.0", Family::ipv4, 80},
      {"[::1]:80", "[::1]:80", "::1", Family::ipv6, 80},
      {"[2001:db8:0:0::1]:65535", "[2001:db8::1]:65535", "2001:db8::1", Family::ipv6, 65535},
      {"[::ffff:10.1.2.3]:1", "[::ffff:10.1.2.3]:1", "10.1.2.3", Family::ipv6, 1},
      {"unix:/run/weir.sock", "unix:/run/weir.sock", "unix", Family::unix_socket, 0},
      {"unix:@weir", "unix:@weir", "unix", Family::unix_socket, 0},
  };
  for (const auto& c : cases) {
    const auto address = SocketAddress::parse(c.text);
    ASSERT_TRUE(address) << address.error().message();
    SocketAddress::IpText room;
    EXPECT_EQ(address->to_string(), c.written);
    EXPECT_EQ(address->ip_text(room), c.ip);
    EXPECT_EQ(address->family(), c.family);
    EXPECT_EQ(address->port(), c.port);
    EXPECT_EQ(SocketAddress::from_native(address->native(), address->native_size()), *address);
  }
}

TEST(SocketAddress, RefusesWhatIsNotOne) {
  using namespace std::string_view_literals;
  const std::string long_path = "unix:/" + std::string(120, 'x');
  for (const std::string_view text :
       {""sv, "8080"sv, "localhost:80"sv, "127.0.0.1"sv, "127.0.0.1:"sv, "127.0.0.1:65536"sv, "127.0.0.1:-1"sv,
        "127.0.0.1:8o"sv, "::1:80"sv, "[::1]"sv, "[127.0.0.1]:80"sv, "[::1:80"sv, "1.2.3:80"sv, "unix:"sv,
        "unix:a\0b"sv, std::string_view(long_path)}) {
    const auto address = SocketAddress::parse(text);
    ASSERT_FALSE(address) << text;
    EXPECT_EQ(address.error().code(), Errc::invalid_argument);
    EXPECT_THAT(address.error().message(), ::testing::HasSubstr("must"));
  }
}

TEST(SocketAddress, ComparesByWhatItNames) {
  EXPECT_EQ(*SocketAddress::parse("127.0.0.1:1"), SocketAddress::loopback(1));
  EXPECT_FALSE(*SocketAddress::parse("127.0.0.1:1") == SocketAddress::loopback(2));
  EXPECT_FALSE(*SocketAddress::parse("[::1]:1") == SocketAddress::loopback(1));
  EXPECT_FALSE(*SocketAddress::parse("unix:/a") == *SocketAddress::parse("unix:@a"));
  EXPECT_EQ(SocketAddress(), SocketAddress());
}

TEST(SocketAddress, KernelsOddAddressesAreEmptyOrUnnamed) {
  sockaddr_storage storage{};
  const auto* native = reinterpret_cast<const sockaddr*>(&storage);
  EXPECT_TRUE(SocketAddress::from_native(native, sizeof storage).empty());
  storage.ss_family = AF_INET;
  EXPECT_TRUE(SocketAddress::from_native(native, 4).empty()) << "cut short";
  storage.ss_family = AF_UNIX;
  const auto unnamed = SocketAddress::from_native(native, sizeof(sa_family_t));
  EXPECT_TRUE(unnamed.is_unix());
  EXPECT_EQ(unnamed.unix_path(), "");
  EXPECT_EQ(unnamed.to_string(), "unix:");
}

}  // namespace
}  // namespace weir::net
