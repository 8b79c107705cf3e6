// One connection under hostile bytes and a hostile network: the input says how the bytes are cut, what the network does
// to them, when time passes and when the client leaves. Whatever happens, nothing may crash, leak, or stay behind.
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "weir/net/memory_stream.hpp"
#include "weir/server/worker.hpp"
#include "weir/time/manual_clock.hpp"

namespace {

using namespace weir;
using namespace weir::server;
using namespace std::chrono_literals;

/// Answers in every way that there is, chosen by the first byte behind the slash.
class EveryKind final : public Service {
 public:
  int running = 0;

  std::unique_ptr<ExchangeLocal> make_local(Exchange&) override { return nullptr; }
  void on_request(Exchange& exchange) noexcept override {
    ++running;
    const std::string_view path = exchange.request().path;
    switch (path.size() > 1 ? path[1] : 'x') {
      case 's':
        return exchange.run(sleep(exchange));
      case 'b':
        return exchange.run(echo(exchange));
      case 't':
        return exchange.respond(stream());
      case 'a':
        return exchange.abort();
      case 'l':
        return exchange.respond(text(std::string(100000, 'l')));
      default:
        return exchange.respond(text("hello"));
    }
  }
  void on_timeout(Exchange& exchange, bool) noexcept override {
    exchange.respond(http::Response(http::Status::service_unavailable));
  }
  void on_finish(Exchange&, const Outcome&) noexcept override { --running; }
  void on_refused(const ConnectionInfo&, http::Status, std::string_view) noexcept override {}

 private:
  static http::Response text(std::string body) { return http::Response(http::Status::ok, http::Body(std::move(body))); }
  static Task<void> sleep(Exchange& exchange) {
    Result<void> slept = co_await exchange.loop().sleep(3s, exchange.stop_token());
    exchange.respond(text(slept ? "slept" : "cancelled"));
  }
  static Task<void> echo(Exchange& exchange) {
    std::string all;
    for (;;) {
      Task<Result<std::string_view>> read = exchange.read_body();
      Result<std::string_view> piece = co_await std::move(read);
      if (!piece) {
        exchange.respond(http::Response(http::Status::bad_request));
        co_return;
      }
      if (piece->empty()) break;
      all += *piece;
    }
    exchange.respond(text(std::move(all)));
  }
  static http::Response stream() {
    http::StreamBody body;
    body.write = [](http::BodyWriter& out) -> Task<Result<void>> {
      for (int i = 0; i < 5; ++i) {
        Task<Result<void>> write = out.write("0123456789");
        Result<void> written = co_await std::move(write);
        if (!written) co_return written;
      }
      co_return Result<void>{};
    };
    return http::Response(http::Status::ok, http::Body(std::move(body)));
  }
};

void require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 4) return 0;
  ManualClock clock;
  EventLoop loop(EventLoop::Options{.clock = &clock});
  Limits limits;
  limits.output_bytes = 50000;
  std::atomic<std::size_t> open{0};
  const net::SocketAddress local = net::SocketAddress::loopback(80);
  EveryKind service;
  {
    Worker worker(loop, limits, open);
    net::MemoryStreamOptions options;
    options.capacity = 1000 + data[0] * 100u;
    options.server_faults.max_read = data[1] < 200 ? std::size_t{1} + data[1] : net::Faults::never;
    options.server_faults.max_write = data[2] < 200 ? std::size_t{1} + data[2] * 10u : net::Faults::never;
    options.server_faults.block_every = data[3] % 5 == 1 ? 0 : data[3] % 5;  // 1 would block for ever.
    net::MemoryStreamPair pair = net::memory_stream_pair(loop, options);
    std::unique_ptr<net::MemoryStream> client = std::move(pair.client);
    worker.adopt(std::move(pair.server), service, local);

    std::string_view rest(reinterpret_cast<const char*>(data) + 4, size - 4);
    char sink[4096];
    while (!rest.empty() && client) {
      // A byte above 0xf0 is an event of the network; everything below goes over the wire.
      const auto event = static_cast<unsigned char>(rest.front());
      if (event > 0xf0) {
        rest.remove_prefix(1);
        if (event == 0xf1) clock.advance(1s);
        if (event == 0xf2) clock.advance(12s);
        if (event == 0xf3) client->shutdown_write();
        if (event == 0xf4) client.reset();
        if (event == 0xf5) worker.drain();
        if (event == 0xf6) static_cast<void>(client->read(sink));
        loop.run_until_idle();
        continue;
      }
      std::size_t end = 0;
      while (end < rest.size() && static_cast<unsigned char>(rest[end]) <= 0xf0) ++end;
      const net::IoResult written = client->write(rest.data(), end);
      loop.run_until_idle();
      if (written.ok()) rest.remove_prefix(written.bytes);
      if (written.would_block()) {
        static_cast<void>(client->read(sink));
        loop.run_until_idle();
        if (!client->write("x", 1).ok()) break;
        rest.remove_prefix(1);
      }
      if (written.error()) break;
    }
    client.reset();
    loop.run_until_idle();
    clock.advance(100s);
    loop.run_until_idle();
    worker.close_all();
    loop.run_until_idle();
    require(worker.connections() == 0);
    worker.abandon_exchanges();
    require(worker.pool().active() == 0);
    require(service.running == 0);
    loop.run_until_idle();
  }
  return 0;
}
