// A session under hostile bytes: whatever comes, and however it is cut, it must not crash, must stay within what it
// said that it takes, and must give the same output for the same input in one piece.
#include <array>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "weir/http2/session.hpp"

namespace {

using namespace weir;
using namespace weir::http2;

void require(bool condition) {
  if (!condition) std::abort();
}

/// Answers every request with what its path says, at once.
class Server final : public SessionHandler {
 public:
  Server() : session_(*this, options()) {}

  /// Everything that is answered to `input`, given in pieces of `piece` bytes.
  std::string run(std::string_view input, std::size_t piece) {
    Buffer out;
    bool good = true;
    while (good && !input.empty()) {
      good = session_.receive(input.substr(0, piece));
      input.remove_prefix(std::min(piece, input.size()));
      if (!session_.produce(out, 100'000)) break;
    }
    require(open_ >= 0 && open_ <= 20);
    return std::string(out.view());
  }

 private:
  struct Stream final : StreamHandler {
    Stream(Server& owner, StreamId number) : server(owner), id(number) {
      request.begin(slots, arena, {.target_bytes = 100, .header_bytes = 1000, .header_count = slots.size()});
    }
    RequestHead& head() noexcept override { return request; }
    void on_head(bool) noexcept override {
      if (!request.finish()) return server.session_.reset(id, ErrorCode::protocol_error);
      body = request.refusal() == http::Status::ok ? request.request().path.size() * 100 : 0;
      server.session_.respond(id, {.status = http::Status::ok, .headers = &server.headers_}, body != 0);
    }
    void on_data(std::string_view data) noexcept override { server.session_.consume(id, data.size()); }
    void on_end() noexcept override {}
    void on_close(ErrorCode, bool) noexcept override {
      require(!closed);
      closed = true;
      --server.open_;
    }
    Chunk next_chunk(std::size_t room) noexcept override {
      const std::size_t part = std::min({room, body, std::size_t{333}});
      return {.size = part, .last = part == body};
    }
    bool write_chunk(std::string_view frame_head, std::size_t size, Buffer& out) override {
      require(size <= body);
      out.append(frame_head);
      for (std::size_t i = 0; i < size; ++i) out.push_back('b');
      body -= size;
      return true;
    }
    Server& server;
    StreamId id;
    Arena arena;
    std::array<http::HeaderField, 20> slots;
    RequestHead request;
    std::size_t body = 0;
    bool closed = false;
  };

  static SessionOptions options() noexcept {
    SessionOptions chosen;
    chosen.concurrent_streams = 20;
    chosen.stream_window = chosen.connection_window = 65535;
    chosen.extended_connect = true;
    return chosen;
  }
  StreamHandler* on_stream(StreamId id) noexcept override {
    ++open_;
    return streams_.emplace_back(std::make_unique<Stream>(*this, id)).get();
  }
  void on_refused() noexcept override {}
  std::string_view on_frame(const FrameHeader&) noexcept override { return {}; }
  void on_settings() noexcept override {}
  void on_ping_answer() noexcept override {}
  void on_failure(ErrorCode, std::string_view) noexcept override {
    require(!failed_);
    failed_ = true;
  }

  http::Headers headers_;
  std::vector<std::unique_ptr<Stream>> streams_;
  Session session_;
  int open_ = 0;
  bool failed_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  // The preface is given: no fuzzer has to find it.
  std::string input(preface);
  input.append(reinterpret_cast<const char*>(data) + 1, size - 1);
  static_cast<void>(Server().run(input, input.size()));
  static_cast<void>(Server().run(input, std::size_t{1} + data[0] % 32));
  return 0;
}
