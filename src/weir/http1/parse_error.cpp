#include "weir/http1/parse_error.hpp"

#include <array>
#include <cstddef>

namespace weir::http1 {
namespace {

using http::Status;

struct Row {
  std::string_view name;
  Status status;
  std::string_view message;
};

// In the order of ParseError.
constexpr std::array<Row, 31> rows = {{
    {"none", Status::ok, "no error"},
    {"bad_method", Status::bad_request, "the method is not a token of at most 32 characters"},
    {"bad_target", Status::bad_request,
     "the request target is not in origin form, absolute form (http or https), authority form (CONNECT) or asterisk "
     "form "
     "(OPTIONS), or has a character that must be percent-encoded"},
    {"target_too_long", Status::uri_too_long, "the request target is longer than this server allows"},
    {"bad_version", Status::bad_request, "the request line does not end in HTTP/1.1 or HTTP/1.0"},
    {"unsupported_version", Status::http_version_not_supported, "only HTTP/1.x is spoken here"},
    {"bad_line_ending", Status::bad_request, "a line ends in a bare CR or LF; it must end in CR LF"},
    {"bad_field_name", Status::bad_request,
     "a header line does not begin with a field name (a token) and a colon directly behind it"},
    {"folded_field", Status::bad_request, "a header field goes on over several lines (obsolete folding)"},
    {"bad_field_value", Status::bad_request, "a header value has a control character"},
    {"head_too_large", Status::request_header_fields_too_large, "the header section is larger than this server allows"},
    {"too_many_fields", Status::request_header_fields_too_large,
     "there are more header fields than this server allows"},
    {"missing_host", Status::bad_request, "an HTTP/1.1 request must have a Host field"},
    {"repeated_host", Status::bad_request, "there is more than one Host field"},
    {"bad_host", Status::bad_request, "the Host field is not a host name or address with an optional port"},
    {"bad_content_length", Status::bad_request, "Content-Length is not one decimal number below 2^63"},
    {"repeated_content_length", Status::bad_request, "there is more than one Content-Length"},
    {"bad_transfer_encoding", Status::bad_request, "Transfer-Encoding does not end in one chunked"},
    {"unsupported_transfer_coding", Status::not_implemented, "chunked is the only transfer coding supported"},
    {"length_and_transfer_encoding", Status::bad_request,
     "both Content-Length and Transfer-Encoding are there: the end of the body is ambiguous"},
    {"transfer_encoding_in_http_1_0", Status::bad_request, "HTTP/1.0 has no Transfer-Encoding"},
    {"unsupported_expectation", Status::expectation_failed, "the only expectation that is met is 100-continue"},
    {"bad_chunk_size", Status::bad_request, "a chunk size is not a hexadecimal number of at most 16 digits"},
    {"bad_chunk_extension", Status::bad_request, "a chunk extension is malformed"},
    {"chunk_extensions_too_long", Status::bad_request, "the chunk extensions of the body are longer than allowed"},
    {"bad_chunk_end", Status::bad_request, "the data of a chunk is not followed by CR LF"},
    {"bad_trailer", Status::bad_request, "a trailer field is malformed or one that may not be a trailer"},
    {"trailers_too_large", Status::request_header_fields_too_large, "the trailer section is larger than allowed"},
    {"body_too_large", Status::content_too_large, "the body is larger than this server allows here"},
    {"bad_status_line", Status::bad_gateway, "the response does not begin with a status line"},
    {"truncated", Status::bad_request, "the connection was closed before the message was complete"},
}};
static_assert(rows[static_cast<std::size_t>(ParseError::truncated)].name == "truncated");

const Row& row_of(ParseError error) noexcept {
  const auto i = static_cast<std::size_t>(error);
  return rows[i < rows.size() ? i : 0];
}

}  // namespace

Status status_of(ParseError error) noexcept {
  return row_of(error).status;
}
std::string_view message_of(ParseError error) noexcept {
  return row_of(error).message;
}
std::string_view to_string(ParseError error) noexcept {
  return row_of(error).name;
}

}  // namespace weir::http1
