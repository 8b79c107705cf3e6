// The response parser on any bytes, whole against byte by byte. The first byte picks the request's method.
#include <array>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "weir/http1/detail/padded.hpp"
#include "weir/http1/response_parser.hpp"

namespace {

namespace http = weir::http;
namespace detail = weir::http1::detail;
using namespace weir::http1;
using detail::Padded;

std::string run(std::string_view input, std::size_t piece, http::Method method) {
  std::array<http::HeaderField, 40> slots;
  ResponseHead head(slots);
  ParserLimits limits;
  limits.max_head = 1000;
  limits.body.max_body = 500;
  ResponseParser parser(limits);
  Padded bytes("");
  std::size_t n = 0;
  HeadResult r;
  while (r.state == ParseState::need_more && n < input.size()) {
    n = std::min(n + piece, input.size());
    bytes = Padded(input.substr(0, n), 'x');
    r = parser.parse_head(bytes.view(), method, head);
  }
  if (r.state != ParseState::complete) return std::string(to_string(r.error));
  std::string out = std::to_string(r.size) + std::string(head.reason) + std::to_string(http::to_code(head.status));
  for (const auto& field : head.headers) out.append("\n").append(field.name).append("=").append(field.value);
  std::size_t done = r.size;
  for (;;) {
    bytes = Padded(input.substr(done, n - done), 'x');
    BodyResult b = parser.parse_body(bytes.view());
    if (b.state == ParseState::need_more && b.data.empty() && n == input.size()) b = parser.close();
    if (b.consumed > n - done) std::abort();
    // Until close, an error comes with the piece that goes over the limit: what came before it differs by the cut.
    if (b.state == ParseState::error)
      return head.framing == Framing::until_close ? out : out + std::string(to_string(b.error));
    out += b.data;
    done += b.consumed;
    if (b.state == ParseState::complete) return out;
    if (b.data.empty()) n = std::min(n + piece, input.size());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto method = static_cast<http::Method>(data[0] % http::method_count);
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, std::min<std::size_t>(size - 1, 2000));
  const std::string whole = run(input, input.size() + 1, method);
  const std::string split = run(input, 1, method);
  // A body until close over the limit is cut at different places; everything else is the same.
  if (whole != split && !split.starts_with(whole) && !whole.starts_with(split)) std::abort();
  return 0;
}
