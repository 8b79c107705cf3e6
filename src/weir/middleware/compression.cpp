#include "weir/middleware/compression.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <utility>

#include "weir/http/accept.hpp"
#include "weir/middleware/detail/compression_stream.hpp"
#include "weir/middleware/detail/not_modified.hpp"
#include "weir/middleware/detail/vary.hpp"
#include "weir/web/context.hpp"

namespace weir {
namespace {

using middleware::Coding;
using middleware::EncoderLease;

constexpr std::array<std::string_view, 14> usual_types = {"application/json",
                                                          "text/html",
                                                          "text/plain",
                                                          "text/css",
                                                          "text/javascript",
                                                          "text/csv",
                                                          "text/xml",
                                                          "text/markdown",
                                                          "application/xml",
                                                          "application/yaml",
                                                          "image/svg+xml",
                                                          "application/wasm",
                                                          "application/javascript",
                                                          "application/vnd.api+json"};

/// A field of this response, any of its lines, has this token.
bool has_token(const http::Headers& headers, HeaderId id, std::string_view token) {
  if (!headers.has(id)) return false;
  bool found = false;
  for (const http::HeaderField field : headers) {
    if (field.id != id) continue;
    http::for_each_token(
        field.value, [&](std::string_view element) { found = found || http::equals_ignoring_case(element, token); });
  }
  return found;
}

bool starts_ignoring_case(std::string_view text, std::string_view start) noexcept {
  return text.size() >= start.size() && http::equals_ignoring_case(text.substr(0, start.size()), start);
}
bool ends_ignoring_case(std::string_view text, std::string_view end) noexcept {
  return text.size() >= end.size() && http::equals_ignoring_case(text.substr(text.size() - end.size()), end);
}

bool matches_type(std::string_view pattern, std::string_view type) noexcept {
  if (pattern.ends_with("/*")) return starts_ignoring_case(type, pattern.substr(0, pattern.size() - 1));
  if (pattern.starts_with("*+")) return ends_ignoring_case(type, pattern.substr(1));
  return http::equals_ignoring_case(pattern, type);
}

/// The bytes are others now, so the tag no longer promises that they are the same.
void weaken_etag(http::Headers& headers) {
  const std::string_view tag = headers.get(HeaderId::etag);
  if (!tag.starts_with('"')) return;
  recycle::String weak;
  weak.reserve(tag.size() + 2);
  weak.append("W/").append(tag);
  headers.set(HeaderId::etag, weak);
}

void check_type(const std::string& type) {
  const std::size_t slash = type.find('/');
  const bool suffix = type.starts_with("*+") && type.size() > 2;
  if (!suffix && (slash == std::string::npos || slash == 0 || slash + 1 == type.size() || type == "*/*")) {
    throw std::invalid_argument("compress: \"" + type + "\" is no media type; write text/html, text/* or *+json");
  }
}

}  // namespace

Compression::Compression(CompressionOptions options) : options_(std::move(options)) {
  for (const std::string& coding : options_.codings) {
    const auto known = middleware::parse_coding(coding);
    if (!known) throw std::invalid_argument("compress: there is no coding \"" + coding + "\": zstd, br and gzip are");
    const int level = *known == Coding::gzip     ? options_.gzip_level
                      : *known == Coding::brotli ? options_.brotli_level
                                                 : options_.zstd_level;
    if (!middleware::is_level(*known, level)) {
      throw std::invalid_argument("compress: " + coding + " has no level " + std::to_string(level));
    }
    offers_.push_back({*known, level});
    names_.push_back(middleware::to_string(*known));
  }
  if (offers_.empty()) throw std::invalid_argument("compress: name at least one coding");
  std::ranges::for_each(options_.types, check_type);
}

bool Compression::is_listed_type(std::string_view type) const noexcept {
  type = type.substr(0, type.find(';'));
  while (type.ends_with(' ')) type.remove_suffix(1);
  const auto matches = [type](std::string_view pattern) { return matches_type(pattern, type); };
  if (!options_.types.empty()) return std::ranges::any_of(options_.types, matches);
  return std::ranges::any_of(usual_types, matches) || ends_ignoring_case(type, "+json") ||
         ends_ignoring_case(type, "+xml");
}

bool Compression::is_candidate(const Response& response) const noexcept {
  if (http::never_has_content(response.status) || response.status == Status::partial_content) return false;
  const http::Body& body = response.body;
  if (body.none() || std::holds_alternative<http::FileBody>(body.content())) return false;
  if (const auto length = body.length(); length && *length < options_.min_size) return false;
  const http::Headers& headers = response.headers;
  if (headers.has(HeaderId::content_encoding) || headers.has(HeaderId::content_range)) return false;
  if (!is_listed_type(headers.get(HeaderId::content_type))) return false;
  // RFC 9111 section 5.2.2.6; and digests of the bytes that go over the wire (RFC 9530).
  return !has_token(headers, HeaderId::cache_control, "no-transform") && !headers.has("Content-Digest") &&
         !headers.has("Repr-Digest");
}

/// etag() behind us has found that the client has the answer: this says what the answer would have said.
void Compression::after_not_modified(Context& ctx, Response& response) const {
  const auto* body = ctx.get<middleware::NotModifiedBody>();
  if (body == nullptr || body->size < options_.min_size || !is_listed_type(body->content_type)) return;
  middleware::add_vary(response.headers, "Accept-Encoding");
  if (http::negotiate_encoding(ctx.request().headers, names_)) weaken_etag(response.headers);
}

void Compression::after(Context& ctx, Response& response) const {
  if (response.status == Status::not_modified) return after_not_modified(ctx, response);
  if (!is_candidate(response)) return;
  middleware::add_vary(response.headers, "Accept-Encoding");
  if (!ctx.request().headers.has(HeaderId::accept_encoding)) return;
  const auto offer = http::negotiate_encoding(ctx.request().headers, names_);
  if (!offer || !encode(ctx, response, *offer)) return;
  response.headers.set(HeaderId::content_encoding, names_[*offer]);
  response.headers.remove(HeaderId::accept_ranges);  // Ranges would be of bytes that the next answer may not have.
  weaken_etag(response.headers);
}

/// False: the body is as it was.
bool Compression::encode(Context& ctx, Response& response, std::size_t offer) const {
  const auto bytes = response.body.bytes();
  const bool whole = bytes && bytes->size() <= options_.stream_above;
  if (ctx.method() == Method::head && !whole) {
    // As GET answers: encoded, of a length that is not known. Nothing is ever written.
    response.body = http::StreamBody{.write = [](http::BodyWriter&) -> Task<Result<void>> { co_return Result<void>(); },
                                     .content_length = {}};
    return true;
  }
  const auto [coding, level] = offers_[offer];
  EncoderLease encoder = EncoderLease::take(coding, level, options_.max_streams);
  if (!encoder) return false;
  const auto length = response.body.length();
  if (!encoder->start(length ? std::optional<std::size_t>(*length) : std::nullopt)) return false;
  if (whole) {
    Buffer compressed;
    if (!middleware::compress_whole(*encoder, *bytes, compressed)) return false;
    response.body = std::move(compressed);
    return true;
  }
  response.body = middleware::compressed_body(std::move(response.body), std::move(encoder), ctx.loop());
  return true;
}

Compression compress(CompressionOptions options) {
  return Compression(std::move(options));
}

}  // namespace weir
