// Media types (RFC 9110 section 8.3.1).
#pragma once

#include <optional>
#include <string_view>

namespace weir::http {

/// `type/subtype; parameters`. Views into the text it was parsed from.
struct MediaType {
  std::string_view type;
  std::string_view subtype;
  std::string_view parameters;  ///< Everything behind the first ';', as it stands there.

  /// "application/json" in this spelling whatever the case; parameters do not matter.
  [[nodiscard]] bool is(std::string_view type_and_subtype) const noexcept;
  /// application/json, and every subtype that ends in "+json" (RFC 6839 section 3.1).
  [[nodiscard]] bool is_json() const noexcept;
  /// The value of a parameter without its quotes; nothing when it is not there. (Escapes inside of quotes stay.)
  [[nodiscard]] std::optional<std::string_view> parameter(std::string_view name) const noexcept;
};

/// Nothing when it is no media type. A malformed parameter section is noticed by parameter() only.
std::optional<MediaType> parse_media_type(std::string_view text) noexcept;

/// The media type of a file by the extension of its name, with a charset for text; "application/octet-stream" for
/// unknown ones. Static storage.
std::string_view media_type_of_file(std::string_view name) noexcept;

/// Whether content of this type becomes much smaller by compression (text, JSON, XML, SVG, WASM, fonts that are not
/// compressed already).
bool is_compressible(std::string_view media_type) noexcept;

}  // namespace weir::http
