#include "sqlite.hpp"

#include <sqlite3.h>

namespace demo::sqlite {

namespace {

[[noreturn]] void fail(sqlite3* database, int code) {
  const std::string what = database != nullptr ? sqlite3_errmsg(database) : sqlite3_errstr(code);
  throw Failure(database != nullptr ? sqlite3_extended_errcode(database) : code, what);
}

}  // namespace

bool Failure::is_duplicate() const noexcept {
  return code_ == SQLITE_CONSTRAINT_UNIQUE || code_ == SQLITE_CONSTRAINT_PRIMARYKEY;
}
bool Failure::is_missing_reference() const noexcept {
  return code_ == SQLITE_CONSTRAINT_FOREIGNKEY;
}

// --- Query ---

Query::~Query() {
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
}

void Query::check(int code) {
  if (code != SQLITE_OK) fail(database_, code);
}
Query& Query::bind(std::int64_t value) {
  check(sqlite3_bind_int64(statement_, ++parameters_, value));
  return *this;
}
Query& Query::bind(std::string_view value) {
  // An empty view may have no pointer, which SQLite would take for NULL.
  const char* bytes = value.data() != nullptr ? value.data() : "";
  check(sqlite3_bind_text64(statement_, ++parameters_, bytes, value.size(), SQLITE_TRANSIENT, SQLITE_UTF8));
  return *this;
}
Query& Query::bind(std::nullptr_t) {
  check(sqlite3_bind_null(statement_, ++parameters_));
  return *this;
}

bool Query::step() {
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code != SQLITE_DONE) fail(database_, code);
  return false;
}

std::int64_t Query::integer(int column) const {
  return sqlite3_column_int64(statement_, column);
}
std::string Query::text(int column) const {
  const unsigned char* text = sqlite3_column_text(statement_, column);
  if (text == nullptr) return {};
  return {reinterpret_cast<const char*>(text), static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}
bool Query::is_null(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

// --- Connection ---

void Connection::Close::operator()(sqlite3* database) const noexcept {
  sqlite3_close_v2(database);
}
void Connection::Finalize::operator()(sqlite3_stmt* statement) const noexcept {
  sqlite3_finalize(statement);
}

Connection::Connection(const std::string& file, Access access, std::chrono::milliseconds busy_timeout) {
  const int mode = access == Access::read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  sqlite3* opened = nullptr;
  const int code = sqlite3_open_v2(file.c_str(), &opened, mode | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
  database_.reset(opened);
  if (code != SQLITE_OK) fail(opened, code);
  sqlite3_busy_timeout(opened, static_cast<int>(busy_timeout.count()));
}
Connection::~Connection() = default;

void Connection::execute(const char* statements) {
  const int code = sqlite3_exec(database_.get(), statements, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) fail(database_.get(), code);
}

Query Connection::query(std::string_view statement) {
  auto [at, is_new] = statements_.try_emplace(std::string(statement));
  if (is_new) {
    sqlite3_stmt* compiled = nullptr;
    const int code = sqlite3_prepare_v3(database_.get(), statement.data(), static_cast<int>(statement.size()),
                                        SQLITE_PREPARE_PERSISTENT, &compiled, nullptr);
    if (code != SQLITE_OK) {
      statements_.erase(at);
      fail(database_.get(), code);
    }
    at->second.reset(compiled);
  }
  return {database_.get(), at->second.get()};
}

std::int64_t Connection::last_insert_id() const {
  return sqlite3_last_insert_rowid(database_.get());
}
std::int64_t Connection::changes() const {
  return sqlite3_changes64(database_.get());
}

// --- Transaction ---

void Transaction::commit() {
  connection_.execute("COMMIT");
  open_ = false;
}

Transaction::~Transaction() {
  if (!open_) return;
  try {
    connection_.execute("ROLLBACK");
  } catch (const Failure&) {
    // SQLite has rolled back by itself, as it does when the disk is full.
  }
}

}  // namespace demo::sqlite
