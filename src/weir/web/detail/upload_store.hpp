// Unfinished uploads on disk: see resumable_upload.hpp.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "weir/base/error.hpp"
#include "weir/net/socket.hpp"
#include "weir/time/clock.hpp"
#include "weir/web/resumable_upload.hpp"

namespace weir::detail {

/// What is kept about an upload in ID.json, beside its content in ID.part. The latter is gone when it is complete.
struct UploadRecord {
  std::optional<std::uint64_t> length;  ///< As announced, or as it is when complete.
  std::string media_type;
  std::string file_name;
  bool complete = false;
};

/// One upload. `mutex` guards everything that is not const, and is held while its file is written.
struct StoredUpload {
  std::string id;
  std::string path;  // of the content
  UploadRecord record;
  std::mutex mutex;
  std::uint64_t size = 0;
  std::uint64_t generation = 0;  // of the request that may write; newer requests take it away from older ones
  bool gone = false;             // cancelled, too old, or invalid
  bool finishing = false;        // all is there, and whoever takes it is at work
  net::Fd file;
  std::int64_t touched_s = 0;  // the store's mutex guards this and the next one
  std::uint64_t reserved = 0;  // of the store's total
};

using UploadHandle = std::shared_ptr<StoredUpload>;

/// A view of an upload's state, taken by a request that thereby becomes the only one that may write.
struct UploadState {
  UploadHandle upload;
  std::uint64_t generation = 0;
  std::uint64_t offset = 0;
  std::optional<std::uint64_t> length;
  bool complete = false;
};

/// Any thread; every function may wait for the disk.
class UploadStore {
 public:
  /// Throws std::system_error.
  explicit UploadStore(const ResumableUploadOptions& options);

  [[nodiscard]] Result<UploadState> create(UploadRecord record, WallTime now);
  /// not_found. Requests before this one lose the right to write.
  [[nodiscard]] Result<UploadState> take(const std::string& id);
  /// invalid_argument when another length was announced before; too_large, resource_exhausted.
  [[nodiscard]] Result<void> set_length(const UploadState& state, std::uint64_t length);
  /// aborted when another request has taken over.
  [[nodiscard]] Result<void> append(const UploadState& state, std::string_view bytes, WallTime now);
  /// Makes the disk have it, if the options want that.
  [[nodiscard]] Result<void> settle(const UploadState& state);
  /// Nobody may append any more, and nobody else may finish it (aborted) until finish() or release().
  [[nodiscard]] Result<void> begin_finish(const UploadState& state);
  /// It was not finished after all.
  void release(StoredUpload& upload) noexcept;
  /// Records that it is complete, and removes the content.
  [[nodiscard]] Result<void> finish(StoredUpload& upload);
  void remove(const UploadHandle& upload);
  /// How long it is kept if nothing more comes.
  [[nodiscard]] std::chrono::seconds left(const StoredUpload& upload, WallTime now);
  void clean_up(WallTime now);
  /// The same, unless it was done in the last minute: it looks at every upload.
  void clean_up_if_due(WallTime now);

  [[nodiscard]] const ResumableUploadOptions& options() const noexcept { return options_; }

 private:
  void load();
  void load_one(const std::string& id);
  [[nodiscard]] Result<void> reserve(StoredUpload& upload, std::uint64_t bytes);
  [[nodiscard]] Result<void> write_record(const StoredUpload& upload) const;
  [[nodiscard]] std::string file(std::string_view id, std::string_view ending) const;

  const ResumableUploadOptions options_;
  std::mutex mutex_;  // guards what follows; taken while an upload's mutex is held, never the other way around
  std::map<std::string, UploadHandle, std::less<>> uploads_;
  std::uint64_t total_ = 0;
  std::int64_t cleaned_s_ = 0;
};

}  // namespace weir::detail
