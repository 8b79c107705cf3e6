#include "weir/app/test_websocket.hpp"

#include <array>
#include <utility>

#include "weir/app/test_client_impl.hpp"
#include "weir/http1/response_parser.hpp"
#include "weir/websocket/handshake.hpp"

namespace weir {

using websocket::CloseCode;
using websocket::Opcode;

struct TestWebSocket::Impl {
  explicit Impl(TestClient::Impl& client_) : client(client_), stream(client_.open_stream()) {}

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
      moved = client.loop.run_until_idle() || moved;
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
    if (ended) stream.reset();
  }

  void write_frame(Opcode opcode, std::string_view payload, websocket::FrameFlags flags) {
    const websocket::MaskKey key{0x1b3c5d7fU + static_cast<std::uint32_t>(++frames)};
    std::array<char, websocket::max_frame_header> header;
    output.append(header.data(), websocket::write_masked_header(header.data(), opcode, payload.size(), key, flags));
    std::string masked(payload);
    websocket::apply_mask(masked.data(), masked.size(), key);
    output += masked;
  }

  /// A whole frame off the front of the input.
  std::optional<Frame> parse() {
    if (input.size() < 2) return std::nullopt;
    const auto byte = [this](std::size_t i) { return static_cast<unsigned char>(input[i]); };
    std::size_t header = 2;
    std::uint64_t length = byte(1) & 0x7f;
    if (length >= 126) {
      const std::size_t width = length == 126 ? 2 : 8;
      if (input.size() < header + width) return std::nullopt;
      length = 0;
      for (std::size_t i = 0; i < width; ++i) length = (length << 8) | byte(header + i);
      header += width;
    }
    if (input.size() - header < length) return std::nullopt;
    Frame frame{static_cast<Opcode>(byte(0) & 0x0f), (byte(0) & 0x80) != 0, (byte(0) & 0x40) != 0,
                input.substr(header, static_cast<std::size_t>(length))};
    input.erase(0, header + static_cast<std::size_t>(length));
    return frame;
  }

  void look_at_close(const Frame& frame) {
    bool invalid_text = false;
    const auto reason = websocket::parse_close_payload(frame.payload, invalid_text);
    close_code = reason ? reason->code : CloseCode::protocol_error;
    if (!std::exchange(sent_close, true) && !silent) write_frame(Opcode::close, frame.payload, {});
    pump();
  }

  TestClient::Impl& client;
  std::unique_ptr<net::MemoryStream> stream;
  ClientResponse response;
  std::string output;
  std::string input;
  std::string message;  // of fragments
  CloseCode close_code = CloseCode::abnormal;
  std::size_t frames = 0;
  bool ended = false;
  bool silent = false;
  bool sent_close = false;
};

TestWebSocket::TestWebSocket(TestClient& client, std::string_view target, const TestClient::Headers& headers)
    : impl_(std::make_unique<Impl>(*client.impl_)) {
  TestClient::Headers all = {{"Host", "test"},
                             {"Connection", "Upgrade"},
                             {"Upgrade", "websocket"},
                             {"Sec-WebSocket-Version", "13"},
                             {"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="}};
  for (const auto& [name, value] : headers) {
    std::erase_if(all, [&](const auto& there) { return http::equals_ignoring_case(there.first, name); });
    all.emplace_back(name, value);
  }
  std::string& out = impl_->output;
  out = "GET " + std::string(target) + " HTTP/1.1\r\n";
  for (const auto& [name, value] : all) out += name + ": " + value + "\r\n";
  out += "\r\n";
  impl_->pump();

  std::string bytes = impl_->input;
  bytes.append(http1::padding, '\0');
  const std::string_view view(bytes.data(), impl_->input.size());
  std::array<http::HeaderField, server::max_header_count> slots;
  http1::ResponseHead head(slots);
  http1::ResponseParser parser;
  const http1::HeadResult result = parser.parse_head(view, http::Method::get, head);
  if (result.state != http1::ParseState::complete) return;
  ClientResponse& response = impl_->response;
  response.status = static_cast<int>(http::to_code(head.status));
  for (const http::HeaderField& field : head.headers) response.headers.emplace_back(field.name, field.value);
  if (response.status != 101) response.body = view.substr(result.size);
  impl_->input.erase(0, response.status == 101 ? result.size : impl_->input.size());
}
TestWebSocket::~TestWebSocket() {
  if (impl_ != nullptr) disconnect();
}
TestWebSocket::TestWebSocket(TestWebSocket&&) noexcept = default;
TestWebSocket& TestWebSocket::operator=(TestWebSocket&&) noexcept = default;

int TestWebSocket::status() const noexcept {
  return impl_->response.status;
}
const ClientResponse& TestWebSocket::response() const noexcept {
  return impl_->response;
}

void TestWebSocket::send_frame(Opcode opcode, std::string_view payload, websocket::FrameFlags flags) {
  impl_->write_frame(opcode, payload, flags);
  impl_->pump();
}
void TestWebSocket::send(std::string_view text) {
  send_frame(Opcode::text, text);
}
void TestWebSocket::send_binary(std::string_view data) {
  send_frame(Opcode::binary, data);
}
void TestWebSocket::ping(std::string_view payload) {
  send_frame(Opcode::ping, payload);
}
void TestWebSocket::close(CloseCode code, std::string_view reason) {
  std::array<char, websocket::max_control_payload> payload;
  const std::size_t size = websocket::write_close_payload(payload.data(), {code, reason});
  impl_->sent_close = true;
  send_frame(Opcode::close, {payload.data(), size});
}
void TestWebSocket::send_bytes(std::string_view bytes) {
  impl_->output += bytes;
  impl_->pump();
}
void TestWebSocket::disconnect() {
  impl_->stream.reset();
  impl_->ended = true;
  impl_->client.loop.run_until_idle();
}

std::optional<TestWebSocket::Frame> TestWebSocket::receive_frame() {
  impl_->pump();
  std::optional<Frame> frame = impl_->parse();
  if (frame && frame->opcode == Opcode::close) impl_->look_at_close(*frame);
  return frame;
}

std::optional<std::string> TestWebSocket::receive() {
  while (std::optional<Frame> frame = receive_frame()) {
    if (frame->opcode == Opcode::ping && !impl_->silent) send_frame(Opcode::pong, frame->payload);
    if ((static_cast<unsigned>(frame->opcode) & 0x8U) != 0) continue;
    impl_->message += frame->payload;
    if (frame->final) return std::exchange(impl_->message, {});
  }
  return std::nullopt;
}
void TestWebSocket::stay_silent() noexcept {
  impl_->silent = true;
}

bool TestWebSocket::closed() {
  impl_->pump();
  return impl_->ended;
}
CloseCode TestWebSocket::close_code() {
  while (receive()) {
  }
  return impl_->close_code;
}

}  // namespace weir
