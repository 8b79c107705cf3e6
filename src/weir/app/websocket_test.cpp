// WebSockets through the whole App: handshake, chain, connection, handler; in memory and on a manual clock.
#include "weir/web/websocket.hpp"

#include <array>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "weir/app/app.hpp"
#include "weir/app/test_client.hpp"
#include "weir/app/test_websocket.hpp"
#include "weir/web/response.hpp"
#include "weir/web/topics.hpp"
#include "weir/websocket/deflate.hpp"
#include "weir/websocket/frame.hpp"

namespace weir {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;
using websocket::Opcode;

AppOptions quiet() {
  AppOptions options;
  options.log.file = "/dev/null";
  return options;
}

Task<void> echo(WebSocket& ws) {
  for (;;) {
    auto message = co_await ws.receive();
    if (!message) break;
    co_await ws.send(*message);
  }
}

std::string metric(TestClient& client, std::string_view name) {
  const std::string text = client.get("/actuator/prometheus").body;
  const std::size_t at = text.find("\n" + std::string(name) + " ");
  if (at == std::string::npos) return "absent";
  const std::size_t value = at + 2 + name.size();
  return text.substr(value, text.find('\n', value) - value);
}

TEST(WebSocket, EchoesMessagesOfEverySize) {
  App app(quiet());
  app.websocket("/echo", &echo);
  TestClient client = app.test();
  TestWebSocket ws = client.websocket("/echo");
  ASSERT_EQ(ws.status(), 101);
  EXPECT_EQ(ws.response().header("Sec-WebSocket-Accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  for (const std::size_t size : {0u, 1u, 125u, 126u, 4096u, 65535u, 65536u, 300000u, 1048576u}) {
    const std::string message(size, 'm');
    ws.send(message);
    EXPECT_EQ(ws.receive(), message) << size;
    ws.send_binary(message);
    EXPECT_EQ(ws.receive(), message) << size;
  }
}

TEST(WebSocket, AnswersManyMessagesOfOneRead) {
  App app(quiet());
  app.websocket("/echo", &echo);
  TestClient client = app.test();
  TestWebSocket ws = client.websocket("/echo");
  std::string bytes;
  for (int i = 0; i < 100; ++i) bytes += "\x81\x81\0\0\0\0"s + static_cast<char>('a' + i % 26);
  ws.send_bytes(bytes);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(ws.receive(), std::string(1, static_cast<char>('a' + i % 26)));
}

/// Long messages go out from where they lie, or gathered with those that follow, or wait for a client that reads later.
TEST(WebSocket, AnswersLongMessagesOfOneReadInOrder) {
  App app(quiet());
  app.websocket("/echo", &echo);
  TestClient client = app.test();
  for (const std::size_t size : {100u, 4095u, 4096u, 9000u, 16384u, 40000u, 70000u}) {
    TestWebSocket ws = client.websocket("/echo");
    std::string bytes;
    const auto message = [size](int i) {
      return std::string(size + static_cast<std::size_t>(i), static_cast<char>('a' + i));
    };
    for (int i = 0; i < 12; ++i) {
      const std::string payload = message(i);
      std::array<char, websocket::max_frame_header> header;
      bytes.append(header.data(), websocket::write_frame_header(header.data(), Opcode::text, payload.size(), {}));
      bytes[bytes.size() - (payload.size() < 126 ? 1 : payload.size() < 65536 ? 3 : 9)] |= '\x80';
      bytes += "\0\0\0\0"s + payload;
    }
    ws.send_bytes(bytes);
    for (int i = 0; i < 12; ++i) EXPECT_EQ(ws.receive(), message(i)) << size;
  }
}

TEST(WebSocket, SaysTheSameByteByByte) {
  App app(quiet());
  app.websocket("/echo", &echo);
  TestClient client = app.test();
  TestWebSocket ws = client.websocket("/echo");
  const std::string bytes = "\x01\x82\0\0\0\0he\x89\x81\0\0\0\0p\x80\x83\0\0\0\0llo"s;
  for (const char c : bytes) ws.send_bytes(std::string(1, c));
  EXPECT_EQ(ws.receive_frame()->opcode, Opcode::pong);
  EXPECT_EQ(ws.receive(), "hello");
}

TEST(WebSocket, PassesParametersStateAndSubprotocol) {
  App app(quiet());
  app.state(std::string("state"));
  WebSocketOptions options;
  options.subprotocols = {"json", "text"};
  app.websocket(
      "/rooms/{room}",
      [](WebSocket& ws, Path<std::string> room, Query<std::optional<int>, "age"> age,
         State<std::string> state) -> Task<void> {
        const std::string text =
            *room + "|" + std::to_string(age->value_or(-1)) + "|" + *state + "|" + std::string(ws.subprotocol());
        co_await ws.send(text);
      },
      options);
  TestClient client = app.test();
  TestWebSocket ws = client.websocket("/rooms/r%201?age=7", {{"Sec-WebSocket-Protocol", "xml, text"}});
  EXPECT_EQ(ws.response().header("Sec-WebSocket-Protocol"), "text");
  EXPECT_EQ(ws.receive(), "r 1|7|state|text");
  EXPECT_EQ(ws.close_code(), CloseCode::normal);  // The handler has returned.
  EXPECT_TRUE(ws.closed());
  EXPECT_EQ(client.websocket("/rooms/a?age=old").status(), 422);
}

TEST(WebSocket, RefusesWhatIsNoHandshake) {
  App app(quiet());
  app.websocket("/echo", &echo);
  TestClient client = app.test();
  const ClientResponse plain = client.get("/echo");
  EXPECT_EQ(plain.status, 426);
  EXPECT_EQ(plain.header("Upgrade"), "websocket");  // RFC 9110 section 15.5.22
  EXPECT_EQ(plain.header("Connection"), "Upgrade");
  EXPECT_EQ(client.websocket("/echo", {{"Sec-WebSocket-Version", "8"}}).status(), 426);
  EXPECT_EQ(client.websocket("/echo", {{"Sec-WebSocket-Version", "8"}}).response().header("Sec-WebSocket-Version"),
            "13");
  EXPECT_EQ(client.websocket("/echo", {{"Sec-WebSocket-Key", "x"}}).status(), 400);
  EXPECT_EQ(client.post("/echo", "text/plain", "x").status, 405);
  EXPECT_EQ(client.websocket("/nothing").status(), 404);
}

TEST(WebSocket, ChecksTheOriginOfPages) {
  App app(quiet());
  WebSocketOptions others;
  others.origins = {"https://app.example"};
  WebSocketOptions all;
  all.check_origin = false;
  app.websocket("/echo", &echo);
  app.websocket("/others", &echo, others);
  app.websocket("/all", &echo, all);
  TestClient client = app.test();
  EXPECT_EQ(client.websocket("/echo", {{"Origin", "http://test"}}).status(), 101);
  EXPECT_EQ(client.websocket("/echo", {{"Origin", "http://evil.example"}}).status(), 403);
  EXPECT_EQ(client.websocket("/others", {{"Origin", "https://app.example"}}).status(), 101);
  EXPECT_EQ(client.websocket("/all", {{"Origin", "http://evil.example"}}).status(), 101);
}

TEST(WebSocket, RunsTheChainOnTheHandshake) {
  App app(quiet());
  app.websocket("/echo", &echo).use([](Context& ctx) -> Result<void> {
    if (ctx.header("Authorization").empty()) return fail(Errc::unauthenticated, "who are you?");
    return {};
  });
  TestClient client = app.test();
  EXPECT_EQ(client.websocket("/echo").status(), 401);
  TestWebSocket ws = client.websocket("/echo", {{"Authorization", "me"}});
  ws.send("in");
  EXPECT_EQ(ws.receive(), "in");
}

TEST(WebSocket, ClosesAsTheProtocolSays) {
  struct Case {
    const char* what;
    std::string bytes;
    CloseCode code;
  };
  const Case cases[] = {
      {"a normal close", "\x88\x82\0\0\0\0\x03\xe8"s, CloseCode::normal},
      {"a close without a code", "\x88\x80\0\0\0\0"s, CloseCode::none_given},
      {"no mask", "\x81\x01x"s, CloseCode::protocol_error},
      {"half a code", "\x88\x81\0\0\0\0\x03"s, CloseCode::protocol_error},
      {"a code that nobody may send", "\x88\x82\0\0\0\0\x03\xee"s, CloseCode::protocol_error},
      {"a reason that is no UTF-8", "\x88\x83\0\0\0\0\x03\xe8\xff"s, CloseCode::invalid_data},
      {"text that is no UTF-8", "\x81\x81\0\0\0\0\xff"s, CloseCode::invalid_data},
      {"text that ends within a character", "\x81\x81\0\0\0\0\xc3"s, CloseCode::invalid_data},
      {"a message that is announced too big", "\x82\xff\0\0\0\0\x10\0\0\0\0\0\0\0"s, CloseCode::too_big},
  };
  for (const Case& each : cases) {
    App app(quiet());
    CloseCode seen = CloseCode::abnormal;
    app.websocket("/", [&seen](WebSocket& ws) -> Task<void> {
      auto message = co_await ws.receive();
      seen = message ? CloseCode::internal_error : ws.close_code();
    });
    TestClient client = app.test();
    TestWebSocket ws = client.websocket("/");
    ws.send_bytes(each.bytes);
    EXPECT_EQ(ws.close_code(), each.code) << each.what;
    client.advance(3s);
    EXPECT_TRUE(ws.closed()) << each.what;
    EXPECT_EQ(seen, each.code) << each.what;
  }
}

TEST(WebSocket, ClosesFirstAndWaitsForTheAnswer) {
  App app(quiet());
  bool ended = false;
  app.websocket("/", [&ended](WebSocket& ws) -> Task<void> {
    ws.close(CloseCode::policy_violation, "enough");
    EXPECT_FALSE(ws.open());
    auto message = co_await ws.receive();
    EXPECT_FALSE(message);
    const bool sent = co_await ws.send("too late");
    EXPECT_FALSE(sent);
    ended = true;
  });
  TestClient client = app.test();
  TestWebSocket ws = client.websocket("/");
  ws.stay_silent();
  const auto frame = ws.receive_frame();
  ASSERT_TRUE(frame);
  EXPECT_EQ(frame->payload,
            "\x03\xf0"
            "enough"s);
  EXPECT_TRUE(ended);
  ws.send("still talking");
  EXPECT_FALSE(ws.closed());
  client.advance(6s);  // No answer: it does not wait for ever.
  EXPECT_TRUE(ws.closed());
}

TEST(WebSocket, ClosesWhenTheHandlerThrows) {
  App app(quiet());
  app.websocket("/", [](WebSocket& ws) -> Task<void> {
    const auto message = co_await ws.receive();
    if (message) throw std::runtime_error("broken");
  });
  TestClient client = app.test();
  TestWebSocket ws = client.websocket("/");
  ws.send("x");
  EXPECT_EQ(ws.close_code(), CloseCode::internal_error);
}

TEST(WebSocket, PingsWhenNothingComesAndCutsWhoDoesNotAnswer) {
  App app(quiet());
  CloseCode code = CloseCode::normal;
  app.websocket("/", [&code](WebSocket& ws) -> Task<void> {
    co_await echo(ws);
    code = ws.close_code();
  });
  TestClient client = app.test();
  TestWebSocket answering = client.websocket("/");
  for (int i = 0; i < 5; ++i) {
    client.advance(31s);
    EXPECT_FALSE(answering.receive());  // Pongs.
    EXPECT_FALSE(answering.closed());
  }
  answering.close();
  EXPECT_EQ(code, CloseCode::normal);
  TestWebSocket silent = client.websocket("/");
  silent.stay_silent();
  client.advance(31s);
  EXPECT_EQ(silent.receive_frame()->opcode, Opcode::ping);
  client.advance(21s);
  EXPECT_TRUE(silent.closed());
  EXPECT_EQ(code, CloseCode::abnormal);
}

TEST(WebSocket, ToldOfAClientThatGoesAway) {
  App app(quiet());
  bool stopped = false;
  bool ended = false;
  app.websocket("/", [&](WebSocket& ws) -> Task<void> {
    StopCallback on_stop(ws.stop_token(), [&stopped] { stopped = true; });
    auto message = co_await ws.receive();
    ended = !message && ws.close_code() == CloseCode::abnormal;
  });
  TestClient client = app.test();
  TestWebSocket ws = client.websocket("/");
  ws.disconnect();
  EXPECT_TRUE(stopped);
  EXPECT_TRUE(ended);
}

TEST(WebSocket, AnswersPingsWhileTheHandlerIsBusy) {
  App app(quiet());
  app.websocket("/", [](WebSocket& ws) -> Task<void> {
    auto slept = co_await ws.sleep(5s);
    co_await echo(ws);
  });
  TestClient client = app.test();
  TestWebSocket ws = client.websocket("/");
  ws.ping("a");
  EXPECT_EQ(ws.receive_frame()->payload, "a");
  ws.send("waits");
  EXPECT_FALSE(ws.receive());
  client.advance(6s);
  EXPECT_EQ(ws.receive(), "waits");
}

TEST(WebSocket, KeepsTheMessageWhileTheHandlerLooksAtIt) {
  App app(quiet());
  std::string seen;
  app.websocket("/", [&seen](WebSocket& ws) -> Task<void> {
    auto message = co_await ws.receive();
    auto slept = co_await ws.loop().sleep(1s);
    seen = message->data;
  });
  // A close, and bytes behind it: the connection ends, and reads over the rest, while the view is out.
  const std::string rest = "\x88\x82\0\0\0\0\x03\xe8"s + std::string(40000, '\xff');
  TestClient client = app.test();
  TestWebSocket ws = client.websocket("/");
  const std::string message(1000, 'm');
  ws.send(message);
  ws.stay_silent();
  ws.send_bytes(rest);
  client.advance(2s);
  EXPECT_EQ(seen, message);
  EXPECT_EQ(ws.close_code(), CloseCode::normal);
}

TEST(WebSocket, LimitsTheRate) {
  App app(quiet());
  WebSocketOptions options;
  options.messages_per_second = 10;
  options.burst = 3;
  app.websocket("/", &echo, options);
  TestClient client = app.test();
  TestWebSocket ws = client.websocket("/");
  for (int i = 0; i < 3; ++i) {
    ws.send("x");
    EXPECT_EQ(ws.receive(), "x");
  }
  client.advance(100ms);
  ws.send("x");
  EXPECT_EQ(ws.receive(), "x");
  ws.send("x");
  EXPECT_EQ(ws.close_code(), CloseCode::policy_violation);
  // Pings, and frames that only say that a message goes on.
  TestWebSocket pings = client.websocket("/");
  for (int i = 0; i < 4; ++i) pings.ping();
  EXPECT_EQ(pings.close_code(), CloseCode::policy_violation);
  TestWebSocket empty = client.websocket("/");
  empty.send_frame(Opcode::text, "x", {.final = false});
  for (int i = 0; i < 3; ++i) empty.send_frame(Opcode::continuation, {}, {.final = false});
  EXPECT_EQ(empty.close_code(), CloseCode::policy_violation);
  TestWebSocket parts = client.websocket("/");
  parts.send_frame(Opcode::text, "x", {.final = false});
  for (int i = 0; i < 9; ++i) parts.send_frame(Opcode::continuation, "x", {.final = false});
  parts.send_frame(Opcode::continuation, {}, {});
  EXPECT_EQ(parts.receive(), "xxxxxxxxxx") << "one message, in however many parts";
}

TEST(WebSocket, ReceivesAndSendsInPieces) {
  App app(quiet());
  app.websocket("/", [](WebSocket& ws) -> Task<void> {
    for (;;) {
      auto piece = co_await ws.receive_piece();
      if (!piece) break;
      co_await ws.send_piece(*piece);
    }
  });
  TestClient client = app.test();
  TestWebSocket ws = client.websocket("/");
  ws.send_frame(Opcode::text, "first, ", {.final = false});
  const auto frame = ws.receive_frame();
  ASSERT_TRUE(frame);  // It does not wait for the rest.
  EXPECT_EQ(frame->payload, "first, ");
  EXPECT_FALSE(frame->final);
  ws.send_frame(Opcode::continuation, "second");
  EXPECT_EQ(ws.receive_frame()->opcode, Opcode::continuation);
  EXPECT_EQ(metric(client, "websocket_messages_received_total"), "1") << "messages, not pieces";
  EXPECT_EQ(metric(client, "websocket_messages_sent_total"), "1");
}

TEST(WebSocket, CompressesWhereOffered) {
  for (const bool contexts : {false, true}) {
    App app(quiet());
    WebSocketOptions options;
    options.compression.threshold = 100;
    options.compression.server_context = options.compression.client_context = contexts;
    app.websocket("/", &echo, options);
    TestClient client = app.test();
    TestWebSocket ws = client.websocket("/", {{"Sec-WebSocket-Extensions", "permessage-deflate"}});
    EXPECT_EQ(
        ws.response().header("Sec-WebSocket-Extensions"),
        contexts ? "permessage-deflate" : "permessage-deflate; server_no_context_takeover; client_no_context_takeover");
    std::string message;
    for (int i = 0; i < 200; ++i) message += "number " + std::to_string(i) + ", ";
    websocket::Deflater deflater({});
    websocket::Inflater inflater;
    std::size_t first = 0;
    for (int i = 0; i < 3; ++i) {
      Buffer packed;
      ASSERT_TRUE(deflater.compress(message, contexts, packed));
      const std::string_view half = packed.view().substr(0, packed.size() / 2);
      ws.send_frame(Opcode::text, half, {.final = false, .compressed = true});
      ws.send_frame(Opcode::continuation, packed.view().substr(half.size()));
      const auto frame = ws.receive_frame();
      ASSERT_TRUE(frame);
      EXPECT_TRUE(frame->compressed);
      Buffer out;
      ASSERT_EQ(inflater.decompress(frame->payload, true, 10000, out), websocket::Inflater::Outcome::good);
      EXPECT_EQ(out.view(), message);
      if (!contexts) inflater.forget();
      if (i == 0) first = frame->payload.size();
      if (i == 2) {
        EXPECT_EQ(frame->payload.size() < first / 2, contexts);
      }
    }
    ws.send("short");
    EXPECT_FALSE(ws.receive_frame()->compressed);
  }
}

TEST(WebSocket, BoundsWhatIsDecompressed) {
  App app(quiet());
  WebSocketOptions options;
  options.max_message = 10000;
  app.websocket("/", &echo, options);
  TestClient client = app.test();
  websocket::Deflater deflater({});
  Buffer bomb;
  ASSERT_TRUE(deflater.compress(std::string(1'000'000, 'a'), false, bomb));
  ASSERT_LT(bomb.size(), 10000u);
  TestWebSocket ws = client.websocket("/", {{"Sec-WebSocket-Extensions", "permessage-deflate"}});
  ws.send_frame(Opcode::text, bomb.view(), {.compressed = true});
  EXPECT_EQ(ws.close_code(), CloseCode::too_big);
  TestWebSocket corrupt = client.websocket("/", {{"Sec-WebSocket-Extensions", "permessage-deflate"}});
  corrupt.send_frame(Opcode::text, "\xff\xff\xff", {.compressed = true});
  EXPECT_EQ(corrupt.close_code(), CloseCode::invalid_data);
}

TEST(WebSocket, Counts) {
  App app(quiet());
  app.websocket("/", &echo);
  TestClient client = app.test();
  TestWebSocket ws = client.websocket("/");
  ws.send("a");
  ws.send("b");
  EXPECT_EQ(metric(client, "websocket_connections_active"), "1");
  EXPECT_EQ(metric(client, "websocket_messages_received_total"), "2");
  EXPECT_EQ(metric(client, "websocket_messages_sent_total"), "2");
  ws.close(CloseCode::going_away);
  EXPECT_EQ(metric(client, "websocket_connections_active"), "0");
  EXPECT_EQ(metric(client, "websocket_closed_total{code=\"1001\"}"), "1");
}

TEST(WebSocket, IsPartOfTheDescription) {
  App app(quiet());
  app.websocket("/chat/{room}", [](WebSocket& ws, Path<std::string>) -> Task<void> { co_await echo(ws); });
  const std::string document = app.openapi();
  EXPECT_NE(document.find("/chat/{room}"), std::string::npos);
  EXPECT_NE(document.find("\"101\""), std::string::npos);
  EXPECT_NE(document.find("\"426\""), std::string::npos);
}

// --- topics ---

void add_room(App& app, WebSocketOptions options = {}) {
  app.websocket(
      "/rooms/{room}",
      [](WebSocket& ws, Path<std::string> room, State<Topics> topics) -> Task<void> {
        ws.subscribe(*topics, *room);
        for (;;) {
          auto message = co_await ws.receive();
          if (!message) break;
          co_await topics->publish(*room, message->data);
        }
      },
      options);
}

TEST(Topics, ReachEverySubscriberOfTheName) {
  App app(quiet());
  Topics& topics = app.make_state<Topics>();
  add_room(app);
  TestClient client = app.test();
  TestWebSocket a = client.websocket("/rooms/red");
  TestWebSocket b = client.websocket("/rooms/red");
  TestWebSocket other = client.websocket("/rooms/blue");
  EXPECT_EQ(topics.subscribers("red"), 2u);
  a.send("hello");
  EXPECT_EQ(a.receive(), "hello");
  EXPECT_EQ(b.receive(), "hello");
  EXPECT_FALSE(other.receive());
  topics.publish("red", std::string(100000, 'x'));
  EXPECT_EQ(a.receive(), std::string(100000, 'x'));
  EXPECT_EQ(b.receive(), std::string(100000, 'x'));
  b.close();
  EXPECT_EQ(topics.subscribers("red"), 1u);
  a.disconnect();
  EXPECT_EQ(topics.subscribers("red"), 0u);
  topics.publish("red", "nobody");
}

TEST(Topics, CompressOnceForThoseThatTakeIt) {
  App app(quiet());
  Topics& topics = app.make_state<Topics>();
  WebSocketOptions options;
  options.compression.server_context = true;
  add_room(app, options);
  TestClient client = app.test();
  TestWebSocket plain = client.websocket("/rooms/r");
  TestWebSocket packed = client.websocket("/rooms/r", {{"Sec-WebSocket-Extensions", "permessage-deflate"}});
  websocket::Inflater inflater;
  for (int i = 0; i < 3; ++i) {
    const std::string message(2000, static_cast<char>('a' + i));
    topics.publish("r", message);
    EXPECT_EQ(plain.receive(), message);
    const auto frame = packed.receive_frame();
    ASSERT_TRUE(frame && frame->compressed);
    Buffer out;
    ASSERT_EQ(inflater.decompress(frame->payload, true, 10000, out), websocket::Inflater::Outcome::good);
    EXPECT_EQ(out.view(), message);
  }
}

/// Subscribes and never reads; the client's end takes 64 KiB.
TEST(Topics, DropOrCloseForSlowSubscribers) {
  for (const SlowSubscriber policy : {SlowSubscriber::drop, SlowSubscriber::close}) {
    App app(quiet());
    Topics& topics = app.make_state<Topics>();
    WebSocketOptions options;
    options.output_bytes = 100000;
    options.slow_subscriber = policy;
    add_room(app, options);
    TestClient client = app.test();
    TestWebSocket slow = client.websocket("/rooms/r");
    const std::string message(50000, 'm');
    for (int i = 0; i < 10; ++i) topics.publish("r", message);
    client.advance(1ms);
    int got = 0;
    while (slow.receive()) ++got;
    EXPECT_GE(got, 2);
    EXPECT_LE(got, 5);
    EXPECT_EQ(slow.close_code(), policy == SlowSubscriber::drop ? CloseCode::abnormal : CloseCode::policy_violation);
    EXPECT_EQ(topics.subscribers("r"), policy == SlowSubscriber::drop ? 1u : 0u);
  }
}

TEST(Topics, MakePublishersWaitForSlowSubscribers) {
  App app(quiet());
  Topics& topics = app.make_state<Topics>();
  WebSocketOptions options;
  options.output_bytes = 100000;
  options.slow_subscriber = SlowSubscriber::wait;
  add_room(app, options);
  int published = 0;
  app.get("/publish", [&](State<Topics> all) -> Task<void> {
    for (int i = 0; i < 10; ++i) {
      co_await all->publish("r", std::string(50000, 'm'));
      ++published;
    }
  });
  TestClient client = app.test();
  TestWebSocket slow = client.websocket("/rooms/r");
  client.send({.target = "/publish"});
  EXPECT_GE(published, 2);
  EXPECT_LE(published, 5);
  int got = 0;
  while (slow.receive()) ++got;
  client.advance(1ms);
  while (slow.receive()) ++got;
  EXPECT_EQ(got, 10);
  EXPECT_EQ(published, 10);
  EXPECT_EQ(client.receive().status, 204);
  EXPECT_EQ(topics.subscribers("r"), 1u);
}

TEST(Topics, WakeNobodyOnALoopThatHasEnded) {
  App app(quiet());
  app.make_state<Topics>();
  WebSocketOptions options;
  options.output_bytes = 100000;
  options.slow_subscriber = SlowSubscriber::wait;
  add_room(app, options);
  bool over = false;
  app.get("/publish", [&](State<Topics> all) -> Task<void> {
    for (int i = 0; i < 10; ++i) co_await all->publish("r", std::string(50000, 'm'));
    over = true;
  });
  TestClient client = app.test();
  TestWebSocket slow = client.websocket("/rooms/r");
  std::optional<TestClient> publisher(app.test());  // has a loop of its own
  publisher->send({.target = "/publish"});
  for (int i = 0; i < 10; ++i) {  // From loop to loop.
    client.advance(1ms);
    publisher->advance(1ms);
  }
  ASSERT_FALSE(over);
  publisher.reset();
  int got = 0;
  while (slow.receive()) ++got;  // The sanitizers would see the loop that is gone.
  EXPECT_GE(got, 2);
  EXPECT_LE(got, 5);
}

}  // namespace
}  // namespace weir
