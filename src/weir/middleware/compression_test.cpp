#include "weir/middleware/compression.hpp"

#include <chrono>
#include <stdexcept>
#include <string>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "weir/middleware/compression_test_support.hpp"
#include "weir/middleware/detail/compression_encoder.hpp"
#include "weir/middleware/detail/compression_stream.hpp"
#include "weir/middleware/malloc_count_test_support.hpp"
#include "weir/web/chain_test_support.hpp"

namespace weir {
namespace {

using namespace std::chrono_literals;
using middleware::Coding;
using middleware::decode;
using middleware::Encoder;
using middleware::EncoderLease;
using middleware::EncodeStep;
using middleware::json_text;
using middleware::random_text;

constexpr Coding all_codings[] = {Coding::gzip, Coding::brotli, Coding::zstd};
constexpr std::string_view all_names[] = {"gzip", "br", "zstd"};

int default_level(Coding coding) {
  const CompressionOptions options;
  return coding == Coding::gzip     ? options.gzip_level
         : coding == Coding::brotli ? options.brotli_level
                                    : options.zstd_level;
}

/// Through a small window on both sides.
std::string encode(Encoder& encoder, std::string_view text, std::size_t piece, std::size_t room,
                   std::optional<std::size_t> size = {}) {
  EXPECT_TRUE(encoder.start(size));
  std::string out;
  std::string window(room, '\0');
  const auto run = [&](std::string_view input, EncodeStep step) {
    for (int i = 0; i < 100'000; ++i) {
      const auto progress = encoder.encode(input, window.data(), window.size(), step);
      EXPECT_LE(progress.written, room);
      out.append(window, 0, progress.written);
      if (progress.failed) ADD_FAILURE() << "failed";
      if (progress.done || progress.failed) return;
    }
    ADD_FAILURE() << "never done";
  };
  while (!text.empty()) {
    run(text.substr(0, piece), EncodeStep::more);
    text.remove_prefix(std::min(piece, text.size()));
  }
  run({}, EncodeStep::finish);
  return out;
}

TEST(Encoder, RoundTripsWhateverThePieces) {
  for (const Coding coding : all_codings) {
    const EncoderLease lease = EncoderLease::take(coding, default_level(coding), 10);
    ASSERT_TRUE(lease);
    for (const std::string& text : {std::string(), std::string("a"), json_text(100'000), random_text(70'000)}) {
      for (const std::size_t piece : {std::size_t{1000}, std::size_t{200'000}}) {
        for (const std::size_t room : {std::size_t{16}, std::size_t{5000}, std::size_t{300'000}}) {
          const auto decoded = decode(to_string(coding), encode(*lease, text, piece, room));
          ASSERT_TRUE(decoded) << to_string(coding) << " " << text.size() << " " << piece << " " << room;
          EXPECT_TRUE(decoded->ended);
          EXPECT_EQ(decoded->text, text);
        }
      }
    }
  }
}

TEST(Encoder, FlushMakesEverythingReadable) {
  for (const Coding coding : all_codings) {
    const EncoderLease lease = EncoderLease::take(coding, default_level(coding), 10);
    ASSERT_TRUE(lease);
    ASSERT_TRUE(lease->start({}));
    std::string out;
    std::string expected;
    for (int i = 0; i < 50; ++i) {
      const std::string event = "event " + std::to_string(i) + "\n";
      expected += event;
      for (const EncodeStep step : {EncodeStep::more, EncodeStep::flush}) {
        std::string_view input = step == EncodeStep::more ? std::string_view(event) : std::string_view();
        Encoder::Progress progress;
        do {
          char room[64];
          progress = lease->encode(input, room, sizeof room, step);
          ASSERT_FALSE(progress.failed);
          out.append(room, progress.written);
        } while (!progress.done);
      }
      const auto decoded = decode(to_string(coding), out);
      ASSERT_TRUE(decoded) << to_string(coding);
      ASSERT_EQ(decoded->text, expected) << to_string(coding);
      EXPECT_FALSE(decoded->ended);
    }
  }
}

TEST(Encoder, IsReusedAfterAStreamThatWasGivenUp) {
  for (const Coding coding : all_codings) {
    for (int i = 0; i < 3; ++i) {
      const EncoderLease lease = EncoderLease::take(coding, default_level(coding), 10);
      ASSERT_TRUE(lease->start({}));
      char room[4096];
      const std::string given_up = random_text(3000);
      std::string_view input = given_up;
      static_cast<void>(lease->encode(input, room, sizeof room, EncodeStep::flush));
    }
    const EncoderLease lease = EncoderLease::take(coding, default_level(coding), 10);
    EXPECT_EQ(decode(to_string(coding), encode(*lease, "hello", 5, 100))->text, "hello");
  }
}

TEST(Encoder, IsBoundedInNumber) {
  const std::size_t before = EncoderLease::in_use();
  {
    const EncoderLease one = EncoderLease::take(Coding::gzip, 5, before + 2);
    const EncoderLease two = EncoderLease::take(Coding::zstd, 3, before + 2);
    EXPECT_TRUE(one && two);
    EXPECT_FALSE(EncoderLease::take(Coding::gzip, 5, before + 2));
  }
  EXPECT_EQ(EncoderLease::in_use(), before);
  {
    std::vector<EncoderLease> many;
    for (int i = 0; i < 20; ++i) many.push_back(EncoderLease::take(Coding::gzip, 5, 1000));
  }
  EXPECT_LE(EncoderLease::idle(), 6U) << "idle contexts are given back";
}

TEST(Encoder, CompressesAgainAndAgainWithoutAllocating) {
  const std::string text = json_text(20'000);
  for (const Coding coding : all_codings) {
    std::size_t count = 0;
    const int level = default_level(coding);
    for (int i = 0; i < 10; ++i) {
      const std::size_t before = middleware::malloc_calls();
      {
        const EncoderLease lease = EncoderLease::take(coding, level, 10);
        ASSERT_TRUE(lease->start(text.size()));
        Buffer out;
        ASSERT_TRUE(middleware::compress_whole(*lease, text, out));
      }
      count = middleware::malloc_calls() - before;
    }
    EXPECT_EQ(count, 0U) << to_string(coding);
  }
}

// --- in the chain ---

Response text_response(std::string body, std::string_view type = "application/json") {
  Response response(Status::ok, http::Body(std::move(body)));
  response.headers.set(HeaderId::content_type, type);
  return response;
}

struct App {
  explicit App(CompressionOptions options = {}) : service({compress(std::move(options))}) {
    service.get("/json", [this](Context&) { return text_response(text); });
    service.get("/small", [](Context&) { return text_response("{}"); });
    service.get("/image", [this](Context&) { return text_response(text, "image/png"); });
    service.get("/noise", [](Context&) { return text_response(random_text(5000)); });
    service.get("/custom", [this](Context& ctx) {
      Response response = text_response(text);
      change(ctx, response);
      return response;
    });
  }
  TestResponse get(std::string_view path, std::string_view accept = "gzip, deflate, br, zstd") {
    return service.get_path(path, {{"Accept-Encoding", accept}});
  }
  TestResponse custom(std::function<void(Response&)> how) {
    change = [how = std::move(how)](Context&, Response& response) { how(response); };
    return get("/custom");
  }
  std::string text = json_text(20'000);
  std::function<void(Context&, Response&)> change;
  TestService service;
};

TEST(Compression, CompressesWhatTheClientAccepts) {
  App app;
  for (const std::string_view coding : all_names) {
    const TestResponse answer = app.get("/json", coding);
    EXPECT_EQ(answer.header("Content-Encoding"), coding);
    EXPECT_EQ(answer.header("Vary"), "Accept-Encoding");
    EXPECT_EQ(answer.header("Content-Length"), std::to_string(answer.body.size()));
    EXPECT_LT(answer.body.size(), app.text.size() / 2);
    EXPECT_EQ(decode(coding, answer.body)->text, app.text);
  }
}

TEST(Compression, FollowsWeightsAndThenItsOwnOrder) {
  App app;
  struct Case {
    std::string_view accept;
    std::string_view coding;
  };
  for (const auto& [accept, coding] :
       {Case{"gzip, deflate, br, zstd", "zstd"}, Case{"gzip, br", "br"}, Case{"gzip;q=1.0, br;q=0.5", "gzip"},
        Case{"zstd;q=0, br", "br"}, Case{"*", "zstd"}, Case{"identity", ""}, Case{"gzip;q=0", ""}, Case{"deflate", ""},
        Case{"", ""}, Case{"GZIP", "gzip"}, Case{"br;q=0.1, identity", ""}}) {
    const TestResponse answer = app.get("/json", accept);
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.header("Content-Encoding"), coding) << accept;
    EXPECT_EQ(answer.header("Vary"), "Accept-Encoding") << accept;
  }
  const TestResponse none = app.service.get_path("/json");
  EXPECT_FALSE(none.has("Content-Encoding"));
  EXPECT_EQ(none.header("Vary"), "Accept-Encoding") << "a cache must not give this to everybody";
  App only_gzip({.codings = {"gzip"}});
  EXPECT_EQ(only_gzip.get("/json").header("Content-Encoding"), "gzip");
}

TEST(Compression, LeavesAloneWhatDoesNotShrink) {
  App app;
  for (const char* path : {"/small", "/image"}) {
    const TestResponse answer = app.get(path);
    EXPECT_FALSE(answer.has("Content-Encoding")) << path;
    EXPECT_FALSE(answer.has("Vary")) << path;
  }
  const TestResponse noise = app.get("/noise");
  EXPECT_FALSE(noise.has("Content-Encoding"));
  EXPECT_EQ(noise.body, random_text(5000));
}

TEST(Compression, LeavesAloneWhatMustNotBeChanged) {
  App app;
  EXPECT_TRUE(app.custom([](Response&) {}).has("Content-Encoding"));
  const auto left_alone = [&app](auto how) {
    const TestResponse answer = app.custom(how);
    return answer.body == app.text && answer.header("Content-Encoding") != "zstd";
  };
  EXPECT_TRUE(left_alone([](Response& r) { r.headers.set(HeaderId::content_encoding, "br"); }));
  EXPECT_TRUE(left_alone([](Response& r) { r.headers.set(HeaderId::cache_control, "public, No-Transform"); }));
  EXPECT_TRUE(left_alone([](Response& r) { r.headers.set("Content-Digest", "sha-256=:AA==:"); }));
  EXPECT_TRUE(left_alone([](Response& r) {
    r.status = Status::partial_content;
    r.headers.set(HeaderId::content_range, "bytes 0-9/10");
  }));
  const TestResponse no_content = app.custom([](Response& r) { r = Response(Status::no_content); });
  EXPECT_EQ(no_content.status, 204);
  EXPECT_FALSE(no_content.has("Vary"));
}

TEST(Compression, LeavesFilesToSendfile) {
  App app;
  const TestResponse answer = app.custom([&app](Response& r) {
    char path[] = "/tmp/weir_compress_XXXXXX";
    const int fd = ::mkstemp(path);
    ::unlink(path);
    EXPECT_EQ(::write(fd, app.text.data(), app.text.size()), static_cast<ssize_t>(app.text.size()));
    r.body = http::FileBody(fd, 0, app.text.size());
  });
  EXPECT_EQ(answer.body, app.text);
  EXPECT_FALSE(answer.has("Content-Encoding"));
}

TEST(Compression, CompressesErrorsToo) {
  App app;
  const TestResponse answer = app.custom([](Response& r) { r.status = Status::unprocessable_content; });
  EXPECT_EQ(answer.status, 422);
  EXPECT_EQ(answer.header("Content-Encoding"), "zstd");
}

TEST(Compression, WeakensStrongTagsAndKeepsVary) {
  App app;
  const TestResponse answer = app.custom([](Response& r) {
    r.headers.set(HeaderId::etag, "\"abc\"");
    r.headers.set(HeaderId::vary, "Origin, accept-encoding");
    r.headers.set(HeaderId::accept_ranges, "bytes");
  });
  EXPECT_EQ(answer.header("ETag"), "W/\"abc\"");
  EXPECT_EQ(answer.header("Vary"), "Origin, accept-encoding");
  EXPECT_FALSE(answer.has("Accept-Ranges"));
  EXPECT_EQ(app.custom([](Response& r) { r.headers.set(HeaderId::etag, "W/\"abc\""); }).header("ETag"), "W/\"abc\"");
  const TestResponse star = app.custom([](Response& r) { r.headers.set(HeaderId::vary, "*"); });
  EXPECT_EQ(star.header("Vary"), "*");
}

TEST(Compression, AnswersHeadWithTheFieldsOfGet) {
  App app;
  app.change = [](Context&, Response&) {};
  const std::string head = TestService::request_text("HEAD", "/json", {{"Accept-Encoding", "br"}});
  app.service.route(Method::head, "/json", make_handler([&app](Context&) { return text_response(app.text); }));
  const TestResponse get = app.get("/json", "br");
  const TestResponse answer = app.service.request(head);
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "");
  EXPECT_EQ(answer.header("Content-Encoding"), "br");
  EXPECT_EQ(answer.header("Content-Length"), get.header("Content-Length"));
}

TEST(Compression, KnowsTypesByPattern) {
  App listed({.types = {"image/*", "*+zip"}});
  EXPECT_TRUE(listed.get("/image").has("Content-Encoding"));
  EXPECT_FALSE(listed.get("/json").has("Content-Encoding"));
  App usual;
  const auto compressed = [&usual](std::string_view type) {
    return usual.custom([type](Response& r) { r.headers.set(HeaderId::content_type, type); }).has("Content-Encoding");
  };
  EXPECT_TRUE(compressed("Application/JSON; charset=utf-8"));
  EXPECT_TRUE(compressed("application/problem+json"));
  EXPECT_TRUE(compressed("application/atom+xml ;x=y"));
  EXPECT_TRUE(compressed("text/html"));
  EXPECT_FALSE(compressed("text/event-stream"));
  EXPECT_FALSE(compressed("video/mp4"));
  EXPECT_FALSE(compressed("application/grpc"));
  EXPECT_FALSE(usual.custom([](Response& r) { r.headers.remove(HeaderId::content_type); }).has("Content-Encoding"));
}

TEST(Compression, CompressesLargeBodiesPieceByPiece) {
  for (const std::string_view coding : all_names) {
    App app({.stream_above = 10'000});
    app.text = json_text(3'000'000);
    const TestResponse answer = app.get("/json", coding);
    EXPECT_EQ(answer.header("Transfer-Encoding"), "chunked");
    EXPECT_EQ(answer.header("Content-Encoding"), coding);
    const auto decoded = decode(coding, answer.body);
    ASSERT_TRUE(decoded);
    EXPECT_TRUE(decoded->ended);
    EXPECT_EQ(decoded->text, app.text) << coding;
    EXPECT_EQ(EncoderLease::in_use(), 0U);
  }
}

// A reader that does not read stops the compressor: what waits for it is bounded.
TEST(Compression, WaitsForSlowReaders) {
  App app({.stream_above = 10'000});
  app.text = random_text(20'000'000);
  app.change = [](Context&, Response&) {};
  TestConnection connection(app.service);
  const std::string request = TestService::request_text("GET", "/json", {{"Accept-Encoding", "gzip"}});
  ASSERT_TRUE(connection.stream().write(request.data(), request.size()).ok());
  app.service.run();
  EXPECT_EQ(EncoderLease::in_use(), 1U);
  ASSERT_TRUE(app.service.outcomes.empty());
  connection.close();
  EXPECT_EQ(EncoderLease::in_use(), 0U) << "a client that goes away leaves nothing behind";
  ASSERT_EQ(app.service.outcomes.size(), 1U);
  EXPECT_FALSE(app.service.outcomes[0].complete);
  EXPECT_LT(app.service.outcomes[0].bytes_out, 5'000'000U);
}

TEST(Compression, StreamsEventsAsTheyAreFlushed) {
  for (const std::string_view coding : all_names) {
    TestService service({compress({.types = {"text/event-stream"}})});
    service.get("/events", [](Context& ctx) {
      Response response;
      response.headers.set(HeaderId::content_type, "text/event-stream");
      EventLoop* loop = &ctx.loop();
      response.body = http::StreamBody{.write =
                                           [loop](http::BodyWriter& writer) {
                                             return [](EventLoop* on, http::BodyWriter* to) -> Task<Result<void>> {
                                               for (int i = 0; i < 3; ++i) {
                                                 const std::string event = "data: " + std::to_string(i) + "\n\n";
                                                 Result<void> sent = co_await to->write(event);
                                                 if (!sent) co_return sent;
                                                 Result<void> flushed = co_await to->flush();
                                                 if (!flushed) co_return flushed;
                                                 co_await on->sleep(1s);
                                               }
                                               co_return Result<void>();
                                             }(loop, &writer);
                                           },
                                       .content_length = {}};
      return response;
    });
    TestConnection connection(service);
    connection.send(TestService::request_text("GET", "/events", {{"Accept-Encoding", coding}}));
    const auto so_far = [&] {
      // All chunks that are there, without waiting for the last.
      std::string bytes = connection.received();
      bytes += "0\r\n\r\n";
      return decode(coding, TestResponse::take(bytes).body).value_or(middleware::Decoded{"undecodable", false});
    };
    EXPECT_EQ(so_far().text, "data: 0\n\n") << coding;
    service.advance(1s);
    EXPECT_EQ(so_far().text, "data: 0\n\ndata: 1\n\n") << coding;
    service.advance(1s);
    service.advance(1s);
    const TestResponse answer = connection.receive();
    const auto decoded = decode(coding, answer.body);
    ASSERT_TRUE(decoded);
    EXPECT_TRUE(decoded->ended);
    EXPECT_EQ(decoded->text, "data: 0\n\ndata: 1\n\ndata: 2\n\n");
  }
}

/// A stream that announces one length and writes another, a moment later.
TestResponse stream_of(std::uint64_t announced, std::string written, TestService& service) {
  service.get("/stream", [announced, written](Context& ctx) {
    Response response;
    response.headers.set(HeaderId::content_type, "text/plain");
    EventLoop* loop = &ctx.loop();
    response.body =
        http::StreamBody{.write =
                             [written, loop](http::BodyWriter& writer) {
                               return [](std::string text, EventLoop* on, http::BodyWriter* to) -> Task<Result<void>> {
                                 co_await on->schedule();
                                 Result<void> sent = co_await to->write(text);
                                 co_return sent;
                               }(written, loop, &writer);
                             },
                         .content_length = announced};
    return response;
  });
  return service.get_path("/stream", {{"Accept-Encoding", "gzip"}});
}

TEST(Compression, HoldsStreamsToTheLengthTheyAnnounced) {
  const std::string text = json_text(5000);
  {
    TestService service({compress()});
    const TestResponse answer = stream_of(5000, text, service);
    EXPECT_EQ(answer.header("Content-Encoding"), "gzip");
    EXPECT_FALSE(answer.has("Content-Length"));
    EXPECT_EQ(decode("gzip", answer.body)->text, text);
  }
  for (const std::uint64_t announced : {4999, 5001}) {
    TestService service({compress()});
    stream_of(announced, text, service);
    ASSERT_EQ(service.outcomes.size(), 1U);
    EXPECT_FALSE(service.outcomes[0].complete) << announced;
  }
}

TEST(Compression, SendsFilesThatAStreamSends) {
  const std::string text = json_text(200'000);
  char path[] = "/tmp/weir_compress_XXXXXX";
  const int fd = ::mkstemp(path);
  ::unlink(path);
  ASSERT_EQ(::write(fd, text.data(), text.size()), static_cast<ssize_t>(text.size()));
  TestService service({compress()});
  service.get("/", [fd](Context&) {
    Response response;
    response.headers.set(HeaderId::content_type, "text/plain");
    response.body = http::StreamBody{.write =
                                         [fd](http::BodyWriter& writer) {
                                           return [](int file, http::BodyWriter* to) -> Task<Result<void>> {
                                             Result<void> sent = co_await to->send_file(file, 1000, 150'000);
                                             co_return sent;
                                           }(fd, &writer);
                                         },
                                     .content_length = {}};
    return response;
  });
  const TestResponse answer = service.get_path("/", {{"Accept-Encoding", "gzip"}});
  EXPECT_EQ(decode("gzip", answer.body)->text, text.substr(1000, 150'000));
  ::close(fd);
}

TEST(Compression, PassesBodiesOnWhenAllContextsAreInUse) {
  App app({.max_streams = 0});
  const TestResponse answer = app.get("/json");
  EXPECT_FALSE(answer.has("Content-Encoding"));
  EXPECT_EQ(answer.body, app.text);
}

TEST(Compression, RefusesOptionsThatCannotBeMeant) {
  const auto make = [](CompressionOptions options) { static_cast<void>(compress(std::move(options))); };
  EXPECT_THROW(make({.codings = {}}), std::invalid_argument);
  EXPECT_THROW(make({.codings = {"deflate"}}), std::invalid_argument);
  EXPECT_THROW(make({.gzip_level = 0}), std::invalid_argument);
  EXPECT_THROW(make({.brotli_level = 12}), std::invalid_argument);
  EXPECT_THROW(make({.zstd_level = 22}), std::invalid_argument);
  EXPECT_THROW(make({.types = {"json"}}), std::invalid_argument);
  EXPECT_THROW(make({.types = {"*/*"}}), std::invalid_argument);
  EXPECT_NO_THROW(make({.codings = {"gzip"}, .zstd_level = 99}));
}

TEST(Compression, CostsNoAllocation) {
  App app;
  app.service.keep_outcomes = false;
  const std::string body = json_text(8000);
  app.service.get("/static", [&body](Context&) {
    Response response(Status::ok, http::Body::of_static(body));
    response.headers.set_static(HeaderId::content_type, "application/json");
    response.headers.set_static(HeaderId::etag, "\"0123456789abcdef\"");
    return response;
  });
  TestConnection connection(app.service);
  for (const std::string_view coding : {"gzip", "br", "zstd", "identity"}) {
    const std::string request = TestService::request_text("GET", "/static", {{"Accept-Encoding", coding}});
    std::size_t count = 0;
    for (int i = 0; i < 20; ++i) {
      const std::size_t before = middleware::malloc_calls();
      connection.send(request);
      count = middleware::malloc_calls() - before;
      EXPECT_EQ(connection.receive().status, 200);
    }
    EXPECT_EQ(count, 0U) << coding;
  }
}

}  // namespace
}  // namespace weir
