// Uploads that go on where they stopped: draft-ietf-httpbis-resumable-upload-12, interop version 8.
//
//   weir::ResumableUploads uploads({.directory = "/srv/incoming"}, app.blocking(), &store_file);
//   uploads.add_to(app.group("/uploads"));
//
//   weir::Task<weir::Result<weir::Response>> store_file(weir::Context& ctx, weir::FinishedUpload upload) { … }
//
//   POST   /uploads       Upload-Complete: ?0   201, Location: /uploads/3f…: what came is kept, more can be appended
//   POST   /uploads       Upload-Complete: ?1, or without that field: the whole of it, answered by store_file
//   HEAD   /uploads/3f…   (or GET)              204, Upload-Offset, Upload-Complete, Upload-Length, Upload-Limit
//   PATCH  /uploads/3f…   Upload-Offset: N, Upload-Complete, application/partial-upload: goes on at N, else 409
//   DELETE /uploads/3f…                         204: forgotten
//   OPTIONS /uploads                            Upload-Limit
//
// A client that brings content with the POST is told where to go on by an interim response (104) before it is read, and
// while it is read how much is safe; one that speaks HTTP/1.0, or without Upload-Complete or this draft's
// Upload-Draft-Interop-Version, is not, and what came of a broken POST is dropped.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "weir/base/error.hpp"
#include "weir/coro/task.hpp"
#include "weir/web/context.hpp"
#include "weir/web/params.hpp"
#include "weir/web/response.hpp"

namespace weir {

class BlockingPool;

namespace detail {
class UploadStore;
struct StoredUpload;
}  // namespace detail

/// Sizes are bytes.
struct ResumableUploadOptions {
  std::string directory;                                  ///< For nothing else; made if it is not there.
  std::uint64_t max_size = std::uint64_t{10} << 30;       ///< Of one upload: 413.
  std::uint64_t max_total = std::uint64_t{50} << 30;      ///< Of all unfinished ones, announced lengths included: 507.
  std::size_t max_uploads = 10'000;                       ///< Unfinished and remembered ones: 507.
  std::chrono::seconds max_age = std::chrono::hours(24);  ///< Since something was appended; then it is forgotten.
  /// An offset is told only when the disk has what is before it: it holds after a power cut, too. Without this it holds
  /// when the process is killed.
  bool durable = false;
};

/// An upload that is whole. Its file goes with it unless it was saved.
class FinishedUpload {
 public:
  explicit FinishedUpload(std::shared_ptr<detail::StoredUpload> upload) : upload_(std::move(upload)) {}

  [[nodiscard]] const std::string& id() const noexcept;
  [[nodiscard]] std::uint64_t size() const noexcept;
  /// Content-Type of the request that began it, as sent; may be empty.
  [[nodiscard]] const std::string& media_type() const noexcept;
  /// The last component of the name in that request's Content-Disposition; may be empty.
  [[nodiscard]] const std::string& file_name() const noexcept;
  /// Where its content lies until the handler's answer is there.
  [[nodiscard]] const std::string& path() const noexcept;
  /// Gives the file this name, which must be in the file system of ResumableUploadOptions::directory and free
  /// (already_exists; everything else is internal, with the reason). May wait for the disk.
  [[nodiscard]] Result<void> save_as(const std::string& path) const;

 private:
  std::shared_ptr<detail::StoredUpload> upload_;  // shared with the store and with calls in the pool
};

/// What uploads are stored in, and the handlers of their requests. Made before the application serves; outlives it.
///
/// An upload is a file of content and a file about it in the directory; the offset is the size of the first, so it is
/// right however the process ended. Requests for one upload that overlap are fenced: the newest one holds, and what an
/// older one still receives is not written.
///
/// When the last byte has come `finish` answers. If the process ends before that answer is recorded, the client goes on
/// with an empty PATCH and `finish` runs again: it is called at least once for what is told to be complete.
class ResumableUploads {
 public:
  using Finish = std::function<Task<Result<Response>>(Context&, FinishedUpload)>;

  /// Looks through the directory. Throws std::system_error when it cannot be used. `pool` outlives this.
  ResumableUploads(ResumableUploadOptions options, BlockingPool& pool, Finish finish);
  /// For programs that learn the options from their command line: open() follows, in an App::on_start() hook.
  ResumableUploads(BlockingPool& pool, Finish finish);
  ~ResumableUploads();
  ResumableUploads(const ResumableUploads&) = delete;
  ResumableUploads& operator=(const ResumableUploads&) = delete;

  /// Looks through the directory; before the first request. Throws std::system_error when it cannot be used.
  void open(const ResumableUploadOptions& options);

  /// Registers the routes, on a Group or an App (there with runtime_route patterns of its own).
  template <class Routes>
  void add_to(Routes routes) {
    routes.post("", [this](Context& ctx) { return create(ctx); }).body_limit(0);
    routes.put("", [this](Context& ctx) { return create(ctx); }).body_limit(0).hidden();
    routes.options("", [this](Context&) { return describe(); }).hidden();
    routes.head("/{upload}", [this](Context& ctx, Path<std::string, "upload"> id) { return look(ctx, *id); });
    routes.get("/{upload}", [this](Context& ctx, Path<std::string, "upload"> id) { return look(ctx, *id); }).hidden();
    routes.patch("/{upload}", [this](Context& ctx, Path<std::string, "upload"> id) { return append(ctx, *id); })
        .body_limit(0);
    routes.del("/{upload}", [this](Context& ctx, Path<std::string, "upload"> id) { return cancel(ctx, *id); });
  }

  // The handlers.
  Task<Result<Response>> create(Context& ctx);
  Task<Result<Response>> append(Context& ctx, std::string id);
  Task<Result<Response>> look(Context& ctx, std::string id);
  Task<Result<Response>> cancel(Context& ctx, std::string id);
  [[nodiscard]] Response describe() const;

  /// Forgets what is older than max_age. Each creation does it too, about once a minute.
  void clean_up(WallTime now);

 private:
  struct Receiving;
  Task<Result<void>> receive(Context& ctx, Receiving& receiving);
  Task<Result<Response>> receive_and_answer(Context& ctx, Receiving receiving);
  Task<Result<Response>> complete(Context& ctx, const Receiving& receiving);
  [[nodiscard]] Response refusal(Context& ctx, Error error) const;
  [[nodiscard]] std::string limits(std::chrono::seconds age) const;
  [[nodiscard]] std::string limits() const;

  std::shared_ptr<detail::UploadStore> store_;  // shared with calls in the pool
  BlockingPool& pool_;
  Finish finish_;
};

}  // namespace weir
