#include "weir/net/cidr.hpp"

#include <gtest/gtest.h>

namespace weir::net {
namespace {

CidrSet set_of(std::vector<std::string> ranges) {
  auto set = CidrSet::parse(ranges);
  EXPECT_TRUE(set) << set.error().message();
  return set ? *set : CidrSet();
}

TEST(CidrSet, ContainsWhatItsRangesCover) {
  const CidrSet set = set_of({"10.0.0.0/8", "192.0.2.7", "2001:db8::/33", "203.0.113.128/25"});
  const struct {
    const char* address;
    bool inside;
  } cases[] = {
      {"10.255.0.1", true},      {"11.0.0.0", false},        {"192.0.2.7", true},        {"192.0.2.6", false},
      {"203.0.113.128", true},   {"203.0.113.127", false},   {"2001:db8:7fff::1", true}, {"2001:db8:8000::1", false},
      {"::ffff:10.1.1.1", true}, {"::ffff:11.1.1.1", false}, {"::a01:101", false},
  };
  for (const auto& c : cases) EXPECT_EQ(set.contains(*SocketAddress::ip(c.address, 1)), c.inside) << c.address;
}

TEST(CidrSet, AllAndNothing) {
  EXPECT_TRUE(CidrSet().empty());
  EXPECT_FALSE(CidrSet().contains(SocketAddress::loopback(1)));
  EXPECT_TRUE(set_of({"0.0.0.0/0"}).contains(SocketAddress::loopback(1)));
  EXPECT_FALSE(set_of({"0.0.0.0/0"}).contains(*SocketAddress::ip("::1", 1)));
  EXPECT_TRUE(set_of({"::/0"}).contains(SocketAddress::loopback(1)));
}

TEST(CidrSet, KnowsUnixSockets) {
  const SocketAddress local = *SocketAddress::parse("unix:/run/a");
  EXPECT_TRUE(set_of({"unix"}).contains(local));
  EXPECT_FALSE(set_of({"::/0"}).contains(local));
}

TEST(CidrSet, RefusesWhatIsNoRange) {
  for (const char* text : {"", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/8x", "10.0.0.1/8", "::/129",
                           "2001:db8::1/32", "example.com", "10.0.0/8", "/8"}) {
    const std::vector<std::string> ranges = {text};
    EXPECT_FALSE(CidrSet::parse(ranges)) << text;
  }
}

}  // namespace
}  // namespace weir::net
