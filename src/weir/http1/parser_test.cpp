#include "weir/http1/parser.hpp"

#include <array>
#include <memory>
#include <optional>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "weir/http1/detail/padded.hpp"

namespace weir::http1 {
namespace {

using detail::Padded;
using http::HeaderId;
using http::Method;
using http::Version;

// Everything that a parse of one request found, as text: so that two parses can be compared.
std::string describe(const RequestHead& head, std::size_t size) {
  const http::Request& r = head.request;
  std::ostringstream out;
  out << "head " << size << ' ' << r.method_text << '/' << static_cast<int>(r.method) << " target=" << r.target
      << " path=" << r.path << " query=" << r.has_query << r.query << " authority=" << r.authority
      << " scheme=" << r.scheme << ' ' << to_string(r.version) << " framing=" << static_cast<int>(head.framing) << ' '
      << head.content_length << " keep=" << head.keep_alive << " expect=" << head.expect_continue
      << " upgrade=" << head.upgrade << '\n';
  for (const auto& field : r.headers) {
    out << static_cast<int>(field.id) << ' ' << field.name << '=' << field.value << '\n';
  }
  return out.str();
}

// Feeds `input` in pieces that end at `cuts` (and the rest), each time from memory at another address.
std::string run(std::string_view input, const std::vector<std::size_t>& cuts, const ParserLimits& limits = {}) {
  std::array<http::HeaderField, 100> slots;
  std::array<http::HeaderField, 20> trailer_slots;
  RequestHead head(slots);
  RequestParser parser(limits);
  parser.reset();
  std::string result;
  std::string body;
  std::size_t done = 0;  // bytes of the head and the body that are behind us
  bool in_body = false;
  std::vector<std::size_t> ends = cuts;
  ends.push_back(input.size());
  std::unique_ptr<Padded> previous;  // views must not be read after a move: they point into freed memory then
  for (const std::size_t end : ends) {
    auto padded = std::make_unique<Padded>(input.substr(done, end - done), static_cast<char>('a' + end % 20));
    std::string_view bytes = padded->view();
    if (!in_body) {
      const HeadResult r = parser.parse_head(bytes, head);
      if (r.state == ParseState::error) return result + "error " + std::string(to_string(r.error));
      if (r.state == ParseState::complete) {
        result += describe(head, r.size);
        in_body = true;
        parser.begin_body(head, limits.body.max_body, trailer_slots);
        bytes.remove_prefix(r.size);
        done += r.size;
      }
    }
    while (in_body) {
      const BodyResult r = parser.parse_body(bytes);
      body += r.data;
      done += r.consumed;
      bytes.remove_prefix(r.consumed);
      if (r.state == ParseState::error) return result + "body=" + body + " error " + std::string(to_string(r.error));
      if (r.state == ParseState::complete) {
        result += "body=" + body + " rest=" + std::to_string(input.size() - done);
        for (const auto& field : parser.body().trailers()) {
          result += '\n';
          result += field.name;
          result += '=';
          result += field.value;
        }
        return result;
      }
      if (r.data.empty()) break;
    }
    previous = std::move(padded);
  }
  return result + "body=" + body + " need_more";
}

std::vector<std::size_t> every_byte(std::size_t size) {
  std::vector<std::size_t> cuts(size);
  for (std::size_t i = 0; i < size; ++i) cuts[i] = i;
  return cuts;
}

// The error of a request, or none.
ParseError error_of(std::string_view input, const ParserLimits& limits = {}) {
  std::array<http::HeaderField, 100> slots;
  RequestHead head(slots);
  RequestParser parser(limits);
  const Padded padded(input);
  const HeadResult r = parser.parse_head(padded.view(), head);
  if (r.state != ParseState::complete) return r.error;
  std::string_view rest = padded.view().substr(r.size);
  for (;;) {
    const BodyResult body = parser.parse_body(rest);
    if (body.state != ParseState::need_more || body.data.empty()) return body.error;
    rest.remove_prefix(body.consumed);
  }
}

struct Parsed {
  explicit Parsed(std::string_view input, const ParserLimits& limits = {})
      : padded(input), parser(limits), head(slots) {
    result = parser.parse_head(padded.view(), head);
  }
  Padded padded;
  std::array<http::HeaderField, 100> slots;
  RequestParser parser;
  RequestHead head;
  HeadResult result;
};

TEST(RequestParser, TakesARequestApart) {
  const Parsed p("GET /a/b?x=1&y HTTP/1.1\r\nHost: example.org:80\r\nuser-agent:  curl/8 \t\r\nX-Empty:\r\n\r\nrest");
  ASSERT_EQ(p.result.state, ParseState::complete);
  EXPECT_EQ(p.padded.view().substr(p.result.size), "rest");
  const http::Request& r = p.head.request;
  EXPECT_EQ(r.method, Method::get);
  EXPECT_EQ(r.method_text, "GET");
  EXPECT_EQ(r.target, "/a/b?x=1&y");
  EXPECT_EQ(r.path, "/a/b");
  EXPECT_EQ(r.query, "x=1&y");
  EXPECT_EQ(r.authority, "example.org:80");
  EXPECT_EQ(r.version, Version::http_1_1);
  ASSERT_EQ(r.headers.size(), 3u);
  EXPECT_EQ(r.headers.get(HeaderId::user_agent), "curl/8");
  EXPECT_EQ(r.headers.find("User-Agent")->name, "user-agent");
  ASSERT_NE(r.headers.find("x-empty"), nullptr);
  EXPECT_EQ(r.headers.find("x-empty")->value, "");
  EXPECT_EQ(r.headers.find("x-absent"), nullptr);
  EXPECT_EQ(p.head.framing, Framing::none);
  EXPECT_TRUE(p.head.keep_alive);
}

TEST(RequestParser, ParsesPipelinedRequestsOneAfterTheOther) {
  const Padded input("POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcGET /2 HTTP/1.1\r\nHost: a\r\n\r\n");
  std::array<http::HeaderField, 16> slots;
  RequestHead head(slots);
  RequestParser parser;
  std::string_view bytes = input.view();
  HeadResult r = parser.parse_head(bytes, head);
  ASSERT_EQ(r.state, ParseState::complete);
  bytes.remove_prefix(r.size);
  const BodyResult body = parser.parse_body(bytes);
  EXPECT_EQ(body.state, ParseState::complete);
  EXPECT_EQ(body.data, "abc");
  bytes.remove_prefix(body.consumed);
  parser.reset();
  EXPECT_TRUE(parser.idle());
  r = parser.parse_head(bytes, head);
  ASSERT_EQ(r.state, ParseState::complete);
  EXPECT_EQ(head.request.path, "/2");
  EXPECT_EQ(head.framing, Framing::none);
  EXPECT_EQ(parser.parse_body(bytes.substr(r.size)).state, ParseState::complete);
}

TEST(RequestParser, DecidesAboutTheConnection) {
  const auto keeps = [](std::string_view head) { return Parsed(head).head.keep_alive; };
  EXPECT_TRUE(keeps("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
  EXPECT_FALSE(keeps("GET / HTTP/1.1\r\nHost: a\r\nConnection: x, Close\r\n\r\n"));
  EXPECT_FALSE(keeps("GET / HTTP/1.1\r\nHost: a\r\nConnection: x\r\nConnection: close\r\n\r\n"));
  EXPECT_FALSE(keeps("GET / HTTP/1.0\r\n\r\n"));
  EXPECT_TRUE(keeps("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"));
  EXPECT_FALSE(keeps("GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n"));
  EXPECT_TRUE(Parsed("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n").head.upgrade);
  EXPECT_FALSE(Parsed("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n").head.upgrade);
}

TEST(RequestParser, SeesExpectContinueWhereABodyIsExpected) {
  EXPECT_TRUE(
      Parsed("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nExpect: 100-Continue\r\n\r\n").head.expect_continue);
  EXPECT_FALSE(Parsed("PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n").head.expect_continue);
  EXPECT_FALSE(Parsed("PUT / HTTP/1.0\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n").head.expect_continue);
  EXPECT_EQ(error_of("PUT / HTTP/1.1\r\nHost: a\r\nExpect: wonders\r\n\r\n"), ParseError::unsupported_expectation);
}

TEST(RequestParser, TakesTargetsOfEveryForm) {
  const Parsed absolute("GET HTTP://other.org:8080?q=/ HTTP/1.1\r\nHost: example.org\r\n\r\n");
  EXPECT_EQ(absolute.head.request.scheme, "HTTP");
  EXPECT_EQ(absolute.head.request.authority, "other.org:8080");
  EXPECT_EQ(absolute.head.request.path, "/");
  EXPECT_EQ(absolute.head.request.query, "q=/");
  const Parsed path("GET https://[::1]/p/q HTTP/1.1\r\nHost: example.org\r\n\r\n");
  EXPECT_EQ(path.head.request.authority, "[::1]");
  EXPECT_EQ(path.head.request.path, "/p/q");
  EXPECT_FALSE(path.head.request.has_query);
  EXPECT_EQ(Parsed("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n").head.request.path, "*");
  EXPECT_EQ(Parsed("OPTIONS http://a HTTP/1.1\r\nHost: a\r\n\r\n").head.request.path, "*");
  const Parsed connect("CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n\r\n");
  EXPECT_EQ(connect.head.request.authority, "example.org:443");
  EXPECT_EQ(connect.head.request.path, "");
}

TEST(RequestParser, TellsAnEmptyQueryFromNone) {
  EXPECT_TRUE(Parsed("GET /a? HTTP/1.1\r\nHost: a\r\n\r\n").head.request.has_query);
  EXPECT_FALSE(Parsed("GET /a HTTP/1.1\r\nHost: a\r\n\r\n").head.request.has_query);
}

TEST(RequestParser, KeepsUnknownMethods) {
  const Parsed p("PROPFIND / HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(p.head.request.method, Method::other);
  EXPECT_EQ(p.head.request.method_text, "PROPFIND");
  EXPECT_EQ(Parsed("get / HTTP/1.1\r\nHost: a\r\n\r\n").head.request.method, Method::other);
}

TEST(RequestParser, TakesHigherMinorVersionsAsHttp11) {
  EXPECT_EQ(Parsed("GET / HTTP/1.2\r\nHost: a\r\n\r\n").head.request.version, Version::http_1_1);
}

TEST(RequestParser, UnframesChunksAndTheirTrailers) {
  const std::string input =
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: x-sum\r\n\r\n"
      "5\r\nhello\r\n00A;name=value;q=\"a;\\\"\"\r\n, world!!!\r\n0\r\nX-Sum: 15\r\nX-Other: b\r\n\r\nGET";
  const std::string whole = run(input, {});
  EXPECT_NE(whole.find("body=hello, world!!! rest=3\nX-Sum=15\nX-Other=b"), std::string::npos) << whole;
  EXPECT_EQ(run(input, every_byte(input.size())), whole);
}

TEST(RequestParser, DropsTrailersWithoutSlots) {
  EXPECT_EQ(error_of("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: 1\r\n\r\n"),
            ParseError::none);
}

TEST(RequestParser, LimitsWhatItTakes) {
  ParserLimits limits;
  limits.max_target = 10;
  limits.max_head = 100;
  limits.max_headers = 3;
  limits.body.max_body = 4;
  limits.body.max_chunk_extensions = 8;
  limits.body.max_trailer_bytes = 16;
  const std::string chunked = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  const struct {
    std::string input;
    ParseError error;
  } cases[] = {
      {"GET /234567890 HTTP/1.1\r\nHost: a\r\n\r\n", ParseError::none},
      {"GET /2345678901 HTTP/1.1\r\nHost: a\r\n\r\n", ParseError::target_too_long},
      {"GET /2345678901234567890", ParseError::target_too_long},
      {"GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(68, 'x') + "\r\n\r\n", ParseError::none},
      {"GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(69, 'x') + "\r\n\r\n", ParseError::head_too_large},
      {"GET / HTTP/1.1\r\nHost: a\r\nA: \r\nB: \r\n\r\n", ParseError::none},
      {"GET / HTTP/1.1\r\nHost: a\r\nA: \r\nB: \r\nC: \r\n\r\n", ParseError::too_many_fields},
      {"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n1234", ParseError::none},
      {"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n12345", ParseError::body_too_large},
      {chunked + "3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n", ParseError::none},
      {chunked + "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", ParseError::body_too_large},
      {chunked + "1;234567=\r\na\r\n0\r\n\r\n", ParseError::bad_chunk_extension},
      {chunked + "1;a345678\r\na\r\n0\r\n\r\n", ParseError::none},
      {chunked + "1;a3456789\r\na\r\n0\r\n\r\n", ParseError::chunk_extensions_too_long},
      {chunked + "1;a345\r\na\r\n1;b3456\r\na\r\n0\r\n\r\n", ParseError::chunk_extensions_too_long},
      {chunked + "0\r\nA: 8901234567\r\n\r\n", ParseError::trailers_too_large},
      {chunked + "0\r\nA: 890123\r\n\r\n", ParseError::none},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(to_string(error_of(c.input, limits)), to_string(c.error)) << c.input;
    EXPECT_EQ(run(c.input, {}, limits), run(c.input, every_byte(c.input.size()), limits)) << c.input;
  }
}

TEST(RequestParser, SaysTheSameForEveryCut) {
  const std::string inputs[] = {
      "\r\nPOST /path/of/some/length?and=a&query HTTP/1.1\r\nHost: example.org\r\nContent-Length: "
      "5\r\nX-Long-Unknown-Name: "
      "some value that is longer than one vector\r\nAccept: */*\r\n\r\nhelloGET / HTTP/1.1",
      "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: "
      "chunked\r\n\r\n1;x=\"\\\"\"\r\na\r\n10\r\n0123456789abcdef\r\n0\r\nT: v\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a\r\n Folded: x\r\n\r\n",
      "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
      "GET / HTTP/2.0\r\nHost: a\r\n\r\n",
      "GET /\x80 HTTP/1.1\r\nHost: a\r\n\r\n",
  };
  for (const std::string& input : inputs) {
    const std::string whole = run(input, {});
    EXPECT_EQ(run(input, every_byte(input.size())), whole);
    for (std::size_t i = 0; i < input.size(); ++i)
      EXPECT_EQ(run(input, {i}), whole) << "cut at " << i << " of " << input;
  }
}

TEST(RequestParser, SaysTheSameForRandomCutsOfDamagedInput) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const std::string good =
      "POST /a?b HTTP/1.1\r\nHost: example.org\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
      "3;a=b\r\nabc\r\n0\r\nT: v\r\n\r\n";
  static constexpr char interesting[] = "\r\n \t:;,?#\"\0\x7f\x80/0f";
  for (int i = 0; i < 20000; ++i) {
    std::string input = good;
    for (unsigned n = random() % 3; n != 0; --n) {
      const std::size_t at = random() % input.size();
      const char c = interesting[random() % (sizeof interesting - 1)];
      if (random() % 2 == 0) {
        input[at] = c;
      } else {
        input.insert(at, 1, c);
      }
    }
    std::vector<std::size_t> cuts;
    for (std::size_t at = random() % 20; at < input.size(); at += random() % 20) cuts.push_back(at);
    ASSERT_EQ(run(input, cuts), run(input, {})) << input;
  }
}

TEST(RequestParser, MovesTheViewsOfACompleteHead) {
  Parsed p("GET http://h/p?q HTTP/1.1\r\nHost: a\r\nAccept: */*\r\n\r\n");
  ASSERT_EQ(p.result.state, ParseState::complete);
  const std::string before = describe(p.head, p.result.size);
  const Padded copy(p.padded.view());
  RequestParser::rebase(p.head, p.padded.view().data(), copy.view().data());
  p.padded = Padded("");
  EXPECT_EQ(describe(p.head, p.result.size), before);
}

TEST(BodyParser, ReadsUntilTheCloseWhereNothingElseIsSaid) {
  BodyParser body;
  body.begin(Framing::until_close, 0, {});
  EXPECT_EQ(body.parse("abc").data, "abc");
  EXPECT_EQ(body.close().state, ParseState::complete);
  body.begin(Framing::length, 2, {});
  EXPECT_EQ(body.parse("a").state, ParseState::need_more);
  EXPECT_EQ(body.close().error, ParseError::truncated);
}

}  // namespace
}  // namespace weir::http1
