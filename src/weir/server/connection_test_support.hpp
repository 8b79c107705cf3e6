// For tests of connections, whichever protocol they speak: a worker over memory, or a pair of sockets, and a manual
// clock.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <utility>

#include <gtest/gtest.h>
#include <sys/socket.h>

#include "weir/net/memory_stream.hpp"
#include "weir/net/socket.hpp"
#include "weir/server/scripted_service_test_support.hpp"
#include "weir/server/worker.hpp"
#include "weir/time/manual_clock.hpp"

namespace weir::server {

class ConnectionTest : public testing::Test {
 protected:
  ~ConnectionTest() override {
    stream_.reset();
    loop_.run_until_idle();
    if (!worker_) return;
    worker_->close_all();
    loop_.run_until_idle();
    worker_->abandon_exchanges();
    loop_.run_until_idle();
    EXPECT_EQ(worker_->connections(), 0u);
    EXPECT_EQ(worker_->pool().active(), 0u);
  }

  /// With the limits as they are now. connect() and connect_socket() make the first one.
  void make_worker() { worker_ = std::make_unique<Worker>(loop_, limits_, open_); }
  /// Another connection; `stream_` becomes its client's end.
  void connect(net::MemoryStreamOptions options = {}) {
    if (!worker_) make_worker();
    net::MemoryStreamPair pair = net::memory_stream_pair(loop_, options);
    stream_ = std::move(pair.client);
    worker_->adopt(std::move(pair.server), service_, local_);
    loop_.run_until_idle();
  }
  /// The same over sockets, which have a kernel behind them; the client's end.
  net::Fd connect_socket() {
    if (!worker_) make_worker();
    std::array<int, 2> ends{-1, -1};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()), 0);
    net::Fd client(ends[0]);
    auto stream = net::make_socket_stream(loop_, net::Fd(ends[1]), {});
    EXPECT_TRUE(stream);
    if (stream) worker_->adopt(std::move(*stream), service_, local_);
    loop_.run_until_idle();
    return client;
  }
  void advance(Duration by) {
    clock_.advance(by);
    loop_.run_until_idle();
  }

  ManualClock clock_;
  EventLoop loop_{EventLoop::Options{.clock = &clock_}};
  Limits limits_;
  std::atomic<std::size_t> open_{0};
  net::SocketAddress local_ = net::SocketAddress::loopback(80);
  ScriptedService service_;
  std::unique_ptr<Worker> worker_;
  std::unique_ptr<net::MemoryStream> stream_;
  bool closed_ = false;  ///< By the server, as far as was read.
};

}  // namespace weir::server
