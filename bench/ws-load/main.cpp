// bench-ws-load: many WebSockets from one thread, as cheaply as they can be had, so that a server's core is the limit.
//
//   bench-ws-load --port 8080 [--path /ws] [--connections 1000] [--size 64] [--seconds 3] [--in-flight 1] [--mode echo]
//
//   echo        every connection sends so many messages (--in-flight), and another one for each that comes back
//   idle        the connections are opened and stay; pings are answered; prints "ready" and ends when standard input
//   does subscribe   as idle, and one message is sent on an extra connection; prints when each of the others had it
//   --compress  offers permessage-deflate (nothing is compressed by this client)
//
// Frames are masked with the key 0, which masks nothing: the client saves the work, the server does all of its own.
// Prints one line of JSON.
#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

using Clock = std::chrono::steady_clock;

struct Options {
  int port = 8080;
  std::string path = "/ws";
  std::string mode = "echo";
  std::size_t connections = 1000;
  std::size_t size = 64;
  double seconds = 3;
  std::size_t in_flight = 1;
  bool compress = false;
};

[[noreturn]] void die(const std::string& what) {
  std::fprintf(stderr, "bench-ws-load: %s: %s\n", what.c_str(), std::strerror(errno));
  std::exit(1);
}

std::string frame(unsigned char first, std::string_view payload) {
  std::string bytes(1, static_cast<char>(first));
  if (payload.size() < 126) {
    bytes += static_cast<char>(0x80U | payload.size());
  } else if (payload.size() < 65536) {
    bytes += static_cast<char>(0x80 | 126);
    bytes += static_cast<char>(payload.size() >> 8);
    bytes += static_cast<char>(payload.size() & 0xff);
  } else {
    bytes += static_cast<char>(0x80 | 127);
    for (int shift = 56; shift >= 0; shift -= 8) bytes += static_cast<char>(payload.size() >> shift);
  }
  bytes.append(4, '\0');
  return bytes.append(payload);
}

struct Connection {
  int fd = -1;
  std::size_t to_send = 0;      // bytes of messages that are not sent yet
  std::size_t position = 0;     // of the next of them in its message
  std::size_t owed = 0;         // bytes of answers that are to come
  std::array<char, 16> head{};  // the begin of a frame that was cut (idle and subscribe)
  std::size_t head_size = 0;
  std::size_t payload_left = 0;
  Clock::time_point got{};
};

class Load {
 public:
  explicit Load(const Options& options) : options_(options), epoll_(epoll_create1(EPOLL_CLOEXEC)) {
    const std::string message = frame(0x82, std::string(options.size, 'x'));
    message_size_ = message.size();
    for (std::size_t i = 0; i <= options.in_flight; ++i) messages_to_send_ += message;
    answer_size_ = 2 + (options.size < 126 ? 0U : options.size < 65536 ? 2U : 8U) + options.size;
  }

  void connect_all(std::size_t count) {
    connections_.resize(count);
    for (std::size_t i = 0; i < count; ++i) connections_[i].fd = connect_one(i);
  }

  /// Until the time is over; the messages that came back.
  std::uint64_t echo() {
    for (Connection& each : connections_) send_messages(each, options_.in_flight);
    const auto end =
        Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(options_.seconds));
    std::array<epoll_event, 512> events{};
    while (Clock::now() < end) {
      const int count = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), 100);
      for (int i = 0; i < count; ++i) {
        Connection& each = connections_[events[static_cast<std::size_t>(i)].data.u64];
        if ((events[static_cast<std::size_t>(i)].events & EPOLLOUT) != 0) go_on_sending(each);
        if ((events[static_cast<std::size_t>(i)].events & EPOLLIN) != 0) receive_echo(each);
      }
    }
    return messages_;
  }

  /// Answers pings until standard input ends.
  void stay() {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = ~std::uint64_t{0};
    epoll_ctl(epoll_, EPOLL_CTL_ADD, 0, &event);
    for (bool more = true; more;) more = turn(-1);
  }

  /// Sends one message over the last connection; the time until every other one has it.
  double publish() {
    Connection& publisher = connections_.back();
    const auto begin = Clock::now();
    send_messages(publisher, 1);
    for (;;) {
      turn(1000);
      const bool all = std::all_of(connections_.begin(), connections_.end() - 1,
                                   [](const Connection& each) { return each.got != Clock::time_point{}; });
      if (all) break;
      if (Clock::now() - begin > std::chrono::seconds(30)) die("not every subscriber got the message");
    }
    Clock::time_point last = begin;
    for (Connection& each : connections_) last = std::max(last, std::exchange(each.got, {}));
    return std::chrono::duration<double, std::milli>(last - begin).count();
  }

  [[nodiscard]] std::uint64_t pings() const { return pings_; }

 private:
  int connect_one(std::size_t index) {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) die("socket");
    sockaddr_in from{};
    from.sin_family = AF_INET;
    // Each address of the loopback network has 28,000 ports of its own; some of them are in use or still closing.
    const int late = 1;
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &late, sizeof late);
    from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + static_cast<std::uint32_t>(index / 5000));
    if (bind(fd, reinterpret_cast<sockaddr*>(&from), sizeof from) != 0) die("bind");
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<std::uint16_t>(options_.port));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) die("connect");
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    std::string request = "GET " + options_.path +
                          " HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                          "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    if (options_.compress) request += "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n";
    request += "\r\n";
    if (send(fd, request.data(), request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request.size())) die("send");
    std::string answer;
    while (!answer.ends_with("\r\n\r\n")) {  // Byte by byte at the end: a frame may follow at once.
      char c = 0;
      if (recv(fd, &c, 1, 0) != 1) die("the handshake");
      answer += c;
    }
    if (!answer.starts_with("HTTP/1.1 101")) {
      std::fprintf(stderr, "bench-ws-load: the handshake was refused:\n%s", answer.c_str());
      std::exit(1);
    }
    if (options_.compress && answer.find("permessage-deflate") == std::string::npos) {
      std::fprintf(stderr, "bench-ws-load: the server does not compress\n");
      std::exit(1);
    }
    fcntl(fd, F_SETFL, O_NONBLOCK);
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = index;
    if (epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) die("epoll_ctl");
    return fd;
  }

  void send_messages(Connection& each, std::size_t count) {
    const bool waits = each.to_send != 0;
    each.to_send += count * message_size_;
    each.owed += count * answer_size_;
    write_rest(each, waits);
  }
  void go_on_sending(Connection& each) { write_rest(each, true); }
  void write_rest(Connection& each, bool waited) {
    const ssize_t sent = send(each.fd, messages_to_send_.data() + each.position, each.to_send, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) die("send");
    if (sent > 0) {
      each.to_send -= static_cast<std::size_t>(sent);
      each.position = (each.position + static_cast<std::size_t>(sent)) % message_size_;
    }
    const bool blocked = each.to_send != 0;
    if (blocked == waited) return;
    epoll_event event{};
    event.events = blocked ? EPOLLIN | EPOLLOUT : EPOLLIN;
    event.data.u64 = static_cast<std::uint64_t>(&each - connections_.data());
    epoll_ctl(epoll_, EPOLL_CTL_MOD, each.fd, &event);
  }

  void receive_echo(Connection& each) {
    const ssize_t got = recv(each.fd, buffer_.data(), buffer_.size(), 0);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) die("the server closed");
    const auto size = static_cast<std::size_t>(got);
    if (size > each.owed) die("more came than was sent");
    const std::size_t before = whole_answers(each);
    each.owed -= size;
    const std::size_t came = before - whole_answers(each);
    messages_ += came;
    if (came != 0) send_messages(each, came);
  }
  /// Answers that are to come, one that has begun included.
  [[nodiscard]] std::size_t whole_answers(const Connection& each) const {
    return (each.owed + answer_size_ - 1) / answer_size_;
  }

  /// One turn of idle and subscribe: frames are looked at. False when standard input ended.
  bool turn(int timeout) {
    std::array<epoll_event, 512> events{};
    const int count = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), timeout);
    for (int i = 0; i < count; ++i) {
      const std::uint64_t index = events[static_cast<std::size_t>(i)].data.u64;
      if (index == ~std::uint64_t{0}) {
        char c = 0;
        if (read(0, &c, 1) <= 0) return false;
        continue;
      }
      Connection& each = connections_[index];
      const ssize_t got = recv(each.fd, buffer_.data(), buffer_.size(), 0);
      if (got < 0 && errno == EAGAIN) continue;
      if (got <= 0) die("the server closed");
      look(each, {buffer_.data(), static_cast<std::size_t>(got)});
    }
    return true;
  }

  void look(Connection& each, std::string_view bytes) {
    while (!bytes.empty()) {
      if (each.payload_left != 0) {
        const std::size_t part = std::min(each.payload_left, bytes.size());
        bytes.remove_prefix(part);
        each.payload_left -= part;
        if (each.payload_left == 0) on_frame(each);
        continue;
      }
      each.head[each.head_size++] = bytes[0];
      bytes.remove_prefix(1);
      if (each.head_size < 2) continue;
      const std::size_t code = static_cast<unsigned char>(each.head[1]) & 0x7f;
      const std::size_t width = code == 126 ? 2 : code == 127 ? 8 : 0;
      if (each.head_size < 2 + width) continue;
      std::size_t length = width == 0 ? code : 0;
      for (std::size_t k = 0; k < width; ++k) length = (length << 8) | static_cast<unsigned char>(each.head[2 + k]);
      each.payload_left = length;
      if (length == 0) on_frame(each);
    }
  }
  void on_frame(Connection& each) {
    const unsigned opcode = static_cast<unsigned char>(each.head[0]) & 0x0f;
    each.head_size = 0;
    if (opcode == 9) {
      ++pings_;
      static const std::string pong = frame(0x8a, {});
      if (send(each.fd, pong.data(), pong.size(), MSG_NOSIGNAL) < 0) die("send");
    } else if (opcode < 8) {
      each.got = Clock::now();
    }
  }

  Options options_;
  int epoll_;
  std::string messages_to_send_;  // one more than are in flight: any part of them begins in the first
  std::size_t message_size_ = 0;
  std::size_t answer_size_ = 0;
  std::vector<Connection> connections_;
  std::vector<char> buffer_ = std::vector<char>(256 * 1024);
  std::uint64_t messages_ = 0;
  std::uint64_t pings_ = 0;
};

Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view flag = argv[i];
    if (flag == "--compress") {
      options.compress = true;
      continue;
    }
    const char* const value = ++i < argc ? argv[i] : "";
    if (flag == "--port") {
      options.port = std::atoi(value);
    } else if (flag == "--path") {
      options.path = value;
    } else if (flag == "--connections") {
      options.connections = std::strtoul(value, nullptr, 10);
    } else if (flag == "--size") {
      options.size = std::strtoul(value, nullptr, 10);
    } else if (flag == "--seconds") {
      options.seconds = std::atof(value);
    } else if (flag == "--in-flight") {
      options.in_flight = std::max(1UL, std::strtoul(value, nullptr, 10));
    } else if (flag == "--mode") {
      options.mode = value;
    } else {
      std::fprintf(stderr, "bench-ws-load: unknown option %s; see the top of bench/ws-load/main.cpp\n", argv[i - 1]);
      std::exit(2);
    }
  }
  return options;
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = parse(argc, argv);
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
  }
  Load load(options);
  if (options.mode == "echo") {
    load.connect_all(options.connections);
    std::printf("connected\n");  // What follows costs the server messages only, and no handshakes.
    std::fflush(stdout);
    const auto begin = Clock::now();
    const std::uint64_t messages = load.echo();
    const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
    std::printf("{\"messages\": %llu, \"seconds\": %.3f}\n", static_cast<unsigned long long>(messages), seconds);
  } else if (options.mode == "idle") {
    load.connect_all(options.connections);
    std::printf("ready\n");
    std::fflush(stdout);
    load.stay();
    std::printf("{\"pings\": %llu}\n", static_cast<unsigned long long>(load.pings()));
  } else {
    load.connect_all(options.connections + 1);
    std::vector<double> times;
    for (int i = 0; i < 9; ++i) times.push_back(load.publish());
    std::sort(times.begin(), times.end());
    std::printf("{\"milliseconds\": %.3f, \"least\": %.3f, \"most\": %.3f}\n", times[4], times.front(), times.back());
  }
  return 0;
}
