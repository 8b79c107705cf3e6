// Every message comes back as it is: what the Autobahn test suite talks to (tests/conformance/autobahn).
#include <weir/weir.hpp>

int main(int argc, char** argv) {
  weir::App app;
  weir::WebSocketOptions options;
  options.max_message = 64 << 20;
  options.compression.threshold = 0;  // So that the suite sees compressed answers of every size.
  app.websocket(
      "/",
      [](weir::WebSocket& ws) -> weir::Task<void> {
        for (;;) {
          auto message = co_await ws.receive();
          if (!message) break;
          co_await ws.send(*message);
        }
      },
      options);
  return app.run(argc, argv);
}
