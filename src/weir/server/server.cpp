#include "weir/server/server.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <utility>

#include <fcntl.h>

namespace weir::server {

namespace {

/// Turns the loop until all that ends by itself has ended: that takes a few turns. What goes on for ever, whatever its
/// stop token says, does not keep us.
void settle(EventLoop& loop) {
  for (int turns = 1000; turns > 0 && loop.run_once(false); --turns) {
  }
}

/// sendfile(2) has no MSG_NOSIGNAL: without this a client that goes away during a download would end the process. A
/// handler of the program's own is left alone.
void ignore_broken_pipes() noexcept {
  struct sigaction action{};
  if (::sigaction(SIGPIPE, nullptr, &action) == 0 && action.sa_handler == SIG_DFL) ::signal(SIGPIPE, SIG_IGN);
}

}  // namespace

/// Hands what one listener accepts to the worker of its loop.
struct Server::Entry final : net::AcceptHandler {
  Entry(Worker& its_worker, Service& its_service) : worker(its_worker), service(its_service) {}
  void on_accept(std::unique_ptr<net::Stream> stream) noexcept override {
    if (filter) stream = filter->wrap(std::move(stream));
    if (stream) worker.adopt(std::move(stream), service, listener->local_address());
  }
  Worker& worker;
  Service& service;
  std::unique_ptr<net::StreamFilter> filter;
  std::unique_ptr<net::Listener> listener;
};

/// What the server has on one event loop: its listeners and its worker.
struct Server::Lane {
  Lane(EventLoop& its_loop, const Limits& limits, std::atomic<std::size_t>& open)
      : loop(its_loop), worker(its_loop, limits, open) {}
  EventLoop& loop;
  Worker worker;
  std::vector<std::unique_ptr<Entry>> entries;
};

Server::Server(const ServerOptions& options)
    : share_port_(options.share_port),
      loops_(
          LoopGroup::Options{.loops = options.threads, .loop = {.clock = options.clock}, .pin = options.pin_threads}) {
  for (std::size_t i = 0; i < loops_.size(); ++i) {
    lanes_.push_back(std::make_unique<Lane>(loops_.loop(i), options.limits, open_connections_));
  }
}

Server::~Server() {
  stop();
}

Result<void> Server::listen(net::ListenOptions options, Service& service, const net::StreamFilterFactory& filter) {
  WEIR_ASSERT(!running_);
  options.reuse_port = options.adopt_fd < 0 && options.address.is_ip() && (lanes_.size() > 1 || share_port_);
  options.exclusive = !share_port_;
  for (std::unique_ptr<Lane>& lane : lanes_) {
    auto entry = std::make_unique<Entry>(lane->worker, service);
    if (filter) entry->filter = filter(lane->loop);
    auto listener = net::Listener::listen(lane->loop, options, *entry);
    if (!listener) return std::unexpected(std::move(listener.error()));
    entry->listener = std::move(*listener);
    if (lane == lanes_.front()) {
      addresses_.push_back(entry->listener->local_address());
      options.address = entry->listener->local_address();  // With the port that the kernel chose.
      options.exclusive = false;                           // The other loops share it with this one.
    }
    if (!options.reuse_port && lane != lanes_.back()) {
      options.adopt_fd = ::fcntl(entry->listener->fd(), F_DUPFD_CLOEXEC, 0);
      if (options.adopt_fd < 0) return fail(system_error(errno, "listen on " + options.address.to_string()));
    }
    lane->entries.push_back(std::move(entry));
  }
  return {};
}

void Server::start() {
  WEIR_ASSERT(!running_);
  ignore_broken_pipes();
  loops_.start();
  running_ = true;
}

void Server::end_keep_alive() {
  for (std::unique_ptr<Lane>& lane : lanes_) {
    lane->loop.post([&lane = *lane] { lane.worker.end_keep_alive(); });
  }
}

void Server::drain(std::function<void()> empty, Duration spread) {
  // The last worker that runs empty reports.
  auto left = std::make_shared<std::atomic<std::size_t>>(lanes_.size());
  for (std::unique_ptr<Lane>& lane : lanes_) {
    lane->loop.post([&lane = *lane, left, empty, spread] {
      for (auto& entry : lane.entries) entry->listener->drain();
      lane.worker.when_empty([left, empty] {
        if (left->fetch_sub(1, std::memory_order_acq_rel) == 1) empty();
      });
      lane.worker.drain(spread);
    });
  }
}

void Server::close_all() {
  for (std::unique_ptr<Lane>& lane : lanes_) {
    lane->loop.post([&lane = *lane] {
      for (auto& entry : lane.entries) entry->listener->close();
      lane.worker.close_all();
    });
  }
}

void Server::stop() {
  if (running_) {
    close_all();
    loops_.stop();
    loops_.join();
    running_ = false;
  }
  for (std::unique_ptr<Lane>& lane : lanes_) {
    // From here on this thread turns the loop: connections and exchanges end in deferred steps.
    for (auto& entry : lane->entries) entry->listener->close();
    lane->worker.close_all();
    settle(lane->loop);
    lane->worker.abandon_exchanges();
    settle(lane->loop);
    lane->entries.clear();  // Only now: connections and exchanges know the listeners' addresses.
  }
}

Server::Stats Server::stats() const noexcept {
  Stats result;
  for (const std::unique_ptr<Lane>& lane : lanes_) {
    const WorkerStats& stats = lane->worker.stats();
    result.open_connections += stats.connections.load(std::memory_order_relaxed);
    result.accepted += stats.accepted.load(std::memory_order_relaxed);
    result.active_requests += stats.requests.load(std::memory_order_relaxed);
    result.refused += stats.refused.load(std::memory_order_relaxed);
    for (const std::unique_ptr<Entry>& entry : lane->entries) {
      result.rejected_fd_limit += entry->listener->stats().rejected_fd_limit.load(std::memory_order_relaxed);
    }
  }
  return result;
}

std::vector<EventLoop*> Server::loops() const {
  std::vector<EventLoop*> result;
  for (const std::unique_ptr<Lane>& lane : lanes_) result.push_back(&lane->loop);
  return result;
}

}  // namespace weir::server
