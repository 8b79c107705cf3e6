#include "weir/http1/detail/framing.hpp"

#include "weir/http/chars.hpp"

namespace weir::http1::detail {

using http::HeaderId;

ParseError parse_content_length(const http::HeaderView& headers, std::uint64_t& length) noexcept {
  if (headers.count(HeaderId::content_length) != 1) return ParseError::repeated_content_length;
  const std::string_view text = headers.get(HeaderId::content_length);
  if (text.empty()) return ParseError::bad_content_length;
  std::uint64_t value = 0;
  for (const char c : text) {
    if (c == ',') return ParseError::repeated_content_length;
    if (!http::chars::is(c, http::chars::digit)) return ParseError::bad_content_length;
    const auto digit = static_cast<std::uint64_t>(c - '0');
    if (value > ((std::uint64_t{1} << 63) - 1 - digit) / 10) return ParseError::bad_content_length;
    value = value * 10 + digit;
  }
  length = value;
  return ParseError::none;
}

ParseError parse_transfer_encoding(const http::HeaderView& headers) noexcept {
  unsigned chunked = 0;
  unsigned others = 0;
  unsigned malformed = 0;
  bool last_is_chunked = false;
  headers.each(HeaderId::transfer_encoding, [&](std::string_view value) {
    http::for_each_token(value, [&](std::string_view coding) {
      last_is_chunked = http::equals_ignoring_case(coding, "chunked");
      if (last_is_chunked) {
        ++chunked;
      } else if (http::is_token(coding)) {
        ++others;
      } else {
        ++malformed;
      }
    });
  });
  if (malformed != 0) return ParseError::bad_transfer_encoding;
  if (chunked > 1 || (chunked == 1 && !last_is_chunked)) return ParseError::bad_transfer_encoding;
  // A known last coding but unknown ones inside it, or unknown ones alone.
  if (others != 0) return ParseError::unsupported_transfer_coding;
  return chunked == 1 ? ParseError::none : ParseError::bad_transfer_encoding;
}

ParseError parse_framing(http::Version version, const http::HeaderView& headers, Framing& framing,
                         std::uint64_t& length) noexcept {
  framing = Framing::none;
  length = 0;
  if (headers.has(http::HeaderId::transfer_encoding)) {
    if (version == http::Version::http_1_0) return ParseError::transfer_encoding_in_http_1_0;
    if (headers.has(http::HeaderId::content_length)) return ParseError::length_and_transfer_encoding;
    framing = Framing::chunked;
    return parse_transfer_encoding(headers);
  }
  if (headers.has(http::HeaderId::content_length)) {
    framing = Framing::length;
    return parse_content_length(headers, length);
  }
  return ParseError::none;
}

bool keeps_alive(http::Version version, const http::HeaderView& headers) noexcept {
  if (headers.has_token(HeaderId::connection, "close")) return false;
  return version == http::Version::http_1_1 || headers.has_token(HeaderId::connection, "keep-alive");
}

}  // namespace weir::http1::detail
