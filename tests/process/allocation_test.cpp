// What a service as users write it costs the allocator in steady state: nothing. Counted over all threads, the log's
// writer included, with requests over real sockets.
#include <array>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <utility>

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <nghttp2/nghttp2.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "weir/middleware/jwt.hpp"
#include "weir/middleware/rate_limit.hpp"
#include "weir/weir.hpp"

#include "loopback_client.hpp"
#include "malloc_hooks.hpp"

namespace {

std::atomic<std::uint64_t> engine_blocks{0};
std::atomic<std::uint64_t> engine_mallocs{0};
nghttp2_mem* recycled = nullptr;

/// Counts one block, and whether the recycled lists had to call malloc for it.
class EngineCall {
 public:
  EngineCall() noexcept { ++engine_blocks; }
  EngineCall(const EngineCall&) = delete;
  EngineCall& operator=(const EngineCall&) = delete;
  ~EngineCall() { engine_mallocs += weir::process::malloc_calls() - before_; }

 private:
  std::size_t before_ = weir::process::malloc_calls();
};

void* engine_malloc(std::size_t size, void* user) {
  const EngineCall counted;
  return recycled->malloc(size, user);
}
void* engine_calloc(std::size_t count, std::size_t size, void* user) {
  const EngineCall counted;
  return recycled->calloc(count, size, user);
}
void* engine_realloc(void* block, std::size_t size, void* user) {
  const EngineCall counted;
  return recycled->realloc(block, size, user);
}

}  // namespace

/// Stands before nghttp2's own: what it asks for is counted on its way to the allocator that Weir gives it.
extern "C" int nghttp2_session_server_new3(nghttp2_session** made, const nghttp2_session_callbacks* callbacks,
                                           void* user, const nghttp2_option* option, nghttp2_mem* memory) {
  static const auto real =
      reinterpret_cast<decltype(&nghttp2_session_server_new3)>(::dlsym(RTLD_NEXT, "nghttp2_session_server_new3"));
  recycled = memory;
  static nghttp2_mem counting;
  counting = {memory->mem_user_data, engine_malloc, memory->free, engine_calloc, engine_realloc};
  return real(made, callbacks, user, option, &counting);
}

namespace weir {
namespace {

using process::LoopbackClient;

/// HS256 with `secret`; {"sub":"ada","exp":4102444800}, which is the year 2100.
constexpr std::string_view secret = "0123456789abcdef0123456789abcdef";
constexpr std::string_view token =
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZGEiLCJleHAiOjQxMDI0NDQ4MDB9.WlXhMywctNciXHyKhXzjlxB99mTy1bjEo4gA-ZF5zq4";

struct Order {
  std::string_view article;
  int count = 0;
  std::optional<std::string_view> note;
  static constexpr auto rules =
      weir::rules<Order>(field<&Order::article>().min_length(1).max_length(80), field<&Order::count>().min(1).max(100));
};
struct Accepted {
  std::int64_t customer = 0;
  std::string_view user;
  std::string_view article;
  int count = 0;
  std::optional<std::string_view> note;
};

std::string request_with(std::string_view body) {
  std::string request =
      "POST /customers/42/orders HTTP/1.1\r\nHost: api.example.com\r\nUser-Agent: curl/8.0\r\nAccept: */*\r\n"
      "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\nContent-Type: application/json\r\n";
  request += "Authorization: Bearer " + std::string(token) + "\r\n";
  request += "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n";
  return request += body;
}

TEST(Allocation, NoneInSteadyStateWithJwtLimiterPathAndJsonBothWays) {
  if (!process::malloc_is_ours()) GTEST_SKIP() << "the sanitizers have their own malloc";
  const std::string log = testing::TempDir() + "/weir_allocation_" + std::to_string(::getpid()) + ".log";
  {
    AppOptions options;
    options.listen = {"127.0.0.1:0"};
    options.threads = 1;
    options.log.file = log;
    App app(options);
    app.use(rate_limit({.requests = 1'000'000}));
    Group api = app.group("/customers", jwt({.secret = std::string(secret)}));
    api.post("/{id}/orders", [](Path<std::int64_t> id, Json<Order> order, Jwt user) {
      return Accepted{*id, user->subject, order->article, order->count, order->note};
    });
    ASSERT_TRUE(app.start());

    LoopbackClient client(app.addresses().front());
    const std::string request =
        request_with(R"({"article":"a pair of quite comfortable shoes","count":2,"note":"as a \"gift\", please"})");
    const auto ask = [&](int times) {
      for (int i = 0; i < times; ++i) {
        if (client.exchange(request) != LoopbackClient::End::answer || client.status() != 200) return false;
      }
      return true;
    };
    ASSERT_TRUE(ask(20000)) << client.head() << client.body();
    EXPECT_EQ(client.body(), R"({"customer":42,"user":"ada","article":"a pair of quite comfortable shoes","count":2,)"
                             R"("note":"as a \"gift\", please"})");
    EXPECT_NE(client.head().find("X-RateLimit-Remaining"), std::string_view::npos) << client.head();
    const std::size_t before = process::malloc_calls();
    EXPECT_GT(before, 0U) << "nothing is counted";
    EXPECT_TRUE(ask(20000));
    EXPECT_EQ(process::malloc_calls() - before, 0U) << "allocations of 20000 requests";
    app.stop(std::chrono::seconds(1));
  }
  std::filesystem::remove(log);
}

TEST(Allocation, NoneForStaticFilesInSteadyState) {
  if (!process::malloc_is_ours()) GTEST_SKIP() << "the sanitizers have their own malloc";
  const std::filesystem::path root = testing::TempDir() + "/weir_allocation_files_" + std::to_string(::getpid()) +
                                     "_with_a_name_longer_than_a_short_string";
  std::filesystem::create_directories(root / "directory");
  std::ofstream(root / "directory/a-file-with-a-long-name.js") << std::string(2000, 'x');
  {
    AppOptions options;
    options.listen = {"127.0.0.1:0"};
    options.threads = 1;
    options.log.file = "/dev/null";
    App app(options);
    app.get("/static/{path*}", static_files({.root = root}));
    ASSERT_TRUE(app.start());

    LoopbackClient client(app.addresses().front());
    const auto ask = [&](const std::string& request, int status, int times) {
      for (int i = 0; i < times; ++i) {
        if (client.exchange(request) != LoopbackClient::End::answer || client.status() != status) return false;
      }
      return true;
    };
    for (const auto& [fields, status] : {std::pair("", 200), {"Range: bytes=10-19\r\n", 206}}) {
      const std::string request =
          "GET /static/directory/a-file-with-a-long-name.js HTTP/1.1\r\nHost: t\r\nAccept-Encoding: gzip, br\r\n" +
          std::string(fields) + "\r\n";
      ASSERT_TRUE(ask(request, status, 5000)) << client.head();
      const std::size_t before = process::malloc_calls();
      EXPECT_TRUE(ask(request, status, 5000));
      EXPECT_EQ(process::malloc_calls() - before, 0U) << "allocations of 5000 requests with status " << status;
    }
    app.stop(std::chrono::seconds(1));
  }
  std::filesystem::remove_all(root);
}

/// A connection that only sends and counts: frames by hand, so that nothing is allocated on this side.
class RawClient {
 public:
  explicit RawClient(const net::SocketAddress& address)
      : fd_(::socket(address.native()->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const timeval limit{.tv_sec = 20, .tv_usec = 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    connected_ = ::connect(fd_, address.native(), address.native_size()) == 0;
  }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;
  ~RawClient() { ::close(fd_); }

  bool send(std::string_view bytes) {
    return connected_ && ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size());
  }
  bool receive(char* to, std::size_t size) {
    while (size != 0) {
      const ssize_t got = ::recv(fd_, to, size, 0);
      if (got <= 0) return false;
      to += got;
      size -= static_cast<std::size_t>(got);
    }
    return true;
  }
  /// Reads HTTP/2 frames up to the one that ends `stream`. False: it was reset, or the connection ended.
  bool receive_answer(std::uint32_t stream) {
    for (;;) {
      std::array<unsigned char, 9> head;
      if (!receive(reinterpret_cast<char*>(head.data()), head.size())) return false;
      const std::size_t size = std::size_t{head[0]} << 16U | std::size_t{head[1]} << 8U | head[2];
      if (size > payload_.size() || !receive(payload_.data(), size)) return false;
      const std::uint32_t id =
          std::uint32_t{head[5]} << 24U | std::uint32_t{head[6]} << 16U | std::uint32_t{head[7]} << 8U | head[8];
      if (head[3] == 3 || head[3] == 7) return false;
      if (head[3] == 0) body_size_ = size;
      if (id == stream && (head[4] & 1U) != 0) return true;
    }
  }
  [[nodiscard]] std::string_view payload() const noexcept { return {payload_.data(), body_size_}; }

 private:
  int fd_;
  bool connected_ = false;
  std::size_t body_size_ = 0;
  std::array<char, 20000> payload_{};
};

TEST(Allocation, NoneOfOursForHttp2InSteadyState) {
  if (!process::malloc_is_ours()) GTEST_SKIP() << "the sanitizers have their own malloc";
  AppOptions options;
  options.listen = {"127.0.0.1:0"};
  options.threads = 1;
  options.log.file = "/dev/null";
  App app(options);
  app.get("/items/{id}", [](Path<std::int64_t> id) { return Accepted{*id, "ada", "shoes", 2, std::nullopt}; });
  ASSERT_TRUE(app.start());
  RawClient client(app.addresses().front());
  // The preface, and SETTINGS without any (RFC 9113 section 3.4).
  ASSERT_TRUE(client.send(std::string_view("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0", 33)));
  std::uint32_t stream = 1;
  const auto ask = [&](int times) {
    // HEADERS with END_STREAM and END_HEADERS: GET, http, :path and :authority as literals (RFC 7541 section 6.2.2).
    std::array<char, 27> frame{0, 0, 18, 1, 5, 0, 0, 0, 0, '\x82', '\x86', 4, 9};
    std::memcpy(frame.data() + 13,
                "/items/42\x01\x03"
                "t:1",
                14);
    for (int i = 0; i < times; ++i, stream += 2) {
      for (unsigned n = 0; n < 4; ++n) frame[5 + n] = static_cast<char>(stream >> (24 - 8 * n) & 0xffU);
      if (!client.send({frame.data(), frame.size()}) || !client.receive_answer(stream)) return false;
      // Windows that the answers have used up (RFC 9113 section 6.9).
      if (i % 100 == 99 && !client.send(std::string_view("\0\0\4\x08\0\0\0\0\0\0\0\x7f\0", 13))) return false;
    }
    return true;
  };
  ASSERT_TRUE(ask(5000)) << client.payload();
  EXPECT_EQ(client.payload(), R"({"customer":42,"user":"ada","article":"shoes","count":2,"note":null})");
  const std::size_t before = process::malloc_calls();
  const std::uint64_t blocks_before = engine_blocks.load();
  const std::uint64_t engine_before = engine_mallocs.load();
  EXPECT_TRUE(ask(5000));
  const std::size_t all = process::malloc_calls() - before;
  // nghttp2's blocks come from recycled memory; a date that is new adds one to its table now and then.
  const std::uint64_t engine_calls = engine_mallocs.load() - engine_before;
  const auto engine = static_cast<double>(engine_blocks.load() - blocks_before) / 5000;
  EXPECT_EQ(all - engine_calls, 0U) << "allocations of ours in 5000 requests";
  EXPECT_LT(engine_calls, 100U);
  EXPECT_GT(engine, 0.0) << "nothing is counted";
  RecordProperty("nghttp2_blocks_per_request", std::to_string(engine));
  std::printf("nghttp2: %.2f blocks a request, %u calls of malloc in 5000\n", engine,
              static_cast<unsigned>(engine_calls));
  app.stop(std::chrono::seconds(1));
}

TEST(Allocation, NoneForWebSocketMessagesInSteadyState) {
  if (!process::malloc_is_ours()) GTEST_SKIP() << "the sanitizers have their own malloc";
  AppOptions options;
  options.listen = {"127.0.0.1:0"};
  options.threads = 1;
  options.log.file = "/dev/null";
  App app(options);
  app.websocket("/echo", [](WebSocket& ws) -> Task<void> {
    for (;;) {
      auto message = co_await ws.receive();
      if (!message) break;
      co_await ws.send(*message);
    }
  });
  ASSERT_TRUE(app.start());
  RawClient client(app.addresses().front());
  ASSERT_TRUE(
      client.send("GET /echo HTTP/1.1\r\nHost: t\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                  "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"));
  std::string head;
  for (char c = 0; !head.ends_with("\r\n\r\n"); head += c) ASSERT_TRUE(client.receive(&c, 1)) << head;
  ASSERT_TRUE(head.starts_with("HTTP/1.1 101")) << head;

  // A binary message of 64 bytes, masked with zeros (RFC 6455 section 5.2), and what comes back.
  std::array<char, 70> message{'\x82', '\xc0'};
  message.back() = 'z';
  std::array<char, 66> answer{};
  const auto echo = [&](int times) {
    for (int i = 0; i < times; ++i) {
      if (!client.send({message.data(), message.size()}) || !client.receive(answer.data(), answer.size())) return false;
    }
    return true;
  };
  ASSERT_TRUE(echo(5000));
  EXPECT_EQ(answer[0], '\x82');
  EXPECT_EQ(answer[1], 64);
  EXPECT_EQ(answer.back(), 'z');
  const std::size_t before = process::malloc_calls();
  EXPECT_TRUE(echo(5000));
  EXPECT_EQ(process::malloc_calls() - before, 0U) << "allocations of 5000 messages";
  app.stop(std::chrono::seconds(1));
}

}  // namespace
}  // namespace weir
