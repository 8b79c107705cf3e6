#include <cerrno>
#include <system_error>

#include <fcntl.h>
#include <unistd.h>

#include "store.hpp"

namespace demo {

namespace {

[[noreturn]] void throw_errno(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

Attachment attachment_from(const sqlite::Query& row) {
  return {row.integer(0), row.text(1), row.text(2), row.integer(3), Time(std::chrono::seconds(row.integer(4)))};
}

std::unexpected<weir::Error> no_attachment(std::int64_t task, const std::string& name) {
  return weir::not_found("task " + std::to_string(task) + " has no attachment \"" + name + "\"");
}

/// The task that an attachment belongs to has changed, too: its ETag must not stay.
void touch_task(sqlite::Connection& connection, std::int64_t task) {
  connection.query("UPDATE tasks SET version = version + 1 WHERE id = ?").bind(task).run();
}

}  // namespace

// --- Upload ---

Upload::Upload(const std::string& folder) : path_(folder + "/XXXXXX") {
  fd_ = ::mkostemp(path_.data(), O_CLOEXEC);
  if (fd_ < 0) throw_errno("make a file for an attachment");
}

Upload::~Upload() {
  ::close(fd_);
  if (!keep_) ::unlink(path_.c_str());
}

void Upload::append(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd_, bytes.data(), bytes.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      throw_errno("write an attachment");
    }
    bytes.remove_prefix(static_cast<std::size_t>(written));
    size_ += written;
  }
}

// --- Store ---

weir::Result<AttachmentList> Store::attachments(std::int64_t task) {
  const Reader reader(*this);
  if (auto found = task_on(*reader, task); !found) return std::unexpected(found.error());
  sqlite::Query query =
      reader->query("SELECT id, name, media_type, size, created_at FROM attachments WHERE task = ? ORDER BY name");
  query.bind(task);
  AttachmentList list;
  while (query.step()) list.items.push_back(attachment_from(query));
  return list;
}

weir::Result<Attachment> Store::attach(std::int64_t task, const std::string& name, const std::string& media_type,
                                       Upload& upload, Time now) {
  // First the content and its entry in the folder, then the row: what has a row has its content after any crash.
  if (::fsync(upload.fd_) != 0 || ::fsync(lock_fd_) != 0) throw_errno("sync an attachment");
  const std::string stored = upload.path_.substr(folder_.size() + 1);
  std::vector<std::string> replaced;
  Attachment attachment{0, name, media_type, upload.size_, now};
  {
    const std::lock_guard lock(writing_);
    sqlite::Transaction transaction(*writer_);
    if (auto found = task_on(*writer_, task); !found) return std::unexpected(found.error());
    {
      sqlite::Query old = writer_->query("SELECT stored FROM attachments WHERE task = ? AND name = ?");
      if (old.bind(task).bind(name).step()) replaced.push_back(old.text(0));
    }
    writer_
        ->query(
            "INSERT OR REPLACE INTO attachments (task, name, media_type, size, stored, created_at) "
            "VALUES (?, ?, ?, ?, ?, ?)")
        .bind(task)
        .bind(name)
        .bind(media_type)
        .bind(upload.size_)
        .bind(stored)
        .bind(now.time_since_epoch().count())
        .run();
    attachment.id = writer_->last_insert_id();
    touch_task(*writer_, task);
    transaction.commit();
  }
  upload.keep_ = true;
  unlink_stored(replaced);
  return attachment;
}

weir::Result<Store::StoredFile> Store::attachment(std::int64_t task, const std::string& name) {
  const Reader reader(*this);
  sqlite::Query query = reader->query(
      "SELECT id, name, media_type, size, created_at, stored FROM attachments WHERE task = ? AND name = ?");
  if (!query.bind(task).bind(name).step()) return no_attachment(task, name);
  return StoredFile{attachment_from(query), folder_ + "/" + query.text(5)};
}

weir::Result<void> Store::remove_attachment(std::int64_t task, const std::string& name) {
  std::vector<std::string> stored;
  {
    const std::lock_guard lock(writing_);
    sqlite::Transaction transaction(*writer_);
    {
      sqlite::Query query = writer_->query("SELECT stored FROM attachments WHERE task = ? AND name = ?");
      if (!query.bind(task).bind(name).step()) return no_attachment(task, name);
      stored.push_back(query.text(0));
    }
    writer_->query("DELETE FROM attachments WHERE task = ? AND name = ?").bind(task).bind(name).run();
    touch_task(*writer_, task);
    transaction.commit();
  }
  unlink_stored(stored);
  return {};
}

void Store::unlink_stored(const std::vector<std::string>& names) const noexcept {
  // What stays behind because this fails is removed at the next start.
  for (const std::string& name : names) ::unlink((folder_ + "/" + name).c_str());
}

}  // namespace demo
