// When a client that says nothing is given up.
#include <array>
#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "weir/server/connection_test_support.hpp"
#include "weir/web/detail/websocket_connection.hpp"
#include "weir/web/detail/websocket_session.hpp"

namespace weir::detail {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t message_size = 400'000;

Task<void> send_and_listen(WebSocket& ws) {
  ws.try_send(std::string(message_size, 'm'));
  for (;;) {
    auto message = co_await ws.receive();
    if (!message) break;
  }
}

class Listener final : public WebSocketSession {
 public:
  Task<void> start(WebSocket& socket, std::shared_ptr<const void>&) override { return send_and_listen(socket); }
};

class WebSocketKeepaliveTest : public server::ConnectionTest {
 protected:
  void open() {
    make_worker();
    net::MemoryStreamPair pair = net::memory_stream_pair(loop_, {.capacity = 16'384});
    stream_ = std::move(pair.client);
    WebSocketOptions options;
    options.output_bytes = 2 * message_size;
    WebSocketAccepted accepted;
    accepted.route = make_websocket_route(options, "/");
    auto made = std::make_unique<WebSocketConnection>(*worker_, std::move(pair.server), Buffer(), std::move(accepted));
    WebSocketConnection& connection = *made;
    worker_->add(std::move(made));
    Listener listener;
    connection.start(listener);
    loop_.run_until_idle();
  }
  /// Takes what is there.
  std::size_t read() {
    std::array<char, 16'384> room;
    const net::IoResult result = stream_->read(room);
    loop_.run_until_idle();
    return result.ok() ? result.bytes : 0;
  }
  [[nodiscard]] bool cut() const { return worker_->connections() == 0; }
};

TEST_F(WebSocketKeepaliveTest, DoesNotCutASlowReaderThatHasNotSeenThePing) {
  open();
  std::size_t got = read();
  advance(31s);  // The ping waits behind most of the message.
  while (got < message_size) {
    ASSERT_FALSE(cut()) << got;
    got += read();
    advance(21s);
  }
  EXPECT_FALSE(cut());
  while (read() != 0) {
  }
  // Now it has seen it, and says nothing.
  advance(21s);
  advance(21s);
  EXPECT_TRUE(cut());
}

TEST_F(WebSocketKeepaliveTest, CutsAReaderThatHasStopped) {
  open();
  advance(31s);
  EXPECT_FALSE(cut());
  advance(21s);
  EXPECT_TRUE(cut());
}

TEST_F(WebSocketKeepaliveTest, CutsAReaderBelowTheMinimalRate) {
  limits_.min_rate = 1'000;
  open();
  advance(31s);
  read();  // 16 KiB in 21 seconds
  advance(21s);
  EXPECT_TRUE(cut());
}

}  // namespace
}  // namespace weir::detail
