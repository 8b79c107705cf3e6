// What a 304 no longer says about the answer that it stands for.
#pragma once

#include <cstddef>
#include <string_view>

namespace weir::middleware {

/// Kept with the request when etag() has turned an answer into a 304: compress() needs it to say the same about Vary
/// and the entity tag as it would have said of the whole answer (RFC 9110 section 15.4.5).
struct NotModifiedBody {
  std::string_view content_type;  ///< Lives as long as the exchange.
  std::size_t size = 0;
};

}  // namespace weir::middleware
