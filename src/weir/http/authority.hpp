// host [ ":" port ] as it stands in Host and in request targets (RFC 9110 section 7.2, RFC 3986 section 3.2).
#pragma once

#include <string_view>

namespace weir::http {

/// A non-empty host (name, IPv4 address or IP literal in brackets) with an optional port up to 65535. User information
/// ("user@") is refused (RFC 9110 section 4.2.4).
bool is_authority(std::string_view text) noexcept;
/// The same with a port that is not left out: the target of CONNECT.
bool is_authority_with_port(std::string_view text) noexcept;

}  // namespace weir::http
