#include "weir/middleware/jwt.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "weir/http/problem.hpp"
#include "weir/web/context.hpp"

namespace weir {
namespace {

/// The content of a quoted-string (RFC 9110 section 5.6.4); what cannot stand there is left out.
std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) > 0x7e) continue;
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

std::string bearer_challenge(std::string_view realm) {
  return realm.empty() ? std::string("Bearer") : "Bearer realm=" + quoted(realm);
}

void add_parameter(std::string& challenge, std::string_view name, std::string_view value) {
  challenge += challenge.ends_with("Bearer") ? " " : ", ";
  challenge.append(name).append("=").append(quoted(value));
}

Response problem(Context& ctx, Errc code, std::string detail, std::string_view challenge) {
  Response response = detail::error_response(ctx, Error(code, std::move(detail)));
  response.headers.set(HeaderId::www_authenticate, challenge);
  return response;
}

/// The operation's scheme of bearer tokens, added if there is none yet.
SecurityDoc& bearer_of(OperationDoc& doc, bool optional) {
  const auto there = std::ranges::find(doc.security, "bearer", &SecurityDoc::name);
  if (there != doc.security.end()) return *there;
  return doc.security.emplace_back(SecurityDoc{.name = "bearer",
                                               .type = "http",
                                               .scheme = "bearer",
                                               .bearer_format = "JWT",
                                               .scopes = {},
                                               .optional = optional});
}

}  // namespace

// --- the user of a request ---

Result<Jwt> Jwt::from_context(Context& ctx) {
  if (const Jwt* user = ctx.get<Jwt>()) return *user;
  return fail(Errc::unauthenticated, "a bearer token is needed");
}

void Jwt::describe(OperationDoc& doc) {
  doc.problem(Status::unauthorized);
}

// --- jwt() ---

JwtAuthentication::JwtAuthentication(JwtVerifier verifier, JwtRevoked revoked)
    : verifier_(std::make_shared<const JwtVerifier>(std::move(verifier))),
      revoked_(std::move(revoked)),
      challenge_(bearer_challenge(verifier_->options().realm)) {}

Result<std::optional<std::string_view>> JwtAuthentication::find_token(Context& ctx) const {
  const http::HeaderView& headers = ctx.request().headers;
  const JwtOptions& options = verifier_->options();
  if (const http::HeaderField* field = headers.find(HeaderId::authorization)) {
    for (const http::HeaderField* other = field + 1; other != headers.end(); ++other) {
      if (other->id == HeaderId::authorization) return fail(Errc::invalid_argument, "Authorization is there twice");
    }
    constexpr std::string_view scheme = "bearer";
    std::string_view value = field->value;
    // RFC 9110 section 11.4: the scheme's case does not matter, and one or more spaces follow it.
    if (value.size() > scheme.size() && value[scheme.size()] == ' ' &&
        http::equals_ignoring_case(value.substr(0, scheme.size()), scheme)) {
      value.remove_prefix(scheme.size());
      while (value.starts_with(' ')) value.remove_prefix(1);
      return std::optional(value);
    }
    if (http::equals_ignoring_case(value, scheme)) return std::optional(std::string_view());
  }
  if (!options.cookie.empty()) {
    if (const auto cookie = ctx.cookie(options.cookie)) return cookie;
  }
  if (!options.query.empty()) {
    if (const auto parameter = ctx.query(options.query)) return parameter;
  }
  return std::optional<std::string_view>();
}

Response JwtAuthentication::refuse(Context& ctx, std::string_view error, const std::string& why) const {
  std::string challenge = challenge_;
  if (!error.empty()) {
    add_parameter(challenge, "error", error);
    add_parameter(challenge, "error_description", why);
  }
  return problem(ctx, error == "invalid_request" ? Errc::invalid_argument : Errc::unauthenticated, why, challenge);
}

std::optional<Response> JwtAuthentication::before(Context& ctx) const {
  const auto token = find_token(ctx);
  if (!token) return refuse(ctx, "invalid_request", token.error().message());
  if (!token->has_value()) {
    if (verifier_->options().optional) return std::nullopt;
    return refuse(ctx, {}, "a bearer token is needed");  // RFC 6750 section 3.1: no error code without credentials.
  }
  const WallTime now = ctx.wall();
  const auto refresh = [&](bool impatient) {
    if (auto looked = verifier_->keys().refresh(now, impatient); !looked) {
      ctx.log().error("the keys that verify tokens could not be read again; the old ones stay",
                      {{"why", looked.error().message()}});
    }
  };
  refresh(false);
  bool unknown_key = false;
  Result<Jwt> user = verifier_->verify(**token, now, &unknown_key);
  if (!user && unknown_key) {
    refresh(true);
    user = verifier_->verify(**token, now);
  }
  if (!user) return refuse(ctx, "invalid_token", user.error().message());
  if (revoked_ && revoked_(**user)) return refuse(ctx, "invalid_token", "the token has been revoked");
  ctx.set(std::move(*user));
  return std::nullopt;
}

void JwtAuthentication::after(Context& ctx, Response& response) const {
  // Further inside somebody asks for a user: RFC 9110 section 15.5.2 wants to be told how to become one.
  if (response.status != Status::unauthorized || response.headers.has(HeaderId::www_authenticate)) return;
  static_cast<void>(ctx);
  response.headers.set(HeaderId::www_authenticate, challenge_);
}

void JwtAuthentication::describe(OperationDoc& doc) const {
  doc.problem(Status::unauthorized, "The bearer token is missing, or it is not good");
  SecurityDoc& security = bearer_of(doc, verifier_->options().optional);
  security.optional = security.optional && verifier_->options().optional;
}

JwtAuthentication jwt(JwtOptions options, JwtRevoked revoked) {
  return JwtAuthentication(JwtVerifier(std::move(options)), std::move(revoked));
}

JwtAuthentication jwt(JwtOptions options, JwtKeys keys, JwtRevoked revoked) {
  return JwtAuthentication(JwtVerifier(std::move(options), std::move(keys)), std::move(revoked));
}

// --- require_scope() ---

RequireScope::RequireScope(std::vector<std::string> scopes) : scopes_(std::move(scopes)), challenge_("Bearer") {
  std::string all;
  for (const std::string& scope : scopes_) {
    const bool good = std::ranges::all_of(scope, [](char c) { return c > 0x20 && c < 0x7f && c != '"' && c != '\\'; });
    if (scope.empty() || !good) throw std::invalid_argument("require_scope: \"" + scope + "\" is no scope");
    all += (all.empty() ? "" : " ") + scope;
  }
  if (scopes_.empty()) throw std::invalid_argument("require_scopes: name at least one scope");
  add_parameter(challenge_, "error", "insufficient_scope");
  add_parameter(challenge_, "scope", all);
}

std::optional<Response> RequireScope::before(Context& ctx) const {
  const Jwt* user = ctx.get<Jwt>();
  if (user == nullptr) return problem(ctx, Errc::unauthenticated, "a bearer token is needed", "Bearer");
  for (const std::string& scope : scopes_) {
    if ((*user)->has_scope(scope)) continue;
    return problem(ctx, Errc::permission_denied, "the token lacks the scope \"" + scope + "\"", challenge_);
  }
  return std::nullopt;
}

void RequireScope::describe(OperationDoc& doc) const {
  doc.problem(Status::forbidden, "The token lacks a scope that this needs");
  SecurityDoc& security = bearer_of(doc, false);
  security.optional = false;
  security.scopes.insert(security.scopes.end(), scopes_.begin(), scopes_.end());
}

RequireScope require_scope(std::string scope) {
  std::vector<std::string> one;
  one.push_back(std::move(scope));
  return RequireScope(std::move(one));
}

RequireScope require_scopes(std::vector<std::string> scopes) {
  return RequireScope(std::move(scopes));
}

}  // namespace weir
