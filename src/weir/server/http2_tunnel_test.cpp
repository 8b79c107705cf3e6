#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "weir/http2/error_code.hpp"
#include "weir/server/http2_connection_test_support.hpp"

namespace weir::server {
namespace {

using namespace std::chrono_literals;
using http::Response;
using http::Status;
using http2::testing::client_preface;
using http2::testing::frame;
using http2::testing::get_frame;

class EchoTunnel final : public net::StreamHandler {
 public:
  explicit EchoTunnel(std::unique_ptr<net::Stream> stream) : stream_(std::move(stream)) { stream_->set_handler(this); }
  void on_readable() noexcept override {
    char buffer[4096];
    const net::IoResult result = stream_->read(buffer);
    if (result.ok()) {
      received.append(buffer, result.bytes);
      waiting_.append(buffer, result.bytes);
    } else if (!result.would_block()) {
      ended = result.end_of_stream();
      failed = result.error();
      if (ended) waiting_ += "bye";
    }
    flush();
  }
  void on_writable() noexcept override { flush(); }
  void on_hangup() noexcept override { failed = true; }
  void say(std::string_view text) {
    waiting_ += text;
    flush();
  }
  void close(bool reset) { stream_->close(reset); }
  std::string received;
  bool ended = false;
  bool failed = false;

 private:
  void flush() {
    if (!waiting_.empty()) {
      const net::IoResult result = stream_->write(waiting_.data(), waiting_.size());
      if (result.ok()) waiting_.erase(0, result.bytes);
      if (result.error()) waiting_.clear();  // Nobody is left to get it.
    }
    if (waiting_.empty() && ended) stream_->shutdown_write();
    stream_->want(!ended && !failed && waiting_.size() < 10'000, !waiting_.empty() && !failed);
  }
  std::unique_ptr<net::Stream> stream_;
  std::string waiting_;
};

class EchoUpgrade final : public Upgrade {
 public:
  explicit EchoUpgrade(std::unique_ptr<EchoTunnel>& to) : to_(to) {}
  void take(Worker&, std::unique_ptr<net::Stream> stream, Buffer, const ConnectionInfo&) noexcept override {
    to_ = std::make_unique<EchoTunnel>(std::move(stream));
  }

 private:
  std::unique_ptr<EchoTunnel>& to_;
};

class Http2TunnelTest : public Http2ConnectionTest {
 protected:
  Http2TunnelTest() {
    service_.handlers["/tunnel"] = [this](Exchange& x) {
      EXPECT_EQ(x.request().method, http::Method::connect);
      EXPECT_EQ(x.request().protocol, "echo");
      x.upgrade(std::make_unique<EchoUpgrade>(tunnel_));
      x.respond(Response(Status::ok));
    };
  }
  std::int32_t open() {
    connect();
    run();
    const auto id = client_.connect("/tunnel", "echo");
    run();
    EXPECT_EQ(answer(id).status, "200");
    EXPECT_NE(tunnel_, nullptr);
    return id;
  }
  std::unique_ptr<EchoTunnel> tunnel_;
};

TEST_F(Http2TunnelTest, CarriesBytesBothWaysAndEnds) {
  const auto id = open();
  EXPECT_EQ(client_.settings[NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL], 1u);
  EXPECT_EQ(worker_->pool().active(), 0u) << "a tunnel owns no exchange";
  client_.more(id, "hello", false);
  run();
  EXPECT_EQ(answer(id).body, "hello");
  client_.more(id, std::string(1'000'000, 't'), true);
  run();
  EXPECT_EQ(answer(id).body.size(), 1'000'008u);
  EXPECT_TRUE(answer(id).body.ends_with("tbye"));
  EXPECT_TRUE(answer(id).closed);
  EXPECT_EQ(answer(id).error, 0u);
  tunnel_ = nullptr;
  run();
  const auto next = client_.get("/nothing");
  run();
  EXPECT_EQ(answer(next).status, "404") << "the connection goes on";
}

TEST_F(Http2TunnelTest, GivesBackTheWindowOfWhatCameBeforeAReset) {
  service_.handlers["/echo"] = [](Exchange& x) { x.run(echo(x)); };
  open();
  for (std::size_t sent = 0; sent < 2 * std::size_t{limits_.http2.connection_window}; sent += 60'000) {
    const auto id = client_.connect("/tunnel", "echo");
    run();
    client_.more(id, std::string(60'000, 't'), false);
    pending_ += client_.output();
    client_.reset(id);
    run();
    ASSERT_EQ(tunnel_->received.size(), 60'000u) << sent;
  }
  const auto other = client_.post("/echo", "hello");
  run();
  EXPECT_EQ(answer(other).body, "hello");
}

TEST_F(Http2TunnelTest, EndsFromEitherSide) {
  auto id = open();
  tunnel_->close(false);
  run();
  EXPECT_TRUE(answer(id).ended);
  EXPECT_TRUE(answer(id).closed);
  id = client_.connect("/tunnel", "echo");
  run();
  tunnel_->close(true);
  run();
  EXPECT_EQ(answer(id).error, static_cast<std::uint32_t>(http2::ErrorCode::cancel));
  id = client_.connect("/tunnel", "echo");
  run();
  client_.reset(id);
  run();
  EXPECT_TRUE(tunnel_->failed);
  id = client_.connect("/tunnel", "echo");
  run();
  stream_.reset();
  loop_.run_until_idle();
  EXPECT_TRUE(tunnel_->failed);
  EXPECT_EQ(worker_->connections(), 0u);
}

TEST_F(Http2TunnelTest, WhatWasSaidLastLeavesBeforeAHardStop) {
  Exchange* large = nullptr;
  service_.handlers["/large"] = [&large](Exchange& x) { large = &x; };
  connect({.capacity = 1 << 20});
  const auto unfinished = client_.get("/large");
  const auto tunnel = client_.connect("/tunnel", "echo");
  client_.open_windows(tunnel, 1 << 20);
  client_.open_windows(unfinished, 1 << 20);
  run();
  ASSERT_NE(large, nullptr);
  large->respond(text(std::string(1 << 20, 'x')));  // Its turn would come before that of the tunnel.
  tunnel_->say("good-bye");
  tunnel_->close(false);
  worker_->close_all();
  run();
  EXPECT_EQ(answer(tunnel).body, "good-bye");
  EXPECT_TRUE(answer(tunnel).ended);
  EXPECT_EQ(answer(unfinished).error, static_cast<std::uint32_t>(http2::ErrorCode::cancel));
  ASSERT_FALSE(client_.goaways.empty());
  EXPECT_EQ(client_.goaways.back().error, 0u);
  EXPECT_TRUE(closed_);
}

}  // namespace
}  // namespace weir::server
