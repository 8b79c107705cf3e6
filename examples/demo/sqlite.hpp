// A little of SQLite in C++: connections, prepared statements, transactions. Everything here blocks: call it from the
// pool for blocking work, never from an event loop.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unordered_map>

struct sqlite3;
struct sqlite3_stmt;

namespace demo::sqlite {

/// What SQLite could not do: the disk is full, the file is corrupt, another process keeps it locked. Nothing that a
/// client did wrong, so it is an exception: it leaves the handler, and the service answers 500, 503 or 507.
class Failure : public std::runtime_error {
 public:
  /// `code` is SQLite's extended result code.
  Failure(int code, const std::string& message) : std::runtime_error(message), code_(code) {}
  /// The primary code: SQLITE_FULL, SQLITE_BUSY, …
  [[nodiscard]] int code() const noexcept { return code_ & 0xff; }
  /// A value that a UNIQUE constraint does not allow.
  [[nodiscard]] bool is_duplicate() const noexcept;
  /// A reference to a row that is not there.
  [[nodiscard]] bool is_missing_reference() const noexcept;

 private:
  int code_;
};

class Connection;

/// A prepared statement in use: bind the parameters in their order, then step or run. Its connection keeps the compiled
/// form for the next time. Lives shorter than its connection.
class Query {
 public:
  Query(const Query&) = delete;
  Query& operator=(const Query&) = delete;
  ~Query();

  /// Binds the next parameter. Text is copied.
  Query& bind(std::int64_t value);
  Query& bind(std::string_view value);
  Query& bind(std::nullptr_t);
  template <class T>
  Query& bind(const std::optional<T>& value) {
    return value ? bind(*value) : bind(nullptr);
  }

  /// The next row; false when there is none.
  bool step();
  /// For statements without rows.
  void run() { static_cast<void>(step()); }

  // The columns of the row, from 0. Texts are copied out.
  [[nodiscard]] std::int64_t integer(int column) const;
  [[nodiscard]] std::string text(int column) const;
  [[nodiscard]] bool is_null(int column) const;

 private:
  friend class Connection;
  Query(sqlite3* database, sqlite3_stmt* statement) : database_(database), statement_(statement) {}
  void check(int code);

  sqlite3* database_;
  sqlite3_stmt* statement_;
  int parameters_ = 0;
};

/// One connection to a database file. One thread at a time.
class Connection {
 public:
  enum class Access { read_only, read_write };

  /// Opens the file, with Access::read_write creating it. Throws Failure.
  Connection(const std::string& file, Access access, std::chrono::milliseconds busy_timeout);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// One or more statements without parameters and without rows of interest.
  void execute(const char* statements);
  /// A statement, compiled at its first use. The same text must not be in use twice at a time.
  [[nodiscard]] Query query(std::string_view statement);
  [[nodiscard]] std::int64_t last_insert_id() const;
  /// Rows that the last statement changed.
  [[nodiscard]] std::int64_t changes() const;

 private:
  struct Close {
    void operator()(sqlite3* database) const noexcept;
  };
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const noexcept;
  };
  std::unique_ptr<sqlite3, Close> database_;
  // Declared behind the database: statements end before it is closed.
  std::unordered_map<std::string, std::unique_ptr<sqlite3_stmt, Finalize>> statements_;
};

/// All or nothing: what was done since is taken back unless commit() returned.
class Transaction {
 public:
  explicit Transaction(Connection& connection) : connection_(connection) { connection_.execute("BEGIN IMMEDIATE"); }
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  ~Transaction();
  /// Returns when the changes are on the disk.
  void commit();

 private:
  Connection& connection_;
  bool open_ = true;
};

}  // namespace demo::sqlite
