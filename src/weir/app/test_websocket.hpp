// The client's end of a WebSocket inside the process: see TestClient::websocket().
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "weir/app/test_client.hpp"
#include "weir/websocket/frame.hpp"

namespace weir {

/// Frames go through the real connection, but no socket and no waiting. One thread, that of its TestClient.
///
///   weir::TestClient client = app.test();
///   weir::TestWebSocket ws = client.websocket("/echo");
///   ws.send("hello");
///   EXPECT_EQ(ws.receive(), "hello");
class TestWebSocket {
 public:
  /// `headers` are added to those of the handshake; one of the same name replaces it.
  TestWebSocket(TestClient& client, std::string_view target, const TestClient::Headers& headers);
  ~TestWebSocket();
  TestWebSocket(TestWebSocket&&) noexcept;
  TestWebSocket& operator=(TestWebSocket&&) noexcept;

  /// 101 when it is open; else why it was refused.
  [[nodiscard]] int status() const noexcept;
  /// The answer to the handshake, with the body of a refusal.
  [[nodiscard]] const ClientResponse& response() const noexcept;

  void send(std::string_view text);
  void send_binary(std::string_view data);
  void ping(std::string_view payload = {});
  void close(websocket::CloseCode code = websocket::CloseCode::normal, std::string_view reason = {});
  /// One frame, as it is given.
  void send_frame(websocket::Opcode opcode, std::string_view payload, websocket::FrameFlags flags = {});
  /// Bytes that need not be frames at all.
  void send_bytes(std::string_view bytes);
  /// The connection goes away without a word.
  void disconnect();

  /// The next message, whole; nothing when there is none (yet), or the connection is closed. Pings are answered by
  /// itself, unless it was told to be silent.
  [[nodiscard]] std::optional<std::string> receive();
  /// The next frame as it came, control frames too: for tests of the protocol.
  struct Frame {
    websocket::Opcode opcode;
    bool final;
    bool compressed;
    std::string payload;
  };
  [[nodiscard]] std::optional<Frame> receive_frame();
  void stay_silent() noexcept;

  /// The server has ended the connection.
  [[nodiscard]] bool closed();
  /// What its Close frame said; abnormal: there was none.
  [[nodiscard]] websocket::CloseCode close_code();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace weir
