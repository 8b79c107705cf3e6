// Offers of extensions: whatever comes, what is agreed is within the limits, and its text is a field value.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "weir/http/headers.hpp"
#include "weir/websocket/extension.hpp"
#include "weir/websocket/handshake.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weir::websocket;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const bool keeps : {false, true}) {
    const DeflateLimits limits{
        .server_context = keeps, .client_context = keeps, .server_window_bits = 12, .client_window_bits = 10};
    const auto agreed = negotiate_deflate(text, limits);
    if (!agreed) continue;
    if (agreed->server_window_bits < 9 || agreed->server_window_bits > 12) std::abort();
    if (agreed->client_window_bits < 8 || agreed->client_window_bits > 15) std::abort();
    if (!keeps && (agreed->server_context || agreed->client_context)) std::abort();
    if (!weir::http::is_field_value(agreed->to_string())) std::abort();
  }
  const auto key = accept_key(text);
  if (!weir::http::is_field_value({key.data(), key.size()})) std::abort();
  return 0;
}
