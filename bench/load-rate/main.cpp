// bench-load-rate: HTTP/1.1 requests at a fixed rate, whatever the server does (an open loop).
//
//   bench-load-rate --port 8080 --rate 20000 --connections 64 --seconds 5 --requests FILE
//
// Request n is due at start + n / rate. When no connection is free then, it waits its turn, and its latency counts from
// the moment it was due: a server that stalls is charged for all requests that would have come meanwhile, and for those
// that it never answers. FILE has a request a line, as bench/wrk/lab.lua reads it. Prints one line of JSON.
#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "histogram.hpp"

namespace {

using Clock = std::chrono::steady_clock;

struct Options {
  int port = 8080;
  double rate = 1000;
  int connections = 64;
  double seconds = 5;
  std::string requests;
};

[[noreturn]] void die(const std::string& what) {
  std::fprintf(stderr, "bench-load-rate: %s\n", what.c_str());
  std::exit(2);
}

Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view flag = argv[i];
    const char* const value = argv[i + 1];
    if (flag == "--port") {
      options.port = std::atoi(value);
    } else if (flag == "--rate") {
      options.rate = std::atof(value);
    } else if (flag == "--connections") {
      options.connections = std::atoi(value);
    } else if (flag == "--seconds") {
      options.seconds = std::atof(value);
    } else if (flag == "--requests") {
      options.requests = value;
    } else {
      die("unknown flag " + std::string(flag));
    }
  }
  if (argc % 2 == 0 || options.requests.empty() || options.rate <= 0 || options.connections < 1 || options.seconds <= 0)
    die("usage: --port N --rate PER-SECOND --connections N --seconds N --requests FILE");
  return options;
}

std::vector<std::string> read_requests(const std::string& path) {
  std::ifstream file(path);
  std::vector<std::string> requests;
  for (std::string line; std::getline(file, line);) {
    std::array<std::string, 4> part;  // method, path, fields, body
    std::size_t from = 0;
    for (std::size_t i = 0; i < part.size(); ++i) {
      const std::size_t end = i + 1 < part.size() ? line.find('\t', from) : line.size();
      if (end == std::string::npos) die("a line of the requests has not four parts");
      part[i] = line.substr(from, end - from);
      from = end + 1;
    }
    std::string text = part[0] + " " + part[1] + " HTTP/1.1\r\nHost: localhost\r\n";
    for (std::size_t at = 0; at < part[2].size();) {
      const std::size_t end = std::min(part[2].find('|', at), part[2].size());
      text += part[2].substr(at, end - at) + "\r\n";
      at = end + 1;
    }
    if (!part[3].empty()) text += "Content-Length: " + std::to_string(part[3].size()) + "\r\n";
    requests.push_back(text + "\r\n" + part[3]);
  }
  if (requests.empty()) die("there are no requests in " + path);
  return requests;
}

/// The length of a field's value; npos where it is not there.
std::size_t content_length(std::string_view head) {
  static constexpr std::string_view name = "content-length:";
  for (std::size_t at = head.find("\r\n"); at != std::string_view::npos; at = head.find("\r\n", at + 2)) {
    const std::string_view line = head.substr(at + 2, name.size());
    const bool same = line.size() == name.size() &&
                      std::equal(line.begin(), line.end(), name.begin(),
                                 [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + 32 : a) == b; });
    if (same) return std::strtoull(head.data() + at + 2 + name.size(), nullptr, 10);
  }
  return std::string_view::npos;
}

struct Connection {
  int fd = -1;
  bool busy = false;
  Clock::time_point due;
  std::string input;
};

class Generator {
 public:
  Generator(Options options, std::vector<std::string> requests)
      : options_(std::move(options)),
        requests_(std::move(requests)),
        poll_(::epoll_create1(0)),
        timer_(::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK)) {
    epoll_event event{.events = EPOLLIN, .data = {.u32 = timer_mark}};
    ::epoll_ctl(poll_, EPOLL_CTL_ADD, timer_, &event);
    connections_.resize(static_cast<std::size_t>(options_.connections));
    for (std::uint32_t i = 0; i < connections_.size(); ++i) {
      open(i);
      free_.push_back(i);
    }
  }

  void run() {
    start_ = Clock::now();
    const auto planned = static_cast<std::uint64_t>(options_.rate * options_.seconds);
    const auto patience =
        start_ + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(options_.seconds + 5));
    while (sent_ < planned || busy_ > 0) {
      const auto now = Clock::now();
      if (now > patience) break;
      for (; sent_ < planned && !free_.empty() && due(sent_) <= now; ++sent_) send(due(sent_));
      wait(planned);
    }
    count_the_unanswered(planned);
    report(planned);
  }

 private:
  static constexpr std::uint32_t timer_mark = 0xffffffff;

  [[nodiscard]] Clock::time_point due(std::uint64_t number) const {
    return start_ +
           std::chrono::nanoseconds(static_cast<std::int64_t>(static_cast<double>(number) * 1e9 / options_.rate));
  }

  void open(std::uint32_t index) {
    Connection& connection = connections_[index];
    connection.fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    ::setsockopt(connection.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(options_.port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(connection.fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
      die("connect: " + std::string(std::strerror(errno)));
    epoll_event event{.events = EPOLLIN, .data = {.u32 = index}};
    ::epoll_ctl(poll_, EPOLL_CTL_ADD, connection.fd, &event);
    connection.input.clear();
    connection.busy = false;
  }

  void send(Clock::time_point due) {
    const std::uint32_t index = free_.front();
    free_.pop_front();
    Connection& connection = connections_[index];
    connection.due = due;
    connection.busy = true;
    ++busy_;
    const std::string& text = requests_[sent_ % requests_.size()];
    if (::send(connection.fd, text.data(), text.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(text.size())) fail(index);
  }

  void wait(std::uint64_t planned) {
    const bool can_send = sent_ < planned && !free_.empty();
    if (can_send) {
      const auto left = std::max<std::int64_t>(1, (due(sent_) - Clock::now()).count());
      const itimerspec when{.it_interval = {},
                            .it_value = {.tv_sec = left / 1'000'000'000, .tv_nsec = left % 1'000'000'000}};
      ::timerfd_settime(timer_, 0, &when, nullptr);
    }
    std::array<epoll_event, 256> events;
    const int count = ::epoll_wait(poll_, events.data(), static_cast<int>(events.size()), 100);
    for (int i = 0; i < count; ++i) {
      const std::uint32_t index = events[static_cast<std::size_t>(i)].data.u32;
      if (index == timer_mark) {
        std::uint64_t expired = 0;
        [[maybe_unused]] const ssize_t done = ::read(timer_, &expired, sizeof expired);
      } else {
        receive(index);
      }
    }
  }

  void receive(std::uint32_t index) {
    Connection& connection = connections_[index];
    std::array<char, 65536> block;
    const ssize_t count = ::recv(connection.fd, block.data(), block.size(), 0);
    if (count <= 0) {
      fail(index);
      return;
    }
    connection.input.append(block.data(), static_cast<std::size_t>(count));
    const std::size_t head = connection.input.find("\r\n\r\n");
    if (head == std::string::npos) return;
    const std::size_t length = content_length(std::string_view(connection.input).substr(0, head));
    if (length == std::string::npos) die("an answer without Content-Length");
    if (connection.input.size() < head + 4 + length) return;
    if (connection.input.compare(8, 2, " 2") != 0) ++status_errors_;
    connection.input.clear();
    connection.busy = false;
    --busy_;
    ++answered_;
    add_latency(Clock::now() - connection.due);
    free_.push_back(index);
  }

  void fail(std::uint32_t index) {
    Connection& connection = connections_[index];
    if (connection.busy) {
      --busy_;
      ++socket_errors_;
      free_.push_back(index);
    }
    ::close(connection.fd);
    open(index);
  }

  /// What is not answered by now has waited at least until now. Left out, it would make a server that stalls look fast.
  void count_the_unanswered(std::uint64_t planned) {
    const auto now = Clock::now();
    for (const Connection& connection : connections_)
      if (connection.busy) add_latency(now - connection.due);
    for (std::uint64_t number = sent_; number < planned; ++number) add_latency(now - due(number));
  }

  void add_latency(Clock::duration waited) {
    latencies_.add(static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(waited).count()));
  }

  void report(std::uint64_t planned) const {
    const double lasted = std::chrono::duration<double>(Clock::now() - start_).count();
    std::printf(
        "{\"planned\":%llu,\"requests\":%llu,\"errors\":%llu,\"status_errors\":%llu,\"unanswered\":%llu,"
        "\"requests_per_s\":%.1f,\"p50_us\":%llu,\"p90_us\":%llu,\"p99_us\":%llu,\"p999_us\":%llu,\"max_us\":%llu}\n",
        number(planned), number(answered_), number(socket_errors_), number(status_errors_),
        number(planned - answered_ - socket_errors_), static_cast<double>(answered_) / lasted,
        number(latencies_.percentile(0.5)), number(latencies_.percentile(0.9)), number(latencies_.percentile(0.99)),
        number(latencies_.percentile(0.999)), number(latencies_.max()));
  }
  static unsigned long long number(std::uint64_t value) { return value; }

  Options options_;
  std::vector<std::string> requests_;
  int poll_;
  int timer_;
  std::vector<Connection> connections_;
  std::deque<std::uint32_t> free_;
  Clock::time_point start_;
  std::uint64_t sent_ = 0;
  std::uint64_t busy_ = 0;
  std::uint64_t answered_ = 0;
  std::uint64_t socket_errors_ = 0;
  std::uint64_t status_errors_ = 0;
  Histogram latencies_;
};

}  // namespace

int main(int argc, char** argv) {
  const Options options = parse(argc, argv);
  Generator generator(options, read_requests(options.requests));
  generator.run();
  return 0;
}
