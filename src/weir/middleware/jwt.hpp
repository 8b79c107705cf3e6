// Authentication by bearer tokens (RFC 6750) that are JSON Web Tokens.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "weir/middleware/jwt_verifier.hpp"
#include "weir/web/extract.hpp"
#include "weir/web/middleware.hpp"

namespace weir {

/// Asked for every request, after the token was found good: true refuses it (a user who was locked out, a jti on a
/// list). Called on every loop at once; it must not wait.
using JwtRevoked = std::function<bool(const JwtUser& user)>;

/// Lets requests with a good token through and gives their handlers a Jwt; the others are answered 401 with
/// WWW-Authenticate. A 401 from further inside gets that field too. Tokens and keys reach neither logs nor answers.
///
///   auto api = app.group("/api", weir::jwt({.jwks_file = "/etc/app/jwks.json", .issuer = "https://id.example",
///                                           .audiences = {"https://api.example"}}));
///   api.get("/me", [](weir::Jwt user) { return user->subject; });
///   api.del("/users/{id}", remove_user).use(weir::require_scope("admin"));
///
/// Put cors() before it: browsers send preflights without a token.
class JwtAuthentication {
 public:
  static constexpr std::string_view name = "jwt";

  /// Throws std::invalid_argument: see JwtVerifier.
  explicit JwtAuthentication(JwtVerifier verifier, JwtRevoked revoked = {});

  std::optional<Response> before(Context& ctx) const;
  void after(Context& ctx, Response& response) const;
  void describe(OperationDoc& doc) const;

  [[nodiscard]] const JwtVerifier& verifier() const noexcept { return *verifier_; }

 private:
  [[nodiscard]] Result<std::optional<std::string_view>> find_token(Context& ctx) const;
  [[nodiscard]] Response refuse(Context& ctx, std::string_view error, const std::string& why) const;

  std::shared_ptr<const JwtVerifier> verifier_;  // shared by copies made before it is adopted into a chain
  JwtRevoked revoked_;
  std::string challenge_;  // WWW-Authenticate without an error
};

[[nodiscard]] JwtAuthentication jwt(JwtOptions options, JwtRevoked revoked = {});
/// With keys that the program has in hand: to reload or replace them.
[[nodiscard]] JwtAuthentication jwt(JwtOptions options, JwtKeys keys, JwtRevoked revoked = {});

/// Lets requests through whose token has all of these scopes; the others get 403 with error="insufficient_scope" (401
/// without a token). Behind jwt().
class RequireScope {
 public:
  static constexpr std::string_view name = "require_scope";

  explicit RequireScope(std::vector<std::string> scopes);

  std::optional<Response> before(Context& ctx) const;
  void describe(OperationDoc& doc) const;

 private:
  std::vector<std::string> scopes_;
  std::string challenge_;
};

/// Throws std::invalid_argument for a scope that is empty or has other characters than scopes have (RFC 6749 section
/// 3.3).
[[nodiscard]] RequireScope require_scope(std::string scope);
[[nodiscard]] RequireScope require_scopes(std::vector<std::string> scopes);

/// std::optional<Jwt> as a parameter: the user where there is one.
template <>
struct Extractor<std::optional<Jwt>> {
  static constexpr BodyUse body = BodyUse::none;
  static bool extract(Extraction& extraction, const ParameterBinding&, std::optional<Jwt>& out) {
    if (const Jwt* user = extraction.ctx.get<Jwt>()) out = *user;
    return true;
  }
  static void describe(OperationDoc&, const ParameterBinding&) {}
};

}  // namespace weir
