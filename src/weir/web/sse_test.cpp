#include "weir/web/sse.hpp"

#include <chrono>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include "weir/runtime/loop_group.hpp"
#include "weir/web/chain_test_support.hpp"

namespace weir {
namespace {

using namespace std::chrono_literals;

/// What stands between the chunk headers of a response that goes on.
std::string unchunked(std::string_view text) {
  std::string body;
  text.remove_prefix(std::min(text.size(), text.find("\r\n\r\n") + 4));
  for (;;) {
    const std::size_t end = text.find("\r\n");
    if (end == std::string_view::npos) return body;
    const std::size_t size = std::strtoul(std::string(text.substr(0, end)).c_str(), nullptr, 16);
    if (size == 0) return body + "<end>";
    body += text.substr(end + 2, size);
    text.remove_prefix(end + 2 + size + 2);
  }
}

std::string get(std::string_view fields = "") {
  return "GET /events HTTP/1.1\r\nHost: t\r\n" + std::string(fields) + "\r\n";
}

TEST(Sse, SendsEventsAsTheyCome) {
  TestService service;
  service.get("/events", [] {
    return sse([](EventStream& events) -> Task<Result<void>> {
      Result<void> sent = co_await events.send({.event = "start", .data = "one\ntwo\r\nthree\rfour", .id = "7"});
      if (!sent) co_return sent;
      Result<void> slept = co_await events.sleep(1s);
      if (!slept) co_return slept;
      sent = co_await events.send({.data = "", .id = "8", .retry = 1500ms});
      if (!sent) co_return sent;
      sent = co_await events.comment("bye");
      co_return sent;
    });
  });
  TestConnection client(service);
  client.send(get());
  EXPECT_EQ(unchunked(client.received()), "event: start\nid: 7\ndata: one\ndata: two\ndata: three\ndata: four\n\n");
  service.advance(1s);
  const TestResponse answer = client.receive();
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.header("Content-Type"), "text/event-stream");
  EXPECT_EQ(answer.header("Cache-Control"), "no-cache");
  EXPECT_EQ(answer.header("X-Accel-Buffering"), "no");
  EXPECT_TRUE(answer.body.ends_with("\n\nid: 8\nretry: 1500\n\n: bye\n\n")) << answer.body;
}

TEST(Sse, TakesTemporariesInSend) {
  TestService service;
  service.get("/events", [] {
    return sse([](EventStream& events) -> Task<Result<void>> {
      const int number = 12345678;
      // The temporary lives until the event has been sent.
      Result<void> sent = co_await events.send(
          {.event = "n", .data = "a text that is too long to lie inside of a string " + std::to_string(number)});
      co_return sent;
    });
  });
  const TestResponse answer = service.request(get());
  EXPECT_EQ(answer.body, "event: n\ndata: a text that is too long to lie inside of a string 12345678\n\n");
}

TEST(Sse, RefusesLineBreaksThatWouldBeOtherFields) {
  TestService service;
  std::vector<Errc> codes;
  service.get("/events", [&codes] {
    return sse([&codes](EventStream& events) -> Task<Result<void>> {
      const SseEvent bad[] = {{.event = "a\ndata: x"}, {.event = "a\rb"}, {.id = "1\n2"}, {.id = {"1\0002", 3}}};
      for (const SseEvent& event : bad) {
        Result<void> sent = co_await events.send(event);
        codes.push_back(sent ? Errc::internal : sent.error().code());
      }
      co_return Result<void>{};
    });
  });
  EXPECT_EQ(service.request(get()).body, "");
  EXPECT_EQ(codes, std::vector<Errc>(4, Errc::invalid_argument));
}

TEST(Sse, KeepsAnIdleStreamAliveAndEndsItWhenTheClientGoes) {
  TestService service;
  Errc ended = Errc::internal;
  service.get("/events", [&ended] {
    return sse(
        [&ended](EventStream& events) -> Task<Result<void>> {
          Result<void> sent = co_await events.send({.data = "x"});
          Result<void> slept = co_await events.sleep(24h);
          ended = slept.error().code();
          co_return slept;
        },
        {.keep_alive = 15s, .retry = 2000ms});
  });
  TestConnection client(service);
  client.send(get());
  const std::string start = "retry: 2000\n\ndata: x\n\n";
  EXPECT_EQ(unchunked(client.received()), start);
  service.advance(14s);
  EXPECT_EQ(unchunked(client.received()), start);
  service.advance(1s);
  EXPECT_EQ(unchunked(client.received()), start + ":\n\n");
  service.advance(15s);
  EXPECT_EQ(unchunked(client.received()), start + ":\n\n:\n\n");
  EXPECT_EQ(ended, Errc::internal);
  client.close();
  EXPECT_EQ(ended, Errc::cancelled);
  ASSERT_EQ(service.outcomes.size(), 1u);
  EXPECT_FALSE(service.outcomes[0].complete);
}

TEST(Sse, EndsWellWhenTheServerDrains) {
  TestService service;
  service.get("/events", [] {
    return sse([](EventStream& events) -> Task<Result<void>> {
      Result<void> sent = co_await events.send({.data = "x"});
      while (sent) {
        Result<void> slept = co_await events.sleep(1h);
        if (!slept) co_return slept;
        sent = co_await events.send({.data = "y"});
      }
      co_return sent;
    });
  });
  TestConnection client(service);
  client.send(get());
  bool empty = false;
  service.worker().when_empty([&empty] { empty = true; });
  EXPECT_FALSE(empty);
  service.worker().drain();
  service.run();
  EXPECT_EQ(unchunked(client.received()), "data: x\n\n<end>");
  client.close();
  service.run();
  EXPECT_TRUE(empty) << "a drain must not wait for streams of events";
  ASSERT_EQ(service.outcomes.size(), 1u);
  EXPECT_TRUE(service.outcomes[0].complete);
}

TEST(Sse, SendsWhatIsPublishedAndWhatWasMissed) {
  Broadcast<SseMessage> changes({.history = 3});
  TestService service;
  service.get("/events", [&changes] { return sse(changes); });
  for (int i = 1; i <= 5; ++i) changes.publish({"", std::to_string(i)});
  TestConnection first(service);
  first.send(get());
  EXPECT_EQ(unchunked(first.received()), "");
  TestConnection again(service);
  again.send(get("Last-Event-ID: 4\r\n"));
  EXPECT_EQ(unchunked(again.received()), "id: 5\ndata: 5\n\n");
  TestConnection late(service);
  late.send(get("Last-Event-ID: 1\r\n"));
  EXPECT_EQ(unchunked(late.received()), "id: 3\ndata: 3\n\nid: 4\ndata: 4\n\nid: 5\ndata: 5\n\n");
  TestConnection foreign(service);
  foreign.send(get("Last-Event-ID: x\r\n"));
  EXPECT_EQ(unchunked(foreign.received()), "");
  changes.publish({"changed", "6"});
  for (TestConnection* client : {&first, &again, &late, &foreign}) {
    EXPECT_TRUE(unchunked(client->received()).ends_with("event: changed\nid: 6\ndata: 6\n\n"));
  }
  EXPECT_EQ(changes.subscribers(), 4u);
  first.close();
  service.run();
  EXPECT_EQ(changes.subscribers(), 3u);
  changes.close();
  EXPECT_TRUE(unchunked(again.received()).ends_with("<end>"));
}

TEST(Sse, DescribesItself) {
  auto handler = make_handler([] { return sse([](EventStream&) -> Task<Result<void>> { co_return Result<void>{}; }); });
  OperationDoc doc;
  handler->describe(doc);
  ASSERT_EQ(doc.response(Status::ok).contents.size(), 1u);
  EXPECT_EQ(doc.response(Status::ok).contents[0].media_type, "text/event-stream");
}

}  // namespace
}  // namespace weir
