// The store's life: opening, schema, connections, users. Tasks and attachments have their own files.
#include "store.hpp"

#include <cerrno>
#include <filesystem>
#include <set>
#include <system_error>

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/file.h>
#include <unistd.h>

namespace demo {

namespace {

constexpr std::chrono::seconds busy_timeout{5};

/// Each entry brings the schema one version further; PRAGMA user_version counts them. Never change one that was
/// released: add another.
constexpr const char* migrations[] = {
    R"sql(
CREATE TABLE users (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL,
  email TEXT NOT NULL UNIQUE COLLATE NOCASE,
  created_at INTEGER NOT NULL          -- Unix seconds, as all times
);
CREATE TABLE tasks (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  title TEXT NOT NULL,
  notes TEXT NOT NULL,
  due INTEGER,                         -- days since 1970-01-01
  priority INTEGER NOT NULL,
  done INTEGER NOT NULL DEFAULT 0,
  tags TEXT NOT NULL,                  -- a JSON array of texts
  assignee INTEGER REFERENCES users (id) ON DELETE SET NULL,
  version INTEGER NOT NULL DEFAULT 1,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
);
CREATE INDEX tasks_by_assignee ON tasks (assignee);
CREATE INDEX tasks_by_due ON tasks (done, due);
CREATE TABLE attachments (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  task INTEGER NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  media_type TEXT NOT NULL,
  size INTEGER NOT NULL,
  stored TEXT NOT NULL,                -- the file's name in the folder of attachments
  created_at INTEGER NOT NULL,
  UNIQUE (task, name)
);
CREATE VIRTUAL TABLE tasks_text USING fts5 (
  title, notes, tags, content = 'tasks', content_rowid = 'id', tokenize = 'unicode61 remove_diacritics 2'
);
CREATE TRIGGER tasks_text_insert AFTER INSERT ON tasks BEGIN
  INSERT INTO tasks_text (rowid, title, notes, tags) VALUES (new.id, new.title, new.notes, new.tags);
END;
CREATE TRIGGER tasks_text_delete AFTER DELETE ON tasks BEGIN
  INSERT INTO tasks_text (tasks_text, rowid, title, notes, tags)
    VALUES ('delete', old.id, old.title, old.notes, old.tags);
END;
CREATE TRIGGER tasks_text_update AFTER UPDATE OF title, notes, tags ON tasks BEGIN
  INSERT INTO tasks_text (tasks_text, rowid, title, notes, tags)
    VALUES ('delete', old.id, old.title, old.notes, old.tags);
  INSERT INTO tasks_text (rowid, title, notes, tags) VALUES (new.id, new.title, new.notes, new.tags);
END;
)sql"};

User user_from(const sqlite::Query& row) {
  return {row.integer(0), row.text(1), row.text(2), Time(std::chrono::seconds(row.integer(3)))};
}

std::string no_user(std::int64_t id) {
  return "there is no user " + std::to_string(id);
}

}  // namespace

// --- opening ---

Store::Store(std::string file) : file_(std::move(file)), folder_(file_ + ".files") {}

Store::~Store() {
  if (lock_fd_ >= 0) ::close(lock_fd_);
}

weir::Result<std::unique_ptr<Store>> Store::open(const std::string& file) {
  namespace fs = std::filesystem;
  std::unique_ptr<Store> store(new Store(file));
  std::error_code error;
  fs::create_directories(store->folder_, error);
  if (error) {
    return weir::fail(weir::system_error(error.value(), "make the folder " + store->folder_ + " beside the database"));
  }
  // Uploads that are under way belong to one process: a second one on the same files would take them for remains.
  store->lock_fd_ = ::open(store->folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (store->lock_fd_ < 0) return weir::fail(weir::system_error(errno, "open " + store->folder_));
  if (::flock(store->lock_fd_, LOCK_EX | LOCK_NB) != 0) {
    return weir::fail(weir::Errc::failed_precondition,
                      "another process uses the database " + file + "; end it, or give another file with --database");
  }
  try {
    store->open_writer();
    store->migrate();
    store->remove_orphans();
  } catch (const sqlite::Failure& failure) {
    const std::string where = "the database " + file + ": ";
    if (failure.code() == SQLITE_NOTADB || failure.code() == SQLITE_CORRUPT) {
      return weir::fail(weir::Errc::data_loss, where + failure.what() +
                                                   "; move the file away to begin anew, or see what the program "
                                                   "sqlite3 can recover from it");
    }
    return weir::fail(weir::Errc::unavailable, where + failure.what() + "; can this user write to its folder?");
  }
  return store;
}

void Store::open_writer() {
  writer_ = std::make_unique<sqlite::Connection>(file_, sqlite::Connection::Access::read_write, busy_timeout);
  // FULL: the log is synced before a commit returns. NORMAL would lose the last commits in a power cut.
  writer_->execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON");
}

void Store::migrate() {
  std::int64_t version = 0;
  {
    sqlite::Query query = writer_->query("PRAGMA user_version");
    if (query.step()) version = query.integer(0);
  }
  const auto newest = static_cast<std::int64_t>(std::size(migrations));
  if (version > newest) throw sqlite::Failure(SQLITE_ERROR, "a newer version of this program has written it");
  for (; version < newest; ++version) {
    sqlite::Transaction transaction(*writer_);
    writer_->execute(migrations[version]);
    writer_->execute(("PRAGMA user_version = " + std::to_string(version + 1)).c_str());
    transaction.commit();
  }
}

void Store::remove_orphans() {
  std::set<std::string> known;
  sqlite::Query query = writer_->query("SELECT stored FROM attachments");
  while (query.step()) known.insert(query.text(0));
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder_, error)) {
    if (!known.contains(entry.path().filename().string())) std::filesystem::remove(entry.path(), error);
  }
}

void Store::ping() {
  const Reader reader(*this);
  sqlite::Query query = reader->query("SELECT count(*) FROM sqlite_schema");
  query.run();
}

// --- readers ---

Store::Reader::Reader(Store& store) : store_(store) {
  {
    const std::lock_guard lock(store_.idle_mutex_);
    if (!store_.idle_readers_.empty()) {
      connection_ = std::move(store_.idle_readers_.back());
      store_.idle_readers_.pop_back();
    }
  }
  // At most as many as the pool for blocking work has threads.
  if (!connection_) {
    connection_ =
        std::make_unique<sqlite::Connection>(store_.file_, sqlite::Connection::Access::read_only, busy_timeout);
  }
}

Store::Reader::~Reader() {
  const std::lock_guard lock(store_.idle_mutex_);
  store_.idle_readers_.push_back(std::move(connection_));
}

// --- users ---

weir::Result<User> Store::user_on(sqlite::Connection& connection, std::int64_t id) {
  sqlite::Query query = connection.query("SELECT id, name, email, created_at FROM users WHERE id = ?");
  if (!query.bind(id).step()) return weir::not_found(no_user(id));
  return user_from(query);
}

weir::Result<User> Store::add_user(const NewUser& user, Time now) {
  const std::lock_guard lock(writing_);
  try {
    writer_->query("INSERT INTO users (name, email, created_at) VALUES (?, ?, ?)")
        .bind(user.name)
        .bind(user.email)
        .bind(now.time_since_epoch().count())
        .run();
  } catch (const sqlite::Failure& failure) {
    if (failure.is_duplicate()) return weir::conflict("a user with the address " + user.email + " exists");
    throw;
  }
  return User{writer_->last_insert_id(), user.name, user.email, now};
}

weir::Result<User> Store::user(std::int64_t id) {
  const Reader reader(*this);
  return user_on(*reader, id);
}

UserPage Store::users(const Paging& paging) {
  const Reader reader(*this);
  UserPage page{{}, 0, paging.page, paging.per_page};
  sqlite::Query count = reader->query("SELECT count(*) FROM users");
  if (count.step()) page.total = count.integer(0);
  sqlite::Query query =
      reader->query("SELECT id, name, email, created_at FROM users ORDER BY name COLLATE NOCASE, id LIMIT ? OFFSET ?");
  query.bind(paging.per_page).bind(std::int64_t{paging.page - 1} * paging.per_page);
  while (query.step()) page.items.push_back(user_from(query));
  return page;
}

weir::Result<User> Store::change_user(std::int64_t id, const UserPatch& patch) {
  const std::lock_guard lock(writing_);
  try {
    writer_->query("UPDATE users SET name = coalesce(?, name), email = coalesce(?, email) WHERE id = ?")
        .bind(patch.name)
        .bind(patch.email)
        .bind(id)
        .run();
  } catch (const sqlite::Failure& failure) {
    if (failure.is_duplicate()) return weir::conflict("another user has the address " + *patch.email);
    throw;
  }
  return user_on(*writer_, id);
}

weir::Result<void> Store::remove_user(std::int64_t id) {
  const std::lock_guard lock(writing_);
  writer_->query("DELETE FROM users WHERE id = ?").bind(id).run();
  if (writer_->changes() == 0) return weir::not_found(no_user(id));
  return {};
}

}  // namespace demo
