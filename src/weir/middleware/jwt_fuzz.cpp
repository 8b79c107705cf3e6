// The first byte says what the rest is: a token, the header and claims of a token that is then signed, or a JWK Set.
#include <array>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include <openssl/evp.h>

#include "weir/middleware/detail/jwt_base64.hpp"
#include "weir/middleware/jwt_verifier.hpp"

namespace {

using namespace weir;
using namespace weir::middleware;

const std::string secret = "0123456789abcdef0123456789abcdef";
const WallTime now{std::chrono::seconds(1'767'225'600)};

void expect(bool holds) {
  if (!holds) std::abort();
}

const JwtVerifier& verifier() {
  static const JwtVerifier one(JwtOptions{.secret = secret, .any_audience = true});
  return one;
}

/// Only a token whose signature is ours may be accepted, and whoever was accepted is remembered as the same user.
void verify(std::string_view token, bool signed_by_us) {
  const auto first = verifier().verify_uncached(token, now);
  const auto second = verifier().verify(token, now);
  const auto third = verifier().verify(token, now);
  expect(first.has_value() == second.has_value() && second.has_value() == third.has_value());
  if (!first) return;
  expect((*first)->claims == (*third)->claims && (*first)->subject == (*third)->subject);
  expect((*first)->expires > now - std::chrono::seconds(30));
  if (signed_by_us) return;
  // Nobody has told the fuzzer the key but the seeds: there is one token in them.
  expect(token == sign_jwt(R"({"sub":"ada","exp":9999999999})", secret));
}

std::string sign(std::string_view header, std::string_view claims) {
  std::string token = encode_base64url(header) + "." + encode_base64url(claims);
  std::array<unsigned char, 32> mac{};
  std::size_t size = 0;
  expect(EVP_Q_mac(nullptr, "HMAC", nullptr, "SHA256", nullptr, secret.data(), secret.size(),
                   reinterpret_cast<const unsigned char*>(token.data()), token.size(), mac.data(), mac.size(),
                   &size) != nullptr);
  return token + "." + encode_base64url({reinterpret_cast<const char*>(mac.data()), size});
}

void parse_keys(std::string_view text) {
  const auto set = JwtKeySet::parse(text);
  if (!set) return;
  expect(!set->empty() && set->keys().size() <= JwtKeySet::max_keys);
  for (const JwtKey& key : set->keys()) {
    expect(!key.verify("text", ""));
    static_cast<void>(set->verify(key.algorithm(), key.id(), "text", std::string(64, '\1')));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (const auto bytes = decode_base64url(text)) expect(encode_base64url(*bytes) == text);
  switch (data[0]) {
    case 't':
      verify(text, false);
      break;
    case 's': {
      const std::size_t end = text.find('\n');
      if (end != std::string_view::npos) verify(sign(text.substr(0, end), text.substr(end + 1)), true);
      break;
    }
    case 'k':
      parse_keys(text);
      break;
    default:
      break;
  }
  return 0;
}
