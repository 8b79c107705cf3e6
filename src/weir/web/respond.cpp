#include <stdexcept>

#include "weir/http/mime.hpp"
#include "weir/http/problem.hpp"
#include "weir/json/write.hpp"
#include "weir/net/file.hpp"
#include "weir/web/conditional.hpp"
#include "weir/web/response.hpp"

namespace weir {

namespace detail {

Response json_response(Status status, const json::TypeInfo& type, const void* value) {
  Buffer body;
  json::write(type, value, body);
  Response response(status, http::Body(std::move(body)));
  response.headers.set_static(HeaderId::content_type, "application/json");
  return response;
}

Response text_response(Status status, std::string_view text) {
  return weir::text(text, status);
}

void set_location(http::Headers& headers, std::string_view location) {
  if (headers.set(HeaderId::location, location)) return;
  throw std::invalid_argument(
      "a Location with a control character, or over 1 MiB, cannot be sent: percent-encode what it is made of");
}

void set_media_type(http::Headers& headers, std::string_view media_type) {
  if (headers.set(HeaderId::content_type, media_type)) return;
  throw std::invalid_argument("a media type with a control character cannot be sent");
}

void describe_json(OperationDoc& doc, Status status, const json::TypeInfo& type) {
  ResponseDoc& response = doc.response(status);
  if (status == Status::created) response.header("Location", "Where it is");
  for (const BodyDoc& content : response.contents) {
    if (content.media_type == "application/json") return;
  }
  response.contents.push_back({"application/json", &type});
}

void describe_text(OperationDoc& doc) {
  doc.response(Status::ok).contents.push_back({"text/plain", nullptr});
}

}  // namespace detail

namespace {
Response with_type(Status status, http::Body body, std::string_view media_type) {
  Response response(status, std::move(body));
  detail::set_media_type(response.headers, media_type);
  return response;
}
}  // namespace

Response text(std::string_view text, Status status) {
  return with_type(status, http::Body(Buffer(text)), "text/plain; charset=utf-8");
}
Response html(std::string_view text, Status status) {
  return with_type(status, http::Body(Buffer(text)), "text/html; charset=utf-8");
}
Response bytes(std::string content, std::string_view media_type, Status status) {
  return with_type(status, http::Body(std::move(content)), media_type);
}
Response static_bytes(std::string_view content, std::string_view media_type, Status status) {
  return with_type(status, http::Body::of_static(content), media_type);
}

Response redirect(std::string_view location, Status status) {
  Response response(status);
  detail::set_location(response.headers, location);
  return response;
}

Response problem(Status status, std::string_view detail) {
  http::Problem problem;
  problem.status = status;
  problem.detail = detail;
  Response response = http::to_response(problem);
  response.unfinished_problem = true;
  return response;
}

Result<Response> file(const std::string& path, std::string_view media_type) {
  Result<net::File> opened = net::File::open(path);
  if (!opened) {
    // The error reaches the client, who has no business with the paths of this machine.
    switch (const Errc code = opened.error().code()) {
      case Errc::not_found:
      case Errc::invalid_argument:
        return fail(Errc::not_found, "there is no such file");
      case Errc::permission_denied:
        return fail(code, "the file may not be read");
      case Errc::resource_exhausted:
        // No descriptors or no memory is this server's trouble and not the client's: 503, not 429.
        return fail(Errc::unavailable, "the file cannot be opened now");
      default:
        return fail(code, "the file cannot be opened");
    }
  }
  FilePresentation presentation;
  presentation.media_type = media_type.empty() ? http::media_type_of_file(path) : media_type;
  const EventLoop* loop = EventLoop::current();
  return detail::whole_file(std::move(*opened), presentation, loop != nullptr ? loop->wall() : Clock::system().wall());
}

Response stream(std::string_view media_type, std::move_only_function<Task<Result<void>>(BodyWriter&)> write,
                std::optional<std::uint64_t> length) {
  return with_type(Status::ok, http::Body(http::StreamBody{std::move(write), length}), media_type);
}

}  // namespace weir
