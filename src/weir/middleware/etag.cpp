#include "weir/middleware/etag.hpp"

#include <charconv>
#include <cstdint>

#include <openssl/evp.h>

#include "weir/http/date.hpp"
#include "weir/http/etag.hpp"
#include "weir/http/problem.hpp"
#include "weir/middleware/detail/etag_hash.hpp"
#include "weir/middleware/detail/not_modified.hpp"
#include "weir/middleware/detail/openssl.hpp"
#include "weir/web/context.hpp"

namespace weir {
namespace {

std::int64_t unix_seconds(WallTime at) {
  return std::chrono::floor<std::chrono::seconds>(at).time_since_epoch().count();
}

bool has_no_store(const http::Headers& headers) {
  bool found = false;
  if (!headers.has(HeaderId::cache_control)) return found;
  for (const http::HeaderField field : headers) {
    if (field.id != HeaderId::cache_control) continue;
    http::for_each_token(field.value, [&found](std::string_view directive) {
      found = found || http::equals_ignoring_case(directive, "no-store");
    });
  }
  return found;
}

/// RFC 9110 section 15.4.5: what describes the content that is not there goes.
void turn_into_not_modified(Context& ctx, Response& response) {
  http::Headers& headers = response.headers;
  if (const auto bytes = response.body.bytes()) {
    ctx.set(middleware::NotModifiedBody{ctx.arena().copy(headers.get(HeaderId::content_type)), bytes->size()});
  }
  response.status = Status::not_modified;
  response.body = http::Body();
  response.trailers.reset();
  headers.remove(HeaderId::content_type);
  headers.remove(HeaderId::content_encoding);
  headers.remove(HeaderId::content_language);
  headers.remove(HeaderId::accept_ranges);
  if (headers.has(HeaderId::etag)) headers.remove(HeaderId::last_modified);
}

Response problem(Context& ctx, Status status, std::string detail) {
  http::Problem problem;
  problem.status = status;
  problem.detail = std::move(detail);
  problem.instance = ctx.path();
  problem.request_id = ctx.request_id();
  return http::to_response(problem);
}

Response version_changed(Context& ctx, const std::optional<http::EntityTag>& tag) {
  bool weak = false;  // what If-Match has of this version, and so is not looked at (RFC 9110 section 13.1.1)
  if (tag) {
    ctx.request().headers.each(HeaderId::if_match, [&](std::string_view list) {
      weak = weak || (http::entity_tag_list_has(list, *tag, true) && !http::entity_tag_list_has(list, *tag, false));
    });
  }
  return problem(ctx, Status::precondition_failed,
                 weak ? "If-Match needs a strong tag: a weak one, as compressed answers have, matches nothing"
                      : "the resource is not in the version that the request is for");
}

void hex(std::uint64_t word, char* out) {
  for (int i = 15; i >= 0; --i, word >>= 4) out[i] = "0123456789abcdef"[word & 15];
}

/// False when OpenSSL has no SHA-256, or no memory.
bool sha256(std::string_view bytes, unsigned char (&digest)[32]) {
  // Fetched once: EVP_sha256() would be looked up for every body.
  thread_local const middleware::DigestPtr algorithm(EVP_MD_fetch(nullptr, "SHA256", nullptr));
  thread_local const middleware::DigestContextPtr context(EVP_MD_CTX_new());
  return algorithm && context && EVP_DigestInit_ex2(context.get(), algorithm.get(), nullptr) == 1 &&
         EVP_DigestUpdate(context.get(), bytes.data(), bytes.size()) == 1 &&
         EVP_DigestFinal_ex(context.get(), digest, nullptr) == 1;
}

}  // namespace

EtagText make_etag(std::string_view bytes, bool strong) {
  EtagText tag;
  char* at = tag.text_.data();
  unsigned char digest[32];
  if (strong && sha256(bytes, digest)) {
    *at++ = '"';
    for (int half = 0; half < 2; ++half, at += 16) {
      std::uint64_t word = 0;
      for (int i = 0; i < 8; ++i) word = word << 8 | digest[half * 8 + i];
      hex(word, at);
    }
  } else {
    for (const char c : {'W', '/', '"'}) *at++ = c;
    at = std::to_chars(at, at + 16, bytes.size(), 16).ptr;
    *at++ = '-';
    hex(middleware::body_hash(bytes), at);
    at += 16;
  }
  *at++ = '"';
  tag.size_ = static_cast<std::size_t>(at - tag.text_.data());
  return tag;
}

void Etag::after(Context& ctx, Response& response) const {
  // Preconditions hold for what would be a success (RFC 9110 section 13.2.1).
  if (response.status != Status::ok || (ctx.method() != Method::get && ctx.method() != Method::head)) return;
  http::Headers& headers = response.headers;
  if (!headers.has(HeaderId::etag)) {
    const auto bytes = response.body.bytes();
    if (bytes && !response.body.none() && bytes->size() <= options_.max_size && !has_no_store(headers)) {
      headers.set(HeaderId::etag, make_etag(*bytes, options_.strong).view());
    }
  }
  constexpr auto conditions = http::HeaderSet::of(HeaderId::if_match, HeaderId::if_none_match,
                                                  HeaderId::if_modified_since, HeaderId::if_unmodified_since);
  if (!ctx.request().headers.has_any(conditions)) return;
  const std::int64_t now = unix_seconds(ctx.wall());
  const http::Validators validators{
      .tag = http::parse_entity_tag(headers.get(HeaderId::etag)),
      .last_modified = http::parse_date(headers.get(HeaderId::last_modified), now),
  };
  if (!validators.tag && !validators.last_modified) return;
  switch (http::evaluate_preconditions(ctx.method(), ctx.request().headers, validators, now)) {
    case http::Precondition::proceed:
      return;
    case http::Precondition::not_modified:
      return turn_into_not_modified(ctx, response);
    case http::Precondition::failed:
      response = version_changed(ctx, validators.tag);
      return;
  }
}

Etag etag(EtagOptions options) {
  return Etag(options);
}

std::optional<Response> check_preconditions(Context& ctx, const CurrentVersion& current) {
  const http::HeaderView& headers = ctx.request().headers;
  if (current.required && !headers.has_any(http::HeaderSet::of(HeaderId::if_match, HeaderId::if_none_match,
                                                               HeaderId::if_unmodified_since))) {
    return problem(ctx, Status::precondition_required,
                   "send If-Match with the ETag of the version that the change is made to");
  }
  const std::int64_t now = unix_seconds(ctx.wall());
  http::Validators validators{
      .tag = http::parse_entity_tag(current.etag), .last_modified = {}, .exists = current.exists};
  if (current.last_modified) validators.last_modified = unix_seconds(*current.last_modified);
  switch (http::evaluate_preconditions(ctx.method(), headers, validators, now)) {
    case http::Precondition::proceed:
      return std::nullopt;
    case http::Precondition::not_modified: {
      Response response(Status::not_modified);
      if (!current.etag.empty()) response.headers.set(HeaderId::etag, current.etag);
      if (validators.last_modified && current.etag.empty()) {
        response.headers.set(HeaderId::last_modified, http::format_date(*validators.last_modified).view());
      }
      return response;
    }
    case http::Precondition::failed:
      break;
  }
  return version_changed(ctx, validators.tag);
}

}  // namespace weir
