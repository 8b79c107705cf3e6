#include "weir/http/header_id.hpp"

#include <array>
#include <cstring>

#include "weir/http/chars.hpp"

namespace weir::http {
namespace {

// In the order of HeaderId.
constexpr std::array<std::string_view, header_count> names = {
    "Accept",
    "Accept-Charset",
    "Accept-Encoding",
    "Accept-Language",
    "Accept-Patch",
    "Accept-Ranges",
    "Access-Control-Allow-Credentials",
    "Access-Control-Allow-Headers",
    "Access-Control-Allow-Methods",
    "Access-Control-Allow-Origin",
    "Access-Control-Expose-Headers",
    "Access-Control-Max-Age",
    "Access-Control-Request-Headers",
    "Access-Control-Request-Method",
    "Access-Control-Request-Private-Network",
    "Age",
    "Allow",
    "Alt-Svc",
    "Authorization",
    "Baggage",
    "Cache-Control",
    "Clear-Site-Data",
    "Connection",
    "Content-Disposition",
    "Content-Encoding",
    "Content-Language",
    "Content-Length",
    "Content-Location",
    "Content-Range",
    "Content-Security-Policy",
    "Content-Security-Policy-Report-Only",
    "Content-Type",
    "Cookie",
    "Cross-Origin-Embedder-Policy",
    "Cross-Origin-Opener-Policy",
    "Cross-Origin-Resource-Policy",
    "Date",
    "DNT",
    "Early-Data",
    "ETag",
    "Expect",
    "Expires",
    "Forwarded",
    "From",
    "Grpc-Encoding",
    "Grpc-Message",
    "Grpc-Status",
    "Grpc-Timeout",
    "Host",
    "Idempotency-Key",
    "If-Match",
    "If-Modified-Since",
    "If-None-Match",
    "If-Range",
    "If-Unmodified-Since",
    "Keep-Alive",
    "Last-Event-ID",
    "Last-Modified",
    "Link",
    "Location",
    "Max-Forwards",
    "Origin",
    "Permissions-Policy",
    "Pragma",
    "Priority",
    "Proxy-Authenticate",
    "Proxy-Authorization",
    "Proxy-Connection",
    "Range",
    "Referer",
    "Referrer-Policy",
    "Retry-After",
    "Sec-CH-UA",
    "Sec-CH-UA-Mobile",
    "Sec-CH-UA-Platform",
    "Sec-Fetch-Dest",
    "Sec-Fetch-Mode",
    "Sec-Fetch-Site",
    "Sec-Fetch-User",
    "Sec-WebSocket-Accept",
    "Sec-WebSocket-Extensions",
    "Sec-WebSocket-Key",
    "Sec-WebSocket-Protocol",
    "Sec-WebSocket-Version",
    "Server",
    "Server-Timing",
    "Set-Cookie",
    "Strict-Transport-Security",
    "TE",
    "tracestate",
    "traceparent",
    "Trailer",
    "Transfer-Encoding",
    "Upgrade",
    "Upgrade-Insecure-Requests",
    "User-Agent",
    "Vary",
    "Via",
    "WWW-Authenticate",
    "X-API-Key",
    "X-Content-Type-Options",
    "X-Correlation-ID",
    "X-CSRF-Token",
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Forwarded-Port",
    "X-Forwarded-Prefix",
    "X-Forwarded-Proto",
    "X-Frame-Options",
    "X-HTTP-Method-Override",
    "X-Idempotency-Key",
    "X-Powered-By",
    "X-RateLimit-Limit",
    "X-RateLimit-Remaining",
    "X-RateLimit-Reset",
    "X-Real-IP",
    "X-Request-ID",
    "X-Requested-With",
    "X-XSS-Protection",
};
static_assert(!names.back().empty());

constexpr std::size_t longest = 40;
constexpr unsigned hash_bits = 10;

// The hash sees the length and the first, middle and last four letters: for the names above a multiplier exists that
// keeps them all apart, so that a lookup is one hash and one comparison. It is searched for at compile time; the hint
// makes the first try a hit, and a new name only makes the search a little longer.
constexpr std::uint64_t first_multiplier = 0x3329E7A8EA5B5685ULL;

constexpr std::uint32_t load4(const char* p) noexcept {
  if (std::is_constant_evaluated()) {
    std::uint32_t value = 0;
    for (unsigned i = 0; i < 4; ++i) value |= std::uint32_t{static_cast<std::uint8_t>(p[i])} << (8 * i);
    return value;
  }
  std::uint32_t value = 0;
  std::memcpy(&value, p, 4);
  return value;
}

constexpr std::uint64_t key_of(std::string_view name) noexcept {
  const char* p = name.data();
  const std::size_t n = name.size();
  std::uint32_t head = 0;
  std::uint32_t middle = 0;
  std::uint32_t tail = 0;
  if (n >= 4) {
    head = load4(p);
    middle = load4(p + n / 2 - 2);
    tail = load4(p + n - 4);
  } else {
    head = static_cast<std::uint8_t>(p[0]) | (std::uint32_t{static_cast<std::uint8_t>(p[n / 2])} << 8);
    tail = static_cast<std::uint8_t>(p[n - 1]);
  }
  head |= 0x20202020U;
  middle |= 0x20202020U;
  tail |= 0x20202020U;
  return ((std::uint64_t{head} << 32) | tail) + middle * 0x9E3779B1ULL + n * 0x0001000300070001ULL;
}

constexpr std::size_t slot_of(std::uint64_t key, std::uint64_t multiplier) noexcept {
  return static_cast<std::size_t>(((key ^ (key >> 29)) * multiplier) >> (64 - hash_bits));
}

struct Table {
  std::uint64_t multiplier = 0;
  std::array<std::uint8_t, std::size_t{1} << hash_bits> ids{};
  std::array<std::uint8_t, header_count + 1> lengths{};
  std::array<std::array<char, longest>, header_count + 1> lower{};
};

consteval Table make_table() {
  Table table;
  std::array<std::uint64_t, header_count> keys{};
  for (std::size_t i = 0; i < header_count; ++i) {
    keys[i] = key_of(names[i]);
    table.lengths[i] = static_cast<std::uint8_t>(names[i].size());
    for (std::size_t k = 0; k < names[i].size(); ++k) table.lower[i][k] = chars::to_lower(names[i][k]);
  }
  table.multiplier = first_multiplier;
  for (int attempt = 0; attempt < 1000; ++attempt, table.multiplier += 0xD1B54A32D192ED02ULL) {
    table.ids.fill(static_cast<std::uint8_t>(HeaderId::other));
    bool collision = false;
    for (std::size_t i = 0; i < header_count && !collision; ++i) {
      auto& id = table.ids[slot_of(keys[i], table.multiplier)];
      collision = id != static_cast<std::uint8_t>(HeaderId::other);
      id = static_cast<std::uint8_t>(i);
    }
    if (!collision) return table;
  }
  throw "no multiplier found: try more of them, or a larger table";
}
constexpr Table table = make_table();

std::uint64_t load8(const char* p) noexcept {
  std::uint64_t value = 0;
  std::memcpy(&value, p, 8);
  return value;
}

// `lower` holds letters in lower case, digits and '-'. A letter may differ in bit 0x20, nothing else may.
bool differs(std::uint64_t text, std::uint64_t lower) noexcept {
  return ((text ^ lower) & ~((lower & 0x4040404040404040ULL) >> 1)) != 0;
}

bool equal_names(const char* text, const char* lower, std::size_t n) noexcept {
  if (n >= 8) {
    for (std::size_t i = 0; i + 8 < n; i += 8) {
      if (differs(load8(text + i), load8(lower + i))) return false;
    }
    return !differs(load8(text + n - 8), load8(lower + n - 8));
  }
  if (n >= 4) {
    return !differs(load4(text), load4(lower)) && !differs(load4(text + n - 4), load4(lower + n - 4));
  }
  for (std::size_t i = 0; i < n; ++i) {
    if (chars::to_lower(text[i]) != lower[i]) return false;
  }
  return true;
}

}  // namespace

HeaderId header_id(std::string_view name) noexcept {
  if (name.empty()) return HeaderId::other;
  const std::uint8_t id = table.ids[slot_of(key_of(name), table.multiplier)];
  if (table.lengths[id] != name.size()) return HeaderId::other;
  return equal_names(name.data(), table.lower[id].data(), name.size()) ? static_cast<HeaderId>(id) : HeaderId::other;
}

std::string_view to_string(HeaderId id) noexcept {
  return id < HeaderId::other ? names[static_cast<std::size_t>(id)] : std::string_view{};
}

}  // namespace weir::http
