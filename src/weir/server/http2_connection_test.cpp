#include "weir/server/http2_connection.hpp"

#include <memory>
#include <string>
#include <vector>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "weir/net/socket.hpp"
#include "weir/server/http2_connection_test_support.hpp"

namespace weir::server {
namespace {

using namespace std::chrono_literals;
using http::Response;
using http::Status;
using http2::testing::client_preface;
using http2::testing::frame;
using http2::testing::get_frame;

TEST_F(Http2ConnectionTest, AnswersManyRequestsOnOneConnection) {
  std::vector<std::string> seen;
  service_.handlers["/a"] = [&](Exchange& x) {
    seen.emplace_back(x.request().query);
    EXPECT_EQ(x.request().version, http::Version::http_2);
    EXPECT_EQ(x.connection().protocol, "HTTP/2");
    EXPECT_EQ(x.request().headers.get(http::HeaderId::host), "t");
    x.respond(text("hello"));
  };
  connect();
  const auto first = client_.get("/a?1");
  const auto second = client_.get("/a?2");
  run();
  EXPECT_EQ(seen, (std::vector<std::string>{"1", "2"}));
  for (const auto id : {first, second}) {
    EXPECT_EQ(answer(id).status, "200");
    EXPECT_EQ(answer(id).body, "hello");
    EXPECT_EQ(answer(id).fields["content-length"], "5");
    EXPECT_EQ(answer(id).fields["date"], "Thu, 01 Jan 2026 00:00:00 GMT");
    EXPECT_TRUE(answer(id).closed);
    EXPECT_EQ(answer(id).error, 0u);
  }
  EXPECT_EQ(client_.settings[NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS], 128u);
  EXPECT_EQ(client_.settings[NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES], 1u);
}

TEST_F(Http2ConnectionTest, AnswersWhateverTheCuts) {
  service_.handlers["/echo"] = [](Exchange& x) { x.run(echo(x)); };
  http2::testing::Client probe;
  probe.post("/echo", "hello world");
  const std::string bytes = probe.output();
  for (std::size_t cut = 1; cut < bytes.size(); ++cut) {
    connect();
    http2::testing::Client client;
    client.post("/echo", "hello world");
    static_cast<void>(client.output());
    std::string got = raw(std::string_view(bytes).substr(0, cut));
    got += raw(std::string_view(bytes).substr(cut));
    ASSERT_TRUE(client.input(got));
    ASSERT_EQ(client.answers[1].body, "hello world") << "cut at " << cut;
  }
}

TEST_F(Http2ConnectionTest, SpeaksBothProtocolsOnOneListener) {
  service_.handlers["/a"] = [](Exchange& x) { x.respond(text("hello")); };
  connect();
  EXPECT_TRUE(raw("GET /a HTTP/1.1\r\nHost: t\r\n\r\n").starts_with("HTTP/1.1 200 OK\r\n"));
  connect();
  EXPECT_TRUE(raw("PRI /a HTTP/1.1\r\nHost: t\r\n\r\n").starts_with("HTTP/1.1 ")) << "only nearly a preface";
  connect();
  EXPECT_EQ(goaway_error(raw("PRI * HTTP/2.0\r\n\r\nno")), 1u) << "whoever says this is to be told in HTTP/2";
  EXPECT_TRUE(closed_);
  EXPECT_EQ(service_.refusals, std::vector<std::string>{"the first bytes are no HTTP/2 preface"});
  limits_.http2.enabled = false;
  worker_->close_all();
  loop_.run_until_idle();
  worker_ = nullptr;
  connect();
  EXPECT_TRUE(raw(client_preface).starts_with("HTTP/1.1 "));
}

TEST_F(Http2ConnectionTest, AConnectionWithoutHttp1ClosesOnAnythingElse) {
  limits_.http1_enabled = false;
  connect();
  EXPECT_EQ(raw("GET /a HTTP/1.1\r\nHost: t\r\n\r\n"), "");
  EXPECT_TRUE(closed_);
  EXPECT_EQ(service_.refusals.size(), 1u);
}

TEST_F(Http2ConnectionTest, HeadAndNoContentHaveNoBody) {
  service_.handlers["/a"] = [](Exchange& x) { x.respond(text("hello")); };
  service_.handlers["/none"] = [](Exchange& x) { x.respond(Response(Status::no_content)); };
  connect();
  const auto head = client_.get("/a", {{":method", "HEAD"}});
  const auto none = client_.get("/none");
  run();
  EXPECT_EQ(answer(head).fields["content-length"], "5");
  EXPECT_EQ(answer(head).body, "");
  EXPECT_TRUE(answer(head).ended);
  EXPECT_EQ(answer(none).status, "204");
  EXPECT_FALSE(answer(none).fields.contains("content-length"));
  EXPECT_TRUE(answer(none).ended);
}

TEST_F(Http2ConnectionTest, JoinsCookiesAndDropsFieldsOfHttp1) {
  service_.handlers["/a"] = [](Exchange& x) {
    EXPECT_EQ(x.request().headers.get(http::HeaderId::cookie), "a=1; b=2; c=3");
    EXPECT_EQ(x.request().headers.count(http::HeaderId::cookie), 1u);
    EXPECT_EQ(x.request().headers.get("x-own"), "value");
    Response response = text("x");
    response.headers.add("Connection", "close");
    response.headers.add("X-Mixed-Case", "Value");
    x.respond(std::move(response));
  };
  connect();
  const auto id = client_.get("/a", {{"cookie", "a=1"}, {"x-own", "value"}, {"cookie", "b=2"}, {"cookie", "c=3"}});
  run();
  EXPECT_EQ(answer(id).fields["x-mixed-case"], "Value");
  EXPECT_FALSE(answer(id).fields.contains("connection"));
}

TEST_F(Http2ConnectionTest, RefusesWhatIsOverItsLimits) {
  connect();
  const auto path = client_.get("/" + std::string(9000, 'p'));
  const auto fields = client_.get("/a", {{"x-large", std::string(20000, 'x')}});
  run();
  EXPECT_EQ(answer(path).status, "414");
  EXPECT_EQ(answer(fields).status, "431");
  EXPECT_EQ(service_.refusals.size(), 2u);
  const auto good = client_.get("/nothing");
  run();
  EXPECT_EQ(answer(good).status, "404") << "the connection goes on";
}

TEST_F(Http2ConnectionTest, MalformedRequestsAreResets) {
  connect();
  const auto path = client_.get("nothing");
  const auto authority = client_.get("/", {{":authority", "a b"}});
  const auto host = client_.get("/", {{"host", "other"}});
  const auto good = client_.get("/");
  run();
  for (const auto id : {path, authority, host}) {
    EXPECT_EQ(answer(id).error, static_cast<std::uint32_t>(http2::ErrorCode::protocol_error)) << id;
    EXPECT_EQ(answer(id).status, "");
  }
  EXPECT_EQ(answer(good).status, "404");
}

TEST_F(Http2ConnectionTest, UploadsWaitForTheirHandler) {
  std::size_t seen = 0;
  Exchange* exchange = nullptr;
  service_.handlers["/slow"] = [&](Exchange& x) { exchange = &x; };
  connect();
  const auto id = client_.post("/slow", std::string(1 << 20, 'u'));
  run();
  ASSERT_NE(exchange, nullptr);
  // Nothing was pulled: one window of the stream has come, and no more.
  BodyPiece got = exchange->pull_body();
  seen += got.data.size();
  EXPECT_EQ(seen, limits_.http2.stream_window);
  run();
  while ((got = exchange->pull_body()).kind == BodyPiece::Kind::data) {
    EXPECT_LE(got.data.size(), limits_.http2.stream_window);
    seen += got.data.size();
    run();
  }
  EXPECT_EQ(got.kind, BodyPiece::Kind::end);
  EXPECT_EQ(seen, std::size_t{1} << 20);
  exchange->respond(text("done"));
  run();
  EXPECT_EQ(answer(id).body, "done");
}

TEST_F(Http2ConnectionTest, DownloadsWaitForTheirClient) {
  std::size_t written = 0;
  service_.handlers["/stream"] = [&](Exchange& x) {
    http::StreamBody body;
    body.write = [&written](http::BodyWriter& out) -> Task<Result<void>> {
      for (int i = 0; i < 1000; ++i) {
        Result<void> result = co_await out.write(std::string(1000, 's'));
        if (!result) co_return result;
        written += 1000;
      }
      static_cast<void>(out.trailer("X-Sum", "42"));
      co_return Result<void>{};
    };
    x.respond(Response(Status::ok, http::Body(std::move(body))));
  };
  connect();
  const auto id = client_.get("/stream");
  run();  // The client's session opens its windows by itself.
  EXPECT_EQ(answer(id).body.size(), 1'000'000u);
  EXPECT_EQ(answer(id).trailers["x-sum"], "42");
  EXPECT_TRUE(answer(id).ended);

  // A client that opens none: a window's worth is on its way, and a buffer's worth waits.
  written = 0;
  connect();
  raw(client_preface + get_frame(1, "/stream"));
  EXPECT_LE(written, 65535 + limits_.http2.stream_output_bytes + 1000);
  EXPECT_GT(written, 65535u);
}

TEST_F(Http2ConnectionTest, SendsFiles) {
  char path[] = "/tmp/weir-http2-test-XXXXXX";
  const int fd = ::mkstemp(path);
  ASSERT_GE(fd, 0);
  ::unlink(path);
  const std::string content(200'000, 'f');
  ASSERT_EQ(::write(fd, content.data(), content.size()), 200'000);
  service_.handlers["/file"] = [&](Exchange& x) {
    x.respond(Response(Status::ok, http::Body(http::FileBody(::dup(fd), 100, 199'000))));
  };
  service_.handlers["/short"] = [&](Exchange& x) {
    x.respond(Response(Status::ok, http::Body(http::FileBody(::dup(fd), 0, 300'000))));
  };
  connect();
  const auto whole = client_.get("/file");
  const auto cut = client_.get("/short");
  run();
  EXPECT_EQ(answer(whole).body.size(), 199'000u);
  EXPECT_EQ(answer(whole).fields["content-length"], "199000");
  EXPECT_EQ(answer(cut).error, static_cast<std::uint32_t>(http2::ErrorCode::internal_error)) << "cut, not lied about";
  ::close(fd);
}

TEST_F(Http2ConnectionTest, AFileThatBecomesShorterEndsItsStreamOnly) {
  // Through a socket: there a file goes out by itself, behind the heads of its frames.
  char path[] = "/tmp/weir-http2-test-XXXXXX";
  const net::Fd file(::mkstemp(path));
  ASSERT_TRUE(file);
  ::unlink(path);
  ASSERT_EQ(::ftruncate(file.get(), 1'000'000), 0);
  service_.handlers["/file"] = [&](Exchange& x) {
    x.respond(Response(Status::ok, http::Body(http::FileBody(::dup(file.get()), 0, 1'000'000))));
  };
  const net::Fd client = connect_socket();
  const auto exchange = [&] {
    const std::string out = client_.output();
    if (::send(client.get(), out.data(), out.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(out.size())) return false;
    loop_.run_until_idle();
    char buffer[65536];
    const ssize_t got = ::read(client.get(), buffer, sizeof buffer);
    return got > 0 && client_.input({buffer, static_cast<std::size_t>(got)});
  };
  const auto id = client_.get("/file");
  while (answer(id).body.size() < 200'000 && exchange()) {
  }
  EXPECT_GE(answer(id).body.size(), 200'000u);
  ASSERT_EQ(::ftruncate(file.get(), 100'000), 0);
  while (!answer(id).closed && exchange()) {
  }
  EXPECT_EQ(answer(id).error, static_cast<std::uint32_t>(http2::ErrorCode::internal_error));
  const auto next = client_.get("/nothing");
  while (!answer(next).closed && exchange()) {
  }
  EXPECT_EQ(answer(next).status, "404") << "the connection goes on";
}

TEST_F(Http2ConnectionTest, SendsContinueOnlyWhenTheBodyIsWanted) {
  service_.handlers["/no"] = [](Exchange& x) { x.respond(Response(Status::forbidden)); };
  service_.handlers["/yes"] = [](Exchange& x) { x.run(echo(x)); };
  connect();
  const auto yes = client_.post("/yes", "", false, {{"expect", "100-continue"}});
  const auto no = client_.post("/no", "", false, {{"expect", "100-continue"}});
  run();
  EXPECT_EQ(answer(yes).interim, std::vector<std::string>{"100"});
  EXPECT_EQ(answer(no).interim, std::vector<std::string>{});
  EXPECT_EQ(answer(no).status, "403");
  client_.more(yes, "ok", true);
  run();
  EXPECT_EQ(answer(yes).body, "ok");
}

TEST_F(Http2ConnectionTest, SendsNoContinueBehindTheFinalHead) {
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
  const auto id = client_.post("/both", "", false, {{"expect", "100-continue"}});
  run();
  EXPECT_EQ(answer(id).status, "200");
  client_.more(id, "said", true);
  run();
  EXPECT_EQ(answer(id).interim, std::vector<std::string>{});
  EXPECT_EQ(answer(id).body, "said");
  EXPECT_EQ(answer(id).error, 0u);
}

// Who is told of a limit for the first time may be far beyond it, bodies included.
TEST_F(Http2ConnectionTest, BodiesOfRefusedStreamsAreSkippedBeforeTheRefusalIsOut) {
  limits_.http2.concurrent_streams = 2;
  service_.handlers["/echo"] = [](Exchange& x) { x.run(echo(x)); };
  constexpr std::int32_t streams = 300;
  connect({.capacity = 1 << 20});
  std::string burst = client_preface;
  const auto post = [&burst](std::int32_t id) { burst += frame(1, 4, id, "\x83\x86\x04\x05/echo\x01\x01t"); };
  for (std::int32_t id = 1; id < 2 * streams; id += 2) post(id);
  burst += frame(0, 0, 1, std::string(16'000, 'x'));
  for (int i = 0; i < 4; ++i) burst += frame(0, 0, 3, std::string(16'000, 'x'));  // fills a read of the server
  for (std::int32_t id = 1; id < 2 * streams; id += 2) burst += frame(0, 1, id, "end");
  const std::string got = raw(burst);
  EXPECT_EQ(goaway_error(got), 9999u) << "the connection goes on";
  EXPECT_TRUE(service_.refusals.empty());
  EXPECT_EQ(service_.outcomes.size(), 2u);
}

TEST_F(Http2ConnectionTest, SendsInterimResponsesWithTheirFields) {
  service_.handlers["/a"] = [](Exchange& x) {
    http::Headers fields;
    fields.add("Location", "/uploads/7");
    x.inform(static_cast<Status>(104), fields);
    x.respond(text("hello"));
  };
  connect();
  const auto id = client_.get("/a");
  run();
  EXPECT_EQ(answer(id).interim, std::vector<std::string>{"104"});
  EXPECT_EQ(answer(id).fields["location"], "/uploads/7");
  EXPECT_EQ(answer(id).status, "200");
}

TEST_F(Http2ConnectionTest, AnAnswerBeforeTheEndOfTheRequestEndsItWithoutAnError) {
  service_.handlers["/no"] = [](Exchange& x) { x.respond(text("no")); };
  connect();
  const auto id = client_.post("/no", std::string(100'000, 'u'), false);
  run();
  EXPECT_EQ(answer(id).body, "no");
  EXPECT_TRUE(answer(id).closed);
  EXPECT_EQ(answer(id).error, 0u);
  const auto next = client_.post("/no", std::string(1'000'000, 'u'));
  run();
  EXPECT_EQ(answer(next).body, "no");
  EXPECT_TRUE(client_.goaways.empty());
  // What was sent and never read is no part of the windows any more.
  service_.handlers["/echo"] = [](Exchange& x) { x.run(echo(x)); };
  const auto echoed = client_.post("/echo", std::string(3'000'000, 'e'));
  run();
  EXPECT_EQ(answer(echoed).body.size(), 3'000'000u);
}

TEST_F(Http2ConnectionTest, ACancelledStreamStopsItsHandlerOnly) {
  StopReason reason = StopReason::none;
  service_.handlers["/slow"] = [&](Exchange& x) {
    x.run([](Exchange& exchange, StopReason& why) -> Task<void> {
      Result<void> slept = co_await exchange.loop().sleep(20s, exchange.stop_token());
      static_cast<void>(slept);
      why = exchange.stop_token().reason();
      exchange.respond(text("late"));
    }(x, reason));
  };
  connect();
  const auto slow = client_.get("/slow");
  run();
  client_.reset(slow);
  const auto other = client_.get("/other");
  run();
  EXPECT_EQ(reason, StopReason::gone);
  EXPECT_EQ(answer(other).status, "404");
  EXPECT_EQ(worker_->pool().active(), 0u);
  ASSERT_EQ(service_.outcomes.size(), 2u);
  EXPECT_FALSE(service_.outcomes[0].complete && service_.outcomes[1].complete);
}

TEST_F(Http2ConnectionTest, ACancelledStreamStopsItsWriter) {
  bool ended = false;
  service_.handlers["/endless"] = [&](Exchange& x) {
    http::StreamBody body;
    body.write = [&ended](http::BodyWriter& out) -> Task<Result<void>> {
      for (;;) {
        Result<void> result = co_await out.write(std::string(1000, 's'));
        if (!result) break;
      }
      ended = true;
      co_return Result<void>{};
    };
    x.respond(Response(Status::ok, http::Body(std::move(body))));
  };
  connect();
  raw(client_preface + get_frame(1, "/endless"));
  EXPECT_FALSE(ended);
  raw(frame(3, 0, 1, std::string_view("\0\0\0\x08", 4)));
  EXPECT_TRUE(ended);
  EXPECT_EQ(worker_->pool().active(), 0u);
}

TEST_F(Http2ConnectionTest, HandlersThatDoNotStopAreBounded) {
  limits_.http2.concurrent_streams = 10;
  limits_.http2.resets_per_second = 1000;
  int running = 0;
  service_.handlers["/deaf"] = [&](Exchange& x) {
    ++running;
    x.run([](Exchange& exchange, int& count) -> Task<void> {
      Result<void> slept = co_await exchange.loop().sleep(20s);
      static_cast<void>(slept);
      --count;
      exchange.respond(text("late"));
    }(x, running));
  };
  connect();
  raw(client_preface);
  for (int i = 0; i < 100; ++i) {
    raw(get_frame(2 * i + 1, "/deaf") + frame(3, 0, 2 * i + 1, std::string_view("\0\0\0\x08", 4)));
  }
  EXPECT_EQ(running, 20);
  advance(21s);
  EXPECT_EQ(running, 0);
  // They have ended: there is room again, though no stream has closed since.
  service_.handlers["/a"] = [](Exchange& x) { x.respond(text("a")); };
  const std::string got = raw(get_frame(201, "/a"));
  EXPECT_NE(got.find(frame(0, 1, 201, "a")), std::string::npos);
}

TEST_F(Http2ConnectionTest, AFlushDoesNotWaitForOtherStreams) {
  bool flushed = false;
  service_.handlers["/large"] = [](Exchange& x) { x.respond(text(std::string(400'000, 'l'))); };
  service_.handlers["/event"] = [&](Exchange& x) {
    http::StreamBody body;
    body.write = [&flushed](http::BodyWriter& out) -> Task<Result<void>> {
      Result<void> written = co_await out.write("event");
      if (!written) co_return written;
      written = co_await out.flush();
      flushed = written.has_value();
      co_return written;
    };
    x.respond(Response(Status::ok, std::move(body)));
  };
  connect({.capacity = 1000});
  const auto large = client_.get("/large");
  pending_ += client_.output();
  client_.open_windows(large, 1'000'000);
  pending_ += client_.output();
  while (write_some()) {
  }
  const auto event = client_.get("/event", {{"priority", "u=0"}});
  pending_ += client_.output();
  while (write_some()) {
  }
  while (answer(event).body.empty()) ASSERT_TRUE(client_.input(read_some()));
  EXPECT_TRUE(flushed);
  EXPECT_LT(answer(large).body.size(), 300'000u) << "there is more of it to come";
  run();
  EXPECT_TRUE(flushed);
  EXPECT_EQ(answer(large).body.size(), 400'000u);
}

TEST_F(Http2ConnectionTest, UrgentAnswersGoFirst) {
  service_.handlers["/large"] = [](Exchange& x) { x.respond(text(std::string(60'000, 'l'))); };
  connect();
  run();
  const auto background = client_.get("/large", {{"priority", "u=7"}});
  const auto normal = client_.get("/large");
  const auto urgent = client_.get("/large", {{"priority", "u=0"}});
  run();
  std::vector<std::int32_t> order;
  for (const auto id : client_.data_order) {
    if (order.empty() || order.back() != id) order.push_back(id);
  }
  EXPECT_EQ(order, (std::vector<std::int32_t>{urgent, normal, background}));
}

TEST_F(Http2ConnectionTest, EndsConnectionsWhoseFieldsCannotBeDecoded) {
  struct Case {
    const char* what;
    std::string_view fields;
  };
  constexpr std::uint32_t compression_error = 9;
  for (const Case& each : {
           Case{"an index that is not there (RFC 7541 section 2.3.3)", "\xc6"},
           Case{"the same, of a literal's name", std::string_view("\x7f\x07\0", 3)},
           Case{"EOS within a Huffman code (5.2)",
                std::string_view("\0\x85\xf2\xb2\x4a\x84\xff\x87\x49\x51\xff\xff\xff\xfa\x7f", 15)},
           Case{"padding that is longer than 7 bits", std::string_view("\0\x01x\x82\x4f\xff", 6)},
       }) {
    connect();
    const std::string got = raw(client_preface + frame(1, 5, 1, "\x82\x86\x84\x01\x01t" + std::string(each.fields)));
    EXPECT_EQ(goaway_error(got), compression_error) << each.what;
    EXPECT_TRUE(closed_) << each.what;
    closed_ = false;
  }
}

TEST_F(Http2ConnectionTest, PlainConnectIsAnOrdinaryRequestWithoutAPath) {
  connect();
  const std::string bytes = raw(client_preface + frame(1, 5, 1, std::string("\x02\x07") + "CONNECT" + "\x01\x04t:80"));
  EXPECT_EQ(service_.outcomes.size(), 1u);
  EXPECT_EQ(service_.outcomes[0].status, Status::not_found);
}

}  // namespace
}  // namespace weir::server
