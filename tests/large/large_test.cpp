// weir_large_test [--bytes N] [--memory BYTES]: sends N bytes up and down through handlers over loopback, checks every
// byte, and fails when the process grows by more than the bound, or when other requests of the same loop wait for long.
#include <algorithm>
#include <atomic>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <string>
#include <string_view>
#include <thread>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "weir/weir.hpp"

namespace {

using Clock = std::chrono::steady_clock;

[[noreturn]] void fail_with(const std::string& what) {
  std::fprintf(stderr, "weir_large_test: %s\n", what.c_str());
  std::exit(1);
}

/// The content that is sent: a block without short repetitions, again and again, so that every byte can be checked
/// wherever a piece begins.
class Pattern {
 public:
  static constexpr std::size_t block = 1 << 20;
  Pattern() {
    std::uint64_t state = 88172645463325252;
    for (char& c : bytes_) {
      state ^= state << 13;
      state ^= state >> 7;
      state ^= state << 17;
      c = static_cast<char>(state);
    }
    std::copy_n(bytes_.begin(), block, bytes_.begin() + block);
  }
  /// Up to `most` bytes from `offset` on, at least one.
  [[nodiscard]] std::string_view at(std::uint64_t offset, std::uint64_t most) const {
    return std::string_view(bytes_).substr(offset % block, std::min<std::uint64_t>(most, block));
  }
  [[nodiscard]] bool matches(std::uint64_t offset, std::string_view piece) const {
    for (; !piece.empty();) {
      const std::string_view expected = at(offset, piece.size());
      if (piece.substr(0, expected.size()) != expected) return false;
      offset += expected.size();
      piece.remove_prefix(expected.size());
    }
    return true;
  }

 private:
  std::string bytes_ = std::string(2 * block, '\0');
};

const Pattern pattern;

/// A blocking connection.
class Client {
 public:
  explicit Client(const weir::net::SocketAddress& address)
      : fd_(::socket(address.native()->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    if (::connect(fd_, address.native(), address.native_size()) != 0) fail_with("cannot connect");
  }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client() { ::close(fd_); }

  void send(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) fail_with("the server has closed while it was sent to");
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
  }
  /// Reads a head, which must say 200 or 206; what of the body came with it stays for body().
  std::string head() {
    std::size_t end = 0;
    while ((end = rest_.find("\r\n\r\n")) == std::string::npos) rest_ += piece();
    std::string text = rest_.substr(0, end + 4);
    rest_.erase(0, end + 4);
    if (!text.starts_with("HTTP/1.1 20")) fail_with("answered with " + text);
    return text;
  }
  /// The next bytes; never empty.
  std::string_view body() {
    if (!rest_.empty()) {
      held_ = std::exchange(rest_, {});
      return held_;
    }
    return piece();
  }

 private:
  std::string_view piece() {
    const ssize_t got = ::recv(fd_, room_.data(), room_.size(), 0);
    if (got <= 0) fail_with("the server has closed before the end of its answer");
    return {room_.data(), static_cast<std::size_t>(got)};
  }
  int fd_;
  std::string room_ = std::string(1 << 18, '\0');
  std::string rest_;
  std::string held_;
};

std::uint64_t status_kib(const char* key) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(key)) return std::strtoull(line.c_str() + std::strlen(key), nullptr, 10);
  }
  return 0;
}

/// Asks for something small all the time, and remembers the longest wait.
class Bystander {
 public:
  explicit Bystander(const weir::net::SocketAddress& address) : thread_([this, address] { run(address); }) {}
  Bystander(const Bystander&) = delete;
  Bystander& operator=(const Bystander&) = delete;
  ~Bystander() {
    stop_ = true;
    thread_.join();
  }
  [[nodiscard]] double longest_ms() const { return static_cast<double>(longest_us_) / 1000.0; }

 private:
  void run(const weir::net::SocketAddress& address) {
    Client client(address);
    while (!stop_) {
      const auto start = Clock::now();
      client.send("GET /ping HTTP/1.1\r\nHost: t\r\n\r\n");
      static_cast<void>(client.head());
      static_cast<void>(client.body());
      const auto took = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - start).count();
      longest_us_ = std::max<std::int64_t>(longest_us_, took);
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
  }
  std::atomic<bool> stop_{false};
  std::atomic<std::int64_t> longest_us_{0};
  std::thread thread_;
};

std::string upload_head(std::string_view path, std::uint64_t length, std::string_view fields) {
  return "POST " + std::string(path) + " HTTP/1.1\r\nHost: t\r\nContent-Length: " + std::to_string(length) + "\r\n" +
         std::string(fields) + "\r\n";
}

void send_pattern(const Client& client, std::uint64_t bytes) {
  for (std::uint64_t sent = 0; sent < bytes;) {
    const std::string_view piece = pattern.at(sent, bytes - sent);
    client.send(piece);
    sent += piece.size();
  }
}

void expect_body(Client& client, std::string_view expected) {
  std::string body;
  while (body.size() < expected.size()) body += client.body();
  if (body != expected) fail_with("expected " + std::string(expected) + ", got " + body);
}

void receive(Client& client, std::uint64_t bytes, bool zeros) {
  static const std::string nothing(1 << 20, '\0');
  for (std::uint64_t got = 0; got < bytes;) {
    const std::string_view piece = client.body();
    if (zeros ? piece != std::string_view(nothing).substr(0, piece.size()) : !pattern.matches(got, piece)) {
      fail_with("wrong bytes behind " + std::to_string(got));
    }
    got += piece.size();
  }
}

void add_routes(weir::App& app, const std::string& sparse) {
  using namespace weir;
  app.get("/ping", [] { return std::string("pong"); });
  app.post("/upload",
           [](Context& ctx) -> Task<Result<std::string>> {
             std::uint64_t size = 0;
             for (;;) {
               Result<std::string_view> piece = co_await ctx.read();
               if (!piece) co_return fail(std::move(piece.error()));
               if (piece->empty()) co_return std::to_string(size);
               if (!pattern.matches(size, *piece)) co_return bad_request("wrong bytes behind " + std::to_string(size));
               size += piece->size();
             }
           })
      .body_limit(0)
      .timeout(Duration::zero());
  app.post("/form",
           [](Multipart form) -> Task<Result<std::string>> {
             std::uint64_t size = 0;
             for (;;) {
               auto part = co_await form.next();
               if (!part) co_return fail(std::move(part.error()));
               if (!*part) co_return std::to_string(size);
               for (;;) {
                 Result<std::string_view> piece = co_await (*part)->read();
                 if (!piece) co_return fail(std::move(piece.error()));
                 if (piece->empty()) break;
                 if (!pattern.matches(size, *piece))
                   co_return bad_request("wrong bytes behind " + std::to_string(size));
                 size += piece->size();
               }
             }
           })
      .body_limit(0)
      .timeout(Duration::zero());
  app.get("/download", [](Query<std::uint64_t, "bytes"> bytes) {
    return stream(
        "application/octet-stream",
        [left = *bytes, at = std::uint64_t{0}](BodyWriter& out) mutable -> Task<Result<void>> {
          while (left != 0) {
            const std::string_view piece = pattern.at(at, std::min<std::uint64_t>(left, 100'000));
            Result<void> sent = co_await out.write(piece);
            if (!sent) co_return sent;
            at += piece.size();
            left -= piece.size();
          }
          co_return Result<void>{};
        },
        *bytes);
  });
  app.get("/file", [sparse] { return file(sparse); });
}

struct Limits {
  std::uint64_t bytes = std::uint64_t{256} << 20;
  std::uint64_t memory = std::uint64_t{32} << 20;
  double wait_ms = 500;
};

void transfer(const char* name, const weir::net::SocketAddress& address, const Limits& limits,
              const std::function<void(Client&)>& work) {
  const std::uint64_t before = status_kib("VmRSS:");
  std::ofstream("/proc/self/clear_refs") << "5";  // VmHWM starts again
  const auto start = Clock::now();
  double longest = 0;
  {
    Bystander bystander(address);
    Client client(address);
    work(client);
    longest = bystander.longest_ms();
  }
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  const std::uint64_t most = status_kib("VmHWM:");
  const double growth = static_cast<double>(most > before ? most - before : 0) / 1024.0;
  std::printf("%-10s %7.0f MB/s, %5.1f MiB more at most, another request waited %.1f ms at most\n", name,
              static_cast<double>(limits.bytes) / 1e6 / seconds, growth, longest);
  std::fflush(stdout);
#ifndef WEIR_SANITIZED
  if (growth * 1024 * 1024 > static_cast<double>(limits.memory)) fail_with("too much memory");
  if (longest > limits.wait_ms) fail_with("one transfer holds up the loop");
#endif
}

Limits read_arguments(int argc, char** argv) {
  Limits limits;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view name = argv[i];
    const std::string_view text = argv[i + 1];
    std::uint64_t value = 0;
    if (std::from_chars(text.data(), text.data() + text.size(), value).ec != std::errc{}) fail_with("not a number");
    if (name == "--bytes") {
      limits.bytes = value;
    } else if (name == "--memory") {
      limits.memory = value;
    } else {
      fail_with("usage: weir_large_test [--bytes N] [--memory N]");
    }
  }
  return limits;
}

}  // namespace

int main(int argc, char** argv) {
  const Limits limits = read_arguments(argc, argv);
  std::string sparse = "/tmp/weir-large-XXXXXX";
  const int fd = ::mkstemp(sparse.data());
  if (fd < 0 || ::ftruncate(fd, static_cast<off_t>(limits.bytes)) != 0) fail_with("cannot make a sparse file");
  ::close(fd);

  weir::AppOptions options;
  options.listen = {"127.0.0.1:0"};
  options.threads = 1;
  options.log.file = "/dev/null";
  weir::App app(options);
  add_routes(app, sparse);
  if (weir::Result<void> started = app.start(); !started) fail_with(started.error().message());
  const weir::net::SocketAddress address = app.addresses().front();

  const std::string bytes = std::to_string(limits.bytes);
  transfer("warm-up", address, {.bytes = 1 << 20, .memory = std::uint64_t{1} << 30, .wait_ms = 1e9},
           [](Client& client) {
             client.send(upload_head("/upload", 1 << 20, ""));
             send_pattern(client, 1 << 20);
             static_cast<void>(client.head());
             expect_body(client, "1048576");
           });
  transfer("upload", address, limits, [&](Client& client) {
    client.send(upload_head("/upload", limits.bytes, ""));
    send_pattern(client, limits.bytes);
    static_cast<void>(client.head());
    expect_body(client, bytes);
  });
  transfer("form", address, limits, [&](Client& client) {
    const std::string begin = "--B\r\nContent-Disposition: form-data; name=\"f\"; filename=\"f\"\r\n\r\n";
    const std::string end = "\r\n--B--\r\n";
    client.send(upload_head("/form", begin.size() + limits.bytes + end.size(),
                            "Content-Type: multipart/form-data; boundary=B\r\n"));
    client.send(begin);
    send_pattern(client, limits.bytes);
    client.send(end);
    static_cast<void>(client.head());
    expect_body(client, bytes);
  });
  transfer("download", address, limits, [&](Client& client) {
    client.send("GET /download?bytes=" + bytes + " HTTP/1.1\r\nHost: t\r\n\r\n");
    static_cast<void>(client.head());
    receive(client, limits.bytes, false);
  });
  transfer("file", address, limits, [&](Client& client) {
    client.send("GET /file HTTP/1.1\r\nHost: t\r\n\r\n");
    static_cast<void>(client.head());
    receive(client, limits.bytes, true);
  });
  transfer("ranges", address, limits, [&](Client& client) {
    // All of it but a little in the middle, as two parts.
    const std::uint64_t half = limits.bytes / 2;
    client.send("GET /file HTTP/1.1\r\nHost: t\r\nRange: bytes=0-" + std::to_string(half) + "," +
                std::to_string(half + 1000) + "-\r\n\r\n");
    const std::string head = client.head();
    const std::size_t at = head.find("Content-Length: ");
    if (at == std::string::npos || head.find("multipart/byteranges") == std::string::npos) fail_with("got " + head);
    std::uint64_t left = std::strtoull(head.c_str() + at + 16, nullptr, 10);
    while (left != 0) left -= std::min<std::uint64_t>(left, client.body().size());
  });
  app.stop();
  ::unlink(sparse.c_str());
  return 0;
}
