// What the loop and the stream cost beside a bare epoll loop: a request and an answer over each of 64 socket pairs. The
// client's system calls are the same in both, so the difference is ours.
#include <array>
#include <cstdlib>
#include <memory>
#include <string_view>
#include <vector>

#include <benchmark/benchmark.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "weir/net/socket.hpp"
#include "weir/net/stream.hpp"
#include "weir/runtime/event_loop.hpp"

namespace weir::net {
namespace {

constexpr std::size_t connections = 64;
constexpr std::string_view request = "GET /json HTTP/1.1\r\nHost: localhost\r\n\r\n";
constexpr std::string_view response = "HTTP/1.1 200 OK\r\nContent-Length: 27\r\n\r\n{\"message\":\"Hello, World!\"}";

struct Pair {
  Pair() {
    int both[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, both) != 0) std::abort();
    client = Fd(both[0]);
    server = Fd(both[1]);
  }
  Fd client, server;
};

void send_requests(std::vector<Pair>& pairs) {
  for (auto& pair : pairs) {
    if (::send(pair.client.get(), request.data(), request.size(), 0) < 0) std::abort();
  }
}
void take_responses(std::vector<Pair>& pairs) {
  std::array<char, 4096> room;
  for (auto& pair : pairs) {
    if (::recv(pair.client.get(), room.data(), room.size(), 0) < 0) std::abort();
  }
}

void bare_epoll(benchmark::State& state) {
  std::vector<Pair> pairs(connections);
  const Fd epoll(::epoll_create1(0));
  for (auto& pair : pairs) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = pair.server.get();
    ::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, pair.server.get(), &event);
  }
  std::array<epoll_event, 256> events;
  std::array<char, 4096> room;
  for (auto _ : state) {
    send_requests(pairs);
    const int ready = ::epoll_wait(epoll.get(), events.data(), static_cast<int>(events.size()), 0);
    for (int i = 0; i < ready; ++i) {
      const int fd = events[static_cast<std::size_t>(i)].data.fd;
      if (::recv(fd, room.data(), room.size(), 0) <= 0) std::abort();
      if (::send(fd, response.data(), response.size(), MSG_NOSIGNAL) < 0) std::abort();
    }
    take_responses(pairs);
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(connections));
}

/// Answers each request, and moves its idle time-out as an HTTP server does.
class Connection final : public StreamHandler, private Timer {
 public:
  Connection(EventLoop& loop, std::unique_ptr<Stream> stream) : loop_(loop), stream_(std::move(stream)) {
    stream_->set_handler(this);
  }
  void on_readable() noexcept override {
    std::array<char, 4096> room;
    if (!stream_->read(room).ok()) std::abort();
    if (!stream_->write(response.data(), response.size()).ok()) std::abort();
    stream_->want(true, false);
    loop_.arm_after(*this, std::chrono::seconds(75));
  }
  void on_writable() noexcept override {}
  void on_hangup() noexcept override {}

 private:
  void on_timer() noexcept override {}
  EventLoop& loop_;
  std::unique_ptr<Stream> stream_;
};

void event_loop(benchmark::State& state) {
  EventLoop loop;
  std::vector<Pair> pairs(connections);
  std::vector<std::unique_ptr<Connection>> served;
  for (auto& pair : pairs) {
    auto stream = make_socket_stream(loop, std::move(pair.server), SocketAddress());
    served.push_back(std::make_unique<Connection>(loop, std::move(*stream)));
  }
  for (auto _ : state) {
    send_requests(pairs);
    loop.run_once(false);
    take_responses(pairs);
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(connections));
}

BENCHMARK(bare_epoll);
BENCHMARK(event_loop);

}  // namespace
}  // namespace weir::net
