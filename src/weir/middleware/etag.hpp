// Entity tags and conditional requests (RFC 9110 sections 8.8 and 13).
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

#include "weir/json/rules.hpp"
#include "weir/time/clock.hpp"
#include "weir/web/middleware.hpp"

namespace weir {

struct EtagOptions {
  /// Tags from SHA-256, which stand for the bytes and may be used with If-Match. The default is weak tags from a fast
  /// hash of 64 bits: enough to save a transfer, not against somebody who makes up two bodies with the same tag.
  bool strong = false;
  std::size_t max_size = std::size_t{1} << 20;  ///< Larger bodies get no tag.

  static constexpr auto rules = weir::rules<EtagOptions>(weir::all_optional(), weir::reject_unknown_fields());
};

/// Gives every 200 that answers GET or HEAD with a body in memory an ETag, unless the handler has set one, and answers
/// 304 when the client has that version already (If-None-Match; If-Modified-Since where the handler says
/// Last-Modified). It saves the transfer, not the work of the handler: who can tell the version beforehand asks
/// check_preconditions().
///
/// Put it behind compress(), so that what is not sent is not compressed either. Streams and files get no tag
/// (static_files() makes its own), nor do answers with Cache-Control: no-store.
class Etag {
 public:
  static constexpr std::string_view name = "etag";

  explicit Etag(EtagOptions options) noexcept : options_(options) {}

  void after(Context& ctx, Response& response) const;

 private:
  EtagOptions options_;
};

[[nodiscard]] Etag etag(EtagOptions options = {});

/// An entity tag as text.
class EtagText {
 public:
  [[nodiscard]] std::string_view view() const noexcept { return {text_.data(), size_}; }

 private:
  friend EtagText make_etag(std::string_view bytes, bool strong);
  std::array<char, 48> text_{};
  std::size_t size_ = 0;
};

/// The tag that etag() gives to these bytes: W/"1c-9f86d081884c7d65", or "9f86d0…" (32 digits) when `strong`.
[[nodiscard]] EtagText make_etag(std::string_view bytes, bool strong = false);

/// What a resource is like before a request is carried out.
struct CurrentVersion {
  std::string_view etag;  ///< `"v7"`, with its quotes. Empty: not known.
  std::optional<WallTime> last_modified;
  bool exists = true;
  bool required = false;  ///< A request without any precondition is refused with 428 (RFC 6585 section 3).
};

/// Looks at If-Match, If-Unmodified-Since, If-None-Match and If-Modified-Since. Nothing: go on. Else the answer: 412
/// for a change to a version that is not the current one (a lost update), 304 for a read of what the client has
/// already, 428 where a precondition is required and missing.
///
///   app.put("/tasks/{id}", [&](weir::Context& ctx, …) -> weir::Response {
///     if (auto answer = weir::check_preconditions(ctx, {.etag = task.version, .required = true})) {
///       return std::move(*answer);
///     }
///
/// If-Match takes strong tags only, and compress() makes those of what it compresses weak: answers whose tag is for
/// If-Match say `Cache-Control: no-transform`, or are not behind compress().
[[nodiscard]] std::optional<Response> check_preconditions(Context& ctx, const CurrentVersion& current);

}  // namespace weir
