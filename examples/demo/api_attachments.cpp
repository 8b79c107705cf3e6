#include <weir/http/mime.hpp>
#include <weir/web/conditional.hpp>
#include <weir/web/multipart.hpp>

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

/// The body of a request as a source of pieces, as a part of a form is one.
struct WholeBody {
  weir::Context* ctx;
  [[nodiscard]] weir::Task<weir::Result<std::string_view>> read() const { return ctx->read(); }
};

/// Writes all that `source` gives to a file. Shared with the pool's threads, which may still write when the client has
/// gone.
template <class Source>
weir::Task<weir::Result<std::shared_ptr<Upload>>> receive(weir::App& app, Service& service, Source source) {
  auto begin = app.blocking().run([&service] { return std::shared_ptr<Upload>(service.store->begin_upload()); });
  weir::Result<std::shared_ptr<Upload>> upload = co_await begin;
  if (!upload) co_return upload;
  std::string gathered;
  for (bool more = true; more;) {
    weir::Result<std::string_view> piece = co_await source.read();
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

/// Receives one file and makes it an attachment.
template <class Source>
weir::Task<weir::Result<Attachment>> attach(weir::App& app, Service& service, Source source, std::int64_t task,
                                            std::string name, std::string media_type, Time at) {
  if (auto good = check_name(name); !good) co_return std::unexpected(std::move(good.error()));
  weir::Result<std::shared_ptr<Upload>> upload = co_await receive(app, service, source);
  if (!upload) co_return std::unexpected(std::move(upload.error()));
  if (!weir::http::parse_media_type(media_type)) media_type = weir::http::media_type_of_file(name);
  auto call = app.blocking().run(
      [&service, task, name = std::move(name), media_type = std::move(media_type), upload = std::move(*upload), at] {
        auto attached = service.store->attach(task, name, media_type, *upload, at);
        if (attached) service.changed("task.changed", task);
        return attached;
      });
  weir::Result<Attachment> attached = co_await call;
  co_return attached;
}

/// A wrong task is found before 64 MB have come.
weir::Task<weir::Result<void>> check_task(weir::App& app, Service& service, std::int64_t id) {
  auto look = app.blocking().run([&service, id] { return service.store->task(id); });
  weir::Result<Task> task = co_await look;
  if (!task) co_return std::unexpected(std::move(task.error()));
  co_return weir::Result<void>();
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
      .post("",
            [&](weir::Context& ctx, weir::Path<std::int64_t, "id"> id,
                weir::Multipart form) -> weir::Task<weir::Result<weir::Reply<AttachmentList, weir::Status::created>>> {
              weir::Result<void> there = co_await check_task(app, service, *id);
              if (!there) co_return std::unexpected(std::move(there.error()));
              AttachmentList list;
              for (;;) {
                weir::Result<std::optional<weir::Multipart::Part>> next = co_await form.next();
                if (!next) co_return std::unexpected(std::move(next.error()));
                if (!*next) break;
                const weir::Multipart::Part part = **next;
                if (!part.is_file || part.filename.empty()) continue;
                auto attaching = attach(app, service, part, *id, weir::base_name(part.filename),
                                        std::string(part.content_type), now(ctx));
                weir::Result<Attachment> attached = co_await std::move(attaching);
                if (!attached) co_return std::unexpected(std::move(attached.error()));
                list.items.push_back(std::move(*attached));
              }
              if (list.items.empty()) co_return weir::bad_request("the form holds no file");
              co_return weir::created(std::move(list), ctx.path());
            })
      .summary("Attach files with a form")
      .description("All files of the form, up to 64 MB in all. Files of the same names are replaced.")
      .form_files("files", "Any name will do.")
      .body_limit(max_attachment)
      .timeout(std::chrono::minutes(10))
      .responds(weir::Status::not_found)
      .responds(weir::Status::content_too_large);

  attachments
      .put("/{name}",
           [&](weir::Context& ctx, weir::Path<std::int64_t, "id"> id, weir::Path<std::string, "name"> name,
               FileContent) -> weir::Task<weir::Result<weir::Reply<Attachment, weir::Status::created>>> {
             weir::Result<void> there = co_await check_task(app, service, *id);
             if (!there) co_return std::unexpected(std::move(there.error()));
             std::string media_type(ctx.header(weir::HeaderId::content_type));
             auto attaching = attach(app, service, WholeBody{&ctx}, *id, *name, std::move(media_type), now(ctx));
             weir::Result<Attachment> attached = co_await std::move(attaching);
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
           [&](weir::Context& ctx, weir::Path<std::int64_t, "id"> id,
               weir::Path<std::string, "name"> name) -> weir::Task<weir::Result<weir::Response>> {
             auto call =
                 app.blocking().run([&service, id = *id, name = *name] { return service.store->attachment(id, name); });
             weir::Result<Store::StoredFile> stored = co_await call;
             if (!stored) co_return std::unexpected(std::move(stored.error()));
             weir::Result<weir::net::File> file = weir::net::File::open(stored->path);
             if (!file) co_return weir::fail(weir::Errc::unavailable, "the file cannot be opened");
             // As a file to keep: what strangers upload must not run as a page of this site.
             co_return weir::serve_file(ctx, std::move(*file),
                                        {.media_type = stored->attachment.media_type, .download_name = *name});
           })
      .name("attachment")
      .summary("Download an attachment")
      .description("Ranges and conditions are honoured.")
      .responds_as(weir::Status::ok, "*/*", "The file, of the media type that it came with")
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
