// One request and its answer, whichever protocol carries them.
#pragma once

#include <array>
#include <coroutine>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "weir/base/arena.hpp"
#include "weir/base/buffer.hpp"
#include "weir/base/error.hpp"
#include "weir/coro/stop.hpp"
#include "weir/coro/task.hpp"
#include "weir/http/message.hpp"
#include "weir/net/address.hpp"
#include "weir/net/security.hpp"
#include "weir/runtime/event_loop.hpp"
#include "weir/server/limits.hpp"
#include "weir/server/upgrade.hpp"
#include "weir/time/clock.hpp"
#include "weir/time/timer_wheel.hpp"

namespace weir::server {

class Connection;
class Exchange;
class ExchangePool;
class Service;

/// The connection behind an exchange. What it points to lives until the exchange is over, also when the connection has
/// gone before.
struct ConnectionInfo {
  const net::SocketAddress* peer = nullptr;
  const net::SocketAddress* local = nullptr;
  std::string_view protocol = "HTTP/1.1";
  const net::Security* security = nullptr;  ///< null: the connection is not secured.
  Connection* owner = nullptr;              ///< For the engine: whose members these are.
  /// The bytes came over TLS to this server. Whether the client used https is said by Request::scheme.
  [[nodiscard]] bool secure() const noexcept { return security != nullptr; }
};

/// How an exchange ended, for logs and metrics.
struct Outcome {
  http::Status status{};
  std::uint64_t bytes_in = 0;   ///< Request body bytes received.
  std::uint64_t bytes_out = 0;  ///< Response body bytes handed to the connection.
  Duration duration{};
  bool complete = false;  ///< The whole response was handed to the connection. False: the client went, or it was cut.
};

/// What a service keeps beside each exchange (its context). It is made once and recycled together with the exchange:
/// reset() must drop everything that belongs to the request that ended.
class ExchangeLocal {
 public:
  virtual ~ExchangeLocal() = default;
  virtual void reset() noexcept = 0;
};

/// A piece of the request body.
struct BodyPiece {
  enum class Kind : std::uint8_t {
    data,   ///< `data` is the next piece; it is valid until the next pull.
    end,    ///< The body is complete.
    wait,   ///< Nothing yet: wait_body().
    error,  ///< The body can't be had: see Exchange::body_error().
  };
  Kind kind = Kind::wait;
  std::string_view data;
};

/// Told when a pull of the body is worth another try. Runs on the loop.
class BodyWaiter {
 public:
  virtual void on_body_ready() noexcept = 0;

 protected:
  ~BodyWaiter() = default;
};

/// Told the whole body, or why it can't be had.
class BodyCollector {
 public:
  virtual void on_body(Result<std::string_view> body) noexcept = 0;

 protected:
  ~BodyCollector() = default;
};

/// What a protocol's connection does for its exchanges. One implementation per protocol.
class ExchangePort {
 public:
  virtual BodyPiece pull_body(Exchange& exchange) noexcept = 0;
  /// Sends an interim response, where the protocol's version has them.
  virtual void send_interim(Exchange& exchange, http::Status status, const http::Headers& headers) = 0;
  /// Sends head and, where the response has one of known size, body. For a streamed body only the head: write_body()
  /// and end_body() follow.
  virtual void send_response(Exchange& exchange, http::Response& response) noexcept = 0;
  /// Takes all of `data` (it is copied). Returns false when the reader is too slow: then wait for
  /// Exchange::on_writable() before the next one.
  virtual bool write_body(Exchange& exchange, std::string_view data) = 0;
  /// The same for a part of a file; takes over `file`.
  virtual bool write_body_file(Exchange& exchange, http::FileBody file) = 0;
  /// Returns true when everything has left; else Exchange::on_writable() follows when it has.
  virtual bool flush_body(Exchange& exchange) noexcept = 0;
  virtual void end_body(Exchange& exchange, const http::Headers* trailers) noexcept = 0;
  /// The response can't be finished: the client must notice (reset, or a close before the end).
  virtual void abort_response(Exchange& exchange) noexcept = 0;
  /// It was answered because its time was over, but its coroutine still runs: the connection goes on without it, and
  /// detach()es it.
  virtual void let_go(Exchange& exchange) noexcept = 0;
  /// The exchange is over and its request may be forgotten: the connection gives it back to the pool.
  virtual void release_exchange(Exchange& exchange) noexcept = 0;

 protected:
  ~ExchangePort() = default;
};

/// One request and its answer. Belongs to one event loop; made by the pool of that loop and recycled. All views into
/// the request (target, headers, body pieces) and everything in the arena live until the exchange is over, across
/// co_await.
///
/// Its life: the connection fills in the request and calls Service::on_request(). The service answers with respond(),
/// at once or later; a coroutine that will answer is handed to run(). If the client goes away or the time is over, the
/// stop token fires, a default answer is sent if it still can be, and a running coroutine is left to end by itself:
/// what it then answers is dropped.
class Exchange final : private Timer, private Deferred, private BodyWaiter {
 public:
  Exchange(EventLoop& loop, ExchangePool& pool);
  ~Exchange() override;
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  // --- the request ---
  [[nodiscard]] const http::Request& request() const noexcept { return request_; }
  [[nodiscard]] http::Request& request() noexcept { return request_; }
  [[nodiscard]] const ConnectionInfo& connection() const noexcept { return connection_; }
  [[nodiscard]] Arena& arena() noexcept { return arena_; }
  [[nodiscard]] EventLoop& loop() const noexcept { return loop_; }
  [[nodiscard]] StopToken stop_token() noexcept { return stop_.token(); }
  /// Stops when the server begins to drain: for answers without an end of their own (events, long polls). Everything
  /// else may go on until it is done, or until stop_token() says that the time of the drain is over.
  [[nodiscard]] StopToken drain_token() noexcept;
  [[nodiscard]] Instant started() const noexcept { return started_; }
  [[nodiscard]] const Limits& limits() const noexcept { return *limits_; }
  [[nodiscard]] ExchangeLocal* local() const noexcept { return local_.get(); }

  // --- its time ---
  /// When the answer must have started, whatever the client is sending; replaces set_timeout(). Instant::max(): never.
  void set_deadline(Instant deadline) noexcept;
  /// How long the answer may take from the end of the head or, where the body is read, from when it last moved: a large
  /// upload takes as long as it takes while it keeps to the stall time-out and the minimum rate of the limits. At first
  /// this is Limits::request_timeout. 0: any time.
  void set_timeout(Duration timeout) noexcept;
  [[nodiscard]] Instant deadline() const noexcept { return deadline_; }

  // --- its body ---
  /// Refuse bodies above this (413). Call it before the first pull; 0: no limit.
  void limit_body(std::uint64_t bytes) noexcept { body_limit_ = bytes; }
  /// False, with a body_error(), where the length that the client announced is above the limit: nothing need be read.
  [[nodiscard]] bool accepts_length() noexcept {
    if (body_limit_ == 0 || content_length_ <= body_limit_) [[likely]]
      return true;
    refuse_length();
    return false;
  }
  [[nodiscard]] std::uint64_t body_limit() const noexcept { return body_limit_; }
  /// True if the request announced a body (it may still be empty).
  [[nodiscard]] bool has_body() const noexcept { return has_body_; }
  [[nodiscard]] std::optional<std::uint64_t> content_length() const noexcept { return content_length_; }
  /// The whole body, contiguous, with at least 64 readable bytes behind its end, to `collector`: at once if it has
  /// arrived, later otherwise. The view lives until the exchange is over.
  void collect_body(BodyCollector& collector) noexcept;
  void forget_body_collector(BodyCollector& collector) noexcept {
    if (collector_ == &collector) collector_ = nullptr;
  }
  /// The next piece, if there is one. Pieces of nothing but what the connection has room for: whoever does not pull
  /// makes the client wait.
  [[nodiscard]] BodyPiece pull_body() noexcept;
  /// After a pull that said `wait`: `waiter` is told once.
  void wait_body(BodyWaiter& waiter) noexcept { body_waiter_ = &waiter; }
  void forget_body_waiter(BodyWaiter& waiter) noexcept {
    if (body_waiter_ == &waiter) body_waiter_ = nullptr;
  }
  /// The next piece, for coroutines; an empty view at the end. Valid until the next call.
  [[nodiscard]] Task<Result<std::string_view>> read_body();
  [[nodiscard]] const Error* body_error() const noexcept { return body_error_ ? &*body_error_ : nullptr; }
  [[nodiscard]] std::uint64_t body_received() const noexcept { return body_received_; }

  // --- the answer ---
  /// Sends an interim response before the response (1xx, RFC 9110 section 15.2): 103 with what the page will need, 104
  /// with where an upload can go on. Any number. Nothing happens behind the response, for a client that has gone or
  /// speaks HTTP/1.0, and for 100 and 101, which the server itself sends.
  void inform(http::Status status, const http::Headers& headers) noexcept;
  /// Sends the response. Once; later calls are dropped (the client may have been answered already by the deadline).
  void respond(http::Response&& response) noexcept;
  [[nodiscard]] bool responded() const noexcept { return responded_; }
  /// With a response of 101 (HTTP/2: 200 to an extended CONNECT) that follows: what takes over the connection's bytes
  /// when the exchange is over. Without such a response it is dropped.
  void upgrade(std::unique_ptr<Upgrade> upgrade) noexcept { upgrade_ = std::move(upgrade); }
  /// Ends the connection (HTTP/2: the stream) without an answer.
  void abort() noexcept;
  /// Takes over the coroutine that will answer, and starts it. Its last act is respond(); it does not throw.
  void run(Task<void> task) noexcept;
  /// True while the coroutine given to run() has not ended.
  [[nodiscard]] bool running() const noexcept { return task_.valid() && !task_.done(); }

  // --- for the connection (protocol side) ---
  /// Where the parser puts the header fields: they live with the exchange.
  [[nodiscard]] std::span<http::HeaderField> field_slots() noexcept { return fields_; }
  void begin(ExchangePort& port, Service& service, const Limits& limits, const ConnectionInfo& connection) noexcept;
  /// Hands the request to the service, and starts the clock if that did not answer at once.
  void serve() noexcept;
  /// Memory that the request's views point into; freed with the exchange.
  void keep(Buffer memory) noexcept { kept_ = std::move(memory); }
  [[nodiscard]] bool keeps() const noexcept { return kept_.capacity() != 0; }
  /// The same for what was pulled of the body last, where it lies in a buffer of its own: the connection goes, and the
  /// handler may still look at it.
  void keep_body(Buffer memory) noexcept { kept_body_ = std::move(memory); }
  [[nodiscard]] bool upgrades() const noexcept { return upgrade_ != nullptr; }
  /// For the response that switches: what takes over. Null when there is none, or it was taken.
  [[nodiscard]] std::unique_ptr<Upgrade> take_upgrade() noexcept { return std::move(upgrade_); }
  /// `length`: where the request says it.
  void announce_body(std::optional<std::uint64_t> length) noexcept {
    has_body_ = true;
    content_length_ = length;
  }
  void fail_body(Error error) noexcept;

  /// More of the body (or its end, or its error) can be pulled.
  void on_body_readable() noexcept;
  /// The reader has caught up.
  void on_writable() noexcept;
  /// The connection is gone or unusable: cancels; the port is not called any more, and the exchange goes back to the
  /// pool by itself.
  void detach(StopReason reason) noexcept;
  /// The client has closed its side; the answer can perhaps still be sent.
  void on_peer_closed() noexcept { stop_.request_stop(StopReason::gone); }
  /// The response (as far as there will be one) is with the connection.
  void finish(std::uint64_t bytes_out, bool complete) noexcept;
  [[nodiscard]] bool finished() const noexcept { return finished_; }
  [[nodiscard]] bool timed_out() const noexcept { return stop_.reason() == StopReason::deadline; }
  /// Finished, and no coroutine runs any more: may be released.
  [[nodiscard]] bool over() const noexcept { return finished_ && !running() && !stream_running(); }

 private:
  friend class ExchangePool;
  class StreamWriter;

  void arm_deadline() noexcept;
  [[nodiscard]] bool body_keeps_it_alive() noexcept;
  void on_timer() noexcept override;
  void on_deferred() noexcept override;
  void on_body_ready() noexcept override;
  void refuse_length() noexcept;
  void pump_collector() noexcept;
  void deliver(Result<std::string_view> body) noexcept;
  void start_stream(http::Response&& response) noexcept;
  Task<void> stream_body();
  [[nodiscard]] bool stream_running() const noexcept { return stream_task_.valid() && !stream_task_.done(); }
  void release_when_over() noexcept;
  void recycle() noexcept;
  void abandon() noexcept;

  EventLoop& loop_;
  ExchangePool& pool_;
  ExchangePort* port_ = nullptr;
  Service* service_ = nullptr;
  const Limits* limits_ = nullptr;
  http::Request request_;
  ConnectionInfo connection_;
  Connection* left_ = nullptr;  // the connection that went before: kept for what connection_ points to
  Arena arena_;
  StopSource stop_;
  std::unique_ptr<ExchangeLocal> local_;
  const Service* local_of_ = nullptr;
  Instant started_{};
  Instant deadline_{};
  Duration timeout_{};    // zero: the deadline is fixed
  Instant body_moved_{};  // when something of the body was pulled last

  std::optional<std::uint64_t> content_length_;
  std::uint64_t body_limit_ = 0;
  std::uint64_t body_received_ = 0;
  BodyWaiter* body_waiter_ = nullptr;
  BodyCollector* collector_ = nullptr;
  Buffer collected_;
  std::optional<Error> body_error_;
  std::string_view whole_body_;

  Task<void> task_;
  Task<void> stream_task_;
  std::unique_ptr<StreamWriter> writer_;
  std::unique_ptr<Upgrade> upgrade_;
  http::Response streamed_;
  std::coroutine_handle<> writable_waiter_;
  Buffer kept_;
  Buffer kept_body_;
  std::array<http::HeaderField, max_header_count> fields_;
  http::Status status_{};
  bool has_body_ = false;
  bool responded_ = false;
  bool finished_ = false;
  bool serving_ = false;
  bool counted_ = false;                 // among the worker's requests
  Exchange* previous_active_ = nullptr;  // the pool's list
  Exchange* next_active_ = nullptr;
};

/// What answers exchanges: the application. Called on every loop at once; each exchange stays on its loop.
class Service {
 public:
  virtual ~Service() = default;
  /// Made once per pooled exchange. May be null.
  virtual std::unique_ptr<ExchangeLocal> make_local(Exchange& exchange) = 0;
  /// The head of a request has arrived.
  virtual void on_request(Exchange& exchange) noexcept = 0;
  /// The time is over and nothing was answered: `respond()` now. `receiving` tells that the client was still sending.
  virtual void on_timeout(Exchange& exchange, bool receiving) noexcept = 0;
  /// The exchange is over, however it ended. Exactly once for each on_request().
  virtual void on_finish(Exchange& exchange, const Outcome& outcome) noexcept = 0;
  /// A streamed body ended before its end, and not because the client has gone: the answer is cut. on_finish() follows.
  virtual void on_body_failed(Exchange& /*exchange*/, const Error& /*why*/) noexcept {}
  /// A client was refused before there was a request to answer: bytes that are no HTTP, a head that took too long, one
  /// connection too many.
  virtual void on_refused(const ConnectionInfo& connection, http::Status status, std::string_view why) noexcept = 0;
};

}  // namespace weir::server
