// HTTP-version (RFC 9112 section 2.3).
#pragma once

#include <cstddef>

#include "weir/http/message.hpp"
#include "weir/http1/parse_error.hpp"

namespace weir::http1::detail {

inline constexpr std::size_t version_size = 8;  // "HTTP/1.1"

/// Reads the `n` bytes at `p` as HTTP-version, in order: an error is found at its first byte. ParseError::truncated
/// when they end first.
ParseError parse_version(const char* p, std::size_t n, http::Version& version) noexcept;

}  // namespace weir::http1::detail
