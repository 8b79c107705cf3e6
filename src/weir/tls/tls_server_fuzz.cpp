// Whatever a client sends, in whatever pieces: the server's side ends or waits, and never tells of bytes that nobody
// encrypted. The first byte says how large the pieces are.
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>
#include <string_view>

#include "weir/net/memory_stream.hpp"
#include "weir/runtime/event_loop.hpp"
#include "weir/time/manual_clock.hpp"
#include "weir/tls/context.hpp"

namespace {

struct Server {
  weir::ManualClock clock;
  weir::EventLoop loop{weir::EventLoop::Options{.clock = &clock}};
  std::unique_ptr<weir::TlsContext> context;
  std::unique_ptr<weir::net::StreamFilter> filter;

  Server() {
    weir::TlsOptions options;
    options.certificates = {weir::self_signed()};
    auto made = weir::TlsContext::create(options, {}, clock);
    if (!made) std::abort();
    context = std::move(*made);
    filter = context->filter()(loop);
  }
};

struct Reader final : weir::net::StreamHandler {
  void on_readable() noexcept override {
    char room[64];
    const weir::net::IoResult result = stream->read(room);
    // A handshake needs answers to what the server sends: no input holds one.
    if (result.ok() && result.bytes != 0) std::abort();
    if (!result.ok() && !result.would_block()) stream->close();
  }
  void on_writable() noexcept override {}
  void on_hangup() noexcept override { stream->close(); }
  weir::net::Stream* stream = nullptr;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Server server;
  if (size == 0) return 0;
  weir::net::MemoryStreamOptions options;
  options.server_faults.max_read = std::size_t{data[0]} + 1;
  weir::net::MemoryStreamPair pair = weir::net::memory_stream_pair(server.loop, options);
  std::unique_ptr<weir::net::Stream> stream = server.filter->wrap(std::move(pair.server));
  Reader reader;
  reader.stream = stream.get();
  stream->set_handler(&reader);
  static_cast<void>(pair.client->write(reinterpret_cast<const char*>(data + 1), size - 1));
  server.loop.run_until_idle();
  pair.client->close();
  server.loop.run_until_idle();
  return 0;
}
