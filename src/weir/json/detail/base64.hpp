// Base64 with padding, RFC 4648 section 4.
#pragma once

#include <cstddef>
#include <string_view>

namespace weir::json::detail {

/// How many bytes a base64 text of that form decodes to; the text need not be valid.
[[nodiscard]] std::size_t base64_decoded_size(std::string_view text) noexcept;
/// Decodes into base64_decoded_size(text) bytes. False if the text is not base64 (also if bits behind the end are set).
[[nodiscard]] bool base64_decode(std::string_view text, std::byte* out) noexcept;
[[nodiscard]] constexpr std::size_t base64_encoded_size(std::size_t bytes) noexcept {
  return (bytes + 2) / 3 * 4;
}
void base64_encode(const std::byte* bytes, std::size_t size, char* out) noexcept;

}  // namespace weir::json::detail
