// Users, tasks and attachments on the disk. Every function blocks and may be called by any thread; infrastructure
// that fails throws (sqlite::Failure, std::system_error), what the caller got wrong comes back as an error.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include <weir/base/error.hpp>

#include "model.hpp"
#include "sqlite.hpp"

namespace demo {

using Time = std::chrono::sys_seconds;

/// A file on its way to become an attachment. When it is destroyed before Store::attach took it, nothing remains.
/// One thread at a time.
class Upload {
 public:
  /// Makes an empty file in `folder`. Throws std::system_error.
  explicit Upload(const std::string& folder);
  ~Upload();
  Upload(const Upload&) = delete;
  Upload& operator=(const Upload&) = delete;

  /// Throws std::system_error, for example when the disk is full.
  void append(std::string_view bytes);
  [[nodiscard]] std::int64_t size() const noexcept { return size_; }

 private:
  friend class Store;
  std::string path_;
  std::int64_t size_ = 0;
  int fd_ = -1;
  bool keep_ = false;
};

/// A database file, and beside it a folder FILE.files with the contents of the attachments. One writer at a time; any
/// number of readers, which the writer does not hold up (write-ahead log). A function that writes returns when its
/// change is on the disk: neither a killed process nor a power cut takes it back.
class Store {
 public:
  /// Opens or creates it, and brings an older one to the newest schema. The error says what to do.
  static weir::Result<std::unique_ptr<Store>> open(const std::string& file);
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  weir::Result<User> add_user(const NewUser& user, Time now);
  weir::Result<User> user(std::int64_t id);
  UserPage users(const Paging& paging);
  weir::Result<User> change_user(std::int64_t id, const UserPatch& patch);
  /// The user's tasks stay, without an assignee.
  weir::Result<void> remove_user(std::int64_t id);

  weir::Result<Task> add_task(const NewTask& task, Time now);
  weir::Result<Task> task(std::int64_t id);
  TaskPage find_tasks(const TaskSearch& search);
  /// Says whether a change of this version of a task is wanted. Called in the transaction that makes the change.
  using VersionCheck = std::function<bool(std::int64_t version)>;
  /// not_found; aborted: `wanted` refused; unprocessable: no such assignee.
  weir::Result<Task> change_task(std::int64_t id, const TaskPatch& patch, Time now, const VersionCheck& wanted);
  /// With its attachments. not_found; aborted.
  weir::Result<void> remove_task(std::int64_t id, const VersionCheck& wanted);

  weir::Result<AttachmentList> attachments(std::int64_t task);
  std::unique_ptr<Upload> begin_upload() { return std::make_unique<Upload>(folder_); }
  /// Gives the task a file, in place of one that has the same name.
  weir::Result<Attachment> attach(std::int64_t task, const std::string& name, const std::string& media_type,
                                  Upload& upload, Time now);
  struct StoredFile {
    Attachment attachment;
    std::string path;
  };
  weir::Result<StoredFile> attachment(std::int64_t task, const std::string& name);
  weir::Result<void> remove_attachment(std::int64_t task, const std::string& name);

  /// Whether the database answers. For the health check.
  void ping();

 private:
  explicit Store(std::string file);
  void open_writer();
  void migrate();
  void remove_orphans();

  /// A connection for reading, back to the others when it goes.
  class Reader;
  weir::Result<Task> task_on(sqlite::Connection& connection, std::int64_t id);
  static weir::Result<User> user_on(sqlite::Connection& connection, std::int64_t id);
  void unlink_stored(const std::vector<std::string>& names) const noexcept;

  std::string file_;
  std::string folder_;
  int lock_fd_ = -1;
  std::mutex writing_;
  std::unique_ptr<sqlite::Connection> writer_;
  std::mutex idle_mutex_;
  std::vector<std::unique_ptr<sqlite::Connection>> idle_readers_;
};

class Store::Reader {
 public:
  explicit Reader(Store& store);
  ~Reader();
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;
  [[nodiscard]] sqlite::Connection& operator*() const noexcept { return *connection_; }
  [[nodiscard]] sqlite::Connection* operator->() const noexcept { return connection_.get(); }

 private:
  Store& store_;
  std::unique_ptr<sqlite::Connection> connection_;
};

}  // namespace demo
