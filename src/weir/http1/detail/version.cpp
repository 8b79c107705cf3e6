#include "weir/http1/detail/version.hpp"

#include <cstdint>
#include <cstring>
#include <string_view>

#include "weir/http/chars.hpp"

namespace weir::http1::detail {

ParseError parse_version(const char* p, std::size_t n, http::Version& version) noexcept {
  if (n >= version_size && std::memcmp(p, "HTTP/1.1", version_size) == 0) {
    version = http::Version::http_1_1;
    return ParseError::none;
  }
  static constexpr std::string_view prefix = "HTTP/";
  for (std::size_t i = 0; i < version_size; ++i) {
    if (i == n) return ParseError::truncated;
    const bool digit = http::chars::is(p[i], http::chars::digit);
    const bool good = i < prefix.size() ? p[i] == prefix[i] : i == 6 ? p[i] == '.' : digit;
    if (!good) return ParseError::bad_version;
  }
  if (p[5] != '1') return ParseError::unsupported_version;
  version = p[7] == '0' ? http::Version::http_1_0 : http::Version::http_1_1;
  return ParseError::none;
}

}  // namespace weir::http1::detail
