// docs/guide/websocket.md
#include <gtest/gtest.h>

#include "support.hpp"

namespace guide {
namespace {

using namespace std::chrono_literals;

TEST(WebSocketPage, Echoes) {
  weir::App app(quiet());
  // [echo]
  app.websocket("/echo", [](weir::WebSocket& ws) -> weir::Task<void> {
    for (;;) {
      auto message = co_await ws.receive();
      if (!message) break;  // closed: by the client, by us, or by the network
      co_await ws.send(*message);
    }
  });
  // [/echo]
  // [test]
  weir::TestClient client = app.test();
  weir::TestWebSocket ws = client.websocket("/echo");
  ws.send("hello");
  EXPECT_EQ(ws.receive(), "hello");
  client.advance(31s);  // time stands still otherwise: a ping is due
  ws.close();
  EXPECT_TRUE(ws.closed());
  // [/test]
}

TEST(WebSocketPage, TakesParameters) {
  weir::App app(quiet());
  // [parameters]
  struct Reader {
    std::string name;
    std::optional<int> since;
  };
  app.websocket(
      "/logs/{service}",
      [](weir::WebSocket& ws, weir::Path<std::string> service, weir::Query<Reader> reader) -> weir::Task<void> {
        const std::string greeting = reader->name + " reads the log of " + *service;
        co_await ws.send(greeting);
      });
  // [/parameters]
  weir::TestClient client = app.test();
  EXPECT_EQ(client.websocket("/logs/mail?name=ada").receive(), "ada reads the log of mail");
  EXPECT_EQ(client.websocket("/logs/mail").status(), 422);
}

TEST(WebSocketPage, HasOptions) {
  weir::App app(quiet());
  // [options]
  weir::WebSocketOptions options;
  options.subprotocols = {"chat.v2", "chat.v1"};
  options.origins = {"https://app.example"};  // beside the service's own host
  options.max_message = 64 * 1024;
  options.messages_per_second = 20;
  options.compression.threshold = 1024;
  app.websocket(
         "/chat", [](weir::WebSocket& ws) -> weir::Task<void> { co_await ws.send(ws.subprotocol()); }, options)
      .use([](weir::Context& ctx) -> weir::Result<void> {  // the handshake is a request like any other
        if (ctx.cookie("session")) return {};
        return weir::unauthorized("sign in first");
      });
  // [/options]
  weir::TestClient client = app.test();
  EXPECT_EQ(client.websocket("/chat").status(), 401);
  const weir::TestClient::Headers headers = {{"Cookie", "session=1"}, {"Sec-WebSocket-Protocol", "chat.v1"}};
  EXPECT_EQ(client.websocket("/chat", headers).receive(), "chat.v1");
}

TEST(WebSocketPage, PublishesFromAnywhere) {
  weir::App app(quiet());
  // [topics]
  auto& topics = app.make_state<weir::Topics>();
  app.websocket(
      "/prices/{share}",
      [](weir::WebSocket& ws, weir::Path<std::string> share, weir::State<weir::Topics> prices) -> weir::Task<void> {
        ws.subscribe(*prices, *share);
        for (;;) {
          auto message = co_await ws.receive();
          if (!message) break;
        }
      });
  app.post("/prices/{share}/{price}", [&topics](weir::Path<std::string> share, weir::Path<std::string> price) {
    topics.publish(*share, *price);  // any thread may
    return weir::no_content();
  });
  // [/topics]
  weir::TestClient client = app.test();
  weir::TestWebSocket ada = client.websocket("/prices/acme");
  weir::TestWebSocket grace = client.websocket("/prices/acme");
  EXPECT_EQ(client.post("/prices/acme/17", "text/plain", "").status, 204);
  EXPECT_EQ(ada.receive(), "17");
  EXPECT_EQ(grace.receive(), "17");
}

TEST(WebSocketPage, StreamsLargeMessages) {
  weir::App app(quiet());
  // [pieces]
  app.websocket("/count", [](weir::WebSocket& ws) -> weir::Task<void> {
    std::size_t bytes = 0;
    for (;;) {
      auto piece = co_await ws.receive_piece();
      if (!piece) break;
      bytes += piece->data.size();
      if (!piece->last) continue;
      const std::string total = std::to_string(bytes);
      co_await ws.send(total);
      bytes = 0;
    }
  });
  // [/pieces]
  weir::TestClient client = app.test();
  weir::TestWebSocket ws = client.websocket("/count");
  ws.send_binary(std::string(1'000'000, 'x'));
  EXPECT_EQ(ws.receive(), "1000000");
}

TEST(WebSocketPage, SendsByTheClock) {
  weir::App app(quiet());
  // [clock]
  app.websocket("/ticks", [](weir::WebSocket& ws) -> weir::Task<void> {
    for (int n = 1;; ++n) {
      const std::string tick = std::to_string(n);
      const bool sent = co_await ws.send(tick);
      if (!sent) break;
      auto slept = co_await ws.sleep(1s);
      if (!slept) break;  // the connection has ended
    }
  });
  // [/clock]
  weir::TestClient client = app.test();
  weir::TestWebSocket ws = client.websocket("/ticks");
  EXPECT_EQ(ws.receive(), "1");
  client.advance(1s);
  EXPECT_EQ(ws.receive(), "2");
  ws.close();
  EXPECT_TRUE(ws.closed());
}

}  // namespace
}  // namespace guide
