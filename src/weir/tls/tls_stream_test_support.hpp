// For tests of TLS streams: a server's end that echoes, against a client of OpenSSL's, over memory and a manual clock.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "weir/net/memory_stream.hpp"
#include "weir/net/security.hpp"
#include "weir/runtime/event_loop.hpp"
#include "weir/time/manual_clock.hpp"
#include "weir/tls/context.hpp"
#include "weir/tls/tls_test_support.hpp"

namespace weir::tls {

/// Sends back what it reads, and remembers how it ended.
struct Echo final : net::StreamHandler {
  explicit Echo(std::unique_ptr<net::Stream> given) : stream(std::move(given)) { stream->set_handler(this); }
  void on_readable() noexcept override {
    std::array<char, 5000> room;
    const net::IoResult result = stream->read(room);
    if (result.ok()) {
      ++reads;
      output.append(room.data(), result.bytes);
      flush();
    } else if (!result.would_block()) {
      ended = result.end_of_stream();
      error = result.error_number;
      stream->want(false, !output.empty());
    }
  }
  void on_writable() noexcept override { flush(); }
  void on_hangup() noexcept override { hung_up = true; }
  void flush() {
    while (!output.empty()) {
      const net::IoResult result = stream->write(output.data(), output.size());
      if (!result.ok()) {
        if (result.error()) error = result.error_number;
        break;
      }
      output.erase(0, result.bytes);
    }
    stream->want(!ended && error == 0, !output.empty());
  }
  std::unique_ptr<net::Stream> stream;
  std::string output;
  int reads = 0;
  int error = 0;
  bool ended = false;
  bool hung_up = false;
};

class TlsStreamTest : public ::testing::Test {
 protected:
  void serve(TlsOptions options) {
    auto made = TlsContext::create(std::move(options), {}, clock);
    ASSERT_TRUE(made) << made.error().message();
    server.reset();  // The filter outlives what it wrapped.
    context = std::move(*made);
    filter = context->filter()(loop);
  }
  void serve_plainly() { serve({.certificates = {self_signed({"localhost"})}}); }
  void connect(net::MemoryStreamOptions options = {}) { connect(loop, *filter, options); }
  void connect(EventLoop& on, net::StreamFilter& through, net::MemoryStreamOptions options = {}) {
    server.reset();
    client.reset();
    net::MemoryStreamPair pair = net::memory_stream_pair(on, options);
    client = std::make_unique<TestClient>(std::move(pair.client));
    below = pair.server.get();
    server = std::make_unique<Echo>(through.wrap(std::move(pair.server)));
    current = &on;
  }
  void pump() {
    for (bool moved = true; moved;) {
      moved = client->pump();
      moved = current->run_until_idle() || moved;
    }
  }
  std::uint64_t failed(TlsFailure reason) { return context->stats().failed_for(reason).load(); }
  const net::Security& security() { return *server->stream->security(); }

  ManualClock clock;
  EventLoop loop{EventLoop::Options{.clock = &clock}};
  EventLoop* current = &loop;
  std::unique_ptr<TlsContext> context;
  std::unique_ptr<net::StreamFilter> filter;
  std::unique_ptr<TestClient> client;
  net::MemoryStream* below = nullptr;  // the server's
  std::unique_ptr<Echo> server;
};

}  // namespace weir::tls
