#include "weir/net/proxy_protocol.hpp"

#include <array>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "weir/net/memory_stream.hpp"
#include "weir/runtime/event_loop.hpp"

namespace weir::net {
namespace {

using State = ProxyHeader::State;

std::string v2(unsigned char command, unsigned char family, std::string_view block) {
  std::string result("\r\n\r\n\0\r\nQUIT\n", 12);
  result += static_cast<char>(command);
  result += static_cast<char>(family);
  result += static_cast<char>(block.size() >> 8);
  result += static_cast<char>(block.size() & 0xff);
  return result.append(block);
}
const std::string v4_block("\xcb\x00\x71\x09\x0a\x00\x00\x01\x12\x67\x01\xbb", 12);

TEST(ProxyHeader, ReadsVersion1) {
  const std::string line = "PROXY TCP4 203.0.113.9 10.0.0.1 4711 443\r\n";
  const ProxyHeader header = parse_proxy_header(line + "GET /");
  ASSERT_EQ(header.state, State::complete);
  EXPECT_EQ(header.size, line.size());
  EXPECT_EQ(header.source.to_string(), "203.0.113.9:4711");
  EXPECT_EQ(header.destination.to_string(), "10.0.0.1:443");
  const ProxyHeader v6 = parse_proxy_header("PROXY TCP6 2001:db8::1 ::1 1 65535\r\n");
  ASSERT_EQ(v6.state, State::complete);
  EXPECT_EQ(v6.source.to_string(), "[2001:db8::1]:1");
  const ProxyHeader unknown = parse_proxy_header("PROXY UNKNOWN ffff::1 whatever 1 2\r\n");
  EXPECT_EQ(unknown.state, State::complete);
  EXPECT_FALSE(unknown.has_addresses);
}

TEST(ProxyHeader, ReadsVersion2) {
  const std::string text = v2(0x21, 0x11,
                              v4_block + std::string("\x04\0\x03"
                                                     "abc",
                                                     6));
  const ProxyHeader header = parse_proxy_header(text);
  ASSERT_EQ(header.state, State::complete);
  EXPECT_EQ(header.size, text.size());
  EXPECT_EQ(header.source.to_string(), "203.0.113.9:4711");
  EXPECT_EQ(header.destination.to_string(), "10.0.0.1:443");
  std::string six(36, '\0');
  six[15] = 1;
  six[31] = 2;
  six[33] = 80;
  EXPECT_EQ(parse_proxy_header(v2(0x21, 0x21, six)).source.to_string(), "[::1]:80");
  for (const std::string& local : {v2(0x20, 0x11, v4_block), v2(0x20, 0, ""), v2(0x21, 0x31, std::string(216, 'x'))}) {
    EXPECT_EQ(parse_proxy_header(local).state, State::complete);
    EXPECT_FALSE(parse_proxy_header(local).has_addresses);
  }
}

TEST(ProxyHeader, WaitsAtEveryByte) {
  for (const std::string& text :
       {std::string("PROXY TCP4 203.0.113.9 10.0.0.1 4711 443\r\n"), v2(0x21, 0x11, v4_block)}) {
    for (std::size_t size = 0; size < text.size(); ++size) {
      EXPECT_EQ(parse_proxy_header(std::string_view(text).substr(0, size)).state, State::need_more) << size;
    }
    EXPECT_EQ(parse_proxy_header(text).state, State::complete);
  }
}

TEST(ProxyHeader, RefusesTheRest) {
  const std::string cases[] = {
      "GET / HTTP/1.1\r\n",
      "PROXY TCP4 203.0.113.9 10.0.0.1 4711\r\n",
      "PROXY TCP4 203.0.113.9 10.0.0.1 4711 65536\r\n",
      "PROXY TCP4 203.0.113.9 10.0.0.1 04711 443\r\n",
      "PROXY TCP4 203.0.113.9  10.0.0.1 4711 443\r\n",
      "PROXY TCP4 2001:db8::1 10.0.0.1 4711 443\r\n",
      "PROXY TCP6 203.0.113.9 10.0.0.1 4711 443\r\n",
      "PROXY TCP4 203.0.113.9 10.0.0.1 4711 443 \r\n",
      "PROXY UDP4 203.0.113.9 10.0.0.1 4711 443\r\n",
      "PROXY UNKNOWN" + std::string(120, ' '),
      v2(0x11, 0x11, v4_block),
      v2(0x22, 0x11, v4_block),
      v2(0x21, 0x41, v4_block),
      v2(0x21, 0x11, v4_block.substr(1)),
      v2(0x21, 0x11, std::string(max_proxy_header, 'x')).substr(0, 16),
  };
  for (const std::string& text : cases) EXPECT_EQ(parse_proxy_header(text).state, State::malformed) << text;
}

struct Reader final : StreamHandler {
  void on_readable() noexcept override {
    std::array<char, 3> room;
    const IoResult result = stream->read(room);
    if (result.ok()) got.append(room.data(), result.bytes);
    if (result.error()) error = result.error_number;
    ended = result.end_of_stream();
    if (result.error() || ended) stream->want(false, false);
  }
  void on_writable() noexcept override {}
  void on_hangup() noexcept override {}
  Stream* stream = nullptr;
  std::string got;
  int error = 0;
  bool ended = false;
};

class ProxyStreamTest : public ::testing::Test {
 protected:
  void connect(std::size_t max_read, const char* from = "10.0.0.1") {
    MemoryStreamOptions options;
    options.client_address = *SocketAddress::ip(from, 5);
    options.server_faults.max_read = max_read;
    MemoryStreamPair pair = memory_stream_pair(loop, options);
    client = std::move(pair.client);
    const std::vector<std::string> trusted = {"10.0.0.0/8"};
    filter = proxy_protocol(*CidrSet::parse(trusted),
                            [this](const SocketAddress& peer) { refused.push_back(peer.to_string()); })(loop);
    server = filter->wrap(std::move(pair.server));
    reader.stream = server.get();
    server->set_handler(&reader);
  }
  void send(std::string_view text) {
    ASSERT_TRUE(client->write(text.data(), text.size()).ok());
    loop.run_until_idle();
  }
  EventLoop loop;
  std::unique_ptr<StreamFilter> filter;
  std::unique_ptr<MemoryStream> client;
  std::unique_ptr<Stream> server;
  Reader reader;
  std::vector<std::string> refused;
};

TEST_F(ProxyStreamTest, PassesOnWhatFollowsTheHeader) {
  for (const std::size_t step : {std::size_t{1}, std::size_t{7}, Faults::never}) {
    connect(step);
    send("PROXY TCP4 203.0.113.9 10.0.0.1 4711 443\r\nhello, world");
    EXPECT_EQ(reader.got, "hello, world") << step;
    EXPECT_EQ(server->peer().to_string(), "203.0.113.9:4711");
    send(" and more");
    EXPECT_EQ(reader.got, "hello, world and more");
    reader.got.clear();
    server.reset();
  }
}

TEST_F(ProxyStreamTest, EndsConnectionsOfTrustedPeersWithoutAHeader) {
  connect(Faults::never);
  send("GET / HTTP/1.1\r\n\r\n");
  EXPECT_EQ(reader.error, EPROTO);
  EXPECT_EQ(reader.got, "");
  EXPECT_EQ(refused, std::vector<std::string>{"10.0.0.1:5"});
}

TEST_F(ProxyStreamTest, BelievesNobodyElse) {
  connect(Faults::never, "192.0.2.1");
  send("PROXY TCP4 203.0.113.9 10.0.0.1 4711 443\r\n");
  EXPECT_EQ(server->peer().to_string(), "192.0.2.1:5");
  EXPECT_TRUE(reader.got.starts_with("PROXY TCP4"));
}

}  // namespace
}  // namespace weir::net
