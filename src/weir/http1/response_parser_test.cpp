#include "weir/http1/response_parser.hpp"

#include <array>
#include <string>

#include <gtest/gtest.h>

#include "weir/http1/detail/padded.hpp"

namespace weir::http1 {
namespace {

using detail::Padded;
using http::HeaderId;
using http::Method;

struct Parsed {
  explicit Parsed(std::string_view input, Method method = Method::get) : padded(input), head(slots) {
    result = parser.parse_head(padded.view(), method, head);
  }
  Padded padded;
  std::array<http::HeaderField, 32> slots;
  ResponseParser parser;
  ResponseHead head;
  HeadResult result;
};

TEST(ResponseParser, TakesAResponseApart) {
  Parsed p("HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\nContent-Type: text/plain\r\n\r\nhello");
  ASSERT_EQ(p.result.state, ParseState::complete);
  EXPECT_EQ(p.head.status, http::Status::not_found);
  EXPECT_EQ(p.head.reason, "Not Found");
  EXPECT_EQ(p.head.headers.get(HeaderId::content_type), "text/plain");
  EXPECT_TRUE(p.head.keep_alive);
  const BodyResult body = p.parser.parse_body(p.padded.view().substr(p.result.size));
  EXPECT_EQ(body.state, ParseState::complete);
  EXPECT_EQ(body.data, "hello");
}

TEST(ResponseParser, DecidesAboutTheFraming) {
  const struct {
    std::string_view input;
    Method method;
    Framing framing;
    bool keep_alive;
  } cases[] = {
      {"HTTP/1.1 200 OK\r\n\r\n", Method::get, Framing::until_close, false},
      {"HTTP/1.1 200 \r\nTransfer-Encoding: chunked\r\n\r\n", Method::get, Framing::chunked, true},
      {"HTTP/1.1 200\r\nContent-Length: 3\r\nConnection: close\r\n\r\n", Method::get, Framing::length, false},
      {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", Method::head, Framing::none, true},
      {"HTTP/1.1 204 No Content\r\n\r\n", Method::get, Framing::none, true},
      {"HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\n\r\n", Method::get, Framing::none, true},
      {"HTTP/1.1 200 OK\r\n\r\n", Method::connect, Framing::none, true},
      {"HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\n", Method::get, Framing::length, false},
      {"HTTP/1.0 200 OK\r\nContent-Length: 3\r\nConnection: keep-alive\r\n\r\n", Method::get, Framing::length, true},
  };
  for (const auto& c : cases) {
    const Parsed p(c.input, c.method);
    ASSERT_EQ(p.result.state, ParseState::complete) << c.input;
    EXPECT_EQ(p.head.framing, c.framing) << c.input;
    EXPECT_EQ(p.head.keep_alive, c.keep_alive) << c.input;
  }
}

TEST(ResponseParser, TellsInterimResponses) {
  EXPECT_TRUE(Parsed("HTTP/1.1 100 Continue\r\n\r\n").head.interim);
  EXPECT_TRUE(Parsed("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n").head.interim);
  EXPECT_FALSE(Parsed("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n").head.interim);
}

TEST(ResponseParser, RefusesWhatIsAmbiguousOrMalformed) {
  const struct {
    std::string_view input;
    ParseError error;
  } cases[] = {
      {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
       ParseError::length_and_transfer_encoding},
      {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\n", ParseError::repeated_content_length},
      {"HTTP/1.1 200 OK\r\nContent-Length: -3\r\n\r\n", ParseError::bad_content_length},
      {"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", ParseError::transfer_encoding_in_http_1_0},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", ParseError::unsupported_transfer_coding},
      {"HTTP/1.1 20 OK\r\n\r\n", ParseError::bad_status_line},
      {"HTTP/1.1 2000 OK\r\n\r\n", ParseError::bad_status_line},
      {"HTTP/1.1 600 OK\r\n\r\n", ParseError::bad_status_line},
      {"HTTP/1.1  200 OK\r\n\r\n", ParseError::bad_status_line},
      {"HTTP/2.0 200 OK\r\n\r\n", ParseError::unsupported_version},
      {"ICY 200 OK\r\n\r\n", ParseError::bad_status_line},
      {"HTTP/1.1 200 O\nK\r\n\r\n", ParseError::bad_line_ending},
      {"HTTP/1.1 200 OK\nServer: x\r\n\r\n", ParseError::bad_line_ending},
      {"HTTP/1.1 200 OK\r\nServer: x\r\n y\r\n\r\n", ParseError::folded_field},
      {"HTTP/1.1 200 OK\r\n\rServer: x\r\n\r\n", ParseError::bad_line_ending},
  };
  for (const auto& c : cases) EXPECT_EQ(to_string(Parsed(c.input).result.error), to_string(c.error)) << c.input;
}

TEST(ResponseParser, SaysTheSameByteByByte) {
  const std::string_view input =
      "HTTP/1.1 200 Fine\r\nServer: weir\r\nX-Y: z\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
  std::array<http::HeaderField, 32> slots;
  ResponseHead head(slots);
  ResponseParser parser;
  HeadResult result;
  std::size_t n = 0;
  Padded padded("");
  while (result.state == ParseState::need_more) {
    padded = Padded(input.substr(0, ++n));
    result = parser.parse_head(padded.view(), Method::get, head);
  }
  ASSERT_EQ(result.state, ParseState::complete);
  EXPECT_EQ(result.size, n);
  EXPECT_EQ(head.reason, "Fine");
  EXPECT_EQ(head.headers.get("x-y"), "z");
  std::string body;
  BodyResult r;
  for (; n + 2 < input.size(); ++n) {
    padded = Padded(input.substr(n, 1));
    r = parser.parse_body(padded.view());
    ASSERT_EQ(r.consumed, 1u) << n;
    body += r.data;
  }
  EXPECT_EQ(body, "abc");
  // The trailer section is consumed as a whole.
  EXPECT_EQ(parser.parse_body(Padded("\r\n").view()).state, ParseState::complete);
}

}  // namespace
}  // namespace weir::http1
