#include "weir/middleware/etag.hpp"

#include <bit>
#include <chrono>
#include <functional>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "weir/middleware/compression.hpp"
#include "weir/middleware/compression_test_support.hpp"
#include "weir/middleware/detail/etag_hash.hpp"
#include "weir/middleware/malloc_count_test_support.hpp"
#include "weir/web/chain_test_support.hpp"

namespace weir {
namespace {

using namespace std::chrono_literals;
using middleware::body_hash;

using Fields = std::initializer_list<std::pair<std::string_view, std::string_view>>;

struct App {
  explicit App(std::vector<Middleware> chain) : service(std::move(chain)) {
    const auto handler = [this](Context&) {
      ++calls;
      Response response(Status::ok, http::Body(text));
      response.headers.set(HeaderId::content_type, "text/plain");
      if (change) change(response);
      return response;
    };
    service.get("/", handler);
    service.route(Method::head, "/", make_handler(handler));
    service.post("/", handler);
  }
  TestResponse get(Fields fields = {}) { return service.get_path("/", fields); }
  TestResponse send(std::string_view method, Fields fields) {
    return service.request(TestService::request_text(method, "/", fields));
  }
  std::string text = "hello";
  std::function<void(Response&)> change;
  int calls = 0;
  TestService service;
};

TEST(BodyHash, TellsBodiesApart) {
  std::set<std::uint64_t> seen;
  std::string text;
  for (std::size_t i = 0; i < 500; ++i) {
    EXPECT_TRUE(seen.insert(body_hash(text)).second) << i;  // Zeros of every length.
    text.push_back('\0');
  }
  text = middleware::json_text(333);
  for (std::size_t i = 0; i < text.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      text[i] = static_cast<char>(text[i] ^ (1 << bit));
      EXPECT_TRUE(seen.insert(body_hash(text)).second) << i;
      text[i] = static_cast<char>(text[i] ^ (1 << bit));
    }
  }
}

TEST(BodyHash, ChangesHalfOfItsBitsWithEveryBit) {
  const std::string text = middleware::json_text(100);
  const std::uint64_t first = body_hash(text);
  int flipped = 0;
  for (std::size_t i = 0; i < 800; ++i) {
    std::string other = text;
    other[i / 8] = static_cast<char>(other[i / 8] ^ (1 << (i % 8)));
    const int bits = std::popcount(first ^ body_hash(other));
    EXPECT_GT(bits, 8) << i;
    flipped += bits;
  }
  EXPECT_NEAR(flipped / 800.0, 32, 1);
}

TEST(BodyHash, StaysTheSameOverReleases) {
  // Clients and other instances keep tags: a new hash would make all of them useless once.
  EXPECT_EQ(make_etag("").view(), "W/\"0-681b91049539ab2c\"");
  EXPECT_EQ(make_etag("hello").view(), "W/\"5-d8bc644391837db9\"");
  EXPECT_EQ(make_etag("0123456789abcdef0123456789abcdef0123456789").view(), "W/\"2a-9f907412065ed3ee\"");
}

TEST(MakeEtag, IsWeakOrStrong) {
  EXPECT_TRUE(make_etag(std::string(300, 'x')).view().starts_with("W/\"12c-"));
  // The first half of SHA-256("abc") (FIPS 180-4).
  EXPECT_EQ(make_etag("abc", true).view(), "\"ba7816bf8f01cfea414140de5dae2223\"");
}

TEST(Etag, TagsWhatIsInMemory) {
  App app({etag()});
  const TestResponse answer = app.get();
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "hello");
  EXPECT_EQ(answer.header("ETag"), make_etag("hello").view());
  EXPECT_EQ(app.send("HEAD", {}).header("ETag"), answer.header("ETag"));
  App strong({etag({.strong = true})});
  EXPECT_EQ(strong.get().header("ETag"), make_etag("hello", true).view());
}

TEST(Etag, Answers304ForTheVersionThatTheClientHas) {
  App app({etag()});
  app.change = [](Response& response) {
    response.headers.set(HeaderId::cache_control, "max-age=60");
    response.headers.set(HeaderId::last_modified, "Wed, 31 Dec 2025 00:00:00 GMT");
    response.headers.set(HeaderId::vary, "Accept");
    response.headers.set(HeaderId::content_language, "en");
  };
  const std::string tag(app.get().header("ETag"));
  const TestResponse answer = app.get({{"If-None-Match", "\"other\", " + tag}});
  EXPECT_EQ(answer.status, 304);
  EXPECT_EQ(answer.header("ETag"), tag);
  EXPECT_EQ(answer.header("Cache-Control"), "max-age=60");
  EXPECT_EQ(answer.header("Vary"), "Accept");
  for (const char* gone :
       {"Content-Type", "Content-Length", "Content-Language", "Last-Modified", "Transfer-Encoding"}) {
    EXPECT_FALSE(answer.has(gone)) << gone;
  }
  EXPECT_TRUE(answer.text.ends_with("\r\n\r\n"));
  EXPECT_EQ(app.send("HEAD", {{"If-None-Match", tag}}).status, 304);
  EXPECT_EQ(app.get({{"If-None-Match", "*"}}).status, 304);
  EXPECT_EQ(app.get({{"If-None-Match", "\"other\""}}).status, 200);
  app.text = "changed";
  EXPECT_EQ(app.get({{"If-None-Match", tag}}).status, 200);
}

TEST(Etag, ServesTheNextRequestOnTheConnectionAfterA304) {
  App app({etag()});
  const std::string tag(app.get().header("ETag"));
  TestConnection connection(app.service);
  connection.send(TestService::request_text("GET", "/", {{"If-None-Match", tag}}) +
                  TestService::request_text("GET", "/"));
  EXPECT_EQ(connection.receive().status, 304);
  EXPECT_EQ(connection.receive().body, "hello");
}

TEST(Etag, LooksAtDatesWhereTheHandlerSetsOne) {
  App app({etag()});
  app.change = [](Response& response) {
    response.headers.set(HeaderId::last_modified, "Wed, 31 Dec 2025 00:00:00 GMT");
  };
  EXPECT_EQ(app.get({{"If-Modified-Since", "Wed, 31 Dec 2025 00:00:00 GMT"}}).status, 304);
  EXPECT_EQ(app.get({{"If-Modified-Since", "Tue, 30 Dec 2025 23:59:59 GMT"}}).status, 200);
  EXPECT_EQ(app.get({{"If-Modified-Since", "nonsense"}}).status, 200);
  EXPECT_EQ(app.get({{"If-Modified-Since", "Wed, 31 Dec 2025 00:00:00 GMT"}, {"If-None-Match", "\"x\""}}).status, 200)
      << "If-None-Match goes first (RFC 9110 section 13.2.2)";
  EXPECT_EQ(app.get({{"If-Unmodified-Since", "Tue, 30 Dec 2025 23:59:59 GMT"}}).status, 412);
}

TEST(Etag, KeepsTheHandlersOwnTag) {
  App app({etag()});
  app.change = [](Response& response) { response.headers.set(HeaderId::etag, "\"v7\""); };
  EXPECT_EQ(app.get().header("ETag"), "\"v7\"");
  EXPECT_EQ(app.get({{"If-None-Match", "W/\"v7\""}}).status, 304);
  EXPECT_EQ(app.get({{"If-Match", "\"v7\""}}).status, 200);
  EXPECT_EQ(app.get({{"If-Match", "\"v6\""}}).status, 412);
}

TEST(Etag, TagsNothingElse) {
  App app({etag({.max_size = 100})});
  const auto tagged = [&app](std::function<void(Response&)> change) {
    app.change = std::move(change);
    return app.get().has("ETag");
  };
  EXPECT_TRUE(tagged([](Response&) {}));
  EXPECT_FALSE(tagged([](Response& r) { r.status = Status::not_found; }));
  EXPECT_FALSE(tagged([](Response& r) { r.status = Status::created; }));
  EXPECT_FALSE(tagged([](Response& r) { r = Response(Status::no_content); }));
  EXPECT_FALSE(tagged([](Response& r) { r.headers.set(HeaderId::cache_control, "private, No-Store"); }));
  EXPECT_FALSE(tagged([](Response& r) { r.body = std::string(101, 'x'); }));
  EXPECT_FALSE(tagged([](Response& r) {
    r.body = http::StreamBody{.write = [](http::BodyWriter&) -> Task<Result<void>> { co_return Result<void>(); },
                              .content_length = 0};
  }));
  app.change = nullptr;
  EXPECT_FALSE(app.send("POST", {}).has("ETag"));
  EXPECT_EQ(app.send("POST", {{"If-None-Match", "*"}}).status, 200) << "the handler has decided already";
  EXPECT_EQ(app.get({{"If-None-Match", "*"}, {"X", "y"}}).status, 304);
  app.change = [](Response& r) { r.status = Status::not_found; };
  EXPECT_EQ(app.get({{"If-None-Match", "*"}}).status, 404);
}

TEST(Etag, GoesTogetherWithCompression) {
  App app({compress({.codings = {"gzip"}}), etag({.strong = true})});
  app.text = middleware::json_text(5000);
  const TestResponse answer = app.get({{"Accept-Encoding", "gzip"}});
  EXPECT_EQ(answer.header("Content-Encoding"), "gzip");
  const std::string tag(answer.header("ETag"));
  EXPECT_EQ(tag, "W/" + std::string(make_etag(app.text, true).view()));
  // The 304 has to say what the 200 said, or caches do not know which answer it is about.
  const TestResponse unchanged = app.get({{"Accept-Encoding", "gzip"}, {"If-None-Match", tag}});
  EXPECT_EQ(unchanged.status, 304);
  EXPECT_EQ(unchanged.header("ETag"), tag);
  EXPECT_EQ(unchanged.header("Vary"), "Accept-Encoding");
  EXPECT_FALSE(unchanged.has("Content-Encoding"));
  const TestResponse plain = app.get({{"If-None-Match", tag}});
  EXPECT_EQ(plain.status, 304);
  EXPECT_EQ(plain.header("ETag"), make_etag(app.text, true).view());
  EXPECT_EQ(plain.header("Vary"), "Accept-Encoding");
  app.text = "small";
  EXPECT_FALSE(app.get({{"If-None-Match", "*"}}).has("Vary"));
}

struct Versioned {
  Versioned() {
    const auto handler = [this](Context& ctx) {
      if (auto answer = check_preconditions(ctx, current)) return std::move(*answer);
      return Response(Status::no_content);
    };
    for (const Method method : {Method::get, Method::put, Method::del}) {
      service.route(method, "/", make_handler(handler));
    }
  }
  int send(std::string_view method, Fields fields = {}) {
    return service.request(TestService::request_text(method, "/", fields)).status;
  }
  CurrentVersion current{.etag = "\"v7\"", .last_modified = WallTime(std::chrono::seconds(1'700'000'000)) + 123ms};
  TestService service;
};

TEST(CheckPreconditions, KeepsUpdatesFromGettingLost) {
  Versioned app;
  EXPECT_EQ(app.send("PUT"), 204);
  EXPECT_EQ(app.send("PUT", {{"If-Match", "\"v7\""}}), 204);
  EXPECT_EQ(app.send("PUT", {{"If-Match", "\"v5\", \"v7\""}}), 204);
  EXPECT_EQ(app.send("PUT", {{"If-Match", "*"}}), 204);
  EXPECT_EQ(app.send("PUT", {{"If-Match", "\"v6\""}}), 412);
  EXPECT_EQ(app.send("DELETE", {{"If-Match", "\"v6\""}}), 412);
  EXPECT_EQ(app.send("PUT", {{"If-Match", "W/\"v7\""}}), 412) << "weak tags do not stand for the bytes";
  EXPECT_EQ(app.send("PUT", {{"If-Unmodified-Since", "Tue, 14 Nov 2023 22:13:20 GMT"}}), 204);
  EXPECT_EQ(app.send("PUT", {{"If-Unmodified-Since", "Tue, 14 Nov 2023 22:13:19 GMT"}}), 412);
  EXPECT_EQ(app.send("PUT", {{"If-None-Match", "*"}}), 412) << "create only";
  app.current = {.exists = false};
  EXPECT_EQ(app.send("PUT", {{"If-None-Match", "*"}}), 204);
  EXPECT_EQ(app.send("PUT", {{"If-Match", "*"}}), 412);
}

TEST(CheckPreconditions, SaysThatAWeakTagIsNoGood) {
  Versioned app;
  const auto detail = [&app](const char* tags) {
    return app.service.request(TestService::request_text("PUT", "/", {{"If-Match", tags}})).body;
  };
  EXPECT_NE(detail(R"("v5", W/"v7")").find("a strong tag"), std::string::npos);
  EXPECT_EQ(detail(R"(W/"v6")").find("a strong tag"), std::string::npos) << "another version, strong or weak";
}

TEST(CheckPreconditions, SparesReadersTheWork) {
  Versioned app;
  EXPECT_EQ(app.send("GET", {{"If-None-Match", "\"v7\""}}), 304);
  EXPECT_EQ(app.service.get_path("/", {{"If-None-Match", "\"v7\""}}).header("ETag"), "\"v7\"");
  EXPECT_EQ(app.send("GET", {{"If-None-Match", "\"v6\""}}), 204);
  app.current.etag = {};
  const TestResponse answer = app.service.get_path("/", {{"If-Modified-Since", "Tue, 14 Nov 2023 22:13:20 GMT"}});
  EXPECT_EQ(answer.status, 304);
  EXPECT_EQ(answer.header("Last-Modified"), "Tue, 14 Nov 2023 22:13:20 GMT");
}

TEST(CheckPreconditions, CanDemandOne) {
  Versioned app;
  app.current.required = true;
  EXPECT_EQ(app.send("PUT"), 428);
  EXPECT_EQ(app.send("PUT", {{"If-Match", "\"v7\""}}), 204);
  const TestResponse refused = app.service.request(TestService::request_text("PUT", "/"));
  EXPECT_EQ(refused.header("Content-Type"), "application/problem+json");
  EXPECT_NE(refused.body.find("If-Match"), std::string::npos);
}

TEST(Etag, CostsNoAllocation) {
  for (const bool strong : {false, true}) {
    TestService service({compress(), etag({.strong = strong})});
    const std::string body = middleware::json_text(4000);
    service.get("/", [&body](Context&) {
      Response response(Status::ok, http::Body::of_static(body));
      response.headers.set_static(HeaderId::content_type, "text/plain");
      return response;
    });
    service.keep_outcomes = false;
    TestConnection connection(service);
    const std::string tag(make_etag(body, strong).view());
    for (const std::string& request :
         {TestService::request_text("GET", "/"), TestService::request_text("GET", "/", {{"If-None-Match", tag}})}) {
      std::size_t count = 0;
      for (int i = 0; i < 20; ++i) {
        const std::size_t before = middleware::malloc_calls();
        connection.send(request);
        count = middleware::malloc_calls() - before;
        EXPECT_NE(connection.receive().status, 0);
      }
      EXPECT_LE(count, strong ? 1U : 0U) << "OpenSSL makes a context for each SHA-256";
    }
  }
}

}  // namespace
}  // namespace weir
