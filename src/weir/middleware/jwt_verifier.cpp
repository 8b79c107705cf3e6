#include "weir/middleware/jwt_verifier.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <stdexcept>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "weir/http/headers.hpp"
#include "weir/json/read.hpp"
#include "weir/middleware/detail/jwt_base64.hpp"
#include "weir/middleware/detail/jwt_cache.hpp"
#include "weir/middleware/detail/thread_shards.hpp"

namespace weir {

using middleware::JwtCache;
using middleware::VerifiedToken;

struct JwtVerifier::Caches {
  using Shards = middleware::ThreadShards<JwtCache>;
  Shards shards;
};

namespace {

/// Claims are small and shallow; a payload that is not is an attack or a mistake.
constexpr json::ReadOptions read_options{.max_depth = 16, .max_memory = std::size_t{1} << 20};

std::unexpected<Error> refuse(std::string why) {
  return fail(Errc::unauthenticated, std::move(why));
}

// --- start-up ---

JwtKeys keys_of(const JwtOptions& options) {
  const int sources = static_cast<int>(!options.secret.empty()) + static_cast<int>(!options.public_key_file.empty()) +
                      static_cast<int>(!options.jwks_file.empty());
  if (sources != 1) {
    throw std::invalid_argument(sources == 0
                                    ? "jwt: no keys: set secret, public_key_file or jwks_file, or pass JwtKeys"
                                    : "jwt: several sources of keys; set one of secret, public_key_file, jwks_file");
  }
  if (!options.public_key_file.empty()) return JwtKeys::pem_file(options.public_key_file, options.reload_every);
  if (!options.jwks_file.empty()) return JwtKeys::jwks_file(options.jwks_file, options.reload_every);
  auto key = JwtKey::secret(options.secret);
  if (!key) throw std::invalid_argument("jwt: " + key.error().message());
  JwtKeySet set;
  set.add(std::move(*key));
  return JwtKeys(std::move(set));
}

void check_options(const JwtOptions& options, const JwtKeys& keys) {
  if (options.leeway < Duration::zero() || options.leeway > std::chrono::minutes(10)) {
    throw std::invalid_argument("jwt: leeway must be between 0 and 10 minutes");
  }
  if (options.max_token < 64) throw std::invalid_argument("jwt: max_token must be at least 64 bytes");
  if (options.any_audience && !options.audiences.empty()) {
    throw std::invalid_argument("jwt: any_audience contradicts audiences");
  }
  const auto current = keys.current();
  for (const JwtAlgorithm algorithm : options.algorithms) {
    if (!current->has(algorithm)) {
      throw std::invalid_argument("jwt: there is no key for " + std::string(to_string(algorithm)) +
                                  ", which algorithms names");
    }
  }
}

// --- one token ---

struct Parts {
  std::string_view header;
  std::string_view payload;
  std::string_view signature;
  std::string_view signed_text;  ///< header "." payload
};

std::optional<Parts> split(std::string_view token) noexcept {
  const std::size_t first = token.find('.');
  if (first == std::string_view::npos) return std::nullopt;
  const std::size_t second = token.find('.', first + 1);
  // A third dot would be JWE (RFC 7516), or nothing.
  if (second == std::string_view::npos || token.find('.', second + 1) != std::string_view::npos) return std::nullopt;
  return Parts{token.substr(0, first), token.substr(first + 1, second - first - 1), token.substr(second + 1),
               token.substr(0, second)};
}

/// A base64url part as a JSON object. Names that stand twice are an error (RFC 7515 section 4).
std::optional<json::Value> read_object(std::string_view part, std::string* text = nullptr) {
  auto decoded = middleware::decode_base64url(part);
  if (!decoded) return std::nullopt;
  auto value = json::read<json::Value>(*decoded, read_options);
  if (!value || !value->is_object()) return std::nullopt;
  if (text != nullptr) *text = std::move(*decoded);
  return std::move(*value);
}

/// Null or no text: nothing. "absent" is not the same as "wrong".
struct TextMember {
  bool good = true;
  std::string_view text;
};
TextMember text_member(const json::Value& object, std::string_view name) noexcept {
  const json::Value* value = object.find(name);
  if (value == nullptr) return {};
  if (!value->is_string()) return {.good = false, .text = {}};
  return {.good = true, .text = value->as_string()};
}

/// A NumericDate (RFC 7519 section 2), which may have a fraction. Dates that the clock cannot hold are cut to its ends.
bool read_date(const json::Value& claims, std::string_view name, WallTime& out) noexcept {
  const json::Value* value = claims.find(name);
  if (value == nullptr) return true;
  if (!value->is_number()) return false;
  const double seconds = value->as_double();
  constexpr double limit = 9.0e9;  // The year 2255.
  if (!(std::abs(seconds) < limit)) {
    out = seconds > 0 ? WallTime::max() : WallTime::min();
  } else if (value->type() == json::Value::Type::number) {
    out = WallTime(Duration(static_cast<Duration::rep>(seconds * 1e9)));
  } else {
    out = WallTime(std::chrono::seconds(value->as_integer()));
  }
  return true;
}

WallTime later(WallTime at, Duration by) noexcept {
  return at > WallTime::max() - by ? WallTime::max() : at + by;
}
WallTime earlier(WallTime at, Duration by) noexcept {
  return at < WallTime::min() + by ? WallTime::min() : at - by;
}

/// A text, or an array of texts.
bool read_texts(const json::Value& claims, std::string_view name, std::vector<std::string>& out) {
  const json::Value* value = claims.find(name);
  if (value == nullptr) return true;
  if (value->is_string()) {
    out.emplace_back(value->as_string());
    return true;
  }
  if (!value->is_array()) return false;
  for (const json::Value& element : value->as_array()) {
    if (!element.is_string()) return false;
    out.emplace_back(element.as_string());
  }
  return true;
}

/// Scopes come as one text with spaces (RFC 8693 section 4.2) or as an array; under three names in practice.
void read_scopes(const json::Value& claims, std::vector<std::string>& scopes) {
  for (const std::string_view name : {"scope", "scp", "scopes"}) {
    const json::Value* value = claims.find(name);
    if (value == nullptr) continue;
    const auto split = [&scopes](std::string_view text) {
      while (!text.empty()) {
        const std::size_t space = text.find(' ');
        if (space != 0) scopes.emplace_back(text.substr(0, space));
        text.remove_prefix(space == std::string_view::npos ? text.size() : space + 1);
      }
    };
    if (value->is_string()) split(value->as_string());
    for (const json::Value& element : value->as_array()) {
      if (element.is_string()) split(element.as_string());
    }
  }
}

Result<JwtAlgorithm> check_header(const json::Value& header, const JwtOptions& options) {
  const auto algorithm = parse_jwt_algorithm(header["alg"].as_string());
  if (!algorithm ||
      (!options.algorithms.empty() && std::ranges::find(options.algorithms, *algorithm) == options.algorithms.end())) {
    return refuse("the token's algorithm is not accepted here");
  }
  // Extensions that have to be understood (RFC 7515 section 4.1.11): none is.
  if (header.find("crit") != nullptr) return refuse("the token has critical extensions that are not supported");
  const TextMember type = text_member(header, "typ");
  std::string_view type_name = type.text;
  if (type_name.size() > 12 && http::equals_ignoring_case(type_name.substr(0, 12), "application/")) {
    type_name.remove_prefix(12);  // RFC 7515 section 4.1.9
  }
  if (!type.good || (!options.type.empty() && !http::equals_ignoring_case(type_name, options.type))) {
    return refuse("the token is not of the type that is accepted here");
  }
  return *algorithm;
}

Result<void> read_claims(JwtUser& user) {
  const json::Value& claims = user.values;
  const TextMember subject = text_member(claims, "sub");
  const TextMember issuer = text_member(claims, "iss");
  const TextMember id = text_member(claims, "jti");
  if (!subject.good || !issuer.good || !id.good || !read_texts(claims, "aud", user.audiences)) {
    return refuse("sub, iss, jti or aud of the token has a wrong type");
  }
  user.subject = subject.text;
  user.issuer = issuer.text;
  user.id = id.text;
  read_scopes(claims, user.scopes);
  if (!read_date(claims, "exp", user.expires) || !read_date(claims, "nbf", user.not_before) ||
      !read_date(claims, "iat", user.issued)) {
    return refuse("exp, nbf or iat of the token is not a number");
  }
  return {};
}

Result<void> check_claims(const JwtUser& user, const JwtOptions& options) {
  for (const std::string& name : options.required_claims) {
    if (user.find(name) == nullptr) return refuse("the token lacks the claim \"" + name + "\"");
  }
  if (!options.issuer.empty() && user.issuer != options.issuer) {
    return refuse("the token is from another issuer");
  }
  if (options.any_audience) return {};
  if (options.audiences.empty()) {
    if (user.find("aud") != nullptr) return refuse("the token is for an audience, and this service has no name");
    return {};
  }
  const bool meant = std::ranges::any_of(user.audiences, [&options](const std::string& audience) {
    return std::ranges::find(options.audiences, audience) != options.audiences.end();
  });
  if (!meant) return refuse("the token is for another audience");
  return {};
}

Result<void> check_times(const JwtUser& user, WallTime now, const VerifiedToken& token) {
  if (now >= token.until) return refuse("the token has expired");  // RFC 7519 section 4.1.4: "on or after"
  if (now < token.from) {
    return refuse(user.not_before > user.issued ? "the token is not valid yet" : "the token was issued in the future");
  }
  return {};
}

std::size_t memory_of(const VerifiedToken& token) {
  // The claims stand there as text and as values; what a value takes beside its text is guessed from above.
  return sizeof token + token.token.capacity() + 6 * token.user.claims.capacity();
}

Result<std::shared_ptr<VerifiedToken>> check(std::string_view text, const JwtOptions& options, const JwtKeySet& keys,
                                             WallTime now, bool& unknown_key) {
  if (text.size() > options.max_token) return refuse("the token is too long");
  const auto parts = split(text);
  if (!parts) return refuse("the token is not a signed JWT of three parts");
  const auto header = read_object(parts->header);
  if (!header) return refuse("the token's header cannot be read");
  const auto algorithm = check_header(*header, options);
  if (!algorithm) return fail(algorithm.error());
  const TextMember key_id = text_member(*header, "kid");
  const auto signature = middleware::decode_base64url(parts->signature);
  if (!key_id.good || !signature) return refuse("the token cannot be read");
  switch (keys.verify(*algorithm, key_id.text, parts->signed_text, *signature)) {
    case JwtKeySet::Verdict::good:
      break;
    case JwtKeySet::Verdict::bad_signature:
      return refuse("the token's signature is wrong");
    case JwtKeySet::Verdict::no_key:
      unknown_key = true;
      return refuse("the token is signed with a key that is not known here");
  }
  // Only now is it worth while, and safe, to look at what it says.
  auto token = std::make_shared<VerifiedToken>();
  JwtUser& user = token->user;
  auto values = read_object(parts->payload, &user.claims);
  if (!values) return refuse("the token's payload is not a JSON object");
  user.values = std::move(*values);
  user.algorithm = *algorithm;
  user.key_id = key_id.text;
  if (auto read = read_claims(user); !read) return fail(std::move(read.error()));
  token->until = later(user.expires, options.leeway);
  token->from = earlier(std::max(user.not_before, user.issued), options.leeway);
  if (auto good = check_times(user, now, *token); !good) return fail(std::move(good.error()));
  if (auto good = check_claims(user, options); !good) return fail(std::move(good.error()));
  token->token = text;
  token->bytes = memory_of(*token);
  return token;
}

Jwt user_of(const std::shared_ptr<const VerifiedToken>& token) {
  return Jwt(std::shared_ptr<const JwtUser>(token, &token->user));
}

}  // namespace

bool JwtUser::has_scope(std::string_view scope) const noexcept {
  return std::ranges::find(scopes, scope) != scopes.end();
}

JwtVerifier::JwtVerifier(JwtOptions options) : JwtVerifier(options, keys_of(options)) {}

JwtVerifier::JwtVerifier(JwtOptions options, JwtKeys keys)
    : options_(std::move(options)), keys_(std::move(keys)), caches_(std::make_unique<Caches>()) {
  check_options(options_, keys_);
  options_.secret.clear();  // The key has it.
}

JwtVerifier::~JwtVerifier() = default;
JwtVerifier::JwtVerifier(JwtVerifier&&) noexcept = default;

Result<Jwt> JwtVerifier::verify(std::string_view text, WallTime now, bool* unknown_key) const {
  // Before the keys are fetched: what is verified with keys that are being replaced is then not remembered.
  const std::uint64_t generation = keys_.generation();
  const auto cache = options_.cache_entries == 0 ? Caches::Shards::Use(nullptr) : caches_->shards.use([this] {
    return std::make_unique<JwtCache>(options_.cache_entries, options_.cache_bytes);
  });
  if (cache) {
    if (auto found = cache->find(text, generation, now)) return user_of(found);
  }
  bool unknown = false;
  auto token = check(text, options_, *keys_.current(), now, unknown_key != nullptr ? *unknown_key : unknown);
  if (!token) return fail(std::move(token.error()));
  std::shared_ptr<const VerifiedToken> good = std::move(*token);
  if (cache) cache->insert(good, generation);
  return user_of(good);
}

Result<Jwt> JwtVerifier::verify_uncached(std::string_view text, WallTime now) const {
  bool unknown = false;
  auto token = check(text, options_, *keys_.current(), now, unknown);
  if (!token) return fail(std::move(token.error()));
  return user_of(std::move(*token));
}

Result<std::string> sign_jwt(std::string_view claims, std::string_view secret, std::string_view key_id) {
  if (secret.size() < JwtKey::min_secret) {
    return fail(Errc::invalid_argument, "a secret for HS256 must have at least 32 bytes");
  }
  std::string header = R"({"alg":"HS256","typ":"JWT")";
  if (!key_id.empty()) {
    for (const char c : key_id) {
      if (static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\') {
        return fail(Errc::invalid_argument, "a key id without quotes, backslashes and control characters is needed");
      }
    }
    header.append(R"(,"kid":")").append(key_id).append("\"");
  }
  header += '}';
  std::string token = middleware::encode_base64url(header) + "." + middleware::encode_base64url(claims);
  std::array<unsigned char, EVP_MAX_MD_SIZE> mac{};
  unsigned size = 0;
  if (HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
           reinterpret_cast<const unsigned char*>(token.data()), token.size(), mac.data(), &size) == nullptr) {
    return fail(Errc::internal, "HMAC failed");
  }
  token += "." + middleware::encode_base64url({reinterpret_cast<const char*>(mac.data()), size});
  return token;
}

}  // namespace weir
