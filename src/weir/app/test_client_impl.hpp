// What a TestClient is made of. Private to the module.
#pragma once

#include <array>
#include <atomic>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "weir/app/app_impl.hpp"
#include "weir/app/test_client.hpp"
#include "weir/net/memory_stream.hpp"
#include "weir/server/worker.hpp"
#include "weir/time/manual_clock.hpp"

namespace weir {

struct TestClient::Impl {
  explicit Impl(App::Impl& app_) : app(app_), worker(loop, app.options.limits, open) {}
  ~Impl() {
    stream.reset();
    worker.close_all();
    loop.run_until_idle();
    worker.abandon_exchanges();
    if (app.blocking) app.blocking->forget(loop);
    loop.run_until_idle();
  }

  /// Another connection to the App; its client's end.
  std::unique_ptr<net::MemoryStream> open_stream() {
    net::MemoryStreamOptions options;
    options.client_address = net::SocketAddress::loopback(40000);
    options.server_address = local;
    net::MemoryStreamPair pair = net::memory_stream_pair(loop, options);
    worker.adopt(std::move(pair.server), *app.application, local);
    return std::move(pair.client);
  }
  void connect() {
    if (stream && !stream->closed() && !ended) return;
    stream = open_stream();
    pending.clear();
    interim.clear();
    input.clear();
    ended = false;
  }
  /// Moves bytes both ways until nothing moves any more.
  void pump() {
    for (bool moved = true; moved;) {
      moved = false;
      if (!output.empty() && stream) {
        const net::IoResult result = stream->write(output.data(), output.size());
        if (result.ok()) {
          output.erase(0, result.bytes);
          moved = true;
        } else if (result.error()) {
          output.clear();
        }
      }
      moved = loop.run_until_idle() || moved;
      std::array<char, 65536> room;
      while (stream && !ended) {
        const net::IoResult result = stream->read(room);
        if (result.ok()) {
          input.append(room.data(), result.bytes);
          moved = true;
          continue;
        }
        if (!result.would_block()) ended = true;
        break;
      }
    }
  }
  std::optional<ClientResponse> parse();

  App::Impl& app;
  ManualClock clock;
  EventLoop loop{EventLoop::Options{.clock = &clock}};
  std::atomic<std::size_t> open{0};
  server::Worker worker;
  net::SocketAddress local = net::SocketAddress::loopback(80);
  std::unique_ptr<net::MemoryStream> stream;
  std::string output;
  std::string input;
  std::deque<http::Method> pending;
  std::vector<ClientResponse> interim;  // of the first pending
  bool ended = false;
};

}  // namespace weir
