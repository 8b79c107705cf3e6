#include <weir/http/mime.hpp>

#include "service.hpp"

namespace demo {

namespace {

constexpr std::uint64_t max_attachment = 64ull << 20;
constexpr std::size_t write_at_once = 256 * 1024;

/// Says in the API's description that the body is the file itself.
struct FileContent {
  static weir::Result<FileContent> from_context(weir::Context&) { return FileContent{}; }
  static void describe(weir::OperationDoc& doc) {
    doc.request_bodies.push_back({"application/octet-stream", nullptr});
    doc.request_body_required = true;
  }
};

/// Names are never used as paths here, but those who download the file may do so.
weir::Result<void> check_name(std::string_view name) {
  bool good = !name.empty() && name.size() <= 200 && name != "." && name != "..";
  for (const char c : name) good = good && c != '/' && c != '\\' && static_cast<unsigned char>(c) >= 0x20 && c != 0x7f;
  if (good) return {};
  return weir::bad_request(
      "the name of an attachment must have 1 to 200 bytes, and neither slashes nor control characters");
}

/// RFC 6266: a name for everyone, and one in UTF-8 (RFC 8187) for those who know it.
std::string content_disposition(std::string_view name) {
  std::string plain;
  std::string encoded;
  for (const char c : name) {
    const bool ascii = c >= 0x20 && c < 0x7f;
    plain += ascii && c != '"' && c != '\\' && c != '%' ? c : '_';
    if (std::string_view("!#$&+-.^_`|~").find(c) != std::string_view::npos || (c >= '0' && c <= '9') ||
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) {
      encoded += c;
    } else {
      constexpr std::string_view hex = "0123456789ABCDEF";
      encoded += {'%', hex[static_cast<unsigned char>(c) >> 4], hex[static_cast<unsigned char>(c) & 15]};
    }
  }
  return "attachment; filename=\"" + plain + "\"; filename*=UTF-8''" + encoded;
}

/// Reads the whole body into a file. Shared with the pool's threads, which may still write when the client has gone.
weir::Task<weir::Result<std::shared_ptr<Upload>>> receive(weir::App& app, Service& service, weir::Context& ctx) {
  auto begin = app.blocking().run([&service] { return std::shared_ptr<Upload>(service.store->begin_upload()); });
  weir::Result<std::shared_ptr<Upload>> upload = co_await begin;
  if (!upload) co_return upload;
  std::string gathered;
  for (bool more = true; more;) {
    weir::Result<std::string_view> piece = co_await ctx.read();
    if (!piece) co_return std::unexpected(std::move(piece.error()));
    more = !piece->empty();
    gathered += *piece;
    if (gathered.size() < write_at_once && more) continue;
    auto append = app.blocking().run([to = *upload, bytes = std::exchange(gathered, {})] { to->append(bytes); });
    weir::Result<void> appended = co_await append;
    if (!appended) co_return std::unexpected(std::move(appended.error()));
  }
  co_return upload;
}

}  // namespace

void add_attachment_routes(weir::App& app, Service& service) {
  weir::Group attachments = app.group("/tasks/{id}/attachments");
  attachments.tag("attachments");

  attachments
      .get("",
           [&](weir::Path<std::int64_t, "id"> id) -> weir::Task<weir::Result<AttachmentList>> {
             auto call = app.blocking().run([&service, id = *id] { return service.store->attachments(id); });
             weir::Result<AttachmentList> list = co_await call;
             co_return list;
           })
      .summary("List a task's attachments")
      .responds(weir::Status::not_found);

  attachments
      .put("/{name}",
           [&](weir::Context& ctx, weir::Path<std::int64_t, "id"> id, weir::Path<std::string, "name"> name,
               FileContent) -> weir::Task<weir::Result<weir::Reply<Attachment, weir::Status::created>>> {
             if (auto good = check_name(*name); !good) co_return std::unexpected(std::move(good.error()));
             // A wrong task is found before 64 MB have come.
             auto look = app.blocking().run([&service, id = *id] { return service.store->task(id); });
             weir::Result<Task> task = co_await look;
             if (!task) co_return std::unexpected(std::move(task.error()));
             weir::Result<std::shared_ptr<Upload>> upload = co_await receive(app, service, ctx);
             if (!upload) co_return std::unexpected(std::move(upload.error()));
             std::string media_type(ctx.header(weir::HeaderId::content_type));
             if (!weir::http::parse_media_type(media_type)) media_type = weir::http::media_type_of_file(*name);
             auto call = app.blocking().run([&service, id = *id, name = *name, media_type = std::move(media_type),
                                             upload = std::move(*upload), at = now(ctx)] {
               auto attached = service.store->attach(id, name, media_type, *upload, at);
               if (attached) service.changed("task.changed", id);
               return attached;
             });
             weir::Result<Attachment> attached = co_await call;
             if (!attached) co_return std::unexpected(std::move(attached.error()));
             co_return weir::created(std::move(*attached), ctx.path());
           })
      .summary("Attach a file")
      .description("The body is the file, up to 64 MB. A file of the same name is replaced.")
      .body_limit(max_attachment)
      .timeout(std::chrono::minutes(10))
      .responds(weir::Status::not_found)
      .responds(weir::Status::content_too_large);

  attachments
      .get("/{name}",
           [&](weir::Path<std::int64_t, "id"> id,
               weir::Path<std::string, "name"> name) -> weir::Task<weir::Result<weir::Response>> {
             auto call =
                 app.blocking().run([&service, id = *id, name = *name] { return service.store->attachment(id, name); });
             weir::Result<Store::StoredFile> stored = co_await call;
             if (!stored) co_return std::unexpected(std::move(stored.error()));
             weir::Result<weir::Response> response = weir::file(stored->path, stored->attachment.media_type);
             if (response) {
               // As a file to keep: what strangers upload must not run as a page of this site.
               response->headers.set(weir::HeaderId::content_disposition, content_disposition(*name));
             }
             co_return response;
           })
      .name("attachment")
      .summary("Download an attachment")
      .responds(weir::Status::not_found);

  attachments
      .del("/{name}",
           [&](weir::Path<std::int64_t, "id"> id,
               weir::Path<std::string, "name"> name) -> weir::Task<weir::Result<void>> {
             auto call = app.blocking().run([&service, id = *id, name = *name] {
               auto removed = service.store->remove_attachment(id, name);
               if (removed) service.changed("task.changed", id);
               return removed;
             });
             weir::Result<void> removed = co_await call;
             co_return removed;
           })
      .summary("Delete an attachment")
      .responds(weir::Status::not_found);
}

}  // namespace demo
