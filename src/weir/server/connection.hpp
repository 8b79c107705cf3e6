// What a worker knows of a connection, whichever protocol it speaks.
#pragma once

namespace weir::server {

class Worker;

/// Owned by its worker's list; loop thread only.
class Connection {
 public:
  Connection() noexcept = default;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  virtual ~Connection() = default;

  /// Stop when what runs has ended: an idle connection closes now.
  virtual void drain() noexcept = 0;
  /// Close now, whatever runs. The connection is destroyed soon after.
  virtual void close_now() noexcept = 0;
  /// After close_now(): end coroutines of its own that did not end by themselves. The connection is destroyed soon
  /// after.
  virtual void abandon() noexcept {}

 private:
  friend class Worker;
  Connection* previous_ = nullptr;
  Connection* next_ = nullptr;
};

}  // namespace weir::server
