#include <array>
#include <string>

#include <gtest/gtest.h>
#include <sys/socket.h>

#include "weir/net/socket.hpp"
#include "weir/server/http2_connection_test_support.hpp"

namespace weir::server {
namespace {

using namespace std::chrono_literals;
using http::Response;
using http::Status;
using http2::testing::client_preface;
using http2::testing::frame;
using http2::testing::get_frame;

TEST_F(Http2ConnectionTest, CutsHeadsThatTakeTooLong) {
  connect();
  raw(client_preface);
  raw(frame(1, 1, 1, "\x82\x86").substr(0, 10));
  advance(5s);
  EXPECT_EQ(worker_->connections(), 1u);
  advance(6s);
  EXPECT_EQ(goaway_error(raw("")), 11u);
  EXPECT_TRUE(closed_);
}

TEST_F(Http2ConnectionTest, CutsBodiesThatStall) {
  service_.handlers["/echo"] = [](Exchange& x) { x.run(echo(x)); };
  connect();
  const auto id = client_.post("/echo", "begin", false);
  run();
  for (int i = 0; i < 12 && answer(id).status.empty(); ++i) {
    advance(1s);
    client_.more(id, "x", false);  // One byte a second: below the minimal rate.
    run();
    if (i < 8) {
      EXPECT_EQ(answer(id).status, "") << i;
    }
  }
  EXPECT_EQ(answer(id).status, "408");
  const auto next = client_.get("/nothing");
  run();
  EXPECT_EQ(answer(next).status, "404") << "the connection goes on";
}

TEST_F(Http2ConnectionTest, CutsReadersThatStall) {
  service_.handlers["/large"] = [](Exchange& x) { x.respond(text(std::string(200'000, 'l'))); };
  connect();
  raw(client_preface + get_frame(1, "/large"));
  advance(9s);
  EXPECT_EQ(raw(""), "");
  advance(2s);
  EXPECT_EQ(raw(""), frame(3, 0, 1, std::string_view("\0\0\0\x08", 4))) << "the windows stayed closed";

  // The same when the client does not even read what is in its window.
  net::MemoryStreamOptions small;
  small.capacity = 1000;
  connect(small);
  const std::string bytes = client_preface + get_frame(1, "/large");
  ASSERT_TRUE(stream_->write(bytes.data(), bytes.size()).ok());
  loop_.run_until_idle();
  advance(9s);
  EXPECT_EQ(worker_->connections(), 1u);
  advance(2s);
  EXPECT_EQ(worker_->connections(), 0u);
}

TEST_F(Http2ConnectionTest, StreamsThatWaitTheirTurnHaveNotStalled) {
  // Of two that are equally urgent the first is sent to its end: on a slow network the second waits for long.
  service_.handlers["/large"] = [](Exchange& x) { x.respond(text(std::string(400'000, 'l'))); };
  net::MemoryStreamOptions slow;
  slow.capacity = 1000;
  connect(slow);
  const auto first = client_.get("/large");
  const auto second = client_.get("/large");
  pending_ += client_.output();
  client_.open_windows(first, 1'000'000);
  client_.open_windows(second, 1'000'000);
  pending_ += client_.output();
  while (write_some()) {
  }
  const auto read_for = [this](int seconds) {
    for (int i = 0; i < 10 * seconds; ++i) {
      EXPECT_TRUE(client_.input(read_some()));
      advance(100ms);
    }
  };
  read_for(25);
  EXPECT_GT(answer(first).body.size(), 200'000u);
  EXPECT_EQ(answer(second).body, "");
  EXPECT_FALSE(answer(second).closed) << "error " << answer(second).error;
  read_for(60);
  EXPECT_EQ(answer(first).body.size(), 400'000u);
  EXPECT_EQ(answer(second).body.size(), 400'000u);
}

TEST_F(Http2ConnectionTest, ASlowReaderMovesWhileTheKernelHasNoRoomYet) {
  service_.handlers["/long"] = [](Exchange& x) { x.respond(text(std::string(1'000'000, 'b'))); };
  const net::Fd client = connect_socket();
  const auto id = client_.get("/long");
  std::string out = client_.output();
  client_.open_windows(id, 2'000'000);
  out += client_.output();
  ASSERT_EQ(::send(client.get(), out.data(), out.size(), MSG_NOSIGNAL), static_cast<ssize_t>(out.size()));
  loop_.run_until_idle();
  // 5 kB/s: much more than the least rate, and less than the socket's buffer in a stall time-out.
  std::array<char, 45'000> room;
  for (ssize_t got = 1; got > 0 && !answer(id).closed;) {
    out = client_.output();
    ASSERT_EQ(::send(client.get(), out.data(), out.size(), MSG_NOSIGNAL), static_cast<ssize_t>(out.size()));
    loop_.run_until_idle();
    got = ::recv(client.get(), room.data(), room.size(), 0);
    if (got > 0) {
      ASSERT_TRUE(client_.input({room.data(), static_cast<std::size_t>(got)}));
    }
    advance(limits_.stall_timeout - 1s);
  }
  EXPECT_EQ(answer(id).body.size(), 1'000'000u);
}

TEST_F(Http2ConnectionTest, ClosesIdleConnectionsAndSaysSo) {
  service_.handlers["/a"] = [](Exchange& x) { x.respond(text("x")); };
  connect();
  client_.get("/a");
  run();
  advance(74s);
  run();
  EXPECT_TRUE(client_.goaways.empty());
  client_.get("/a");
  run();
  advance(74s);
  EXPECT_EQ(worker_->connections(), 1u);
  advance(2s);
  run();
  ASSERT_EQ(client_.goaways.size(), 1u);
  EXPECT_EQ(client_.goaways[0].error, 0u);
  EXPECT_TRUE(closed_);
}

TEST_F(Http2ConnectionTest, DrainsInTwoSteps) {
  Exchange* running = nullptr;
  service_.handlers["/slow"] = [&](Exchange& x) { running = &x; };
  service_.handlers["/a"] = [](Exchange& x) { x.respond(text("x")); };
  connect();
  const auto slow = client_.get("/slow");
  run();
  worker_->drain();
  // Sent before the client could know.
  const auto late = client_.get("/a");
  run();
  ASSERT_EQ(client_.goaways.size(), 2u);
  EXPECT_EQ(client_.goaways[0].last, 0x7fffffff);
  EXPECT_EQ(client_.goaways[1].last, late);
  EXPECT_EQ(client_.goaways[1].error, 0u);
  EXPECT_EQ(answer(late).body, "x");
  EXPECT_EQ(worker_->connections(), 1u);
  running->respond(text("done"));
  run();
  EXPECT_EQ(answer(slow).body, "done");
  EXPECT_TRUE(closed_);
}

TEST_F(Http2ConnectionTest, RequestsBehindTheEndAreSkippedWithTheirBodies) {
  Exchange* running = nullptr;
  service_.handlers["/slow"] = [&](Exchange& x) { running = &x; };
  connect();
  raw(client_preface + get_frame(1, "/slow"));
  worker_->drain();
  advance(3s);
  raw("");
  // From a client that has not yet seen where it ends (RFC 9113 section 6.8).
  std::string got = raw(frame(1, 4, 3, "\x83\x86\x04\x05/slow\x01\x01t"));
  got += raw(frame(0, 1, 3, "body"));
  EXPECT_EQ(goaway_error(got), 9999u);
  ASSERT_NE(running, nullptr);
  running->respond(text("done"));
  EXPECT_NE(raw("").find("done"), std::string::npos);
}

// The client is told that it may send it again elsewhere.
TEST_F(Http2ConnectionTest, WhatComesWithTheEndIsNotServed) {
  int served = 0;
  service_.handlers["/slow"] = [](Exchange&) {};
  service_.handlers["/a"] = [&served](Exchange& x) {
    ++served;
    x.respond(text("x"));
  };
  connect();
  raw(client_preface + get_frame(1, "/slow"));
  worker_->drain();
  raw("");
  const std::string answer_to_ping = frame(6, 1, 0, std::string(8, '\0'));
  const std::string got = raw(answer_to_ping + get_frame(3, "/a"));
  const std::string goaway = frame(7, 0, 0, std::string("\0\0\0\1\0\0\0\0", 8));
  EXPECT_NE(got.find(goaway), std::string::npos);
  EXPECT_EQ(served, 0);
}

TEST_F(Http2ConnectionTest, ADrainDoesNotWaitForTheAnswerToItsPing) {
  connect();
  raw(client_preface);
  worker_->drain();
  EXPECT_FALSE(raw("").empty());
  EXPECT_FALSE(closed_);
  advance(3s);
  EXPECT_EQ(goaway_error(raw("")), 0u);
  EXPECT_TRUE(closed_);
}

}  // namespace
}  // namespace weir::server
