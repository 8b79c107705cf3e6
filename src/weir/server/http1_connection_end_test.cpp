// HTTP/1.x connections: how long they last, and how they end.
#include <array>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <sys/socket.h>

#include "weir/http/problem.hpp"
#include "weir/net/security.hpp"
#include "weir/net/socket.hpp"
#include "weir/server/http1_connection.hpp"
#include "weir/server/http1_connection_test_support.hpp"

namespace weir::server {
namespace {

using namespace std::chrono_literals;
using http::Status;

/// Answers /big with 100,000 bytes, to a client that has room for 20,000.
class Http1ConnectionEndTest : public Http1ConnectionTest {
 protected:
  static constexpr std::string_view get_big = "GET /big HTTP/1.1\r\nHost: t\r\n\r\n";
  Http1ConnectionEndTest() {
    service_.handlers["/big"] = [](Exchange& x) { x.respond(text(std::string(100000, 'b'))); };
    service_.handlers["/a"] = [](Exchange& x) { x.respond(text("a")); };
    service_.handlers["/upload"] = [](Exchange& x) {
      x.run([](Exchange& exchange) -> Task<void> {
        for (;;) {
          const Result<std::string_view> piece = co_await exchange.read_body();
          if (!piece) co_return exchange.respond(http::to_response(http::to_problem(piece.error())));
          if (piece->empty()) co_return exchange.respond(text("all"));
        }
      }(x));
    };
  }
  void connect_narrowly() { connect({.capacity = 20000}); }
};

TEST_F(Http1ConnectionEndTest, AHalfClosedClientGetsAllOfItsAnswer) {
  for (const std::string_view more :
       {"", "GET /a HTTP/1.1\r\n", "POST /a HTTP/1.1\r\nHost: t\r\nContent-Length: 9\r\n\r\n"}) {
    closed_ = false;
    connect_narrowly();
    send(get_big);
    send(more);
    stream_->shutdown_write();
    const std::string answer = receive();
    EXPECT_EQ(count(answer, "b"), 100000u) << more;
    EXPECT_TRUE(closed_);
  }
}

/// It is not cancelled before its body is there, and the end behind the body does not cut that short.
TEST_F(Http1ConnectionEndTest, AHalfClosedClientsBodyIsStillRead) {
  bool cancelled = false;
  service_.handlers["/later"] = [&](Exchange& x) {
    x.run([](Exchange& exchange, bool& stopped) -> Task<void> {
      stopped = !co_await exchange.loop().sleep(1s, exchange.stop_token());
      std::size_t bytes = 0;
      for (;;) {
        const Result<std::string_view> piece = co_await exchange.read_body();
        if (!piece) co_return exchange.respond(http::to_response(http::to_problem(piece.error())));
        if (piece->empty()) co_return exchange.respond(text(std::to_string(bytes)));
        bytes += piece->size();
      }
    }(x, cancelled));
  };
  connect({.capacity = 200'000});
  send("POST /later HTTP/1.1\r\nHost: t\r\nContent-Length: 100000\r\n\r\n" + std::string(100'000, 'x'));
  stream_->shutdown_write();
  loop_.run_until_idle();
  advance(1s);
  EXPECT_TRUE(receive().ends_with("\r\n\r\n100000"));
  EXPECT_FALSE(cancelled);
  EXPECT_TRUE(closed_);
}

TEST_F(Http1ConnectionEndTest, AHalfClosedClientGetsAnswersToAllThatItAsked) {
  service_.handlers["/later"] = [](Exchange& x) {
    x.run([](Exchange& exchange) -> Task<void> {
      static_cast<void>(co_await exchange.loop().sleep(1s));
      exchange.respond(text("later"));
    }(x));
  };
  connect();
  for (int i = 0; i < 3; ++i) send("GET /later HTTP/1.1\r\nHost: t\r\n\r\n");
  stream_->shutdown_write();
  for (int i = 0; i < 3; ++i) {
    advance(1s);
    EXPECT_TRUE(receive().ends_with("\r\n\r\nlater")) << i;
    EXPECT_EQ(closed_, i == 2);
  }
}

/// What a handler holds of the body of its request, and looks at a second after its client or its time has gone.
class Http1HeldBodyTest : public Http1ConnectionTest, private BodyCollector {
 protected:
  Http1HeldBodyTest() {
    service_.handlers["/piece"] = [this](Exchange& x) {
      x.run([](Exchange& exchange, std::string& seen) -> Task<void> {
        const Result<std::string_view> piece = co_await exchange.read_body();
        const std::string_view body = piece.value_or("no body");
        static_cast<void>(co_await exchange.loop().sleep(seen_after));
        seen = body;
        exchange.respond(text("late"));
      }(x, seen_));
    };
    service_.handlers["/whole"] = [this](Exchange& x) {
      collecting_ = &x;
      x.collect_body(*this);
    };
  }
  /// The head alone, then the body: so it lies in a buffer of its own.
  void post(std::string_view path) {
    connect();
    send("POST " + std::string(path) + " HTTP/1.1\r\nHost: t\r\nContent-Length: 5000\r\n\r\n");
    send(std::string(5000, 'x'));
  }
  [[nodiscard]] bool saw_the_body() const { return seen_ == std::string(5000, 'x'); }

  static constexpr Duration seen_after = 60s;
  std::string seen_;

 private:
  void on_body(Result<std::string_view> body) noexcept override {
    collecting_->run([](Exchange& exchange, std::string_view whole, std::string& seen) -> Task<void> {
      static_cast<void>(co_await exchange.loop().sleep(seen_after));
      seen = whole;
      exchange.respond(text("late"));
    }(*collecting_, body.value_or("no body"), seen_));
  }
  Exchange* collecting_ = nullptr;
};

TEST_F(Http1HeldBodyTest, OutlivesTheConnection) {
  for (const std::string_view path : {"/piece", "/whole"}) {
    seen_.clear();
    post(path);
    stream_->close(true);
    loop_.run_until_idle();
    EXPECT_EQ(worker_->connections(), 0u);
    advance(seen_after);
    EXPECT_TRUE(saw_the_body()) << path;
    EXPECT_EQ(worker_->pool().active(), 0u);
  }
}

TEST_F(Http1HeldBodyTest, OutlivesTheDeadline) {
  for (const std::string_view path : {"/piece", "/whole"}) {
    seen_.clear();
    post(path);
    advance(limits_.request_timeout);
    EXPECT_TRUE(receive().starts_with("HTTP/1.1 503 ")) << path;
    advance(seen_after);
    EXPECT_TRUE(saw_the_body()) << path;
    EXPECT_EQ(worker_->pool().active(), 0u);
  }
}

TEST_F(Http1ConnectionEndTest, ATimeoutThatIsSetLaterHolds) {
  limits_.request_timeout = 0s;
  make_worker();
  service_.handlers["/late"] = [](Exchange& x) {
    x.run([](Exchange& exchange) -> Task<void> {
      static_cast<void>(co_await exchange.loop().sleep(1s));
      exchange.set_timeout(5s);
      static_cast<void>(co_await exchange.loop().sleep(1h, exchange.stop_token()));
    }(x));
  };
  connect();
  send("GET /late HTTP/1.1\r\nHost: t\r\n\r\n");
  advance(1s);
  advance(4s - 1ms);
  EXPECT_EQ(receive(), "");
  advance(1ms);
  EXPECT_TRUE(receive().starts_with("HTTP/1.1 503 "));
}

TEST_F(Http1ConnectionEndTest, IsIdleFromWhenTheAnswerHasLeft) {
  connect_narrowly();
  send(get_big);
  advance(limits_.stall_timeout - 1ms);
  EXPECT_EQ(count(receive(), "b"), 100000u);
  advance(limits_.idle_timeout - 1ms);
  receive();
  EXPECT_FALSE(closed_) << "a slow answer shortens the time between requests";
  advance(1ms);
  receive();
  EXPECT_TRUE(closed_);
}

TEST_F(Http1ConnectionEndTest, AHeadBegunBehindASlowAnswerHasItsTime) {
  connect_narrowly();
  send(get_big);
  send("GET /a HTTP/1.1\r\n");
  advance(limits_.stall_timeout - 1ms);
  EXPECT_EQ(count(receive(), "b"), 100000u);
  advance(limits_.header_timeout - 1ms);
  EXPECT_EQ(receive(), "");
  EXPECT_FALSE(closed_);
  advance(1ms);
  EXPECT_TRUE(receive().starts_with("HTTP/1.1 408 ")) << "but not more";
}

TEST_F(Http1ConnectionEndTest, TheRestOfABodyThatNobodyWantsHasToCome) {
  connect();
  EXPECT_TRUE(exchange("POST /a HTTP/1.1\r\nHost: t\r\nContent-Length: 1000\r\n\r\nsome").ends_with("\r\n\r\na"));
  advance(limits_.stall_timeout - 1ms);
  receive();
  EXPECT_FALSE(closed_);
  advance(1ms);
  receive();
  EXPECT_TRUE(closed_) << "who never sends it would hold the connection for ever";
}

TEST_F(Http1ConnectionEndTest, SendingDoesNotMakeUpForNotReading) {
  for (const std::string_view connection : {"keep-alive", "close"}) {
    closed_ = false;
    connect_narrowly();
    send("GET /big HTTP/1.1\r\nHost: t\r\nConnection: " + std::string(connection) + "\r\n\r\n");
    for (int second = 0; second < 21 && worker_->connections() != 0; ++second) {
      send(std::string(300, 'x'));  // More than the least rate.
      advance(1s);
    }
    EXPECT_EQ(worker_->connections(), 0u) << connection;
  }
}

TEST_F(Http1ConnectionEndTest, ASlowReaderMovesWhileTheKernelHasNoRoomYet) {
  service_.handlers["/long"] = [](Exchange& x) { x.respond(text(std::string(1'000'000, 'b'))); };
  const net::Fd client = connect_socket();
  const std::string_view request = "GET /long HTTP/1.1\r\nHost: t\r\n\r\n";
  ASSERT_EQ(::send(client.get(), request.data(), request.size(), 0), static_cast<ssize_t>(request.size()));
  loop_.run_until_idle();
  std::string answer;
  std::array<char, 45'000> room;
  // 5 kB/s: much more than the least rate, and less than the socket's buffer in a stall time-out.
  for (ssize_t got = 1; got > 0;) {
    got = ::recv(client.get(), room.data(), room.size(), 0);
    if (got > 0) answer.append(room.data(), static_cast<std::size_t>(got));
    advance(limits_.stall_timeout - 1s);
  }
  EXPECT_EQ(count(answer, "b"), 1'000'000u);
}

TEST_F(Http1ConnectionEndTest, DrainEndsAConnectionWhenItsAnswerHasLeft) {
  connect_narrowly();
  send(get_big);
  worker_->drain();
  loop_.run_until_idle();
  EXPECT_EQ(worker_->connections(), 1u);
  EXPECT_EQ(count(receive(), "b"), 100000u);
  EXPECT_TRUE(closed_);
  stream_.reset();
  loop_.run_until_idle();
  EXPECT_EQ(worker_->connections(), 0u);
}

TEST_F(Http1ConnectionEndTest, AnInterimStatusIsNoAnswer) {
  for (const unsigned code : {100u, 102u, 103u, 199u}) {
    service_.handlers["/interim"] = [code](Exchange& x) { x.respond(http::Response(static_cast<Status>(code))); };
    connect();
    const std::string answer = exchange("GET /interim HTTP/1.1\r\nHost: t\r\n\r\n");
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 500 ")) << answer;
    EXPECT_EQ(service_.outcomes.back().status, Status::internal_server_error);
  }
}

TEST_F(Http1ConnectionEndTest, TrailersOverTheLimitAreRefusedAsSuch) {
  connect();
  const std::string head = "POST /upload HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n";
  const std::string answer = exchange(head + "X-Long: " + std::string(limits_.trailer_bytes, 'x') + "\r\n\r\n");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 413 ")) << answer;
}

TEST_F(Http1ConnectionEndTest, ChunkExtensionsOverTheLimitAreRefused) {
  const std::string head = "POST /upload HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n";
  const auto refused = [&](std::size_t bytes) {
    const std::string extension = ";" + std::string(bytes - 1, 'e');
    return exchange(head + "3" + extension + "\r\nabc\r\n0\r\n\r\n").starts_with("HTTP/1.1 400 ");
  };
  for (const std::size_t limit : {std::size_t{4096}, std::size_t{10}, std::size_t{8192}}) {
    limits_.chunk_extension_bytes = limit;
    stream_.reset();
    loop_.run_until_idle();
    make_worker();
    connect();
    EXPECT_FALSE(refused(limit)) << limit;
    EXPECT_TRUE(refused(limit + 1)) << limit;
  }
}

TEST_F(Http1ConnectionEndTest, AnAnnouncedBodyOverTheLimitIsNotAskedFor) {
  connect();
  const std::string length = std::to_string(limits_.body_bytes + 1);
  const std::string answer =
      exchange("POST /upload HTTP/1.1\r\nHost: t\r\nExpect: 100-continue\r\nContent-Length: " + length + "\r\n\r\n");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 413 ")) << answer;
  EXPECT_TRUE(closed_);
}

/// A stream whose peer has shown a certificate, and that tells when it is destroyed.
class IdentifiedStream final : public net::Stream {
 public:
  IdentifiedStream(std::unique_ptr<net::Stream> below, bool& destroyed)
      : below_(std::move(below)), destroyed_(destroyed) {
    certificate_.common_name = "worker-7";
    security_.certificate = &certificate_;
  }
  ~IdentifiedStream() override { destroyed_ = true; }
  net::IoResult read(std::span<char> into) noexcept override { return below_->read(into); }
  net::IoResult write(std::span<const iovec> pieces) noexcept override { return below_->write(pieces); }
  net::IoResult send_file(int fd, std::uint64_t offset, std::size_t count) noexcept override {
    return below_->send_file(fd, offset, count);
  }
  void set_handler(net::StreamHandler* handler) noexcept override { below_->set_handler(handler); }
  void want(bool read, bool write) noexcept override { below_->want(read, write); }
  void shutdown_write() noexcept override { below_->shutdown_write(); }
  void close(bool reset) noexcept override { below_->close(reset); }
  [[nodiscard]] bool closed() const noexcept override { return below_->closed(); }
  [[nodiscard]] net::SocketAddress peer() const noexcept override { return below_->peer(); }
  [[nodiscard]] net::SocketAddress local() const noexcept override { return below_->local(); }
  [[nodiscard]] int fd() const noexcept override { return -1; }
  [[nodiscard]] const net::Security* security() const noexcept override { return &security_; }

 private:
  std::unique_ptr<net::Stream> below_;
  bool& destroyed_;
  net::Security security_;
  net::PeerCertificate certificate_;
};

TEST_F(Http1ConnectionEndTest, WhoTheClientWasIsKnownAsLongAsItsHandlerRuns) {
  std::string seen;
  service_.handlers["/slow"] = [&seen](Exchange& x) {
    x.run([](Exchange& exchange, std::string& who) -> Task<void> {
      const net::SocketAddress* const peer = exchange.connection().peer;
      const net::PeerCertificate* const certificate = exchange.connection().security->certificate;
      const Result<void> slept = co_await exchange.loop().sleep(1s);  // Whatever becomes of the client.
      static_cast<void>(slept);
      who = certificate->common_name + " at " + peer->to_string();
      exchange.respond(text("too late"));
    }(x, seen));
  };
  auto pair = net::memory_stream_pair(loop_, {.client_address = net::SocketAddress::loopback(4711)});
  bool destroyed = false;
  worker_->adopt(std::make_unique<IdentifiedStream>(std::move(pair.server), destroyed), service_, local_);
  const std::string_view request = "GET /slow HTTP/1.1\r\nHost: t\r\n\r\n";
  ASSERT_TRUE(pair.client->write(request.data(), request.size()).ok());
  loop_.run_until_idle();
  pair.client.reset();
  loop_.run_until_idle();
  EXPECT_EQ(worker_->connections(), 0u);
  EXPECT_FALSE(destroyed);
  advance(1s);
  EXPECT_EQ(seen, "worker-7 at 127.0.0.1:4711");
  EXPECT_TRUE(destroyed);
}

TEST_F(Http1ConnectionEndTest, AHandlerWithoutAClientCountsAgainstTheLimit) {
  limits_.connections = 1;
  make_worker();
  service_.handlers["/slow"] = [](Exchange& x) {
    x.run([](Exchange& exchange) -> Task<void> {
      const Result<void> slept = co_await exchange.loop().sleep(1s);
      static_cast<void>(slept);
      exchange.respond(text("too late"));
    }(x));
  };
  connect();
  send("GET /slow HTTP/1.1\r\nHost: t\r\n\r\n");
  stream_.reset();
  loop_.run_until_idle();
  EXPECT_EQ(worker_->connections(), 0u);
  connect();
  EXPECT_TRUE(receive().starts_with("HTTP/1.1 503 "));
  stream_.reset();
  advance(1s);
  connect();
  EXPECT_TRUE(exchange("GET /a HTTP/1.1\r\nHost: t\r\n\r\n").ends_with("\r\n\r\na"));
}

}  // namespace
}  // namespace weir::server
