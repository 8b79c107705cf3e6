#include "weir/http1/serializer.hpp"

#include <array>
#include <string>

#include <gtest/gtest.h>

#include "weir/http1/detail/padded.hpp"
#include "weir/http1/response_parser.hpp"

namespace weir::http1 {
namespace {

using http::HeaderId;
using http::Headers;
using http::Method;
using http::Status;
using http::Version;

constexpr std::string_view date = "Sun, 06 Nov 1994 08:49:37 GMT";

std::string head_of(Status status, const Headers& headers, std::optional<std::uint64_t> length,
                    const ResponseContext& context, bool trailers = false) {
  Buffer out;
  static_cast<void>(write_head(status, headers, length, trailers, context, out));
  return std::string(out.view());
}

TEST(Serializer, WritesAHead) {
  Headers headers;
  headers.set_static(HeaderId::content_type, "text/plain");
  EXPECT_EQ(head_of(Status::ok, headers, 27, {.date = date, .server = "weir"}),
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 27\r\n"
            "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nServer: weir\r\n\r\n");
}

TEST(Serializer, DecidesAboutTheFraming) {
  struct Case {
    Status status;
    std::optional<std::uint64_t> length;
    bool trailers;
    Method method;
    Version version;
    bool keep_alive;
    std::string_view fields;  // of framing and connection
    bool send_body, chunked, stays;
  };
  constexpr auto unknown = std::nullopt;
  const Case cases[] = {
      {Status::ok, 5, false, Method::get, Version::http_1_1, true, "Content-Length: 5\r\n", true, false, true},
      {Status::ok, 0, false, Method::get, Version::http_1_1, true, "Content-Length: 0\r\n", false, false, true},
      {Status::ok, unknown, false, Method::get, Version::http_1_1, true, "Transfer-Encoding: chunked\r\n", true, true,
       true},
      {Status::ok, 5, true, Method::get, Version::http_1_1, true, "Transfer-Encoding: chunked\r\n", true, true, true},
      {Status::ok, 5, false, Method::get, Version::http_1_1, false, "Content-Length: 5\r\nConnection: close\r\n", true,
       false, false},
      {Status::ok, 5, false, Method::head, Version::http_1_1, true, "Content-Length: 5\r\n", false, false, true},
      {Status::ok, unknown, false, Method::head, Version::http_1_1, true, "Transfer-Encoding: chunked\r\n", false,
       false, true},
      {Status::no_content, 5, false, Method::get, Version::http_1_1, true, "", false, false, true},
      {Status::not_modified, 5, false, Method::get, Version::http_1_1, true, "", false, false, true},
      {Status::no_content, unknown, true, Method::get, Version::http_1_1, true, "", false, false, true},
      {Status::reset_content, 5, false, Method::get, Version::http_1_1, true, "Content-Length: 0\r\n", false, false,
       true},
      {Status::ok, unknown, false, Method::connect, Version::http_1_1, true, "", false, false, true},
      // HTTP/1.0 has no chunks: the close ends the body; staying open is said.
      {Status::ok, unknown, false, Method::get, Version::http_1_0, true, "Connection: close\r\n", true, false, false},
      {Status::ok, 5, true, Method::get, Version::http_1_0, true, "Content-Length: 5\r\nConnection: keep-alive\r\n",
       true, false, true},
      {Status::ok, unknown, false, Method::head, Version::http_1_0, true, "Connection: keep-alive\r\n", false, false,
       true},
  };
  for (const Case& c : cases) {
    Buffer out;
    const WrittenHead head = write_head(
        c.status, {}, c.length, c.trailers,
        {.method = c.method, .version = c.version, .keep_alive = c.keep_alive, .date = {}, .server = {}}, out);
    const std::string_view text = out.view();
    EXPECT_EQ(text.substr(text.find("\r\n") + 2), std::string(c.fields) + "\r\n");
    EXPECT_EQ(head.send_body, c.send_body) << text;
    EXPECT_EQ(head.chunked, c.chunked) << text;
    EXPECT_EQ(head.keep_alive, c.stays) << text;
  }
}

TEST(Serializer, DropsFramingThatTheResponseBrings) {
  Headers headers;
  headers.add("Content-Length", "99");
  headers.add("transfer-encoding", "chunked");
  headers.add("X-Own", "1");
  headers.add("CONNECTION", "close");
  headers.add("Keep-Alive", "timeout=5");
  EXPECT_EQ(head_of(Status::ok, headers, 3, {}), "HTTP/1.1 200 OK\r\nX-Own: 1\r\nContent-Length: 3\r\n\r\n");
}

TEST(Serializer, SaysWhichProtocolIsRequired) {  // RFC 9110 sections 7.8 and 15.5.22
  Headers headers;
  headers.add("Upgrade", "websocket");
  EXPECT_EQ(head_of(Status::upgrade_required, headers, 0, {}),
            "HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
  EXPECT_EQ(head_of(Status::upgrade_required, {}, 0, {}), "HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(head_of(Status::ok, headers, 0, {}), "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
}

TEST(Serializer, LetsTheResponseBringDateAndServer) {
  Headers headers;
  headers.add(HeaderId::date, "today");
  headers.add(HeaderId::server, "mine");
  EXPECT_EQ(head_of(Status::ok, headers, 0, {.date = date, .server = "weir"}),
            "HTTP/1.1 200 OK\r\nDate: today\r\nServer: mine\r\nContent-Length: 0\r\n\r\n");
}

TEST(Serializer, WritesStatusesWithoutANameAndNonsenseAs500) {
  EXPECT_TRUE(head_of(static_cast<Status>(299), {}, 0, {}).starts_with("HTTP/1.1 299 \r\n"));
  EXPECT_TRUE(head_of(static_cast<Status>(999), {}, 0, {}).starts_with("HTTP/1.1 500 Internal Server Error\r\n"));
  EXPECT_TRUE(head_of(static_cast<Status>(7), {}, 0, {}).starts_with("HTTP/1.1 500 "));
}

TEST(Serializer, WritesChunksAndTrailers) {
  Buffer out;
  write_chunk("hello", out);
  write_chunk("", out);
  write_chunk(std::string(300, 'x'), out);
  Headers trailers;
  trailers.add("X-Sum", "1");
  trailers.add("Content-Length", "1");
  trailers.add("Set-Cookie", "a=b");
  write_last_chunk(&trailers, out);
  EXPECT_EQ(out.view(), "5\r\nhello\r\n12c\r\n" + std::string(300, 'x') + "\r\n0\r\nX-Sum: 1\r\n\r\n");
  out.clear();
  write_last_chunk(nullptr, out);
  EXPECT_EQ(out.view(), "0\r\n\r\n");
  out.clear();
  write_chunk_header(~std::uint64_t{0}, out);
  EXPECT_EQ(out.view(), "ffffffffffffffff\r\n");
}

TEST(Serializer, WritesInterimResponses) {
  Headers headers;
  headers.add("Sec-WebSocket-Accept", "x");
  headers.add("Connection", "close");
  Buffer out;
  write_switching_protocols("websocket", headers, {.date = date, .server = {}}, out);
  EXPECT_EQ(out.view(),
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nSec-WebSocket-Accept: x\r\n\r\n");
  out.clear();
  Headers hints;
  hints.add(HeaderId::link, "</a.css>; rel=preload");
  write_informational(Status::early_hints, hints, out);
  EXPECT_EQ(out.view(), "HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n");
}

TEST(Serializer, WritesErrorsThatTheResponseParserReads) {
  Buffer out;
  write_error_response(Status::bad_request, "there is more than one Host field", date, out);
  const detail::Padded padded(out.view());
  std::array<http::HeaderField, 16> slots;
  ResponseHead head(slots);
  ResponseParser parser;
  const HeadResult r = parser.parse_head(padded.view(), Method::get, head);
  ASSERT_EQ(r.state, ParseState::complete);
  EXPECT_FALSE(head.keep_alive);
  EXPECT_EQ(head.headers.get(HeaderId::content_type), "application/problem+json");
  EXPECT_EQ(
      parser.parse_body(padded.view().substr(r.size)).data,
      R"({"type":"about:blank","title":"Bad Request","status":400,"detail":"there is more than one Host field","code":"invalid_argument"})");
}

}  // namespace
}  // namespace weir::http1
