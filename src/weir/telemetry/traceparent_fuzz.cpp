// Any bytes as traceparent, tracestate and request id: what is accepted must survive a round trip.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "weir/telemetry/trace.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto context = weir::parse_traceparent(text)) {
    char again[weir::TraceContext::traceparent_size];
    weir::format_traceparent(*context, again);
    const std::string_view formatted(again, sizeof again);
    if (weir::parse_traceparent(formatted) != context) std::abort();
    if (text.substr(3, 49) != formatted.substr(3, 49)) std::abort();
  }
  if (weir::valid_tracestate(text)) {
    if (text.size() > 512 || text.find('=') == std::string_view::npos) std::abort();
    for (const char c : text) {
      if ((c < 0x20 && c != '\t') || c > 0x7e) std::abort();
    }
  }
  if (weir::valid_request_id(text) && text.find_first_of("\r\n \"\\") != std::string_view::npos) std::abort();
  return 0;
}
