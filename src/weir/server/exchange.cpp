#include "weir/server/exchange.hpp"

#include <cerrno>
#include <exception>
#include <new>
#include <string>
#include <utility>

#include <fcntl.h>

#include "weir/base/contracts.hpp"
#include "weir/server/exchange_pool.hpp"
#include "weir/server/worker.hpp"

namespace weir::server {

namespace {
/// Readable bytes behind a collected body, so that a JSON parser may load whole vectors.
constexpr std::size_t body_padding = 64;
}  // namespace

/// The writer that a streamed body gets: it copies into the connection's output and waits while that is full.
class Exchange::StreamWriter final : public http::BodyWriter {
 public:
  explicit StreamWriter(Exchange& exchange) noexcept
      : exchange_(exchange), announced_(exchange.streamed_.body.stream()->content_length) {}

  Task<Result<void>> write(std::string_view data) override {
    if (gone()) co_return client_gone();
    if (!account(data.size())) co_return too_much();
    const bool room = data.empty() || exchange_.port_->write_body(exchange_, data);
    co_await Writable{exchange_, room};
    if (gone()) co_return client_gone();
    co_return Result<void>{};
  }
  bool offer(std::string_view data) override {
    if (gone() || exchange_.writable_waiter_ != nullptr || !account(data.size())) return false;
    // Whether there is room for more only matters to the next write(), which asks again.
    static_cast<void>(exchange_.port_->write_body(exchange_, data));
    return true;
  }
  Task<Result<void>> send_file(int fd, std::uint64_t offset, std::uint64_t length) override {
    if (gone()) co_return client_gone();
    if (!account(length)) co_return too_much();
    const int own = ::fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (own < 0) co_return fail(system_error(errno, "duplicate a file descriptor"));
    const bool room = exchange_.port_->write_body_file(exchange_, http::FileBody(own, offset, length));
    co_await Writable{exchange_, room};
    if (gone()) co_return client_gone();
    co_return Result<void>{};
  }
  Task<Result<void>> flush() override {
    if (gone()) co_return client_gone();
    const bool empty = exchange_.port_->flush_body(exchange_);
    co_await Writable{exchange_, empty};
    if (gone()) co_return client_gone();
    co_return Result<void>{};
  }
  bool trailer(std::string_view name, std::string_view value) override { return trailers_.add(name, value); }
  StopToken stop() noexcept override { return exchange_.stop_token(); }

  [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }
  [[nodiscard]] const http::Headers& trailers() const noexcept { return trailers_; }
  [[nodiscard]] bool whole() const noexcept { return !announced_ || *announced_ == bytes_; }

 private:
  struct Writable {
    Exchange& exchange;
    bool ready;
    bool await_ready() const noexcept { return ready || exchange.finished_; }
    void await_suspend(std::coroutine_handle<> self) const noexcept { exchange.writable_waiter_ = self; }
    void await_resume() const noexcept {}
  };

  [[nodiscard]] bool gone() const noexcept { return exchange_.port_ == nullptr || exchange_.finished_; }
  static std::unexpected<Error> client_gone() { return fail(Errc::cancelled, "the client has gone away"); }
  static std::unexpected<Error> too_much() {
    return fail(Errc::out_of_range, "more was written than the announced content length");
  }
  bool account(std::uint64_t size) noexcept {
    if (announced_ && bytes_ + size > *announced_) return false;
    bytes_ += size;
    return true;
  }

  Exchange& exchange_;
  std::optional<std::uint64_t> announced_;
  std::uint64_t bytes_ = 0;
  http::Headers trailers_;
};

Exchange::Exchange(EventLoop& loop, ExchangePool& pool) : loop_(loop), pool_(pool) {}
Exchange::~Exchange() = default;

StopToken Exchange::drain_token() noexcept {
  return pool_.worker().drain_token();
}

void Exchange::begin(ExchangePort& port, Service& service, const Limits& limits,
                     const ConnectionInfo& connection) noexcept {
  port_ = &port;
  service_ = &service;
  limits_ = &limits;
  connection_ = connection;
  started_ = loop_.now();
  body_moved_ = started_;
  set_timeout(limits.request_timeout);
  body_limit_ = limits.body_bytes;
  if (local_of_ != &service) {
    local_ = service.make_local(*this);
    local_of_ = &service;
  }
}

void Exchange::serve() noexcept {
  serving_ = true;
  counted_ = true;
  pool_.worker().count_request(true);
  service_->on_request(*this);
  serving_ = false;
  if (!responded_) arm_deadline();
  if (port_ == nullptr) release_when_over();  // The connection went meanwhile: it will not look any more.
}

void Exchange::recycle() noexcept {
  if (std::exchange(counted_, false)) pool_.worker().count_request(false);
  if (armed()) loop_.cancel(*this);
  take_back();
  task_ = {};
  stream_task_ = {};
  writer_.reset();
  upgrade_.reset();
  if (!streamed_.body.none()) streamed_ = http::Response();
  if (local_) local_->reset();  // Behind everything that may refer to it, or to the route's handler.
  collected_.release();  // To the thread's lists, where the next body of this size finds it: not one for each exchange.
  kept_.release();
  kept_body_.release();
  arena_.reset();
  stop_.reset();
  if (left_ != nullptr) pool_.worker().let_go(*std::exchange(left_, nullptr));
  connection_ = {};
  port_ = nullptr;
  service_ = nullptr;
  body_waiter_ = nullptr;
  collector_ = nullptr;
  body_error_.reset();
  whole_body_ = {};
  body_received_ = 0;
  writable_waiter_ = nullptr;
  status_ = {};
  content_length_.reset();
  has_body_ = responded_ = finished_ = false;
}

void Exchange::abandon() noexcept {
  task_ = {};
  stream_task_ = {};
  if (!finished_ && service_ != nullptr) finish(0, false);
}

void Exchange::set_timeout(Duration timeout) noexcept {
  set_deadline(timeout == Duration::zero() ? Instant::max() : later(started_, timeout));
  timeout_ = timeout;
}

void Exchange::set_deadline(Instant deadline) noexcept {
  timeout_ = Duration::zero();
  deadline_ = deadline;
  if (counted_ && !serving_) arm_deadline();  // Else serve() does it, if nothing has answered by then.
}

void Exchange::arm_deadline() noexcept {
  if (deadline_ == Instant::max() || responded_ || finished_) {
    loop_.cancel(*this);
  } else {
    loop_.arm(*this, deadline_);
  }
}

// --- the request's body ---

BodyPiece Exchange::pull_body() noexcept {
  if (body_error_) return {BodyPiece::Kind::error, {}};
  if (!has_body_) return {BodyPiece::Kind::end, {}};
  if (port_ == nullptr) {
    fail_body(Error(Errc::cancelled, "the client has gone away"));
    return {BodyPiece::Kind::error, {}};
  }
  // Before anything is read or asked for (100 Continue), and before memory is set aside for all of it.
  if (!accepts_length()) return {BodyPiece::Kind::error, {}};
  BodyPiece piece = port_->pull_body(*this);
  if (piece.kind == BodyPiece::Kind::data) {
    body_moved_ = loop_.now();
    body_received_ += piece.data.size();
    if (body_limit_ != 0 && body_received_ > body_limit_) {
      fail_body(Error(Errc::too_large, "the request body is larger than " + std::to_string(body_limit_) + " bytes"));
      return {BodyPiece::Kind::error, {}};
    }
  }
  return piece;
}

void Exchange::refuse_length() noexcept {
  fail_body(Error(Errc::too_large, "the request body has " + std::to_string(*content_length_) +
                                       " bytes, more than the " + std::to_string(body_limit_) +
                                       " that are accepted here"));
}

void Exchange::fail_body(Error error) noexcept {
  if (!body_error_) body_error_ = std::move(error);
}

void Exchange::on_body_readable() noexcept {
  if (BodyWaiter* waiter = std::exchange(body_waiter_, nullptr)) waiter->on_body_ready();
}

void Exchange::collect_body(BodyCollector& collector) noexcept {
  WEIR_DEBUG_ASSERT(collector_ == nullptr);
  collector_ = &collector;
  pump_collector();
}

void Exchange::on_body_ready() noexcept {
  pump_collector();
}

void Exchange::pump_collector() noexcept try {
  for (;;) {
    const BodyPiece piece = pull_body();
    switch (piece.kind) {
      case BodyPiece::Kind::data:
        // A body that lies whole in the receive buffer is not copied: its one piece stays where it is.
        if (collected_.empty() && content_length_ == piece.data.size()) {
          whole_body_ = piece.data;
        } else {
          if (collected_.empty() && content_length_) {
            static_cast<void>(collected_.reserve_more(static_cast<std::size_t>(*content_length_) + body_padding));
          }
          collected_.append(piece.data);
        }
        break;
      case BodyPiece::Kind::end:
        if (!collected_.empty()) {
          static_cast<void>(collected_.reserve_more(body_padding));
          whole_body_ = collected_.view();
        }
        return deliver(whole_body_);
      case BodyPiece::Kind::wait:
        body_waiter_ = this;
        return;
      case BodyPiece::Kind::error:
        return deliver(std::unexpected(*body_error_));
    }
  }
} catch (const std::bad_alloc&) {
  collected_.release();
  fail_body(Error(Errc::unavailable, "no memory for the request body"));
  deliver(std::unexpected(*body_error_));
}

void Exchange::deliver(Result<std::string_view> body) noexcept {
  if (BodyCollector* collector = std::exchange(collector_, nullptr)) collector->on_body(std::move(body));
}

namespace {
/// Suspends until the body can be pulled again. Destroying it (with its coroutine) takes back the registration.
class BodyReady final : public BodyWaiter {
 public:
  explicit BodyReady(Exchange& exchange) noexcept : exchange_(exchange) {}
  BodyReady(const BodyReady&) = delete;
  BodyReady& operator=(const BodyReady&) = delete;
  ~BodyReady() { exchange_.forget_body_waiter(*this); }
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> self) noexcept {
    self_ = self;
    exchange_.wait_body(*this);
  }
  void await_resume() const noexcept {}

 private:
  void on_body_ready() noexcept override { self_.resume(); }
  Exchange& exchange_;
  std::coroutine_handle<> self_;
};
}  // namespace

Task<Result<std::string_view>> Exchange::read_body() {
  for (;;) {
    const BodyPiece piece = pull_body();
    switch (piece.kind) {
      case BodyPiece::Kind::data:
        if (piece.data.empty()) continue;
        co_return piece.data;
      case BodyPiece::Kind::end:
        co_return std::string_view{};
      case BodyPiece::Kind::error:
        co_return std::unexpected(*body_error_);
      case BodyPiece::Kind::wait: {
        BodyReady ready(*this);
        co_await ready;
        break;
      }
    }
  }
}

// --- the answer ---

void Exchange::inform(http::Status status, const http::Headers& headers) noexcept {
  const unsigned code = http::to_code(status);
  if (responded_ || finished_ || port_ == nullptr || code < 102 || code > 199) return;
  try {
    port_->send_interim(*this, status, headers);
  } catch (const std::bad_alloc&) {
    abort();
  }
}

void Exchange::respond(http::Response&& response) noexcept {
  if (responded_ || finished_) return release_when_over();
  // After an interim response the client waits for another one, and would take the next request's for it (RFC 9110
  // section 15.2).
  if (http::is_informational(response.status) && response.status != http::Status::switching_protocols) {
    response = http::Response(http::Status::internal_server_error);
  }
  responded_ = true;
  status_ = response.status;
  if (armed()) loop_.cancel(*this);
  if (port_ == nullptr) {
    finish(0, false);
    return;
  }
  if (response.body.stream() != nullptr) {
    start_stream(std::move(response));
  } else {
    port_->send_response(*this, response);
  }
}

void Exchange::abort() noexcept {
  if (finished_) return;
  responded_ = true;
  if (port_ != nullptr) port_->abort_response(*this);
  if (!finished_) finish(0, false);
}

void Exchange::run(Task<void> task) noexcept {
  WEIR_DEBUG_ASSERT(!task_.valid());
  task_ = std::move(task);
  task_.start();
}

void Exchange::start_stream(http::Response&& response) noexcept {
  streamed_ = std::move(response);
  try {
    writer_ = std::make_unique<StreamWriter>(*this);
    stream_task_ = stream_body();
  } catch (const std::bad_alloc&) {
    port_->abort_response(*this);
    finish(0, false);
    return;
  }
  port_->send_response(*this, streamed_);
  if (!finished_)
    stream_task_.start();  // Finished already: the response has no body (HEAD, 304).
  else
    stream_task_ = {};
}

Task<void> Exchange::stream_body() {
  Result<void> result;
  try {
    Task<Result<void>> body = streamed_.body.stream()->write(*writer_);
    result = co_await std::move(body);
    if (result && !writer_->whole()) {
      result = fail(Errc::internal, "the body ended before the announced content length");
    }
  } catch (...) {
    result = fail(thrown_error());
  }
  if (port_ != nullptr && !finished_) {
    if (result) {
      port_->end_body(*this, writer_->trailers().empty() ? nullptr : &writer_->trailers());
    } else {
      // The head has gone out: all that the client can be told is an end before the end. Finished first, for the end of
      // the connection would look as if the client had gone.
      if (stop_.reason() == StopReason::none) service_->on_body_failed(*this, result.error());
      finish(writer_->bytes(), false);
      port_->abort_response(*this);
    }
  }
  if (!finished_) finish(writer_->bytes(), result.has_value() && port_ != nullptr);
  release_when_over();
}

void Exchange::on_writable() noexcept {
  if (auto waiter = std::exchange(writable_waiter_, nullptr)) waiter.resume();
}

void Exchange::finish(std::uint64_t bytes_out, bool complete) noexcept {
  if (finished_) return;
  finished_ = true;
  if (armed()) loop_.cancel(*this);
  service_->on_finish(*this, Outcome{status_, body_received_, bytes_out, loop_.now() - started_, complete});
  release_when_over();
}

void Exchange::release_when_over() noexcept {
  // The caller may be a coroutine of this very exchange in its last step: look again when it has ended.
  // While serve() runs, the connection looks by itself.
  if (finished_ && !serving_) loop_.defer(*this);
}

void Exchange::on_deferred() noexcept {
  if (!over()) return;  // A coroutine still runs; its end brings us here again.
  if (port_ != nullptr) {
    port_->release_exchange(*this);
  } else {
    pool_.release(*this);
  }
}

/// Whether the deadline moves because the body did, from where the time counts.
bool Exchange::body_keeps_it_alive() noexcept {
  if (timeout_ == Duration::zero() || !has_body_) return false;
  const Instant due = later(body_moved_, timeout_);
  if (due <= loop_.now()) return false;
  // The connection watches the rate more closely; this holds whatever the protocol.
  const bool receiving = collector_ != nullptr || body_waiter_ != nullptr;
  const double least =
      static_cast<double>(limits_->min_rate) * std::chrono::duration<double>(loop_.now() - started_).count();
  if (receiving && static_cast<double>(body_received_) < least) return false;
  deadline_ = due;
  return true;
}

void Exchange::on_timer() noexcept {
  if (responded_ || finished_) return;
  if (body_keeps_it_alive()) return arm_deadline();
  const bool receiving = collector_ != nullptr || body_waiter_ != nullptr;
  Service& service = *service_;
  stop_.request_stop(StopReason::deadline);
  if (!responded_ && !finished_) service.on_timeout(*this, receiving);
  if (running() && port_ != nullptr) port_->let_go(*this);
}

void Exchange::detach(StopReason reason) noexcept {
  port_ = nullptr;
  left_ = connection_.owner;
  if (left_ != nullptr) pool_.worker().keep(*left_);
  fail_body(Error(Errc::cancelled, "the client has gone away"));
  stop_.request_stop(reason);
  on_body_readable();
  on_writable();
  finish(writer_ ? writer_->bytes() : 0, false);
}

}  // namespace weir::server
