// Proactive content negotiation (RFC 9110 section 12.5).
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

#include "weir/http/headers.hpp"

namespace weir::http {

/// The offer (a media type, "application/json") that Accept prefers: the one of the highest weight; among equals the
/// first, so put the default first. An absent or empty Accept accepts everything. Nothing when no offer is accepted
/// (406). Malformed elements are left out. More specific ranges go before less specific ones, whatever their order.
std::optional<std::size_t> negotiate_media_type(const HeaderView& headers,
                                                std::span<const std::string_view> offers) noexcept;

/// The coding of `offers` ("br", "gzip" …, in the server's order of preference) that Accept-Encoding prefers; nothing
/// means identity: no field, no offer accepted, or identity preferred.
std::optional<std::size_t> negotiate_encoding(const HeaderView& headers,
                                              std::span<const std::string_view> offers) noexcept;

/// The language of `offers` ("en", "de-CH" …) that Accept-Language prefers, by the basic filtering of RFC 4647 section
/// 3.3.1 (a range "de" takes "de-CH") and, failing that, by lookup (a range "de-CH" takes "de"). Nothing: no
/// preference.
std::optional<std::size_t> negotiate_language(const HeaderView& headers,
                                              std::span<const std::string_view> offers) noexcept;

/// Weights run from 0 (not acceptable) to 1000.
using Quality = unsigned;
/// The weight that Accept gives to one media type; 1000 without the field.
Quality quality_of_media_type(const HeaderView& headers, std::string_view media_type) noexcept;

}  // namespace weir::http
