// The Vary field of a response.
#pragma once

#include <string_view>

#include "weir/http/headers.hpp"

namespace weir::middleware {

/// Says that the response depends on this request field too (RFC 9110 section 12.5.5), unless it says so already.
inline void add_vary(http::Headers& headers, std::string_view field) {
  bool there = false;
  if (headers.has(http::HeaderId::vary)) {
    for (const http::HeaderField line : headers) {
      if (line.id != http::HeaderId::vary) continue;
      http::for_each_token(line.value, [&](std::string_view token) {
        there = there || token == "*" || http::equals_ignoring_case(token, field);
      });
    }
  }
  if (!there) headers.add(http::HeaderId::vary, field);
}

}  // namespace weir::middleware
