// JSON strings by hand: this module stands above json, and its problem details need no more than this.
#pragma once

#include <string_view>

#include "weir/base/buffer.hpp"

namespace weir::http::detail {

/// Appends `text` as a JSON string with its quotes (RFC 8259 section 7). Bytes that are not UTF-8 become U+FFFD.
void write_json_string(std::string_view text, Buffer& out);

}  // namespace weir::http::detail
