// For tests of HTTP/1.x connections: a worker over memory and a manual clock.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "weir/net/memory_stream.hpp"
#include "weir/server/scripted_service_test_support.hpp"
#include "weir/server/worker.hpp"
#include "weir/time/manual_clock.hpp"

namespace weir::server {

class Http1ConnectionTest : public testing::Test {
 protected:
  Http1ConnectionTest() { make_worker(); }
  ~Http1ConnectionTest() override {
    client_.reset();
    loop_.run_until_idle();
    worker_->close_all();
    loop_.run_until_idle();
    worker_->abandon_exchanges();
  }

  void make_worker() { worker_ = std::make_unique<Worker>(loop_, limits_, open_); }
  void connect(net::MemoryStreamOptions options = {}) {
    auto pair = net::memory_stream_pair(loop_, options);
    client_ = std::move(pair.client);
    worker_->adopt(std::move(pair.server), service_, local_);
    loop_.run_until_idle();
  }
  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      const net::IoResult result = client_->write(bytes.data(), bytes.size());
      if (result.ok()) {
        bytes.remove_prefix(result.bytes);
      } else if (!result.would_block()) {
        return;
      }
      loop_.run_until_idle();
    }
    loop_.run_until_idle();
  }
  /// Everything that has come; `closed_` tells whether the server has closed.
  std::string receive() {
    std::string all;
    char buffer[65536];
    for (int quiet = 0; quiet < 2;) {
      const net::IoResult result = client_->read(buffer);
      if (result.ok()) {
        all.append(buffer, result.bytes);
        quiet = 0;
      } else {
        closed_ = closed_ || !result.would_block();
        ++quiet;
      }
      loop_.run_until_idle();
    }
    return all;
  }
  std::string exchange(std::string_view bytes) {
    send(bytes);
    return receive();
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
  std::unique_ptr<net::MemoryStream> client_;
  bool closed_ = false;
};

inline std::size_t count(std::string_view text_, std::string_view what) {
  std::size_t n = 0;
  for (std::size_t at = text_.find(what); at != std::string_view::npos; at = text_.find(what, at + 1)) ++n;
  return n;
}

}  // namespace weir::server
