// The PROXY header: whole and byte by byte must agree, and what is complete must lie within the input.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "weir/net/proxy_protocol.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using weir::net::ProxyHeader;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const ProxyHeader whole = weir::net::parse_proxy_header(bytes);
  if (whole.state == ProxyHeader::State::complete && whole.size > size) std::abort();
  for (std::size_t part = 0; part <= size; ++part) {
    const ProxyHeader step = weir::net::parse_proxy_header(bytes.substr(0, part));
    if (step.state == ProxyHeader::State::need_more) continue;
    // The first verdict is the last.
    if (step.state != whole.state || step.size != whole.size || step.has_addresses != whole.has_addresses) std::abort();
    if (step.has_addresses && !(step.source == whole.source)) std::abort();
    return 0;
  }
  if (whole.state != ProxyHeader::State::need_more) std::abort();
  return 0;
}
