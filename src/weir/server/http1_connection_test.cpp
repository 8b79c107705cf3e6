// HTTP/1.x connections: what is answered, and how.
#include "weir/server/http1_connection.hpp"

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

#include "weir/server/http1_connection_test_support.hpp"

namespace weir::server {
namespace {

using namespace std::chrono_literals;
using http::Response;
using http::Status;

TEST_F(Http1ConnectionTest, AnswersAndKeepsTheConnection) {
  service_.handlers["/a"] = [](Exchange& x) { x.respond(text("hello")); };
  connect();
  const std::string answer = exchange("GET /a HTTP/1.1\r\nHost: t\r\n\r\n");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\n")) << answer;
  EXPECT_NE(answer.find("\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\n"), std::string::npos) << answer;
  EXPECT_NE(answer.find("\r\nContent-Length: 5\r\n"), std::string::npos) << answer;
  EXPECT_TRUE(answer.ends_with("\r\n\r\nhello")) << answer;
  EXPECT_TRUE(exchange("GET /a HTTP/1.1\r\nHost: t\r\n\r\n").ends_with("hello"));
  EXPECT_FALSE(closed_);
  EXPECT_EQ(service_.outcomes.size(), 2u);
}

TEST_F(Http1ConnectionTest, AnswersPipelinedRequestsInOrder) {
  int n = 0;
  service_.handlers["/a"] = [&n](Exchange& x) { x.respond(text("no" + std::to_string(n++))); };
  connect();
  std::string requests;
  for (int i = 0; i < 16; ++i) requests += "GET /a HTTP/1.1\r\nHost: t\r\n\r\n";
  const std::string answer = exchange(requests);
  EXPECT_EQ(count(answer, "HTTP/1.1 200 OK"), 16u);
  EXPECT_LT(answer.find("no3"), answer.find("no12"));
}

TEST_F(Http1ConnectionTest, AnswersWhateverTheCuts) {
  service_.handlers["/echo"] = [](Exchange& x) {
    struct Collector final : BodyCollector {
      Exchange* x = nullptr;
      void on_body(Result<std::string_view> body) noexcept override { x->respond(text(std::string(*body))); }
    };
    static Collector collector;
    collector.x = &x;
    x.collect_body(collector);
  };
  const std::string request =
      "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 11\r\n\r\nhello world"
      "POST /echo HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n"
      "5\r\nhello\r\n6\r\n again\r\n0\r\n\r\n";
  for (std::size_t cut = 1; cut < request.size(); ++cut) {
    connect();
    send(std::string_view(request).substr(0, cut));
    const std::string answer = receive() + exchange(std::string_view(request).substr(cut));
    ASSERT_EQ(count(answer, "HTTP/1.1 200 OK"), 2u) << "cut at " << cut << "\n" << answer;
    ASSERT_NE(answer.find("hello world"), std::string::npos) << "cut at " << cut << "\n" << answer;
    ASSERT_TRUE(answer.ends_with("hello again")) << "cut at " << cut << "\n" << answer;
  }
}

TEST_F(Http1ConnectionTest, RefusesBadRequestsAndCloses) {
  connect();
  const std::string answer = exchange("GET / HTTP/1.1\r\nHost : t\r\n\r\n");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 400 ")) << answer;
  EXPECT_NE(answer.find("Connection: close"), std::string::npos);
  EXPECT_TRUE(closed_);
  EXPECT_EQ(service_.refusals.size(), 1u);
}

TEST_F(Http1ConnectionTest, TellsWhoSpeaksTlsToAPlainPort) {
  connect();
  const std::string answer = exchange({"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11});
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 400 ")) << answer;
  EXPECT_NE(answer.find("TLS"), std::string::npos) << answer;
  EXPECT_TRUE(closed_);
  EXPECT_EQ(service_.refusals.size(), 1u);
}

TEST_F(Http1ConnectionTest, ClosesWhenTheClientAsksForIt) {
  service_.handlers["/a"] = [](Exchange& x) { x.respond(text("bye")); };
  connect();
  const std::string answer = exchange("GET /a HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n");
  EXPECT_NE(answer.find("Connection: close"), std::string::npos) << answer;
  EXPECT_TRUE(closed_);
}

TEST_F(Http1ConnectionTest, HeadHasNoBody) {
  service_.handlers["/a"] = [](Exchange& x) { x.respond(text("hello")); };
  connect();
  const std::string answer = exchange("HEAD /a HTTP/1.1\r\nHost: t\r\n\r\n");
  EXPECT_NE(answer.find("\r\nContent-Length: 5\r\n"), std::string::npos) << answer;
  EXPECT_TRUE(answer.ends_with("\r\n\r\n")) << answer;
}

TEST_F(Http1ConnectionTest, CutsHeadsThatTakeTooLong) {
  connect();
  send("GET / HTTP/1.1\r\nHo");
  for (int i = 0; i < 9; ++i) {
    advance(1s);
    send("x");  // A slow client goes on sending: the time-out is for the whole head.
  }
  EXPECT_EQ(receive(), "");
  advance(2s);
  EXPECT_TRUE(receive().starts_with("HTTP/1.1 408 "));
  EXPECT_TRUE(closed_);
}

TEST_F(Http1ConnectionTest, ClosesIdleConnections) {
  service_.handlers["/a"] = [](Exchange& x) { x.respond(text("x")); };
  connect();
  exchange("GET /a HTTP/1.1\r\nHost: t\r\n\r\n");
  advance(74s);
  EXPECT_TRUE(exchange("GET /a HTTP/1.1\r\nHost: t\r\n\r\n").ends_with("x"));
  advance(74s);
  EXPECT_EQ(worker_->connections(), 1u);
  advance(2s);
  EXPECT_EQ(worker_->connections(), 0u);
}

TEST_F(Http1ConnectionTest, TheLongestTimesNeverPass) {
  limits_.header_timeout = limits_.idle_timeout = limits_.request_timeout = limits_.stall_timeout = Duration::max();
  make_worker();
  service_.handlers["/slow"] = [](Exchange& x) {
    x.run([](Exchange& exchange) -> Task<void> {
      static_cast<void>(co_await exchange.loop().sleep(1h, exchange.stop_token()));
      exchange.respond(text("in the end"));
    }(x));
  };
  connect();
  advance(1h);
  send("GET /slow HTTP/1.1\r\n");
  advance(1h);
  send("Host: t\r\n\r\n");
  advance(1h);
  EXPECT_TRUE(receive().ends_with("in the end"));
  advance(1h);
  EXPECT_TRUE(exchange("GET / HTTP/1.1\r\nHost: t\r\n\r\n").starts_with("HTTP/1.1 "));
}

TEST_F(Http1ConnectionTest, SilentConnectionsAreClosedWithoutAnAnswer) {
  connect();
  advance(11s);
  EXPECT_EQ(receive(), "");
  EXPECT_TRUE(closed_);
}

TEST_F(Http1ConnectionTest, CutsBodiesThatStall) {
  service_.handlers["/echo"] = [](Exchange& x) {
    x.run([](Exchange& exchange) -> Task<void> {
      for (;;) {
        Result<std::string_view> piece = co_await exchange.read_body();
        if (!piece) {
          exchange.respond(Response(piece.error().code() == Errc::deadline_exceeded ? Status::request_timeout
                                                                                    : Status::bad_request));
          co_return;
        }
        if (piece->empty()) break;
      }
      exchange.respond(text("all"));
    }(x));
  };
  connect();
  send("POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 100000\r\n\r\n");
  for (int i = 0; i < 20 && !closed_; ++i) {
    advance(1s);
    const std::string answer = exchange("x");  // One byte a second: below the minimal rate.
    if (!answer.empty()) {
      EXPECT_TRUE(answer.starts_with("HTTP/1.1 408 ")) << answer;
      EXPECT_GE(i, 8);
      return;
    }
  }
  FAIL() << "the slow body was not cut";
}

TEST_F(Http1ConnectionTest, SendsContinueOnlyWhenTheBodyIsWanted) {
  service_.handlers["/no"] = [](Exchange& x) { x.respond(Response(Status::forbidden)); };
  service_.handlers["/yes"] = [](Exchange& x) {
    x.run([](Exchange& exchange) -> Task<void> {
      Result<std::string_view> piece = co_await exchange.read_body();
      exchange.respond(text(std::string(*piece)));
    }(x));
  };
  connect();
  EXPECT_EQ(exchange("POST /yes HTTP/1.1\r\nHost: t\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"),
            "HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_TRUE(exchange("ok").ends_with("ok"));
  const std::string answer =
      exchange("POST /no HTTP/1.1\r\nHost: t\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 403 ")) << answer;
  EXPECT_TRUE(closed_) << "whether the body follows cannot be known";
}

TEST_F(Http1ConnectionTest, SendsNoContinueBehindTheFinalHead) {
  service_.handlers["/both"] = [](Exchange& x) {
    http::StreamBody body;
    body.write = [&x](http::BodyWriter& out) -> Task<Result<void>> {
      Result<std::string_view> piece = co_await x.read_body();
      if (!piece) co_return fail(std::move(piece.error()));
      Result<void> done = co_await out.write(*piece);
      co_return done;
    };
    x.respond(Response(Status::ok, http::Body(std::move(body))));
  };
  connect();
  const std::string head =
      exchange("POST /both HTTP/1.1\r\nHost: t\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_TRUE(head.starts_with("HTTP/1.1 200 ")) << head;
  EXPECT_TRUE(head.ends_with("\r\n\r\n") && head.find("100 Continue") == std::string::npos) << head;
  EXPECT_EQ(exchange("ok"), "2\r\nok\r\n0\r\n\r\n");
}

TEST_F(Http1ConnectionTest, ReadsOverBodiesThatNobodyWants) {
  service_.handlers["/a"] = [](Exchange& x) { x.respond(text("answer")); };
  connect();
  const std::string body(100000, 'b');
  send("POST /a HTTP/1.1\r\nHost: t\r\nContent-Length: 100000\r\n\r\n" + body + "GET /a HTTP/1.1\r\nHost: t\r\n\r\n");
  EXPECT_EQ(count(receive(), "answer"), 2u);
  EXPECT_FALSE(closed_);
  // Too much to be read over: answered, then closed.
  const std::string answer = exchange("POST /a HTTP/1.1\r\nHost: t\r\nContent-Length: 100000000\r\n\r\nbbb");
  EXPECT_NE(answer.find("Connection: close"), std::string::npos) << answer;
  EXPECT_TRUE(closed_);
}

TEST_F(Http1ConnectionTest, DoesNotReadOverBodiesForEver) {
  service_.handlers["/a"] = [](Exchange& x) { x.respond(text("answer")); };
  connect();
  send("POST /a HTTP/1.1\r\nHost: t\r\nContent-Length: 100000\r\n\r\n");
  for (int i = 0; i < 25; ++i) {
    advance(1s);
    send("b");
  }
  EXPECT_EQ(worker_->connections(), 0u);
}

TEST_F(Http1ConnectionTest, AHeadHasItsWholeTimeHoweverLongTheConnectionWasIdle) {
  service_.handlers["/a"] = [](Exchange& x) { x.respond(text("x")); };
  connect();
  exchange("GET /a HTTP/1.1\r\nHost: t\r\n\r\n");
  advance(70s);
  send("GET /a HT");
  advance(8s);
  EXPECT_TRUE(exchange("TP/1.1\r\nHost: t\r\n\r\n").ends_with("x"));
}

TEST_F(Http1ConnectionTest, TellsTheHandlerThatTheClientHasGone) {
  StopReason reason = StopReason::none;
  bool ended = false;
  service_.handlers["/slow"] = [&](Exchange& x) {
    x.run([](Exchange& exchange, StopReason& why, bool& done) -> Task<void> {
      Result<void> slept = co_await exchange.loop().sleep(20s, exchange.stop_token());
      static_cast<void>(slept);
      why = exchange.stop_token().reason();
      done = true;
      exchange.respond(text("late"));
    }(x, reason, ended));
  };
  connect();
  send("GET /slow HTTP/1.1\r\nHost: t\r\n\r\n");
  stream_.reset();
  loop_.run_until_idle();
  EXPECT_TRUE(ended);
  EXPECT_EQ(reason, StopReason::gone);
  EXPECT_EQ(worker_->connections(), 0u);
  EXPECT_EQ(worker_->pool().active(), 0u);
  ASSERT_EQ(service_.outcomes.size(), 1u);
  EXPECT_FALSE(service_.outcomes[0].complete);
}

TEST_F(Http1ConnectionTest, CancelsAtTheDeadlineAndAnswers) {
  StopReason reason = StopReason::none;
  service_.handlers["/slow"] = [&](Exchange& x) {
    x.set_deadline(x.started() + 2s);
    x.run([](Exchange& exchange, StopReason& why) -> Task<void> {
      Result<void> slept = co_await exchange.loop().sleep(20s);  // Does not listen to the token.
      static_cast<void>(slept);
      why = exchange.stop_token().reason();
      exchange.respond(text("late"));
    }(x, reason));
  };
  connect();
  send("GET /slow HTTP/1.1\r\nHost: t\r\n\r\n");
  advance(3s);
  const std::string answer = receive();
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 503 "));
  EXPECT_NE(answer.find("Connection: close"), std::string::npos) << "the handler may run on for long";
  stream_.reset();
  advance(3s);
  EXPECT_EQ(worker_->connections(), 0u);
  EXPECT_EQ(worker_->pool().active(), 1u);
  advance(30s);
  EXPECT_EQ(reason, StopReason::deadline);
  EXPECT_EQ(worker_->pool().active(), 0u);
}

TEST_F(Http1ConnectionTest, StreamsWithBackpressure) {
  std::size_t produced = 0;
  service_.handlers["/big"] = [&produced](Exchange& x) {
    http::StreamBody body;
    body.write = [&produced](http::BodyWriter& out) -> Task<Result<void>> {
      const std::string piece(10000, 'p');
      for (int i = 0; i < 1000; ++i) {
        Result<void> written = co_await out.write(piece);
        if (!written) co_return written;
        produced += piece.size();
      }
      co_return Result<void>{};
    };
    x.respond(Response(Status::ok, http::Body(std::move(body))));
  };
  connect({.capacity = 20000});
  send("GET /big HTTP/1.1\r\nHost: t\r\n\r\n");
  EXPECT_LT(produced, 1000000u) << "a client that does not read makes the handler wait";
  const std::string answer = receive();
  EXPECT_EQ(produced, 10000000u);
  EXPECT_EQ(count(answer, "p"), 10000000u);
  EXPECT_TRUE(answer.ends_with("0\r\n\r\n"));
  EXPECT_FALSE(closed_);
  EXPECT_TRUE(service_.outcomes.at(0).complete);
  EXPECT_EQ(service_.outcomes.at(0).bytes_out, 10000000u);
}

TEST_F(Http1ConnectionTest, CutsStreamsThatFail) {
  service_.handlers["/broken"] = [](Exchange& x) {
    http::StreamBody body;
    body.write = [](http::BodyWriter& out) -> Task<Result<void>> {
      Result<void> written = co_await out.write("some");
      static_cast<void>(written);
      co_return fail(Errc::internal, "the source broke");
    };
    x.respond(Response(Status::ok, http::Body(std::move(body))));
  };
  connect();
  const std::string answer = exchange("GET /broken HTTP/1.1\r\nHost: t\r\n\r\n");
  EXPECT_TRUE(closed_);
  EXPECT_FALSE(answer.ends_with("0\r\n\r\n")) << "the client must see that the body is not whole";
  EXPECT_FALSE(service_.outcomes.at(0).complete);
}

TEST_F(Http1ConnectionTest, SendsFiles) {
  char path[] = "/tmp/weir-test-XXXXXX";
  const int fd = ::mkstemp(path);
  const std::string content(300000, 'f');
  ASSERT_EQ(::write(fd, content.data(), content.size()), static_cast<ssize_t>(content.size()));
  ::unlink(path);
  service_.handlers["/file"] = [fd](Exchange& x) {
    x.respond(Response(Status::ok, http::Body(http::FileBody(::dup(fd), 100, 200000))));
  };
  service_.handlers["/short"] = [fd](Exchange& x) {
    x.respond(Response(Status::ok, http::Body(http::FileBody(::dup(fd), 100, 400000))));
  };
  connect();
  std::string answer = exchange("GET /file HTTP/1.1\r\nHost: t\r\n\r\n");
  EXPECT_EQ(count(answer, "f"), 200000u);
  EXPECT_FALSE(closed_);
  answer = exchange("GET /short HTTP/1.1\r\nHost: t\r\n\r\n");
  EXPECT_TRUE(closed_) << "a file that has become shorter must not look whole";
  ::close(fd);
}

TEST_F(Http1ConnectionTest, DrainsRunningRequests) {
  service_.handlers["/slow"] = [](Exchange& x) {
    x.run([](Exchange& exchange) -> Task<void> {
      Result<void> slept = co_await exchange.loop().sleep(1s);
      static_cast<void>(slept);
      exchange.respond(text("done"));
    }(x));
  };
  connect();
  send("GET /slow HTTP/1.1\r\nHost: t\r\n\r\n");
  bool empty = false;
  worker_->when_empty([&empty] { empty = true; });
  worker_->drain();
  loop_.run_until_idle();
  EXPECT_FALSE(empty);
  advance(1s);
  const std::string answer = receive();
  EXPECT_NE(answer.find("Connection: close"), std::string::npos) << answer;
  EXPECT_TRUE(answer.ends_with("done"));
  stream_.reset();
  advance(3s);
  EXPECT_TRUE(empty);
}

TEST_F(Http1ConnectionTest, DrainClosesIdleConnections) {
  service_.handlers["/a"] = [](Exchange& x) { x.respond(text("a")); };
  connect();
  EXPECT_TRUE(exchange("GET /a HTTP/1.1\r\nHost: t\r\n\r\n").ends_with("a"));
  worker_->drain();
  loop_.run_until_idle();
  EXPECT_EQ(worker_->connections(), 0u);
}

TEST_F(Http1ConnectionTest, DrainLetsANewConnectionAskOnce) {
  service_.handlers["/a"] = [](Exchange& x) { x.respond(text("a")); };
  connect();
  worker_->drain();
  advance(1s);
  EXPECT_EQ(worker_->connections(), 1u);
  const std::string answer = exchange("GET /a HTTP/1.1\r\nHost: t\r\n\r\n");
  EXPECT_NE(answer.find("Connection: close"), std::string::npos) << answer;
  EXPECT_TRUE(closed_);
}

TEST_F(Http1ConnectionTest, DrainDoesNotWaitLongForARequest) {
  for (const std::string_view begun : {"", "GET /a HTTP/1.1\r\n"}) {
    connect();
    send(begun);
    worker_->drain();
    advance(limits_.linger_timeout - 1ms);
    EXPECT_EQ(worker_->connections(), 1u);
    advance(1ms);
    receive();
    stream_.reset();
    loop_.run_until_idle();
    EXPECT_EQ(worker_->connections(), 0u);
    make_worker();
  }
}

TEST_F(Http1ConnectionTest, EndsKeepAliveBeforeTheDrain) {
  service_.handlers["/a"] = [](Exchange& x) { x.respond(text("a")); };
  connect();
  EXPECT_EQ(exchange("GET /a HTTP/1.1\r\nHost: t\r\n\r\n").find("Connection: close"), std::string::npos);
  worker_->end_keep_alive();
  EXPECT_NE(exchange("GET /a HTTP/1.1\r\nHost: t\r\n\r\n").find("Connection: close"), std::string::npos);
  EXPECT_TRUE(closed_);
  closed_ = false;
  connect();
  EXPECT_NE(exchange("GET /a HTTP/1.1\r\nHost: t\r\n\r\n").find("200 OK"), std::string::npos);
}

TEST_F(Http1ConnectionTest, RefusesConnectionsOverTheLimit) {
  limits_.connections = 1;
  make_worker();
  connect();
  const std::unique_ptr<net::MemoryStream> first = std::move(stream_);
  connect();
  EXPECT_TRUE(receive().starts_with("HTTP/1.1 503 "));
  EXPECT_TRUE(closed_);
}

TEST_F(Http1ConnectionTest, SurvivesEveryFailureOfReadAndWrite) {
  service_.handlers["/a"] = [](Exchange& x) { x.respond(text(std::string(5000, 'a'))); };
  for (std::size_t at = 0; at < 200; at += 7) {
    net::MemoryStreamOptions options;
    options.server_faults.fail_read_after = at;
    connect(options);
    send("GET /a HTTP/1.1\r\nHost: t\r\n\r\nGET /a HTTP/1.1\r\nHost: t\r\n\r\n");
    options = {};
    options.server_faults.fail_write_after = at * 30;
    options.server_faults.max_write = 1000;
    connect(options);
    send("GET /a HTTP/1.1\r\nHost: t\r\n\r\nGET /a HTTP/1.1\r\nHost: t\r\n\r\n");
  }
  stream_.reset();
  loop_.run_until_idle();
  EXPECT_EQ(worker_->connections(), 0u);
  EXPECT_EQ(worker_->pool().active(), 0u);
}

TEST_F(Http1ConnectionTest, StreamsToAConnectionThatFailsEndWithIt) {
  service_.handlers["/stream"] = [](Exchange& x) {
    x.respond(Response(Status::ok, http::Body(http::StreamBody{[](http::BodyWriter& out) -> Task<Result<void>> {
                                                                 const std::string block(10000, 's');
                                                                 for (int i = 0; i < 100; ++i) {
                                                                   auto written = co_await out.write(block);
                                                                   if (!written) co_return written;
                                                                 }
                                                                 co_return Result<void>{};
                                                               },
                                                               std::nullopt})));
  };
  for (const std::uint64_t at : {0u, 1u, 1000u, 100000u, 400000u}) {
    net::MemoryStreamOptions options;
    options.server_faults.fail_write_after = at;
    connect(options);
    send("GET /stream HTTP/1.1\r\nHost: t\r\n\r\n");
    receive();
    EXPECT_EQ(worker_->connections(), 0u) << at;
    EXPECT_EQ(worker_->pool().active(), 0u) << at;
  }
}

TEST_F(Http1ConnectionTest, LongBodiesLeaveTheLoopToOthersInBetween) {
  static constexpr std::size_t size = 16 << 20;
  service_.handlers["/down"] = [](Exchange& x) {
    x.respond(Response(Status::ok, http::Body(http::StreamBody{[](http::BodyWriter& out) -> Task<Result<void>> {
                                                                 const std::string block(64 * 1024, 's');
                                                                 for (std::size_t sent = 0; sent < size;
                                                                      sent += block.size()) {
                                                                   auto written = co_await out.write(block);
                                                                   if (!written) co_return written;
                                                                 }
                                                                 co_return Result<void>{};
                                                               },
                                                               size})));
  };
  std::size_t received = 0;
  service_.handlers["/up"] = [&received](Exchange& x) {
    x.run([](Exchange& exchange, std::size_t& count_) -> Task<void> {
      for (;;) {
        auto piece = co_await exchange.read_body();
        if (!piece || piece->empty()) break;
        count_ += piece->size();
      }
      exchange.respond(text("received"));
    }(x, received));
    x.limit_body(0);
  };
  limits_.body_bytes = 0;
  make_worker();
  connect({.capacity = 2 * size});
  const std::string down = "GET /down HTTP/1.1\r\nHost: t\r\n\r\n";
  ASSERT_TRUE(stream_->write(down.data(), down.size()).ok());
  int turns = 0;
  std::uint64_t before = loop_.stats().turns;
  EXPECT_GE(receive().size(), size);
  turns = static_cast<int>(loop_.stats().turns - before);
  EXPECT_GE(turns, 10);

  const std::string up =
      "POST /up HTTP/1.1\r\nHost: t\r\nContent-Length: " + std::to_string(size) + "\r\n\r\n" + std::string(size, 'u');
  std::string_view left = up;
  while (!left.empty()) {
    const net::IoResult result = stream_->write(left.data(), left.size());
    ASSERT_TRUE(result.ok());
    left.remove_prefix(result.bytes);
  }
  before = loop_.stats().turns;
  EXPECT_NE(receive().find("received"), std::string::npos);
  EXPECT_EQ(received, size);
  EXPECT_GE(loop_.stats().turns - before, 10u);
}

TEST_F(Http1ConnectionTest, PipelinedRequestsWaitForSlowReaders) {
  int answered = 0;
  service_.handlers["/a"] = [&answered](Exchange& x) {
    ++answered;
    x.respond(text(std::string(100000, 'a')));
  };
  connect({.capacity = 20000});
  std::string requests;
  for (int i = 0; i < 100; ++i) requests += "GET /a HTTP/1.1\r\nHost: t\r\n\r\n";
  send(requests);
  EXPECT_LT(answered, 10) << "answers must not pile up in memory";
  EXPECT_EQ(count(receive(), "HTTP/1.1 200 OK"), 100u);
}

// --- interim responses ---

TEST_F(Http1ConnectionTest, SendsInterimResponsesBeforeTheAnswer) {
  service_.handlers["/hints"] = [](Exchange& x) {
    http::Headers links;
    links.set("Link", "</a.css>; rel=preload");
    x.inform(Status::early_hints, links);
    x.inform(Status::switching_protocols, {});  // the server's own
    x.inform(Status::ok, {});                   // no interim response
    x.respond(text("page"));
    x.inform(Status::early_hints, links);  // too late
  };
  connect();
  const std::string answer = exchange("GET /hints HTTP/1.1\r\nHost: t\r\n\r\n");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\nHTTP/1.1 200 OK\r\n"))
      << answer;
  EXPECT_TRUE(answer.ends_with("page")) << answer;
  // HTTP/1.0 knows none (RFC 9110 section 15.2).
  connect();
  EXPECT_TRUE(exchange("GET /hints HTTP/1.0\r\n\r\n").starts_with("HTTP/1.1 200 OK\r\n"));
}

// --- upgrades ---

/// Keeps what it is given.
struct TakenOver {
  std::unique_ptr<net::Stream> stream;
  std::string input;
  std::string protocol;
  bool destroyed = false;
};
class KeepingUpgrade final : public Upgrade {
 public:
  explicit KeepingUpgrade(TakenOver& to) : to_(to) {}
  ~KeepingUpgrade() override { to_.destroyed = true; }
  void take(Worker&, std::unique_ptr<net::Stream> stream, Buffer input,
            const ConnectionInfo& connection) noexcept override {
    to_.stream = std::move(stream);
    to_.input = input.view();
    to_.protocol = connection.protocol;
  }

 private:
  TakenOver& to_;
};
Response switching() {
  Response response(Status::switching_protocols);
  response.headers.set("Upgrade", "echo");
  response.headers.set("X-Mark", "m");
  return response;
}
constexpr std::string_view upgrade_request =
    "GET /up HTTP/1.1\r\nHost: t\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n";

TEST_F(Http1ConnectionTest, HandsTheStreamToAnUpgradeWithWhatWasReadBehindTheRequest) {
  TakenOver taken;
  service_.handlers["/up"] = [&](Exchange& x) {
    x.upgrade(std::make_unique<KeepingUpgrade>(taken));
    x.respond(switching());
  };
  connect();
  const std::string answer = exchange(std::string(upgrade_request) + "first bytes");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n"))
      << answer;
  EXPECT_NE(answer.find("\r\nX-Mark: m\r\n"), std::string::npos) << answer;
  EXPECT_TRUE(answer.ends_with("\r\n\r\n")) << answer;
  EXPECT_EQ(taken.input, "first bytes");
  EXPECT_EQ(taken.protocol, "HTTP/1.1");
  EXPECT_TRUE(taken.destroyed);
  ASSERT_NE(taken.stream, nullptr);
  EXPECT_EQ(worker_->connections(), 0u);  // What goes on was not registered.
  EXPECT_EQ(worker_->pool().active(), 0u);
  EXPECT_FALSE(closed_);
  ASSERT_EQ(service_.outcomes.size(), 1u);
  EXPECT_EQ(service_.outcomes[0].status, Status::switching_protocols);
  EXPECT_TRUE(service_.outcomes[0].complete);
  ASSERT_TRUE(taken.stream->write("later", 5).ok());
  EXPECT_EQ(receive(), "later");
}

TEST_F(Http1ConnectionTest, WaitsForASlowReaderOfTheHeadBeforeItHandsOver) {
  TakenOver taken;
  service_.handlers["/up"] = [&](Exchange& x) {
    x.upgrade(std::make_unique<KeepingUpgrade>(taken));
    x.respond(switching());
  };
  connect({.capacity = 16});
  std::string sent(upgrade_request);
  while (!sent.empty()) {
    const net::IoResult result = stream_->write(sent.data(), sent.size());
    ASSERT_TRUE(result.ok() || result.would_block());
    sent.erase(0, result.bytes);
    loop_.run_until_idle();
  }
  EXPECT_EQ(taken.stream, nullptr);
  const std::string answer = receive();
  EXPECT_TRUE(answer.ends_with("\r\n\r\n")) << answer;
  EXPECT_NE(taken.stream, nullptr);
}

TEST_F(Http1ConnectionTest, HandsOverAfterALateAnswer) {
  TakenOver taken;
  Exchange* waiting = nullptr;
  service_.handlers["/up"] = [&](Exchange& x) { waiting = &x; };
  connect();
  send(upgrade_request);
  ASSERT_NE(waiting, nullptr);
  waiting->upgrade(std::make_unique<KeepingUpgrade>(taken));
  waiting->respond(switching());
  EXPECT_TRUE(receive().starts_with("HTTP/1.1 101 "));
  EXPECT_NE(taken.stream, nullptr);
}

TEST_F(Http1ConnectionTest, DropsTheUpgradeOfAnotherAnswer) {
  TakenOver taken;
  service_.handlers["/up"] = [&](Exchange& x) {
    x.upgrade(std::make_unique<KeepingUpgrade>(taken));
    x.respond(text("no"));
  };
  connect();
  EXPECT_TRUE(exchange(upgrade_request).ends_with("no"));
  EXPECT_TRUE(taken.destroyed);
  EXPECT_EQ(taken.stream, nullptr);
  EXPECT_TRUE(exchange(upgrade_request).ends_with("no"));  // The connection goes on.
}

TEST_F(Http1ConnectionTest, SwitchesOnlyWhenTheClientAskedAndSentNoBody) {
  TakenOver taken;
  service_.handlers["/up"] = [&](Exchange& x) {
    x.upgrade(std::make_unique<KeepingUpgrade>(taken));
    x.respond(switching());
  };
  for (const std::string_view request :
       {"GET /up HTTP/1.1\r\nHost: t\r\n\r\n",
        "GET /up HTTP/1.1\r\nHost: t\r\nConnection: Upgrade\r\nUpgrade: echo\r\nContent-Length: 5\r\n\r\nab"}) {
    closed_ = false;
    connect();
    EXPECT_EQ(exchange(request), "") << request;
    EXPECT_TRUE(closed_);
    EXPECT_EQ(taken.stream, nullptr);
  }
}

}  // namespace
}  // namespace weir::server
