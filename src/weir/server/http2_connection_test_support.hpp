// For tests of HTTP/2 connections: a client's session.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include "weir/http2/client_test_support.hpp"
#include "weir/server/connection_test_support.hpp"

namespace weir::server {

inline Task<void> echo(Exchange& exchange) {
  std::string all;
  for (;;) {
    Result<std::string_view> piece = co_await exchange.read_body();
    if (!piece) {
      const bool late = piece.error().code() == Errc::deadline_exceeded;
      exchange.respond(http::Response(late ? http::Status::request_timeout : http::Status::bad_request));
      co_return;
    }
    if (piece->empty()) break;
    all += *piece;
  }
  exchange.respond(text(std::move(all)));
}

class Http2ConnectionTest : public ConnectionTest {
 protected:
  /// Moves bytes both ways until nothing moves any more.
  void run() {
    for (int quiet = 0; quiet < 3;) {
      pending_ += client_.output();
      const bool sent = write_some();
      const std::string got = read_some();
      EXPECT_TRUE(got.empty() || client_.input(got)) << "the server broke the protocol";
      quiet = sent || !got.empty() ? 0 : quiet + 1;
    }
  }
  bool write_some() {
    if (pending_.empty()) return false;
    const net::IoResult result = stream_->write(pending_.data(), pending_.size());
    if (result.ok()) pending_.erase(0, result.bytes);
    loop_.run_until_idle();
    return result.ok();
  }
  std::string read_some() {
    loop_.run_until_idle();
    char buffer[65536];
    const net::IoResult result = stream_->read(buffer);
    closed_ = closed_ || (!result.ok() && !result.would_block());
    loop_.run_until_idle();
    return result.ok() ? std::string(buffer, result.bytes) : std::string();
  }
  /// Bytes of our own making, behind the preface of the client's session; what comes back.
  std::string raw(std::string_view bytes) {
    pending_ += bytes;
    std::string all;
    for (int quiet = 0; quiet < 3;) {
      const bool sent = write_some();
      const std::string got = read_some();
      all += got;
      quiet = sent || !got.empty() ? 0 : quiet + 1;
    }
    return all;
  }
  http2::testing::Answer& answer(std::int32_t id) { return client_.answers[id]; }
  static std::uint32_t goaway_error(std::string_view bytes) {
    std::uint32_t error = 9999;
    while (bytes.size() >= 9) {
      const auto at = [&](std::size_t i) { return static_cast<std::uint8_t>(bytes[i]); };
      const std::size_t length = at(0) << 16U | at(1) << 8U | at(2);
      if (at(3) == 7 && bytes.size() >= 17) error = at(16);
      bytes.remove_prefix(std::min(bytes.size(), 9 + length));
    }
    return error;
  }

  http2::testing::Client client_;
  std::string pending_;
};

}  // namespace weir::server
