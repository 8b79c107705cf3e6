// What Content-Length, Transfer-Encoding and Connection say, the same way for requests and responses.
#pragma once

#include <cstdint>
#include <string_view>

#include "weir/http/headers.hpp"
#include "weir/http/message.hpp"
#include "weir/http1/body_parser.hpp"
#include "weir/http1/parse_error.hpp"

namespace weir::http1::detail {

/// Content-Length: digits only, below 2^63, in one field (RFC 9112 section 6.3, rule 5: anything else is an
/// unrecoverable error; a list of equal values is refused as well).
ParseError parse_content_length(const http::HeaderView& headers, std::uint64_t& length) noexcept;

/// Transfer-Encoding: exactly `chunked` (RFC 9112 section 6.1). Other codings are unsupported; chunked twice, before
/// another coding or with parameters is malformed.
ParseError parse_transfer_encoding(const http::HeaderView& headers) noexcept;

/// What both together say about the body: none (nothing is said), length or chunked. Refused are both at once and a
/// coding in HTTP/1.0, which does not know them (section 6.1): peers that read such a message differently make room for
/// smuggled ones.
ParseError parse_framing(http::Version version, const http::HeaderView& headers, Framing& framing,
                         std::uint64_t& length) noexcept;

/// Whether the connection may stay open (RFC 9112 section 9.3), by version and Connection.
bool keeps_alive(http::Version version, const http::HeaderView& headers) noexcept;

}  // namespace weir::http1::detail
