// WebSockets over HTTP/2 (RFC 8441), over a socket; and topics over several loops.
#include <array>
#include <cerrno>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "weir/app/app.hpp"
#include "weir/app/test_client.hpp"
#include "weir/app/test_websocket.hpp"
#include "weir/http2/client_test_support.hpp"
#include "weir/web/topics.hpp"
#include "weir/websocket/frame.hpp"

namespace weir {
namespace {

using namespace std::chrono_literals;
using websocket::Opcode;

std::string frame(Opcode opcode, std::string payload) {
  const websocket::MaskKey key{0x12345678};
  std::array<char, websocket::max_frame_header> header;
  const std::size_t size = websocket::write_masked_header(header.data(), opcode, payload.size(), key);
  websocket::apply_mask(payload.data(), payload.size(), key);
  return std::string(header.data(), size) + payload;
}

/// A client of HTTP/2 on a socket.
class SocketClient {
 public:
  explicit SocketClient(const net::SocketAddress& address)
      : fd_(::socket(address.native()->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    connected_ = ::connect(fd_, address.native(), address.native_size()) == 0;
  }
  SocketClient(const SocketClient&) = delete;
  SocketClient& operator=(const SocketClient&) = delete;
  ~SocketClient() { ::close(fd_); }

  /// Moves bytes both ways until `done()`, 10 s at most.
  template <class Done>
  bool run(Done done) {
    const auto give_up = std::chrono::steady_clock::now() + 10s;
    while (connected_ && !done()) {
      const std::string out = session.output();
      if (!out.empty() && ::send(fd_, out.data(), out.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(out.size())) {
        return false;
      }
      pollfd readable{fd_, POLLIN, 0};
      if (::poll(&readable, 1, 10) == 1) {
        std::array<char, 65536> buffer;
        const ssize_t got = ::recv(fd_, buffer.data(), buffer.size(), 0);
        if (got <= 0) return false;
        if (!session.input({buffer.data(), static_cast<std::size_t>(got)})) return false;
      }
      if (std::chrono::steady_clock::now() > give_up) return false;
    }
    return connected_;
  }
  http2::testing::Client session;

 private:
  int fd_;
  bool connected_;
};

TEST(WebSocketOverHttp2, EchoesBesideRequests) {
  AppOptions options;
  options.log.file = "/dev/null";
  options.listen = {"127.0.0.1:0"};
  options.threads = 1;
  App app(options);
  app.websocket("/echo/{name}", [](WebSocket& ws, Path<std::string> name) -> Task<void> {
    co_await ws.send(*name);
    for (;;) {
      auto message = co_await ws.receive();
      if (!message) break;
      co_await ws.send(*message);
    }
  });
  app.get("/plain", [] { return std::string("plain"); });
  ASSERT_TRUE(app.start());
  {
    SocketClient client(app.addresses().at(0));
    auto& session = client.session;
    ASSERT_TRUE(client.run([&] { return session.settings[NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL] == 1; }));
    const std::int32_t id = session.connect("/echo/ada", "websocket", {{"sec-websocket-version", "13"}});
    ASSERT_TRUE(client.run([&] {
      return session.answers[id].body ==
             "\x81\x03"
             "ada";
    })) << session.answers[id].status;
    EXPECT_EQ(session.answers[id].status, "200");
    session.more(id, frame(Opcode::text, "hello"), false);
    ASSERT_TRUE(client.run([&] { return session.answers[id].body.ends_with("\x81\x05hello"); }));
    const std::int32_t plain = session.get("/plain");
    const std::string large(300000, 'x');
    session.more(id, frame(Opcode::binary, large), false);
    ASSERT_TRUE(client.run([&] { return session.answers[id].body.size() == 5 + 7 + 10 + large.size(); }));
    ASSERT_TRUE(client.run([&] { return session.answers[plain].body == "plain"; }));
    session.more(id, frame(Opcode::close, "\x03\xe8"), true);
    ASSERT_TRUE(client.run([&] { return session.answers[id].closed; }));
    EXPECT_TRUE(session.answers[id].body.ends_with("\x88\x02\x03\xe8"));

    // A route that does not switch, a protocol that is not spoken, a version that is not known.
    const std::int32_t no_route = session.connect("/plain", "websocket", {{"sec-websocket-version", "13"}});
    const std::int32_t no_protocol = session.connect("/echo/a", "connect-udp", {{"sec-websocket-version", "13"}});
    const std::int32_t no_version = session.connect("/echo/a", "websocket");
    ASSERT_TRUE(client.run([&] {
      return !session.answers[no_route].status.empty() && !session.answers[no_protocol].status.empty() &&
             !session.answers[no_version].status.empty();
    }));
    EXPECT_EQ(session.answers[no_route].status, "501");
    EXPECT_EQ(session.answers[no_protocol].status, "426");
    EXPECT_EQ(session.answers[no_version].status, "426");

    // The server says good-bye to one that is open.
    const std::int32_t open = session.connect("/echo/b", "websocket", {{"sec-websocket-version", "13"}});
    ASSERT_TRUE(client.run([&] {
      return session.answers[open].body ==
             "\x81\x01"
             "b";
    }));
    std::thread stopping([&app] { app.stop(500ms); });
    EXPECT_TRUE(client.run([&] { return session.answers[open].body.find('\x88') != std::string::npos; }));
    stopping.join();
  }
}

TEST(WebSocketOverHttp2, HearsOfAHardStop) {
  AppOptions options;
  options.log.file = "/dev/null";
  options.listen = {"127.0.0.1:0"};
  options.threads = 1;
  App app(options);
  app.websocket("/", [](WebSocket& ws) -> Task<void> {
    co_await ws.send("hello");
    auto message = co_await ws.receive();
    static_cast<void>(message);
  });
  ASSERT_TRUE(app.start());
  SocketClient client(app.addresses().at(0));
  auto& session = client.session;
  const std::int32_t id = session.connect("/", "websocket", {{"sec-websocket-version", "13"}});
  ASSERT_TRUE(client.run([&] { return session.answers[id].body.ends_with("hello"); }));
  app.stop(Duration::zero());
  client.run([&] { return session.answers[id].closed; });
  const std::string& body = session.answers[id].body;
  const std::size_t close = body.find('\x88');
  ASSERT_NE(close, std::string::npos);
  EXPECT_EQ(body.substr(close + 2, 2), "\x03\xe9") << "1001: going away";
}

TEST(Topics, ReachEveryLoop) {
  AppOptions options;
  options.log.file = "/dev/null";
  App app(options);
  Topics& topics = app.make_state<Topics>();
  app.websocket("/", [](WebSocket& ws, State<Topics> all) -> Task<void> {
    ws.subscribe(*all, "news");
    for (;;) {
      auto message = co_await ws.receive();
      if (!message) break;
      all->publish("news", message->data);
    }
  });
  TestClient first = app.test();  // So that the App is prepared by one thread.
  constexpr int loops = 3;
  constexpr int messages = 200;
  std::atomic<int> ready{0};
  std::array<int, loops> got{};
  std::vector<std::thread> threads;
  for (int i = 0; i < loops; ++i) {
    threads.emplace_back([&, i] {
      TestClient client = app.test();
      TestWebSocket one = client.websocket("/");
      TestWebSocket two = client.websocket("/");
      ++ready;
      while (ready != loops) std::this_thread::yield();
      const auto give_up = std::chrono::steady_clock::now() + 20s;
      int sent = 0;
      auto& count = got[static_cast<std::size_t>(i)];
      while (count < 2 * loops * messages && std::chrono::steady_clock::now() < give_up) {
        if (sent < messages) {
          one.send(std::to_string(sent));
          ++sent;
        }
        while (one.receive()) ++count;
        while (two.receive()) ++count;
      }
      ++ready;
      while (ready != 2 * loops) std::this_thread::yield();
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const int count : got) EXPECT_EQ(count, 2 * loops * messages);
  EXPECT_EQ(topics.subscribers("news"), 0u);
}

}  // namespace
}  // namespace weir
