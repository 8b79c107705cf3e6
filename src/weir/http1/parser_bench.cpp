// How long a request head takes to parse: `weir_http1_bench --benchmark_filter=ParseHead`.
#include <array>
#include <string_view>

#include <benchmark/benchmark.h>

#include "weir/http1/detail/padded.hpp"
#include "weir/http1/parser.hpp"

namespace weir::http1 {
namespace {

constexpr std::string_view wrk = "GET /json HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n";
constexpr std::string_view curl =
    "GET /users/42 HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nUser-Agent: curl/7.88.1\r\nAccept: */*\r\n\r\n";
constexpr std::string_view api =
    "POST /api/v1/users?dry_run=true HTTP/1.1\r\nHost: api.example.org\r\nUser-Agent: okhttp/4.12.0\r\n"
    "Accept: application/json\r\nContent-Type: application/json\r\nContent-Length: 52\r\n"
    "Authorization: Bearer eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N\r\n"
    "X-Request-ID: 4bf92f3577b34da6a3ce929d0e0e4736\r\n"
    "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n\r\n";
constexpr std::string_view browser =
    "GET /docs/index.html HTTP/1.1\r\nHost: localhost:8080\r\nConnection: keep-alive\r\n"
    "sec-ch-ua: \"Chromium\";v=\"124\", \"Not-A.Brand\";v=\"99\"\r\nsec-ch-ua-mobile: ?0\r\n"
    "sec-ch-ua-platform: \"Linux\"\r\nUpgrade-Insecure-Requests: 1\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 "
    "Safari/537.36\r\n"
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8\r\n"
    "Sec-Fetch-Site: none\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-User: ?1\r\nSec-Fetch-Dest: document\r\n"
    "Accept-Encoding: gzip, deflate, br, zstd\r\nAccept-Language: en-GB,en;q=0.9\r\n"
    "Cookie: session=0123456789abcdef0123456789abcdef; theme=dark\r\n\r\n";

void ParseHead(benchmark::State& state, std::string_view text) {
  const detail::Padded input(text);
  std::array<http::HeaderField, 100> slots;
  RequestHead head(slots);
  RequestParser parser;
  for (auto _ : state) {
    parser.reset();
    const HeadResult result = parser.parse_head(input.view(), head);
    if (result.state != ParseState::complete) state.SkipWithError("not parsed");
    benchmark::DoNotOptimize(head.request.path);
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * text.size()));
}
BENCHMARK_CAPTURE(ParseHead, wrk, wrk);
BENCHMARK_CAPTURE(ParseHead, curl, curl);
BENCHMARK_CAPTURE(ParseHead, api, api);
BENCHMARK_CAPTURE(ParseHead, browser, browser);

// The worst way to arrive: byte by byte.
void ParseHeadByteByByte(benchmark::State& state) {
  const detail::Padded input(browser);
  std::array<http::HeaderField, 100> slots;
  RequestHead head(slots);
  RequestParser parser;
  for (auto _ : state) {
    parser.reset();
    HeadResult result;
    for (std::size_t n = 1; n <= browser.size(); ++n) result = parser.parse_head(input.view().substr(0, n), head);
    if (result.state != ParseState::complete) state.SkipWithError("not parsed");
  }
}
BENCHMARK(ParseHeadByteByByte);

void ParseChunkedBody(benchmark::State& state) {
  std::string text;
  for (int i = 0; i < 16; ++i) text += "400\r\n" + std::string(1024, 'x') + "\r\n";
  text += "0\r\n\r\n";
  const detail::Padded input(text);
  for (auto _ : state) {
    BodyParser body;
    body.begin(Framing::chunked, 0, {});
    std::string_view rest = input.view();
    while (!body.complete()) rest.remove_prefix(body.parse(rest).consumed);
    benchmark::DoNotOptimize(rest);
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * text.size()));
}
BENCHMARK(ParseChunkedBody);

}  // namespace
}  // namespace weir::http1
