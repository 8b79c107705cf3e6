// Field names in lower case, as HTTP/2 writes them (RFC 9113 section 8.2).
#pragma once

#include <string_view>

#include "weir/http/header_id.hpp"

namespace weir::http2::detail {

/// The name of a well-known field in lower case; empty for `other`. Static storage.
std::string_view lower_name(http::HeaderId id) noexcept;

}  // namespace weir::http2::detail
