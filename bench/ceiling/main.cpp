// bench-ceiling: what the machine allows. A bare epoll loop that answers every request with the same bytes: one recv,
// no parsing beyond counting the ends of requests, one send for all the answers that are due. A server that parses,
// routes and logs is measured as a multiple of this one.
//
//   bench-ceiling [--host 127.0.0.1] [--port 8081] [--threads 1]
//
// Connections that ask for a WebSocket become an echo: a server of WebSockets is measured as a multiple of that.
// The answer to the handshake fits the one key that bench-ws-load sends.
//
// Every thread has its own SO_REUSEPORT listener and its own connections. SIGTERM and SIGINT end it with status 0.
#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "echo_frames.hpp"
#include "request_ends.hpp"

namespace {

struct Options {
  std::string host = "127.0.0.1";
  int port = 8081;
  int threads = 1;
};

[[noreturn]] void die(const std::string& what) {
  std::fprintf(stderr, "bench-ceiling: %s: %s\n", what.c_str(), std::strerror(errno));
  std::exit(1);
}

// Many copies of the answer one after another, so that pipelined requests are answered by one send.
class Answers {
 public:
  static constexpr std::size_t kCopies = 64;

  // `count` answers; valid until the next call.
  std::string_view take(std::size_t count) {
    timespec now{};
    clock_gettime(CLOCK_REALTIME_COARSE, &now);
    if (now.tv_sec != second_) render(now.tv_sec);
    return std::string_view(text_).substr(0, count * one_);
  }

 private:
  void render(std::time_t second) {
    second_ = second;
    std::tm utc{};
    gmtime_r(&second, &utc);
    std::array<char, 64> date{};
    std::strftime(date.data(), date.size(), "%a, %d %b %Y %H:%M:%S GMT", &utc);
    const std::string answer = std::string("HTTP/1.1 200 OK\r\nDate: ") + date.data() +
                               "\r\nContent-Type: application/json\r\nContent-Length: 27\r\n\r\n"
                               R"({"message":"Hello, World!"})";
    one_ = answer.size();
    text_.clear();
    for (std::size_t i = 0; i < kCopies; ++i) text_ += answer;
  }

  std::time_t second_ = 0;
  std::size_t one_ = 0;
  std::string text_;
};

constexpr std::string_view kSwitchingProtocols =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

int listen_on(const Options& options) {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (listener < 0) die("socket");
  const int on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  setsockopt(listener, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(options.port));
  if (inet_pton(AF_INET, options.host.c_str(), &address.sin_addr) != 1) {
    std::fprintf(stderr, "bench-ceiling: --host must be an IPv4 address, not \"%s\"\n", options.host.c_str());
    std::exit(2);
  }
  // NOLINTNEXTLINE: the sockets interface is made this way.
  if (bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    die("bind to port " + std::to_string(options.port));
  }
  if (listen(listener, 4096) != 0) die("listen");
  return listener;
}

int port_of(int listener) {
  sockaddr_in address{};
  socklen_t length = sizeof address;
  getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length);
  return ntohs(address.sin_port);
}

class Loop {
 public:
  Loop(int listener, int stop) : listener_(listener), stop_(stop), epoll_(epoll_create1(EPOLL_CLOEXEC)) {
    watch(listener_);
    watch(stop_);
  }

  void run() {
    std::array<epoll_event, 512> events{};
    for (;;) {
      const int count = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
      for (int i = 0; i < count; ++i) {
        const int fd = events[static_cast<std::size_t>(i)].data.fd;
        if (fd == stop_) return;
        if (fd == listener_) {
          accept_all();
        } else {
          serve(fd);
        }
      }
    }
  }

 private:
  void watch(int fd) const {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd;
    if (epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) die("epoll_ctl");
  }

  void accept_all() {
    for (;;) {
      const int fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd < 0) return;
      const int on = 1;
      setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      if (connections_.size() <= static_cast<std::size_t>(fd)) connections_.resize(static_cast<std::size_t>(fd) + 64);
      connections_[static_cast<std::size_t>(fd)] = {};
      watch(fd);
    }
  }

  void serve(int fd) {
    const ssize_t got = recv(fd, buffer_.data(), buffer_.size(), 0);
    if (got <= 0) {
      if (got == 0 || (errno != EAGAIN && errno != EINTR)) close(fd);
      return;
    }
    const std::string_view bytes(buffer_.data(), static_cast<std::size_t>(got));
    Connection& connection = connections_[static_cast<std::size_t>(fd)];
    if (connection.upgraded) {
      if (!send_all(fd, connection.frames.echo(buffer_.data(), bytes.size()))) close(fd);
      return;
    }
    std::size_t due = connection.ends.count(bytes);
    if (!std::exchange(connection.begun, true) && bytes.find("Sec-WebSocket-Key") != std::string_view::npos) {
      connection.upgraded = true;
      if (!send_all(fd, kSwitchingProtocols)) close(fd);
      return;
    }
    while (due > 0) {
      const std::size_t now = due < Answers::kCopies ? due : Answers::kCopies;
      if (!send_all(fd, answers_.take(now))) {
        close(fd);
        return;
      }
      due -= now;
    }
  }

  // A client that does not read makes this wait; a load generator reads.
  static bool send_all(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent > 0) {
        bytes.remove_prefix(static_cast<std::size_t>(sent));
      } else if (errno == EAGAIN) {
        pollfd writable{fd, POLLOUT, 0};
        if (poll(&writable, 1, 1000) == 0) return false;
      } else if (errno != EINTR) {
        return false;
      }
    }
    return true;
  }

  struct Connection {
    RequestEnds ends;
    EchoFrames frames;
    bool begun = false;     // what came first has been looked at
    bool upgraded = false;  // it is an echo
  };

  int listener_;
  int stop_;
  int epoll_;
  Answers answers_;
  std::vector<Connection> connections_;
  std::array<char, 65536> buffer_{};
};

Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; i += 2) {
    const std::string_view flag = argv[i];
    const std::string_view value = i + 1 < argc ? argv[i + 1] : "";
    const auto number = [&](int& into, int least, int most) {
      const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), into);
      if (error != std::errc{} || end != value.data() + value.size() || into < least || into > most) {
        std::fprintf(stderr, "bench-ceiling: %s must be a number from %d to %d\n", argv[i], least, most);
        std::exit(2);
      }
    };
    if (flag == "--port") {
      number(options.port, 0, 65535);
    } else if (flag == "--threads") {
      number(options.threads, 1, 1024);
    } else if (flag == "--host" && !value.empty()) {
      options.host = value;
    } else {
      std::fprintf(stderr, "usage: bench-ceiling [--host ADDRESS] [--port N] [--threads N]\n");
      std::exit(flag == "--help" ? 0 : 2);
    }
  }
  return options;
}

void allow_many_files() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
  }
}

}  // namespace

int main(int argc, char** argv) {
  Options options = parse(argc, argv);
  allow_many_files();
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  const int stop = eventfd(0, EFD_CLOEXEC);
  std::vector<std::unique_ptr<Loop>> loops;
  for (int i = 0; i < options.threads; ++i) {
    const int listener = listen_on(options);
    if (i == 0) options.port = port_of(listener);  // port 0: the first listener chooses, the others share
    loops.push_back(std::make_unique<Loop>(listener, stop));
  }
  std::vector<std::thread> threads;
  threads.reserve(loops.size());
  for (auto& loop : loops) threads.emplace_back([&loop] { loop->run(); });
  std::printf("bench-ceiling: listening on http://%s:%d with %d thread(s)\n", options.host.c_str(), options.port,
              options.threads);
  std::fflush(stdout);

  int signal = 0;
  sigwait(&signals, &signal);
  const std::uint64_t one = 1;
  if (write(stop, &one, sizeof one) != sizeof one) return 1;
  for (auto& thread : threads) thread.join();
  return 0;
}
