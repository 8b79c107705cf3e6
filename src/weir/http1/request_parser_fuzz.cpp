// The request parser on any bytes: the result must not depend on how they are cut, nor on what lies behind them; views
// must lie within the input; the SIMD scan must agree with the plain one.
#include <array>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "weir/http1/detail/padded.hpp"
#include "weir/http1/detail/scan.hpp"
#include "weir/http1/parser.hpp"

namespace {

namespace http = weir::http;
namespace detail = weir::http1::detail;
using namespace weir::http1;
using detail::Padded;

void require(bool condition) {
  if (!condition) std::abort();
}

std::string run(std::string_view input, std::size_t piece, char fill) {
  std::array<http::HeaderField, 40> slots;
  std::array<http::HeaderField, 8> trailer_slots;
  RequestHead head(slots);
  ParserLimits limits;
  limits.max_target = 200;
  limits.max_head = 1000;
  limits.max_headers = 20;
  limits.body = {.max_body = 500, .max_chunk_extensions = 50, .max_trailer_bytes = 100};
  RequestParser parser(limits);
  Padded bytes("");
  std::size_t n = 0;
  HeadResult r;
  while (r.state == ParseState::need_more && n < input.size()) {
    n = std::min(n + piece, input.size());
    bytes = Padded(input.substr(0, n), fill);
    r = parser.parse_head(bytes.view(), head);
  }
  if (r.state != ParseState::complete) return std::string(to_string(r.error));
  require(r.size <= n);
  std::string out = std::to_string(r.size);
  const http::Request& q = head.request;
  for (const std::string_view text : {q.method_text, q.target, q.path, q.query, q.authority, q.scheme})
    out.append("|").append(text);
  for (const auto& field : q.headers) {
    require(http::is_token(field.name) && http::is_field_value(field.value));
    require(http::header_id(field.name) == field.id);
    out.append("\n").append(field.name).append("=").append(field.value);
  }
  require(!(q.headers.has(http::HeaderId::content_length) && q.headers.has(http::HeaderId::transfer_encoding)));
  out += head.keep_alive ? "k" : "c";
  parser.begin_body(head, limits.body.max_body, trailer_slots);
  std::size_t done = r.size;
  std::string body;
  for (;;) {
    bytes = Padded(input.substr(done, n - done), fill);
    const BodyResult b = parser.parse_body(bytes.view());
    require(b.consumed <= n - done);
    body += b.data;
    done += b.consumed;
    if (b.state == ParseState::error) return out + body + std::string(to_string(b.error));
    if (b.state == ParseState::complete) {
      require(body.size() == parser.body().received() && body.size() <= limits.body.max_body);
      for (const auto& field : parser.body().trailers())
        out.append("\n").append(field.name).append("=").append(field.value);
      return out + "\n" + body + std::to_string(done);
    }
    if (!b.data.empty()) continue;
    if (n == input.size()) return out + body + "more";
    n = std::min(n + piece, input.size());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), std::min<std::size_t>(size, 2000));
  const std::string whole = run(input, input.size() + 1, '\r');
  require(whole == run(input, 1, 'x'));
  require(whole == run(input, 1 + input.size() / 3, ' '));

  const Padded padded(input, ':');
  const char* end = padded.view().data() + padded.view().size();
  for (std::size_t i = 0; i < input.size(); i += 1 + i / 8) {
    const char* p = padded.view().data() + i;
    const char* query = nullptr;
    const char* plain_query = nullptr;
    require(detail::Scan::target_end(p, end, query) == detail::ScalarScan::target_end(p, end, plain_query));
    require(query == plain_query);
    require(detail::Scan::name_end(p, end) == detail::ScalarScan::name_end(p, end));
    require(detail::Scan::value_end(p, end) == detail::ScalarScan::value_end(p, end));
  }
  return 0;
}
