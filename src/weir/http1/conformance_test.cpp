// Requests that are taken and requests that are refused, each with the rule that says so. What is refused here is
// what request smuggling is made of: every case is a disagreement that some pair of servers once had.
#include <array>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "weir/http1/detail/padded.hpp"
#include "weir/http1/parser.hpp"

namespace weir::http1 {
namespace {

using E = ParseError;

struct Case {
  std::string_view rule;
  std::string_view input;
  ParseError error;
  std::string_view body = {};  // of an accepted request
};

// The error of the head or the body, and the body, when `piece` bytes come at a time.
std::pair<ParseError, std::string> run(std::string_view input, std::size_t piece) {
  std::array<http::HeaderField, 100> slots;
  RequestHead head(slots);
  RequestParser parser;
  HeadResult r;
  std::size_t n = 0;
  detail::Padded bytes("");
  while (r.state == ParseState::need_more) {
    if (n == input.size()) return {E::truncated, {}};
    n = std::min(n + piece, input.size());
    bytes = detail::Padded(input.substr(0, n));
    r = parser.parse_head(bytes.view(), head);
  }
  if (r.state == ParseState::error) return {r.error, {}};
  std::string body;
  std::size_t done = r.size;
  for (;;) {
    bytes = detail::Padded(input.substr(done, n - done));
    const BodyResult b = parser.parse_body(bytes.view());
    body += b.data;
    done += b.consumed;
    if (b.state != ParseState::need_more) return {b.error, body};
    if (!b.data.empty()) continue;
    if (n == input.size()) return {E::truncated, body};
    n = std::min(n + piece, input.size());
  }
}

void check(const Case& c) {
  for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, c.input.size()}) {
    const auto [error, body] = run(c.input, piece);
    EXPECT_EQ(to_string(error), to_string(c.error)) << c.rule << ", pieces of " << piece << ":\n" << c.input;
    if (c.error == E::none) {
      EXPECT_EQ(body, c.body) << c.rule << ":\n" << c.input;
    }
  }
}

#define HOST "Host: a\r\n"
#define CHUNKED "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"

using namespace std::string_view_literals;

TEST(Http1Conformance, RequestLine) {
  const Case cases[] = {
      {"9112 3: method SP target SP version", "GET / HTTP/1.1\r\n" HOST "\r\n", E::none},
      {"9112 2.2: one empty line before is ignored", "\r\nGET / HTTP/1.1\r\n" HOST "\r\n", E::none},
      {"9112 2.2: but not many", "\r\n\r\nGET / HTTP/1.1\r\n" HOST "\r\n", E::bad_line_ending},
      {"9112 2.2: nor a bare LF", "\nGET / HTTP/1.1\r\n" HOST "\r\n", E::bad_line_ending},
      {"9112 3: no white space before", " GET / HTTP/1.1\r\n" HOST "\r\n", E::bad_method},
      {"9112 3: one space", "GET  / HTTP/1.1\r\n" HOST "\r\n", E::bad_target},
      {"9112 3: one space", "GET /  HTTP/1.1\r\n" HOST "\r\n", E::bad_version},
      {"9112 3: no tab", "GET\t/ HTTP/1.1\r\n" HOST "\r\n", E::bad_method},
      {"9112 3: no tab", "GET /\tHTTP/1.1\r\n" HOST "\r\n", E::bad_target},
      {"9112 3: nothing behind the version", "GET / HTTP/1.1 \r\n" HOST "\r\n", E::bad_version},
      {"9110 9.1: the method is a token", "G(T / HTTP/1.1\r\n" HOST "\r\n", E::bad_method},
      {"9110 9.1: the method is a token", "G\x80T / HTTP/1.1\r\n" HOST "\r\n", E::bad_method},
      {"9110 9.1: any token", "M-SEARCH / HTTP/1.1\r\n" HOST "\r\n", E::none},
      {"a method has at most 32 bytes", "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFG / HTTP/1.1\r\n" HOST "\r\n", E::bad_method},
      {"9112 3: a target", "GET HTTP/1.1\r\n" HOST "\r\n", E::bad_version},
      {"9112 2.3: no HTTP/0.9", "GET /\r\n", E::bad_version},
      {"9112 2.3: version", "GET / HTTP/1\r\n" HOST "\r\n", E::bad_version},
      {"9112 2.3: version", "GET / HTTP/11\r\n" HOST "\r\n", E::bad_version},
      {"9112 2.3: version", "GET / HTTP/1.10\r\n" HOST "\r\n", E::bad_version},
      {"9112 2.3: version", "GET / HTTP/01.1\r\n" HOST "\r\n", E::bad_version},
      {"9112 2.3: case matters", "GET / http/1.1\r\n" HOST "\r\n", E::bad_version},
      {"9112 2.3: another protocol", "GET / HTCPCP/1.0\r\n" HOST "\r\n", E::bad_version},
      {"9110 2.5: higher minor", "GET / HTTP/1.9\r\n" HOST "\r\n", E::none},
      {"9110 15.6.6: major", "GET / HTTP/2.0\r\n" HOST "\r\n", E::unsupported_version},
      {"9110 15.6.6: major", "GET / HTTP/0.9\r\n" HOST "\r\n", E::unsupported_version},
      {"9112 2.2: bare LF", "GET / HTTP/1.1\n" HOST "\r\n", E::bad_line_ending},
      {"9112 2.2: bare CR", "GET / HTTP/1.1\rHost: a\r\n\r\n", E::bad_line_ending},
      {"9112 2.2: bare CR", "GET / HTTP/1.1\r\r\n" HOST "\r\n", E::bad_line_ending},
      {"TLS to a plain port", "\x16\x03\x01\x02\x00\x01", E::bad_method},
  };
  for (const Case& c : cases) check(c);
}

TEST(Http1Conformance, RequestTarget) {
  const Case cases[] = {
      {"9112 3.2.1: origin form", "GET /a/b?c=d&e HTTP/1.1\r\n" HOST "\r\n", E::none},
      {"9112 3.2.1: origin form", "GET //a HTTP/1.1\r\n" HOST "\r\n", E::none},
      {"9112 3.2.1: begins with a slash", "GET a HTTP/1.1\r\n" HOST "\r\n", E::bad_target},
      {"9112 3.2.1: begins with a slash", "GET ?a HTTP/1.1\r\n" HOST "\r\n", E::bad_target},
      {"9110 7.1: no fragment", "GET /a#b HTTP/1.1\r\n" HOST "\r\n", E::bad_target},
      {"3986: no control characters", "GET /a\x01 HTTP/1.1\r\n" HOST "\r\n", E::bad_target},
      {"3986: no NUL", "GET /a\0b HTTP/1.1\r\n" HOST "\r\n"sv, E::bad_target},
      {"3986: ASCII only", "GET /\xc3\xa4 HTTP/1.1\r\n" HOST "\r\n", E::bad_target},
      {"3986: no DEL", "GET /\x7f HTTP/1.1\r\n" HOST "\r\n", E::bad_target},
      {"what browsers send unencoded is let through", "GET /a?b[]={|}^\"<> HTTP/1.1\r\n" HOST "\r\n", E::none},
      {"9112 3.2.2: absolute form", "GET http://b.org:80/x?y HTTP/1.1\r\n" HOST "\r\n", E::none},
      {"9112 3.2.2: Host is still there", "GET http://b.org/ HTTP/1.1\r\n\r\n", E::missing_host},
      {"9110 4.2.1: a host", "GET http:///x HTTP/1.1\r\n" HOST "\r\n", E::bad_target},
      {"9110 4.2.4: no user information", "GET http://user:pw@b.org/ HTTP/1.1\r\n" HOST "\r\n", E::bad_target},
      {"only http and https", "GET ftp://b.org/ HTTP/1.1\r\n" HOST "\r\n", E::bad_target},
      {"only http and https", "GET file:///etc/passwd HTTP/1.1\r\n" HOST "\r\n", E::bad_target},
      {"9112 3.2.3: authority form", "CONNECT b.org:443 HTTP/1.1\r\n" HOST "\r\n", E::none},
      {"9112 3.2.3: with a port", "CONNECT b.org HTTP/1.1\r\n" HOST "\r\n", E::bad_target},
      {"9112 3.2.3: with a port", "CONNECT b.org: HTTP/1.1\r\n" HOST "\r\n", E::bad_target},
      {"9112 3.2.3: for CONNECT only", "GET b.org:443 HTTP/1.1\r\n" HOST "\r\n", E::bad_target},
      {"9112 3.2.3: nothing else for CONNECT", "CONNECT / HTTP/1.1\r\n" HOST "\r\n", E::bad_target},
      {"9112 3.2.4: asterisk form", "OPTIONS * HTTP/1.1\r\n" HOST "\r\n", E::none},
      {"9112 3.2.4: for OPTIONS only", "GET * HTTP/1.1\r\n" HOST "\r\n", E::bad_target},
      {"9112 3.2.4: alone", "OPTIONS *a HTTP/1.1\r\n" HOST "\r\n", E::bad_target},
  };
  for (const Case& c : cases) check(c);
}

TEST(Http1Conformance, Fields) {
  const Case cases[] = {
      {"9112 5: white space around the value", "GET / HTTP/1.1\r\nHost:\t a \t\r\n\r\n", E::none},
      {"9110 5.5: obs-text", "GET / HTTP/1.1\r\n" HOST "X: \xc3\xa4\xff\r\n\r\n", E::none},
      {"9110 5.5: a tab inside", "GET / HTTP/1.1\r\n" HOST "X: a\tb\r\n\r\n", E::none},
      {"9112 5.1: no space before the colon", "GET / HTTP/1.1\r\n" HOST "X : a\r\n\r\n", E::bad_field_name},
      {"9112 5.1: no space before the colon", "GET / HTTP/1.1\r\n" HOST "Content-Length : 3\r\n\r\nabc",
       E::bad_field_name},
      {"9112 5.1: no tab before the colon", "GET / HTTP/1.1\r\n" HOST "Transfer-Encoding\t: chunked\r\n\r\n",
       E::bad_field_name},
      {"9112 5: a name", "GET / HTTP/1.1\r\n" HOST ": a\r\n\r\n", E::bad_field_name},
      {"9112 5: a colon", "GET / HTTP/1.1\r\n" HOST "X\r\n\r\n", E::bad_field_name},
      {"9110 5.1: a token", "GET / HTTP/1.1\r\n" HOST "X(: a\r\n\r\n", E::bad_field_name},
      {"9110 5.1: a token", "GET / HTTP/1.1\r\n" HOST "X\x80: a\r\n\r\n", E::bad_field_name},
      {"9110 5.1: a token", "GET / HTTP/1.1\r\n" HOST "Content-Length\0: 3\r\n\r\n"sv, E::bad_field_name},
      {"9110 5.1: a token",
       "GET / HTTP/1.1\r\n" HOST "\x0b"
       "Content-Length: 3\r\n\r\n",
       E::bad_field_name},
      {"9112 5.2: no folding", "GET / HTTP/1.1\r\n" HOST "X: a\r\n b\r\n\r\n", E::folded_field},
      {"9112 5.2: no folding", "GET / HTTP/1.1\r\n" HOST "X: a\r\n\tb\r\n\r\n", E::folded_field},
      {"9112 2.2: nothing between start line and fields", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", E::bad_field_name},
      {"9112 2.2: bare LF", "GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n", E::bad_line_ending},
      {"9112 2.2: bare CR", "GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n", E::bad_line_ending},
      {"9112 2.2: LF LF", "GET / HTTP/1.1\r\nHost: a\r\n\n", E::bad_line_ending},
      {"9112 2.2: CR and something else at the end", "GET / HTTP/1.1\r\nHost: a\r\n\rX", E::bad_line_ending},
      {"9110 5.5: no NUL", "GET / HTTP/1.1\r\n" HOST "X: a\0b\r\n\r\n"sv, E::bad_field_value},
      {"9110 5.5: no control characters", "GET / HTTP/1.1\r\n" HOST "X: a\x01\r\n\r\n", E::bad_field_value},
      {"9110 5.5: no DEL", "GET / HTTP/1.1\r\n" HOST "X: a\x7f\r\n\r\n", E::bad_field_value},
      {"9110 5.5: no vertical tab",
       "GET / HTTP/1.1\r\n" HOST "Transfer-Encoding: \x0b"
       "chunked\r\n\r\n",
       E::bad_field_value},
  };
  for (const Case& c : cases) check(c);
}

TEST(Http1Conformance, Host) {
  const Case cases[] = {
      {"9112 3.2: it is there", "GET / HTTP/1.1\r\n\r\n", E::missing_host},
      {"9112 3.2: HTTP/1.0 need not", "GET / HTTP/1.0\r\n\r\n", E::none},
      {"9112 3.2: once", "GET / HTTP/1.1\r\n" HOST HOST "\r\n", E::repeated_host},
      {"9112 3.2: once, HTTP/1.0 too", "GET / HTTP/1.0\r\n" HOST "hOST: b\r\n\r\n", E::repeated_host},
      {"9110 4.2.1: not empty", "GET / HTTP/1.1\r\nHost:\r\n\r\n", E::bad_host},
      {"3986 3.2: port", "GET / HTTP/1.1\r\nHost: a:80\r\n\r\n", E::none},
      {"3986 3.2: port", "GET / HTTP/1.1\r\nHost: a:\r\n\r\n", E::none},
      {"3986 3.2: port", "GET / HTTP/1.1\r\nHost: a:8x\r\n\r\n", E::bad_host},
      {"3986 3.2: port", "GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n", E::bad_host},
      {"3986 3.2: port", "GET / HTTP/1.1\r\nHost: :80\r\n\r\n", E::bad_host},
      {"3986 3.2.2: name", "GET / HTTP/1.1\r\nHost: a_b-c.%41!org\r\n\r\n", E::none},
      {"3986 3.2.2: name", "GET / HTTP/1.1\r\nHost: a%4\r\n\r\n", E::bad_host},
      {"3986 3.2.2: name", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", E::bad_host},
      {"3986 3.2.2: name", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", E::bad_host},
      {"3986 3.2.2: name", "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", E::bad_host},
      {"3986 3.2.2: name", "GET / HTTP/1.1\r\nHost: a\\b\r\n\r\n", E::bad_host},
      {"one host, not a list", "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", E::bad_host},
      {"3986 3.2.2: IP literal", "GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", E::none},
      {"3986 3.2.2: IP literal", "GET / HTTP/1.1\r\nHost: [::ffff:1.2.3.4]\r\n\r\n", E::none},
      {"3986 3.2.2: IP literal", "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", E::bad_host},
      {"3986 3.2.2: IP literal", "GET / HTTP/1.1\r\nHost: [::1]a\r\n\r\n", E::bad_host},
      {"3986 3.2.2: IP literal", "GET / HTTP/1.1\r\nHost: []\r\n\r\n", E::bad_host},
  };
  for (const Case& c : cases) check(c);
}

TEST(Http1Conformance, ContentLength) {
  const Case cases[] = {
      {"9112 6.3: length", "POST / HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabcd", E::none, "abc"},
      {"9112 6.3: zero", "POST / HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\nabcd", E::none, ""},
      {"9112 6.3: none", "POST / HTTP/1.1\r\n" HOST "\r\nabcd", E::none, ""},
      {"9112 6.3: a GET may have a body", "GET / HTTP/1.1\r\n" HOST "content-LENGTH: 003\r\n\r\nabc", E::none, "abc"},
      {"9112 6.3: HTTP/1.0", "POST / HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc", E::none, "abc"},
      {"9110 8.6: digits", "POST / HTTP/1.1\r\n" HOST "Content-Length:\r\n\r\n", E::bad_content_length},
      {"9110 8.6: digits", "POST / HTTP/1.1\r\n" HOST "Content-Length: +3\r\n\r\nabc", E::bad_content_length},
      {"9110 8.6: digits", "POST / HTTP/1.1\r\n" HOST "Content-Length: -3\r\n\r\nabc", E::bad_content_length},
      {"9110 8.6: digits", "POST / HTTP/1.1\r\n" HOST "Content-Length: 0x3\r\n\r\nabc", E::bad_content_length},
      {"9110 8.6: digits", "POST / HTTP/1.1\r\n" HOST "Content-Length: 3 3\r\n\r\nabc", E::bad_content_length},
      {"9110 8.6: digits", "POST / HTTP/1.1\r\n" HOST "Content-Length: 3.0\r\n\r\nabc", E::bad_content_length},
      {"9110 8.6: digits", "POST / HTTP/1.1\r\n" HOST "Content-Length: \"3\"\r\n\r\nabc", E::bad_content_length},
      {"the largest", "POST / HTTP/1.1\r\n" HOST "Content-Length: 9223372036854775807\r\n\r\n", E::truncated},
      {"overflow", "POST / HTTP/1.1\r\n" HOST "Content-Length: 9223372036854775808\r\n\r\n", E::bad_content_length},
      {"overflow", "POST / HTTP/1.1\r\n" HOST "Content-Length: 18446744073709551619\r\n\r\nabc", E::bad_content_length},
      {"9112 6.3: different", "POST / HTTP/1.1\r\n" HOST "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
       E::repeated_content_length},
      {"9112 6.3: equal, refused here too",
       "POST / HTTP/1.1\r\n" HOST "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", E::repeated_content_length},
      {"9112 6.3: a list", "POST / HTTP/1.1\r\n" HOST "Content-Length: 3, 3\r\n\r\nabc", E::repeated_content_length},
      {"9112 6.3: a list", "POST / HTTP/1.1\r\n" HOST "Content-Length: 3,\r\n\r\nabc", E::repeated_content_length},
      {"9112 6.3: not enough", "POST / HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nab", E::truncated},
  };
  for (const Case& c : cases) check(c);
}

TEST(Http1Conformance, TransferEncoding) {
  const auto with = [](std::string_view fields, std::string_view version = "1.1") {
    return "POST / HTTP/" + std::string(version) + "\r\nHost: a\r\n" + std::string(fields) +
           "\r\n3\r\nabc\r\n0\r\n\r\n";
  };
  const struct {
    std::string_view rule, fields, version;
    ParseError error;
  } cases[] = {
      {"9112 6.1", "Transfer-Encoding: chunked\r\n", "1.1", E::none},
      {"9110 5.6.1: case, empty elements", "Transfer-Encoding: , ChunKed ,\r\n", "1.1", E::none},
      {"9112 6.1: CL.TE", "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", "1.1",
       E::length_and_transfer_encoding},
      {"9112 6.1: TE.CL", "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n", "1.1",
       E::length_and_transfer_encoding},
      {"9112 6.1: even if both are nonsense", "Transfer-Encoding: x\r\nContent-Length: y\r\n", "1.1",
       E::length_and_transfer_encoding},
      {"9112 6.1: not in HTTP/1.0", "Transfer-Encoding: chunked\r\n", "1.0", E::transfer_encoding_in_http_1_0},
      {"9112 6.1: chunked once", "Transfer-Encoding: chunked, chunked\r\n", "1.1", E::bad_transfer_encoding},
      {"9112 6.1: chunked once, in two fields", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "1.1",
       E::bad_transfer_encoding},
      {"9112 6.3: chunked last", "Transfer-Encoding: chunked, gzip\r\n", "1.1", E::bad_transfer_encoding},
      {"9112 6.3: chunked last", "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", "1.1",
       E::bad_transfer_encoding},
      {"9112 7: unknown codings", "Transfer-Encoding: gzip, chunked\r\n", "1.1", E::unsupported_transfer_coding},
      {"9112 7: unknown codings", "Transfer-Encoding: identity\r\n", "1.1", E::unsupported_transfer_coding},
      {"9112 7: unknown codings", "Transfer-Encoding: xchunked\r\n", "1.1", E::unsupported_transfer_coding},
      {"9112 7.1: no parameters", "Transfer-Encoding: chunked;q=1\r\n", "1.1", E::bad_transfer_encoding},
      {"a token", "Transfer-Encoding: \"chunked\"\r\n", "1.1", E::bad_transfer_encoding},
      {"a token", "Transfer-Encoding: chunk ed\r\n", "1.1", E::bad_transfer_encoding},
      {"9112 6.1: at least one", "Transfer-Encoding:\r\n", "1.1", E::bad_transfer_encoding},
      {"9112 6.1: at least one", "Transfer-Encoding: ,\r\n", "1.1", E::bad_transfer_encoding},
  };
  for (const auto& c : cases) check({c.rule, with(c.fields, c.version), c.error, "abc"});
}

TEST(Http1Conformance, Chunks) {
  const Case cases[] = {
      {"9112 7.1", CHUNKED "3\r\nabc\r\n0\r\n\r\nrest", E::none, "abc"},
      {"9112 7.1: case, zeros", CHUNKED "00A\r\n0123456789\r\n000\r\n\r\n", E::none, "0123456789"},
      {"9112 7.1: nothing", CHUNKED "0\r\n\r\n", E::none, ""},
      {"9112 7.1: a size", CHUNKED "\r\nabc\r\n0\r\n\r\n", E::bad_chunk_size},
      {"9112 7.1: hexadecimal", CHUNKED "0x3\r\nabc\r\n0\r\n\r\n", E::bad_chunk_size},
      {"9112 7.1: hexadecimal", CHUNKED "-3\r\nabc\r\n0\r\n\r\n", E::bad_chunk_size},
      {"9112 7.1: hexadecimal", CHUNKED "+3\r\nabc\r\n0\r\n\r\n", E::bad_chunk_size},
      {"9112 7.1: hexadecimal", CHUNKED "g\r\nabc\r\n0\r\n\r\n", E::bad_chunk_size},
      {"9112 7.1: hexadecimal", CHUNKED "3_0\r\nabc\r\n0\r\n\r\n", E::bad_chunk_size},
      {"9112 7.1: no space before", CHUNKED " 3\r\nabc\r\n0\r\n\r\n", E::bad_chunk_size},
      {"9112 7.1: no space behind", CHUNKED "3 \r\nabc\r\n0\r\n\r\n", E::bad_chunk_extension},
      {"overflow", CHUNKED "10000000000000003\r\nabc\r\n0\r\n\r\n", E::bad_chunk_size},
      {"overflow", CHUNKED "ffffffffffffffff\r\nabc\r\n0\r\n\r\n", E::bad_chunk_size},
      {"overflow of the sum", CHUNKED "1\r\na\r\n7fffffffffffffff\r\nabc\r\n0\r\n\r\n", E::bad_chunk_size},
      {"9112 2.2: bare LF", CHUNKED "3\nabc\r\n0\r\n\r\n", E::bad_line_ending},
      {"9112 2.2: bare CR", CHUNKED "3\rabc\r\n0\r\n\r\n", E::bad_line_ending},
      {"9112 2.2: bare LF behind an extension", CHUNKED "3;a\nabc\r\n0\r\n\r\n", E::bad_line_ending},
      {"9112 7.1: CR LF behind the data", CHUNKED "3\r\nabc0\r\n\r\n", E::bad_chunk_end},
      {"9112 7.1: CR LF behind the data", CHUNKED "3\r\nabc\n0\r\n\r\n", E::bad_chunk_end},
      {"9112 7.1: CR LF behind the data", CHUNKED "3\r\nabc\rX0\r\n\r\n", E::bad_chunk_end},
      {"9112 7.1: CR LF behind the data", CHUNKED "3\r\nabcd\r\n0\r\n\r\n", E::bad_chunk_end},
      {"9112 7.1.1: extensions", CHUNKED "3;a\r\nabc\r\n0;b=c;d=\"e;\\\"\xc3\"\r\n\r\n", E::none, "abc"},
      {"9112 7.1.1: bad white space", CHUNKED "3 ; a = b ;c\r\nabc\r\n0\r\n\r\n", E::none, "abc"},
      {"9112 7.1.1: bad white space", CHUNKED "3 ; a = b \r\nabc\r\n0\r\n\r\n", E::bad_chunk_extension},
      {"9112 7.1.1: a name", CHUNKED "3;\r\nabc\r\n0\r\n\r\n", E::bad_chunk_extension},
      {"9112 7.1.1: a name", CHUNKED "3;=a\r\nabc\r\n0\r\n\r\n", E::bad_chunk_extension},
      {"9112 7.1.1: a value", CHUNKED "3;a=\r\nabc\r\n0\r\n\r\n", E::bad_chunk_extension},
      {"9112 7.1.1: a value", CHUNKED "3;a=b c\r\nabc\r\n0\r\n\r\n", E::bad_chunk_extension},
      {"9112 7.1.1: quotes end", CHUNKED "3;a=\"b\r\nabc\r\n0\r\n\r\n", E::bad_chunk_extension},
      {"9112 7.1.1: nothing behind quotes", CHUNKED "3;a=\"b\"c\r\nabc\r\n0\r\n\r\n", E::bad_chunk_extension},
      {"9112 7.1.1: no control characters", CHUNKED "3;a=\"\x01\"\r\nabc\r\n0\r\n\r\n", E::bad_chunk_extension},
      {"9112 7.1: the last chunk", CHUNKED "3\r\nabc\r\n", E::truncated},
      {"9112 7.1: the empty line", CHUNKED "3\r\nabc\r\n0\r\n", E::truncated},
      {"9112 7.1.2: trailers", CHUNKED "0\r\nX: a\r\nY: b\r\n\r\n", E::none, ""},
      {"9112 7.1.2: trailers are fields", CHUNKED "0\r\nX : a\r\n\r\n", E::bad_trailer},
      {"9112 7.1.2: trailers are fields", CHUNKED "0\r\nGET / HTTP/1.1\r\n\r\n", E::bad_trailer},
      {"9112 7.1.2: no folding", CHUNKED "0\r\nX: a\r\n b\r\n\r\n", E::bad_trailer},
      {"9110 6.5.1: no framing in trailers", CHUNKED "0\r\nContent-Length: 3\r\n\r\n", E::bad_trailer},
      {"9110 6.5.1: no framing in trailers", CHUNKED "0\r\ntransfer-encoding: chunked\r\n\r\n", E::bad_trailer},
      {"9110 6.5.1: no routing in trailers", CHUNKED "0\r\nHost: b\r\n\r\n", E::bad_trailer},
      {"9110 6.5.1: no authentication in trailers", CHUNKED "0\r\nAuthorization: Basic x\r\n\r\n", E::bad_trailer},
  };
  for (const Case& c : cases) check(c);
}

TEST(Http1Conformance, EveryErrorHasAStatusAndASentence) {
  for (int i = 1; i <= static_cast<int>(E::truncated); ++i) {
    const auto error = static_cast<ParseError>(i);
    EXPECT_GE(to_code(status_of(error)), 400u) << to_string(error);
    EXPECT_FALSE(message_of(error).empty()) << to_string(error);
  }
  using http::Status;
  EXPECT_EQ(status_of(E::target_too_long), Status::uri_too_long);
  EXPECT_EQ(status_of(E::head_too_large), Status::request_header_fields_too_large);
  EXPECT_EQ(status_of(E::too_many_fields), Status::request_header_fields_too_large);
  EXPECT_EQ(status_of(E::body_too_large), Status::content_too_large);
  EXPECT_EQ(status_of(E::unsupported_transfer_coding), Status::not_implemented);
  EXPECT_EQ(status_of(E::unsupported_version), Status::http_version_not_supported);
  EXPECT_EQ(status_of(E::unsupported_expectation), Status::expectation_failed);
  EXPECT_EQ(status_of(E::length_and_transfer_encoding), Status::bad_request);
}

}  // namespace
}  // namespace weir::http1
