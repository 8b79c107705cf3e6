#include <functional>
#include <string>
#include <utility>

#include <fcntl.h>
#include <gtest/gtest.h>

#include "weir/http2/error_code.hpp"
#include "weir/server/http2_connection_test_support.hpp"
#include "weir/server/http2_flood_guard.hpp"

namespace weir::server {
namespace {

using namespace std::chrono_literals;
using http::Response;
using http::Status;
using http2::testing::client_preface;
using http2::testing::frame;
using http2::testing::get_frame;

struct Flood {
  const char* name;
  std::function<std::string(int)> frames;
  const char* why;
};

class Http2FloodTest : public Http2ConnectionTest, public testing::WithParamInterface<Flood> {};

TEST_P(Http2FloodTest, IsCutOffWithAReason) {
  service_.handlers["/a"] = [](Exchange& x) { x.respond(text("x")); };
  service_.handlers["/slow"] = [](Exchange&) {};
  connect();
  std::string got = raw(client_preface);
  int sent = 0;
  for (; sent < 5000 && !closed_; ++sent) got += raw(GetParam().frames(sent));
  EXPECT_LT(sent, 5000);
  EXPECT_EQ(goaway_error(got), 11u);
  ASSERT_FALSE(service_.refusals.empty());
  EXPECT_NE(service_.refusals.back().find(GetParam().why), std::string::npos) << service_.refusals.back();
}

const std::string_view cancel_code("\0\0\0\x08", 4);

INSTANTIATE_TEST_SUITE_P(
    All, Http2FloodTest,
    testing::Values(
        Flood{"reset", [](int i) { return get_frame(2 * i + 1, "/slow") + frame(3, 0, 2 * i + 1, cancel_code); },
              "reset"},
        Flood{"malformed", [](int i) { return frame(1, 5, 2 * i + 1, "\x82\x86\x04\x01z\x01\x01t"); }, "reset"},
        // The server is made to reset what it works on (CVE-2025-8671): by a window that overflows, by a body that is
        // not as long as it was said to be.
        Flood{"made_to_reset_by_window",
              [](int i) {
                return get_frame(2 * i + 1, "/slow") + frame(8, 0, 2 * i + 1, std::string_view("\x7f\xff\xff\xff", 4));
              },
              "reset"},
        Flood{"made_to_reset_by_length",
              [](int i) {
                return frame(1, 4, 2 * i + 1, "\x83\x86\x04\x05/slow\x01\x01t\x0f\x0d\x01\x31") +
                       frame(0, 1, 2 * i + 1, "two");
              },
              "reset"},
        // More than are allowed, from a client that does not say that it knows.
        Flood{"refused", [](int i) { return get_frame(2 * i + 1, "/slow"); }, "reset"},
        Flood{"settings", [](int) { return frame(4, 0, 0); }, "SETTINGS"},
        Flood{"ping", [](int) { return frame(6, 0, 0, "12345678"); }, "PING"},
        Flood{"empty_data",
              [](int i) { return i == 0 ? frame(1, 4, 1, "\x83\x86\x04\x05/slow\x01\x01t") : frame(0, 0, 1); },
              "empty"},
        Flood{"padding",
              [](int i) {
                return i == 0 ? frame(1, 4, 1, "\x83\x86\x04\x05/slow\x01\x01t")
                              : frame(0, 8, 1, std::string_view("\x02\0\0", 3));
              },
              "empty"},
        Flood{"priority", [](int) { return frame(2, 0, 1, std::string_view("\0\0\0\0\x01", 5)); }, "PRIORITY"},
        Flood{"window_update", [](int) { return frame(8, 0, 0, std::string_view("\0\0\0\x01", 4)); }, "WINDOW_UPDATE"},
        Flood{"unknown", [](int) { return frame(99, 0, 0, "x"); }, "unknown"},
        Flood{"continuation",
              [](int i) { return i == 0 ? frame(1, 1, 1, "\x82\x86\x84") : frame(9, 0, 1, "\x01\x01t"); },
              "CONTINUATION"},
        Flood{"headers",
              [](int i) {
                // A table entry of 4000 bytes, mentioned 15,000 times.
                if (i == 0) {
                  std::string entry = "\x82\x86\x84\x40\x01y\x7f\xa1\x1e";
                  return frame(1, 5, 1, entry + std::string(4000, 'v'));
                }
                return frame(1, 5, 2 * i + 1, std::string("\x82\x86\x84") + std::string(15000, '\xbe'));
              },
              "too large"}),
    [](const testing::TestParamInfo<Flood>& flood) { return std::string(flood.param.name); });

// A field of 4,000 bytes costs one byte from the second time on: trailers are dropped, but looked through.
TEST_F(Http2ConnectionTest, TrailersThatUnfoldAreCut) {
  service_.handlers["/slow"] = [](Exchange&) {};
  connect();
  raw(client_preface + frame(1, 4, 1, "\x83\x86\x04\x05/slow\x01\x01t"));
  std::string block("\x40\x01x\x7f\xa1\x1e", 6);  // literal with indexing; a value of 4,000 bytes
  block += std::string(4000, 'v');
  block += std::string(12'000, '\xbe');  // the newest field of the table, again and again
  EXPECT_EQ(goaway_error(raw(frame(1, 5, 1, block))), 11u);
  ASSERT_FALSE(service_.refusals.empty());
  EXPECT_NE(service_.refusals.back().find("trailer"), std::string::npos) << service_.refusals.back();
}

TEST_F(Http2ConnectionTest, WhatWeCouldNotFinishIsNoFlood) {
  service_.handlers["/short-file"] = [](Exchange& x) {
    x.respond(Response(Status::ok, http::Body(http::FileBody(::open("/dev/null", O_RDONLY | O_CLOEXEC), 0, 100))));
  };
  service_.handlers["/broken-stream"] = [](Exchange& x) {
    http::StreamBody body;
    body.write = [](http::BodyWriter&) -> Task<Result<void>> { co_return fail(Errc::internal, "no more"); };
    x.respond(Response(Status::ok, http::Body(std::move(body))));
  };
  connect();
  for (const char* path : {"/short-file", "/broken-stream"}) {
    for (unsigned i = 0; i < 2 * Http2FloodGuard::burst_seconds * limits_.http2.resets_per_second; ++i) {
      const auto id = client_.get(path);
      run();
      ASSERT_EQ(answer(id).error, static_cast<std::uint32_t>(http2::ErrorCode::internal_error)) << path << " " << i;
    }
  }
  EXPECT_TRUE(service_.refusals.empty());
  EXPECT_TRUE(client_.goaways.empty());
}

TEST_F(Http2ConnectionTest, OrdinaryTrafficIsNoFlood) {
  service_.handlers["/a"] = [](Exchange& x) { x.respond(text(std::string(5000, 'x'))); };
  connect();
  for (int i = 0; i < 3000; ++i) {
    client_.get("/a");
    if (i % 100 == 0) {
      run();
      advance(50ms);
    }
  }
  run();
  EXPECT_EQ(service_.outcomes.size(), 3000u);
  EXPECT_TRUE(service_.refusals.empty());
  EXPECT_TRUE(client_.goaways.empty());
}

}  // namespace
}  // namespace weir::server
