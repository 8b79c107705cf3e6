// Why received bytes are not a message, as one enum with one table.
#pragma once

#include <cstdint>
#include <string_view>

#include "weir/http/status.hpp"

namespace weir::http1 {

/// After any of these the connection's framing is lost: answer status_of(error) and close.
enum class ParseError : std::uint8_t {
  none,
  bad_method,
  bad_target,
  target_too_long,
  bad_version,
  unsupported_version,
  bad_line_ending,
  bad_field_name,
  folded_field,
  bad_field_value,
  head_too_large,
  too_many_fields,
  missing_host,
  repeated_host,
  bad_host,
  bad_content_length,
  repeated_content_length,
  bad_transfer_encoding,
  unsupported_transfer_coding,
  length_and_transfer_encoding,
  transfer_encoding_in_http_1_0,
  unsupported_expectation,
  bad_chunk_size,
  bad_chunk_extension,
  chunk_extensions_too_long,
  bad_chunk_end,
  bad_trailer,
  trailers_too_large,
  body_too_large,
  bad_status_line,
  truncated,
};

/// What to answer: 400, 413, 414, 417, 431, 501 or 505.
http::Status status_of(ParseError error) noexcept;
/// One sentence for a person: what was wrong, and what would be right. Static storage.
std::string_view message_of(ParseError error) noexcept;
/// The name in the enum: for logs and metrics. Static storage.
std::string_view to_string(ParseError error) noexcept;

}  // namespace weir::http1
