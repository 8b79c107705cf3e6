// base64url without padding (RFC 4648 section 5, RFC 7515 appendix C), the strict way.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace weir::middleware {

/// How many bytes decode_base64url() writes at most.
constexpr std::size_t decoded_size(std::size_t text_size) noexcept {
  return text_size / 4 * 3 + text_size % 4;
}

/// Decodes into `out`, which has room for decoded_size(text.size()) bytes, and returns how many it wrote. Nothing for a
/// character outside the alphabet (so for padding and line breaks too), for a length that no bytes have, and for unused
/// bits that are not zero: every sequence of bytes has exactly one text, so a token cannot be respelled.
std::optional<std::size_t> decode_base64url(std::string_view text, char* out) noexcept;

/// The same, as a string.
std::optional<std::string> decode_base64url(std::string_view text);

std::string encode_base64url(std::string_view bytes);

}  // namespace weir::middleware
