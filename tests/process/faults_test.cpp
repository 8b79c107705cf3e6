// Every failure of the kernel or of the allocator ends in a clear answer or in a clean close, and the server goes on.
#include <atomic>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>
#include <unistd.h>

#include "weir/net/detail/syscalls.hpp"
#include "weir/weir.hpp"

#include "loopback_client.hpp"
#include "malloc_hooks.hpp"

namespace weir {
namespace {

using namespace std::chrono_literals;
using net::detail::real_syscalls;
using process::LoopbackClient;
using End = LoopbackClient::End;

/// Which of the calls fail: every `every`-th with `error`; or does only a little, where `shorten` is set.
struct Faults {
  std::atomic<int> error{0};
  std::atomic<unsigned> every{0};
  std::atomic<bool> shorten{false};
  std::atomic<unsigned> calls{0};
  std::atomic<unsigned> hits{0};

  bool hit() noexcept {
    const unsigned n = every.load();
    if (n == 0 || ++calls % n != 0) return false;
    ++hits;
    errno = error.load();
    return true;
  }
  std::size_t cut(std::size_t size) noexcept { return shorten.load() && size > 7 ? 7 : size; }
  void set(int failure, unsigned each, bool partial = false) {
    error = failure;
    shorten = partial;
    calls = 0;
    hits = 0;
    every = each;
  }
};

constinit Faults accept_faults;
constinit Faults receive_faults;
constinit Faults send_faults;
constinit Faults file_faults;

int faulty_accept(int fd, sockaddr* address, socklen_t* size, int flags) {
  return accept_faults.hit() ? -1 : real_syscalls.accept4(fd, address, size, flags);
}
ssize_t faulty_recv(int fd, void* to, std::size_t size, int flags) {
  return receive_faults.hit() ? -1 : real_syscalls.recv(fd, to, receive_faults.cut(size), flags);
}
ssize_t faulty_send(int fd, const void* from, std::size_t size, int flags) {
  return send_faults.hit() ? -1 : real_syscalls.send(fd, from, send_faults.cut(size), flags);
}
ssize_t faulty_sendmsg(int fd, const msghdr* message, int flags) {
  if (send_faults.hit()) return -1;
  if (send_faults.shorten.load() && message->msg_iovlen != 0) {
    return real_syscalls.send(fd, message->msg_iov[0].iov_base, send_faults.cut(message->msg_iov[0].iov_len), flags);
  }
  return real_syscalls.sendmsg(fd, message, flags);
}
ssize_t faulty_sendfile(int to, int from, off_t* offset, std::size_t size) {
  return file_faults.hit() ? -1 : real_syscalls.sendfile(to, from, offset, file_faults.shorten ? size / 3 + 1 : size);
}

struct Size {
  std::size_t bytes = 0;
};

/// An App on loopback whose system calls can be made to fail.
class Faulty : public testing::Test {
 protected:
  // `less_is_all`: whether calls that move less than they may tell the truth about the socket; see net's Syscalls.
  explicit Faulty(bool less_is_all = true) : path_(testing::TempDir() + "/weir_faults_" + std::to_string(::getpid())) {
    std::ofstream(path_) << std::string(file_size, 'f');
    calls_->accept4 = faulty_accept;
    calls_->recv = faulty_recv;
    calls_->send = faulty_send;
    calls_->sendmsg = faulty_sendmsg;
    calls_->sendfile = faulty_sendfile;
    calls_->less_is_all = less_is_all;
    AppOptions options;
    options.listen = {"127.0.0.1:0"};
    options.threads = 1;
    options.log.file = "/dev/null";
    app_ = std::make_unique<App>(options);
    app_->get("/hello", [] { return std::string_view("hello"); });
    app_->get("/file", [this] { return file(path_, "application/octet-stream"); });
    app_->post("/collect", [](RawBody body) { return Size{(*body).size()}; });
    app_->post("/json", [](Json<std::vector<std::string>> texts) { return Size{texts->size()}; });
    EXPECT_TRUE(app_->start());
  }
  ~Faulty() override {
    no_faults();
    app_->stop(2s);
    std::filesystem::remove(path_);
  }
  static void no_faults() {
    for (Faults* faults : {&accept_faults, &receive_faults, &send_faults, &file_faults}) faults->set(0, 0);
  }
  [[nodiscard]] const net::SocketAddress& address() const { return app_->addresses().front(); }

  /// Asks many times under whatever faults are set. Returns how many answers were right; others must be clean closes.
  int ask_often(int times) {
    const std::string upload =
        "POST /collect HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n" + std::string(100000, 'b');
    int right = 0;
    for (int i = 0; i < times; ++i) {
      LoopbackClient client(address());
      // Several on one connection, as long as it lives.
      for (const std::string_view request :
           {std::string_view("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n"),
            std::string_view("GET /file HTTP/1.1\r\nHost: a\r\n\r\n"), std::string_view(upload)}) {
        const End end = client.exchange(request);
        EXPECT_NE(end, End::timed_out) << request.substr(0, 20);
        if (end != End::answer) break;
        EXPECT_EQ(client.status(), 200);
        if (request.starts_with("GET /file")) {
          EXPECT_EQ(client.body_size(), file_size);
        }
        if (request.starts_with("POST")) {
          EXPECT_EQ(client.body(), R"({"bytes":100000})");
        }
        ++right;
      }
    }
    return right;
  }
  /// The server is as it was before: it answers, and holds no connection but the one that asks.
  void expect_recovered() {
    no_faults();
    for (int attempt = 0;; ++attempt) {
      LoopbackClient client(address());
      ASSERT_EQ(client.exchange("GET /actuator/prometheus HTTP/1.1\r\nHost: a\r\n\r\n"), End::answer);
      if (client.body().find("\nweir_connections_open 1\n") != std::string_view::npos) break;
      ASSERT_LT(attempt, 500) << "connections are left over";
      std::this_thread::yield();
    }
    LoopbackClient client(address());
    ASSERT_EQ(client.exchange("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n"), End::answer);
    EXPECT_EQ(client.body(), "hello");
  }

  static constexpr std::size_t file_size = 300'000;
  std::string path_;
  net::detail::SyscallOverride calls_;
  std::unique_ptr<App> app_;
};

TEST_F(Faulty, NothingFailsWithoutFaults) {
  EXPECT_EQ(ask_often(20), 60);
  expect_recovered();
}

TEST_F(Faulty, AcceptFails) {
  for (const int error : {EMFILE, ENFILE, ENOBUFS, ENOMEM, ECONNABORTED, EINTR, EPROTO, EPERM, ENETDOWN}) {
    accept_faults.set(error, 3);
    ask_often(8);
    EXPECT_GT(accept_faults.hits, 0U) << error;
    expect_recovered();
  }
}

TEST_F(Faulty, ReadFails) {
  for (const int error : {ECONNRESET, ETIMEDOUT, EINTR, ENOMEM, EIO, EHOSTUNREACH}) {
    for (const unsigned every : {1U, 2U, 3U, 7U}) {
      if (error == EINTR && every == 1) continue;  // never moves: not a failure that can be answered
      receive_faults.set(error, every);
      ask_often(8);
      EXPECT_GT(receive_faults.hits, 0U) << error;
      expect_recovered();
    }
  }
}

TEST_F(Faulty, WriteFails) {
  for (const int error : {EPIPE, ECONNRESET, ETIMEDOUT, EINTR, ENOMEM, EIO}) {
    for (const unsigned every : {1U, 2U, 3U, 7U}) {
      if (error == EINTR && every == 1) continue;
      send_faults.set(error, every);
      ask_often(8);
      EXPECT_GT(send_faults.hits, 0U) << error;
      expect_recovered();
    }
  }
}

TEST_F(Faulty, SendfileFails) {
  for (const int error : {EIO, EPIPE, ECONNRESET, EINTR, ENOMEM, EOVERFLOW}) {
    for (const unsigned every : {1U, 2U}) {
      if (error == EINTR && every == 1) continue;
      file_faults.set(error, every);
      ask_often(8);
      EXPECT_GT(file_faults.hits, 0U) << error;
      expect_recovered();
    }
  }
}

class ShortCalls : public Faulty {
 protected:
  ShortCalls() : Faulty(false) {}
};

TEST_F(ShortCalls, LoseNothing) {
  for (Faults* faults : {&receive_faults, &send_faults, &file_faults}) {
    faults->set(0, 0, true);
    EXPECT_EQ(ask_often(2), 6);
    expect_recovered();
  }
}

TEST_F(Faulty, FilesThatCannotBeOpenedAreProblems) {
  std::filesystem::remove(path_);
  LoopbackClient client(address());
  ASSERT_EQ(client.exchange("GET /file HTTP/1.1\r\nHost: a\r\n\r\n"), End::answer);
  EXPECT_EQ(client.status(), 404);
  EXPECT_NE(client.head().find("application/problem+json"), std::string_view::npos);
  std::filesystem::create_directory(path_);
  ASSERT_EQ(client.exchange("GET /file HTTP/1.1\r\nHost: a\r\n\r\n"), End::answer);
  EXPECT_NE(client.status(), 200);
  std::filesystem::remove(path_);
}

TEST_F(Faulty, NoMemoryForALargeBodyIsAProblem503) {
  if (!process::malloc_is_ours()) GTEST_SKIP() << "the sanitizers have their own malloc";
  constexpr std::size_t size = 4 << 20;
  const std::string head = "POST /collect HTTP/1.1\r\nHost: a\r\n";
  const std::string known = head + "Content-Length: " + std::to_string(size) + "\r\n\r\n" + std::string(size, 'b');
  std::string chunked = head + "Transfer-Encoding: chunked\r\n\r\n";
  for (std::size_t i = 0; i < size; i += 65536) chunked += "10000\r\n" + std::string(65536, 'c') + "\r\n";
  chunked += "0\r\n\r\n";
  for (const std::string& request : {known, chunked}) {
    {
      const process::LargeAllocationsFail no_memory(1 << 20);
      LoopbackClient client(address());
      ASSERT_EQ(client.exchange(request), End::answer) << request.substr(0, 70);
      EXPECT_EQ(client.status(), 503) << client.body();
      EXPECT_NE(client.head().find("application/problem+json"), std::string_view::npos) << client.head();
      EXPECT_GT(no_memory.count(), 0U);
    }
    LoopbackClient client(address());
    ASSERT_EQ(client.exchange(request), End::answer);
    EXPECT_EQ(client.body(), R"({"bytes":4194304})");
  }
  expect_recovered();
}

TEST_F(Faulty, NoMemoryInAHandlerIsAProblem) {
  if (!process::malloc_is_ours()) GTEST_SKIP() << "the sanitizers have their own malloc";
  std::string body = "[\"" + std::string(600'000, 'x') + "\"]";
  const std::string request = "POST /json HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: " +
                              std::to_string(body.size()) + "\r\n\r\n" + body;
  for (const std::size_t from : {std::size_t{64 * 1024}, std::size_t{256 * 1024}, std::size_t{500'000}}) {
    {
      const process::LargeAllocationsFail no_memory(from);
      LoopbackClient client(address());
      const End end = client.exchange(request);
      ASSERT_NE(end, End::timed_out) << from;
      if (end == End::answer) {
        EXPECT_GE(client.status(), 500) << client.body();
      }
    }
    LoopbackClient client(address());
    ASSERT_EQ(client.exchange(request), End::answer);
    EXPECT_EQ(client.body(), R"({"bytes":1})");
  }
  expect_recovered();
}

}  // namespace
}  // namespace weir
