// Ways to make a response.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "weir/json/describe.hpp"
#include "weir/web/context.hpp"
#include "weir/web/respond.hpp"

namespace weir {

namespace detail {
// They throw std::invalid_argument for what cannot be sent: the handler's answer is 500 and the log says why.
void set_location(http::Headers& headers, std::string_view location);
void set_media_type(http::Headers& headers, std::string_view media_type);
}  // namespace detail

/// A value as JSON, with any status. (A handler that answers 200 returns the value itself.)
template <class T>
[[nodiscard]] Response json_response(const T& value, Status status = Status::ok) {
  return detail::json_response(status, json::type_info<T>(), &value);
}
/// "text/plain; charset=utf-8". The text is copied.
[[nodiscard]] Response text(std::string_view text, Status status = Status::ok);
/// "text/html; charset=utf-8". Nothing is escaped here.
[[nodiscard]] Response html(std::string_view text, Status status = Status::ok);
/// Bytes with a media type. This and the others below throw std::invalid_argument for one with control characters.
[[nodiscard]] Response bytes(std::string content, std::string_view media_type = "application/octet-stream",
                             Status status = Status::ok);
/// Memory that outlives the response: literals, embedded files. Not copied.
[[nodiscard]] Response static_bytes(std::string_view content, std::string_view media_type, Status status = Status::ok);
/// 201 with the value as JSON, and where it is. Throws as redirect() does.
template <class T>
[[nodiscard]] Reply<T, Status::created> created(T value, std::string_view location = {}) {
  Reply<T, Status::created> reply{std::move(value), {}};
  if (!location.empty()) detail::set_location(reply.headers, location);
  return reply;
}
/// 202 with the value as JSON.
template <class T>
[[nodiscard]] Reply<T, Status::accepted> accepted(T value) {
  return {std::move(value), {}};
}
/// 204.
[[nodiscard]] inline EmptyReply<Status::no_content> no_content() {
  return {};
}
/// A redirect: 302 unless another status is given. `location` is a URI reference: what it is made of must be
/// percent-encoded. Throws std::invalid_argument for control characters, so that a handler's answer is 500 and the log
/// says why.
[[nodiscard]] Response redirect(std::string_view location, Status status = Status::found);
/// A problem (RFC 9457) with this status; see also the errors that handlers return.
[[nodiscard]] Response problem(Status status, std::string_view detail = {});

/// The regular file at `path`, as it is now, sent without a copy where the connection allows it. The media type comes
/// from its name unless it is given. not_found, permission_denied, …: a Result, so that it can be returned as it is.
/// Ranges and conditions of the request are honoured (conditional.hpp, where set_download_name() is, too).
/// `path` is the program's: for paths that come from requests use static_files().
[[nodiscard]] Result<Response> file(const std::string& path, std::string_view media_type = {});

/// A body that a coroutine writes: `weir::stream("text/csv", [](weir::BodyWriter& out) ->
/// weir::Task<weir::Result<void>> {…})`. With `length` it is sent as Content-Length, and exactly so many bytes must be
/// written.
using BodyWriter = http::BodyWriter;
[[nodiscard]] Response stream(std::string_view media_type,
                              std::move_only_function<Task<Result<void>>(BodyWriter&)> write,
                              std::optional<std::uint64_t> length = std::nullopt);

// Errors to return from handlers: `return weir::not_found("no user 42");`
[[nodiscard]] inline std::unexpected<Error> not_found(std::string message) {
  return fail(Errc::not_found, std::move(message));
}
[[nodiscard]] inline std::unexpected<Error> bad_request(std::string message) {
  return fail(Errc::invalid_argument, std::move(message));
}
[[nodiscard]] inline std::unexpected<Error> conflict(std::string message) {
  return fail(Errc::already_exists, std::move(message));
}
[[nodiscard]] inline std::unexpected<Error> forbidden(std::string message) {
  return fail(Errc::permission_denied, std::move(message));
}
[[nodiscard]] inline std::unexpected<Error> unauthorized(std::string message) {
  return fail(Errc::unauthenticated, std::move(message));
}
[[nodiscard]] inline std::unexpected<Error> unavailable(std::string message) {
  return fail(Errc::unavailable, std::move(message));
}

}  // namespace weir
