// What a worker knows of a connection, whichever protocol it speaks.
#pragma once

#include <cstddef>

namespace weir::server {

class Worker;

/// Owned by its worker's list; loop thread only. The object stays as long as there are exchanges that it has left
/// behind (Worker::keep): they hand out what they know of it.
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
  std::size_t left_behind_ = 0;
  bool removed_ = false;  // from the worker's list
};

}  // namespace weir::server
