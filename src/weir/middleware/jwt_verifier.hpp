// Verifying JSON Web Tokens (RFC 7519) in their compact, signed form (RFC 7515), as RFC 8725 advises.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "weir/base/error.hpp"
#include "weir/json/rules.hpp"
#include "weir/json/value.hpp"
#include "weir/middleware/jwks.hpp"
#include "weir/time/clock.hpp"

namespace weir {

class Context;
struct OperationDoc;

/// What a token must be like. Keys: name one of secret, public_key_file and jwks_file here, or hand over JwtKeys.
struct JwtOptions {
  std::string secret;  ///< For HS256, at least 32 bytes. Better a file or an environment variable than a literal.
  std::string public_key_file;                       ///< PEM: public keys or certificates (RSA, P-256, Ed25519).
  std::string jwks_file;                             ///< A JWK Set.
  Duration reload_every = std::chrono::seconds(10);  ///< How often a file is looked at for changes.

  std::vector<JwtAlgorithm> algorithms;  ///< Accept only these; empty: whatever the keys are for.
  std::string issuer;                    ///< "iss" must be this; empty: not looked at.
  /// "aud" must name one of these. A token that names an audience is refused where none is configured (RFC 7519 section
  /// 4.1.3), unless any_audience says that this service is meant whatever it names.
  std::vector<std::string> audiences;
  bool any_audience = false;
  /// "typ" of the header must be this, "at+jwt" for access tokens (RFC 9068), whatever its case; empty: not looked at.
  std::string type;
  std::vector<std::string> required_claims = {"exp"};  ///< Claims that have to be there, whatever their value.
  Duration leeway = std::chrono::seconds(30);          ///< For clocks that differ: of exp, nbf and iat. At most 10 min.

  bool optional = false;  ///< Requests without a token pass too, without a user. A bad token is refused all the same.
  std::string cookie;     ///< Look for the token in this cookie too. Then guard against CSRF yourself.
  std::string query;      ///< And in this query parameter. URLs end up in logs and histories: avoid it.
  std::string realm;      ///< Of WWW-Authenticate.

  std::size_t max_token = 8192;         ///< Bytes. Longer tokens are refused unread.
  std::size_t cache_entries = 4096;     ///< How many verified tokens each loop remembers; 0: none.
  std::size_t cache_bytes = 8U << 20U;  ///< And how much memory it takes for them.

  static constexpr auto rules = weir::rules<JwtOptions>(weir::all_optional(), weir::reject_unknown_fields());
};

/// Who a verified token speaks for. Immutable; lives as long as a Jwt that refers to it.
struct JwtUser {
  std::string subject;                 ///< "sub"
  std::string issuer;                  ///< "iss"
  std::string id;                      ///< "jti"
  std::vector<std::string> audiences;  ///< "aud", whether it was a text or an array
  std::vector<std::string> scopes;     ///< "scope" (RFC 8693 section 4.2), "scp" or "scopes": texts or arrays
  WallTime expires = WallTime::max();
  WallTime not_before = WallTime::min();
  WallTime issued = WallTime::min();
  JwtAlgorithm algorithm = JwtAlgorithm::hs256;
  std::string key_id;  ///< "kid"
  std::string claims;  ///< The whole payload, as JSON.
  json::Value values;  ///< The same, read.

  /// Any claim; null when it is not there.
  [[nodiscard]] const json::Value* find(std::string_view name) const noexcept { return values.find(name); }
  [[nodiscard]] bool has_scope(std::string_view scope) const noexcept;
};

/// The user of a request: a parameter of handlers behind weir::jwt().
///
///   app.get("/me", [](weir::Jwt user) { return user->subject; });
///
/// Cheap to copy; a copy keeps the JwtUser alive for as long as it is needed, on any thread. Handlers behind an
/// optional jwt() take std::optional<weir::Jwt>, or ask ctx.get<weir::Jwt>(), which is null without a token.
class Jwt {
 public:
  explicit Jwt(std::shared_ptr<const JwtUser> user) noexcept : user_(std::move(user)) {}
  const JwtUser& operator*() const noexcept { return *user_; }
  const JwtUser* operator->() const noexcept { return user_.get(); }

  static Result<Jwt> from_context(Context& ctx);
  static void describe(OperationDoc& doc);

 private:
  std::shared_ptr<const JwtUser> user_;  // shared between the cache and the requests that it serves
};

/// Verifies tokens and remembers those that were good, so that a token that comes again costs a hash, a comparison and
/// no allocation. One object serves all threads; each thread remembers for itself.
class JwtVerifier {
 public:
  /// Throws std::invalid_argument for options that cannot be meant: no key or several sources, a short secret,
  /// algorithms without a key, and so on.
  explicit JwtVerifier(JwtOptions options);
  JwtVerifier(JwtOptions options, JwtKeys keys);
  ~JwtVerifier();
  JwtVerifier(JwtVerifier&&) noexcept;

  /// The error (unauthenticated) says why, in words that may reach the client: it holds nothing of the token or the
  /// keys. `unknown_key` is set when the token names a key that is not there (perhaps not yet: see JwtKeys::refresh).
  [[nodiscard]] Result<Jwt> verify(std::string_view token, WallTime now, bool* unknown_key = nullptr) const;
  /// Without memory: for tests and measurements.
  [[nodiscard]] Result<Jwt> verify_uncached(std::string_view token, WallTime now) const;

  [[nodiscard]] const JwtOptions& options() const noexcept { return options_; }
  [[nodiscard]] const JwtKeys& keys() const noexcept { return keys_; }

 private:
  struct Caches;
  JwtOptions options_;
  JwtKeys keys_;
  std::unique_ptr<Caches> caches_;
};

/// A token signed with HS256, for tests and for services that issue their own. `claims` is a JSON object; `secret` has
/// at least 32 bytes (else invalid_argument).
Result<std::string> sign_jwt(std::string_view claims, std::string_view secret, std::string_view key_id = {});

}  // namespace weir
