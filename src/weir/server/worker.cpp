#include "weir/server/worker.hpp"

#include <array>
#include <chrono>
#include <new>
#include <string_view>
#include <utility>

#include "weir/base/contracts.hpp"
#include "weir/server/http1_connection.hpp"

namespace weir::server {

namespace {
constexpr std::string_view overload_response =
    "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nRetry-After: 1\r\nConnection: close\r\n\r\n";
}

Worker::Worker(EventLoop& loop, const Limits& limits, std::atomic<std::size_t>& open_connections)
    : loop_(loop), limits_(limits), pool_(*this), turn_budget_(loop), open_connections_(open_connections) {}

Worker::~Worker() {
  WEIR_ASSERT(first_ == nullptr);
}

void Worker::adopt(std::unique_ptr<net::Stream> stream, Service& service, const net::SocketAddress& local) noexcept {
  stats_.accepted.store(stats_.accepted.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  if (draining_) return;
  if (open_connections_.fetch_add(1, std::memory_order_relaxed) >= limits_.connections) {
    open_connections_.fetch_sub(1, std::memory_order_relaxed);
    stats_.refused.store(stats_.refused.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    const net::SocketAddress peer = stream->peer();
    service.on_refused(ConnectionInfo{&peer, &local}, http::Status::service_unavailable, "too many connections");
    static_cast<void>(stream->write(overload_response.data(), overload_response.size()));
    // Closing with unread bytes would reset the connection, and the reset may overtake the answer. What has come so far
    // is read; to linger for the rest would cost what the limit saves.
    stream->shutdown_write();
    std::array<char, 4096> unread;
    static_cast<void>(stream->read(unread));
    return;
  }
  try {
    link(*new Http1Connection(*this, std::move(stream), service, local));
  } catch (const std::bad_alloc&) {
    open_connections_.fetch_sub(1, std::memory_order_relaxed);
  }
}

void Worker::add(std::unique_ptr<Connection> connection) noexcept {
  // Not against the limit: it takes the place of a connection that was counted.
  open_connections_.fetch_add(1, std::memory_order_relaxed);
  Connection& added = *connection.release();
  link(added);
  if (draining_) added.drain();
}

void Worker::link(Connection& connection) noexcept {
  connection.next_ = first_;
  if (first_ != nullptr) first_->previous_ = &connection;
  first_ = &connection;
  ++count_;
  stats_.connections.store(count_, std::memory_order_relaxed);
}

void Worker::remove(Connection& connection) noexcept {
  (connection.previous_ == nullptr ? first_ : connection.previous_->next_) = connection.next_;
  if (connection.next_ != nullptr) connection.next_->previous_ = connection.previous_;
  connection.removed_ = true;
  --count_;
  stats_.connections.store(count_, std::memory_order_relaxed);
  if (connection.left_behind_ == 0) destroy(connection);
  check_empty();
}

void Worker::let_go(Connection& connection) noexcept {
  if (--connection.left_behind_ == 0 && connection.removed_) destroy(connection);
}

/// Only now is there room for another one: who asks, goes and comes again must not pile up requests without a bound.
void Worker::destroy(Connection& connection) noexcept {
  delete &connection;
  open_connections_.fetch_sub(1, std::memory_order_relaxed);
}

void Worker::drain(Duration spread) noexcept {
  draining_ = true;
  drain_spread_ = spread;
  keep_alive_ = false;
  for (Connection* connection = first_; connection != nullptr;) {
    Connection* next = connection->next_;  // Connections are destroyed later, in a deferred step.
    connection->drain();
    connection = next;
  }
  drain_.request_stop(StopReason::shutdown);
  check_empty();
}

void Worker::close_all() noexcept {
  draining_ = true;
  keep_alive_ = false;
  for (Connection* connection = first_; connection != nullptr;) {
    Connection* next = connection->next_;
    connection->close_now();
    connection = next;
  }
  drain_.request_stop(StopReason::shutdown);
  check_empty();
}

void Worker::abandon_exchanges() noexcept {
  for (Connection* connection = first_; connection != nullptr;) {
    Connection* next = connection->next_;
    connection->abandon();
    connection = next;
  }
  pool_.abandon_all();
}

void Worker::when_empty(std::move_only_function<void()> done) {
  when_empty_ = std::move(done);
  check_empty();
}

void Worker::check_empty() noexcept {
  if (count_ != 0 || pool_.active() != 0 || !when_empty_) return;
  std::exchange(when_empty_, nullptr)();
}

std::string_view Worker::date() noexcept {
  const auto second = std::chrono::floor<std::chrono::seconds>(loop_.wall()).time_since_epoch().count();
  if (second != date_second_) {
    date_second_ = second;
    date_ = http::format_date(second);
  }
  return date_.view();
}

}  // namespace weir::server
