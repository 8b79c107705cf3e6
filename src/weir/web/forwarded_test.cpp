#include "weir/web/forwarded.hpp"

#include <vector>

#include <gtest/gtest.h>

namespace weir {
namespace {

using http::HeaderField;
using http::HeaderId;

class ForwardedTest : public ::testing::Test {
 protected:
  Forwarded read(std::vector<std::pair<HeaderId, std::string_view>> given,
                 ForwardedFields kind = ForwardedFields::x_forwarded, const char* peer = "10.0.0.1") {
    fields_.clear();
    http::HeaderSet present;
    for (const auto& [id, value] : given) {
      fields_.push_back({.name = http::to_string(id), .value = value, .id = id});
      present.insert(id);
    }
    const std::vector<std::string> ranges = {"10.0.0.0/8", "2001:db8::/32"};
    trusted_ = *net::CidrSet::parse(ranges);
    return read_forwarded(http::HeaderView(fields_.data(), fields_.size(), present), *net::SocketAddress::ip(peer, 0),
                          trusted_, kind);
  }
  static std::string client(const Forwarded& forwarded) {
    net::SocketAddress::IpText room;
    return std::string(forwarded.client.ip_text(room));
  }

 private:
  std::vector<HeaderField> fields_;
  net::CidrSet trusted_;
};

TEST_F(ForwardedTest, GoesFromTheRightPastTrustedProxies) {
  const struct {
    const char* value;
    const char* client;
  } cases[] = {
      {"203.0.113.9", "203.0.113.9"},
      {"203.0.113.9, 10.1.2.3", "203.0.113.9"},
      {"1.2.3.4, 203.0.113.9, 10.1.2.3", "203.0.113.9"},  // the first was written by the client
      {"10.9.9.9, 10.1.2.3", "10.9.9.9"},
      {"203.0.113.9:4711, 10.1.2.3:80", "203.0.113.9"},
      {"[2001:db9::7]:443", "2001:db9::7"},
      {"2001:db9::7", "2001:db9::7"},
      {"203.0.113.9, unknown", "10.0.0.1"},
      {"203.0.113.9, 10.2.2.2 x", "10.0.0.1"},
      {"1.2.3.4, unknown, 10.1.2.3", "10.1.2.3"},
      {" , ,", "10.0.0.1"},
      {"", "10.0.0.1"},
  };
  for (const auto& c : cases) EXPECT_EQ(client(read({{HeaderId::x_forwarded_for, c.value}})), c.client) << c.value;
}

TEST_F(ForwardedTest, JoinsSeveralFields) {
  EXPECT_EQ(
      client(read({{HeaderId::x_forwarded_for, "1.1.1.1, 203.0.113.9"}, {HeaderId::x_forwarded_for, "10.1.2.3"}})),
      "203.0.113.9");
}

TEST_F(ForwardedTest, TakesSchemeAndHostOfTheProxyThatSawTheClient) {
  Forwarded found = read({{HeaderId::x_forwarded_for, "203.0.113.9, 10.1.2.3"},
                          {HeaderId::x_forwarded_proto, "http, https, http"},
                          {HeaderId::x_forwarded_host, "evil.example, shop.example, inner.example"}});
  EXPECT_EQ(found.scheme, "https");
  EXPECT_EQ(found.authority, "shop.example");
  found = read({{HeaderId::x_forwarded_proto, "HTTPS"}, {HeaderId::x_forwarded_host, "shop.example:8443"}});
  EXPECT_EQ(found.scheme, "https");
  EXPECT_EQ(found.authority, "shop.example:8443");
  found = read({{HeaderId::x_forwarded_proto, "ftp"}, {HeaderId::x_forwarded_host, "a b"}});
  EXPECT_EQ(found.scheme, "");
  EXPECT_EQ(found.authority, "");
}

TEST_F(ForwardedTest, ReadsRfc7239) {
  const auto kind = ForwardedFields::forwarded;
  Forwarded found =
      read({{HeaderId::forwarded,
             R"(for=1.2.3.4;proto=http, for="[2001:db9::17]:4711";Proto=https;host="shop.example", for=10.1.1.1)"}},
           kind);
  EXPECT_EQ(client(found), "2001:db9::17");
  EXPECT_EQ(found.scheme, "https");
  EXPECT_EQ(found.authority, "shop.example");
  found = read({{HeaderId::forwarded, R"(for=_hidden;proto=https;by="a,b;c")"}}, kind);
  EXPECT_EQ(client(found), "10.0.0.1");
  EXPECT_EQ(found.scheme, "https");
  EXPECT_EQ(client(read({{HeaderId::forwarded, R"(for="unclosed, for=203.0.113.9)"}}, kind)), "10.0.0.1");
}

// What a trusted proxy has appended to it is in the quotes then.
TEST_F(ForwardedTest, BelievesNothingBehindAnOpenQuote) {
  const auto kind = ForwardedFields::forwarded;
  for (const char* value : {R"(proto=https;host=evil.example;for="x, for=203.0.113.9;proto=http)",
                            R"(proto=https;host=evil.example;for="x, for="[2001:db9::17]:4711";proto=http)",
                            R"(proto=https;host=evil.example;by="x\", for=203.0.113.9;proto=http)"}) {
    const Forwarded found = read({{HeaderId::forwarded, value}}, kind);
    EXPECT_EQ(client(found), "10.0.0.1") << value;
    EXPECT_EQ(found.scheme, "") << value;
    EXPECT_EQ(found.authority, "") << value;
  }
  // A field of its own stands for itself.
  const Forwarded found =
      read({{HeaderId::forwarded, R"(proto=https;for="x)"}, {HeaderId::forwarded, "for=203.0.113.9;proto=http"}}, kind);
  EXPECT_EQ(client(found), "203.0.113.9");
  EXPECT_EQ(found.scheme, "http");
}

TEST_F(ForwardedTest, ReadsOneKindOnly) {
  EXPECT_EQ(client(read({{HeaderId::forwarded, "for=203.0.113.9"}})), "10.0.0.1");
  EXPECT_EQ(client(read({{HeaderId::x_forwarded_for, "203.0.113.9"}}, ForwardedFields::forwarded)), "10.0.0.1");
}

TEST_F(ForwardedTest, BoundsTheHops) {
  std::string many;
  for (int i = 0; i < 1000; ++i) many += "10.1.1.1,";
  EXPECT_EQ(client(read({{HeaderId::x_forwarded_for, many}})), "10.1.1.1");
}

}  // namespace
}  // namespace weir
