#include "weir/websocket/handshake.hpp"

#include <algorithm>
#include <cstring>

#include <openssl/evp.h>

#include "weir/http/chars.hpp"

namespace weir::websocket {

using http::HeaderId;

namespace {

constexpr std::string_view accept_suffix = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
constexpr std::string_view base64_digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// 16 bytes in base64 (section 4.1).
bool is_key(std::string_view key) noexcept {
  return key.size() == 24 && key.ends_with("==") &&
         key.substr(0, 22).find_first_not_of(base64_digits) == std::string_view::npos;
}

template <std::size_t N>
void write_base64(std::span<const unsigned char, N> bytes, char* to) noexcept {
  for (std::size_t i = 0; i < N; i += 3) {
    const std::size_t count = std::min<std::size_t>(3, N - i);
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k) group = (group << 8) | (k < count ? bytes[i + k] : 0U);
    for (std::size_t k = 0; k < 4; ++k) *to++ = k <= count ? base64_digits[(group >> (18 - 6 * k)) & 63] : '=';
  }
}

/// "example.com:443" of https is "example.com".
std::string_view without_default_port(std::string_view authority, std::string_view scheme) noexcept {
  const std::string_view port = scheme == "https" ? ":443" : ":80";
  if (authority.ends_with(port)) authority.remove_suffix(port.size());
  return authority;
}

}  // namespace

HandshakeProblem check_handshake(const http::Request& request) noexcept {
  const http::HeaderView& headers = request.headers;
  const bool tunnel = request.method == http::Method::connect && !request.protocol.empty();
  if (tunnel) {
    if (!http::equals_ignoring_case(request.protocol, "websocket")) return HandshakeProblem::not_a_websocket;
  } else {
    if (request.version != http::Version::http_1_1 || !headers.has_token(HeaderId::upgrade, "websocket") ||
        !headers.has_token(HeaderId::connection, "upgrade")) {
      return HandshakeProblem::not_a_websocket;
    }
    if (request.method != http::Method::get) return HandshakeProblem::bad_method;
  }
  if (headers.count(HeaderId::sec_websocket_version) != 1 || headers.get(HeaderId::sec_websocket_version) != version) {
    return HandshakeProblem::wrong_version;
  }
  if (!tunnel &&
      (headers.count(HeaderId::sec_websocket_key) != 1 || !is_key(headers.get(HeaderId::sec_websocket_key)))) {
    return HandshakeProblem::bad_key;
  }
  return HandshakeProblem::none;
}

std::string_view message_of(HandshakeProblem problem) noexcept {
  switch (problem) {
    case HandshakeProblem::none:
      return "no problem";
    case HandshakeProblem::not_a_websocket:
      return "this path speaks WebSocket: ask with Connection: Upgrade and Upgrade: websocket";
    case HandshakeProblem::wrong_version:
      return "Sec-WebSocket-Version must be 13";
    case HandshakeProblem::bad_method:
      return "a WebSocket is asked for with GET";
    case HandshakeProblem::bad_key:
      return "Sec-WebSocket-Key must be 16 bytes in base64";
  }
  return "unknown problem";
}

std::array<char, 28> accept_key(std::string_view key) noexcept {
  std::array<char, 128> text;
  const std::size_t size = std::min(key.size(), text.size() - accept_suffix.size());
  if (size != 0) std::memcpy(text.data(), key.data(), size);
  std::memcpy(text.data() + size, accept_suffix.data(), accept_suffix.size());
  std::array<unsigned char, 20> digest{};
  // Fetched by name once: a lookup for every handshake would take locks. It stays until the process ends.
  static EVP_MD* const sha1 = EVP_MD_fetch(nullptr, "SHA1", nullptr);
  if (sha1 != nullptr) {
    static_cast<void>(EVP_Digest(text.data(), size + accept_suffix.size(), digest.data(), nullptr, sha1, nullptr));
  }
  std::array<char, 28> result;
  write_base64(std::span<const unsigned char, 20>(digest), result.data());
  return result;
}

std::string_view choose_subprotocol(const http::HeaderView& headers, std::span<const std::string> supported) noexcept {
  std::string_view chosen;
  if (supported.empty()) return chosen;
  headers.each(HeaderId::sec_websocket_protocol, [&](std::string_view value) {
    http::for_each_token(value, [&](std::string_view wanted) {
      if (!chosen.empty()) return;
      const auto at = std::ranges::find(supported, wanted);
      if (at != supported.end()) chosen = *at;
    });
  });
  return chosen;
}

bool origin_allowed(const http::Request& request, std::span<const std::string> allowed) noexcept {
  if (!request.headers.has(HeaderId::origin)) return true;
  const std::string_view origin = request.headers.get(HeaderId::origin);
  const bool listed = std::ranges::any_of(
      allowed, [&](const std::string& entry) { return entry == "*" || http::equals_ignoring_case(entry, origin); });
  if (listed) return true;
  const std::size_t mark = origin.find("://");
  if (mark == std::string_view::npos) return false;  // "null": a sandboxed page, a file
  const std::string_view scheme = origin.substr(0, mark);
  // Behind a proxy that ends TLS this server sees http where the page has https. The other way around is another
  // origin: a page in the clear may be anybody's who is on its way, and the browser's cookies of https come with the
  // request.
  if (request.scheme == "https" && !http::equals_ignoring_case(scheme, "https")) return false;
  return http::equals_ignoring_case(without_default_port(origin.substr(mark + 3), scheme),
                                    without_default_port(request.authority, scheme));
}

}  // namespace weir::websocket
