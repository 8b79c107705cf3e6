// Streams of events on a server with sockets and several loops: that they reach everybody, and do not hold up a stop.
#include <chrono>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "weir/app/app.hpp"
#include "weir/app/test_client.hpp"
#include "weir/telemetry/metrics.hpp"
#include "weir/web/broadcast.hpp"
#include "weir/web/multipart_form.hpp"
#include "weir/web/sse.hpp"

namespace weir {
namespace {

using namespace std::chrono_literals;

AppOptions quiet(unsigned threads) {
  AppOptions options;
  options.listen = {"127.0.0.1:0"};
  options.threads = threads;
  options.log.file = "/dev/null";
  return options;
}

class Subscriber {
 public:
  explicit Subscriber(const net::SocketAddress& address)
      : fd_(::socket(address.native()->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const timeval limit{.tv_sec = 10, .tv_usec = 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    EXPECT_EQ(::connect(fd_, address.native(), address.native_size()), 0);
    constexpr std::string_view request = "GET /events HTTP/1.1\r\nHost: t\r\n\r\n";
    EXPECT_EQ(::send(fd_, request.data(), request.size(), MSG_NOSIGNAL), static_cast<ssize_t>(request.size()));
  }
  Subscriber(const Subscriber&) = delete;
  Subscriber& operator=(const Subscriber&) = delete;
  ~Subscriber() { ::close(fd_); }

  /// Reads until `text` has come. False: the connection ended before, or 10 s are over.
  bool wait_for(std::string_view text) {
    while (received_.find(text) == std::string::npos) {
      if (!read()) return false;
    }
    return true;
  }
  /// Reads to the end of the connection.
  const std::string& rest() {
    while (read()) {
    }
    return received_;
  }

 private:
  bool read() {
    char room[4096];
    const ssize_t got = ::recv(fd_, room, sizeof room, 0);
    if (got > 0) received_.append(room, static_cast<std::size_t>(got));
    return got > 0;
  }
  int fd_;
  std::string received_;
};

TEST(Streams, ReachSubscribersOnAllLoopsAndEndWithTheDrain) {
  App app(quiet(2));
  auto& changes = app.state(Broadcast<SseMessage>());
  app.get("/events", [](State<Broadcast<SseMessage>> events) { return sse(*events); });
  ASSERT_TRUE(app.start());
  std::vector<std::unique_ptr<Subscriber>> subscribers;
  for (int i = 0; i < 8; ++i) subscribers.push_back(std::make_unique<Subscriber>(app.addresses().front()));
  while (changes.subscribers() < subscribers.size()) std::this_thread::sleep_for(1ms);
  Buffer metrics;
  app.metrics().write(metrics);
  EXPECT_NE(metrics.view().find("\nweir_requests_active 8\n"), std::string_view::npos) << metrics.view();
  for (int i = 1; i <= 20; ++i) changes.publish({"tick", std::to_string(i)});
  for (auto& subscriber : subscribers) EXPECT_TRUE(subscriber->wait_for("event: tick\nid: 20\ndata: 20\n\n"));

  const auto start = std::chrono::steady_clock::now();
  app.stop(30s);
  EXPECT_LT(std::chrono::steady_clock::now() - start, 10s) << "a drain does not wait for streams of events";
  for (auto& subscriber : subscribers) {
    EXPECT_TRUE(subscriber->rest().ends_with("\r\n0\r\n\r\n")) << "the body ends as it should";
  }
}

TEST(Streams, ATestClientSeesEventsAsTimeGoesOn) {
  App app(quiet(1));
  app.get("/events", [] {
    return sse([](EventStream& events) -> Task<Result<void>> {
      for (int i = 0;; ++i) {
        Result<void> sent = co_await events.send({.data = "tick " + std::to_string(i)});
        if (!sent) co_return sent;
        Result<void> slept = co_await events.sleep(1s);
        if (!slept) co_return slept;
      }
    });
  });
  TestClient client = app.test();
  client.send({.method = http::Method::get, .target = "/events", .headers = {}, .body = {}});
  EXPECT_NE(client.received().find("tick 0"), std::string::npos);
  client.advance(2s);
  EXPECT_EQ(client.received().find("tick 2"), std::string::npos) << "one sleep was due";
  EXPECT_NE(client.received().find("tick 1"), std::string::npos);
}

TEST(Streams, ATestClientUploadsAForm) {
  App app(quiet(1));
  app.post("/form", [](MultipartForm form) {
    return std::string(form.field("title").value_or("?")) + ": " + std::to_string(form.file("f")->size());
  });
  TestClient client = app.test();
  const std::string body =
      "--B\r\nContent-Disposition: form-data; name=\"title\"\r\n\r\nA title\r\n"
      "--B\r\nContent-Disposition: form-data; name=\"f\"; filename=\"f\"\r\n\r\n" +
      std::string(100'000, 'x') + "\r\n--B--\r\n";
  EXPECT_EQ(client.post("/form", "multipart/form-data; boundary=B", body).body, "A title: 100000");
}

}  // namespace
}  // namespace weir
