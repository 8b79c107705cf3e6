// What a service as users write it costs the allocator in steady state: nothing. Counted over all threads, the log's
// writer included, with requests over real sockets.
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <utility>

#include <gtest/gtest.h>
#include <unistd.h>

#include "weir/middleware/jwt.hpp"
#include "weir/middleware/rate_limit.hpp"
#include "weir/weir.hpp"

#include "loopback_client.hpp"
#include "malloc_hooks.hpp"

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

}  // namespace
}  // namespace weir
