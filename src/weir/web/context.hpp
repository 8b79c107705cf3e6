// The request as handlers and middleware see it.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <new>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>

#include "weir/base/arena.hpp"
#include "weir/base/error.hpp"
#include "weir/coro/stop.hpp"
#include "weir/coro/task.hpp"
#include "weir/http/header_id.hpp"
#include "weir/http/message.hpp"
#include "weir/router/router.hpp"
#include "weir/server/exchange.hpp"
#include "weir/telemetry/log.hpp"
#include "weir/telemetry/trace.hpp"
#include "weir/web/endpoint.hpp"
#include "weir/web/forwarded.hpp"
#include "weir/web/state.hpp"

namespace weir {

using Method = http::Method;
using Status = http::Status;
using http::HeaderId;

/// What the chain needs of the application; shared by its contexts.
struct ChainEnvironment {
  const StateMap* state = nullptr;
  Logger log;  ///< What ctx.log() writes through.
  /// Makes the response for an exception that left a handler; null: a 500 problem.
  std::function<std::optional<Response>(Context&, std::exception_ptr)> on_exception;
  /// Whether a 500 says what was thrown. Never in production.
  bool show_exceptions = false;
};

/// One request and its answer. A context belongs to one loop and lives until the exchange is over; every view that it
/// gives out lives as long, across co_await. It is not safe to use from another thread: copy what blocking work needs.
class Context final : public server::ExchangeLocal, private server::BodyCollector {
 public:
  explicit Context(server::Exchange& exchange) noexcept : exchange_(exchange) {}
  ~Context() override { reset(); }
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  // --- the request ---
  [[nodiscard]] const http::Request& request() const noexcept { return exchange_.request(); }
  [[nodiscard]] Method method() const noexcept { return request().method; }
  /// Raw, without the query: not decoded.
  [[nodiscard]] std::string_view path() const noexcept { return request().path; }
  /// The pattern of the matched route, "/users/{id}"; "NOT_FOUND" and the like where there is none.
  [[nodiscard]] std::string_view route() const noexcept;
  /// The first field with this name; empty if there is none.
  [[nodiscard]] std::string_view header(HeaderId id) const noexcept { return request().headers.get(id); }
  [[nodiscard]] std::string_view header(std::string_view name) const noexcept { return request().headers.get(name); }
  /// The decoded value of a placeholder of the route (or its host).
  [[nodiscard]] std::optional<std::string_view> param(std::string_view name) const noexcept;
  [[nodiscard]] const RouteParams& params() const noexcept { return match_.params; }
  /// The first query parameter with this name, decoded; a % that encodes nothing stays as it is.
  [[nodiscard]] std::optional<std::string_view> query(std::string_view name);
  [[nodiscard]] std::optional<std::string_view> cookie(std::string_view name) const;
  /// The client's address as text: "10.0.0.1", "::1", "unix". It is the other end of the connection, or whom a trusted
  /// proxy says that it forwards for (AppOptions::trusted_proxies).
  [[nodiscard]] std::string_view client_ip();
  /// The same as an address; null where the connection has none. Without a port when a proxy told it.
  [[nodiscard]] const net::SocketAddress* client_address() const noexcept {
    return client_ != nullptr ? client_ : connection().peer;
  }
  /// The certificate that the client has proved to own (mutual TLS); null: it showed none.
  [[nodiscard]] const net::PeerCertificate* client_certificate() const noexcept {
    const net::Security* security = connection().security;
    return security == nullptr ? nullptr : security->certificate;
  }
  /// "https" also where a trusted proxy says that its client used it.
  [[nodiscard]] std::string_view scheme() const noexcept { return request().scheme; }
  [[nodiscard]] const server::ConnectionInfo& connection() const noexcept { return exchange_.connection(); }
  /// The best of `offers` ("application/json", "text/html") for the request's Accept; empty: none is acceptable.
  [[nodiscard]] std::string_view accepts(std::initializer_list<std::string_view> offers) const;

  // --- its body ---
  /// All of it: `Result<std::string_view> body = co_await ctx.body();`
  [[nodiscard]] Task<Result<std::string_view>> body();
  /// All of it, in a handler that asked for it by its types: there already.
  [[nodiscard]] std::string_view received_body() const noexcept { return body_; }
  /// The next piece; an empty view at the end. The client waits while nobody reads.
  [[nodiscard]] Task<Result<std::string_view>> read() { return exchange_.read_body(); }

  // --- who it is, in logs and traces ---
  /// Empty unless the request_id middleware runs (it does by default).
  [[nodiscard]] std::string_view request_id() const noexcept { return log_context_.request_id; }
  [[nodiscard]] const TraceContext& trace() const noexcept { return log_context_.trace; }
  void set_request_id(std::string_view id) noexcept { log_context_.request_id = id; }
  void set_trace(const TraceContext& trace) noexcept { log_context_.trace = trace; }
  [[nodiscard]] const LogContext& log_context() const noexcept { return log_context_; }
  /// The application's logger, its lines marked with this request's ids.
  [[nodiscard]] Logger log() const noexcept { return environment_->log.with(log_context_); }

  // --- before the answer ---
  /// Sends an interim response: `ctx.inform(Status::early_hints, links)`. See server::Exchange::inform().
  void inform(Status status, const http::Headers& headers) noexcept { exchange_.inform(status, headers); }

  // --- its life ---
  /// Stops when the client has gone, the time is over, or the server stops hard.
  [[nodiscard]] StopToken stop_token() noexcept { return exchange_.stop_token(); }
  /// Stops when the server begins to drain: for answers without an end of their own.
  [[nodiscard]] StopToken drain_token() noexcept { return exchange_.drain_token(); }
  [[nodiscard]] Instant started() const noexcept { return exchange_.started(); }
  [[nodiscard]] Instant now() const noexcept { return exchange_.loop().now(); }
  [[nodiscard]] WallTime wall() const noexcept { return exchange_.loop().wall(); }
  /// When the answer must have started.
  [[nodiscard]] Instant deadline() const noexcept { return exchange_.deadline(); }
  void set_deadline(Instant deadline) noexcept { exchange_.set_deadline(deadline); }
  /// The same from now on as the default: time in which the body arrives does not count (Exchange::set_timeout()).
  void set_timeout(Duration timeout) noexcept { exchange_.set_timeout(timeout); }
  /// Bodies above this are refused with 413; before anything of the body is read. 0: no limit.
  void limit_body(std::uint64_t bytes) noexcept { exchange_.limit_body(bytes); }
  [[nodiscard]] EventLoop& loop() const noexcept { return exchange_.loop(); }
  /// Memory that lives as long as the exchange.
  [[nodiscard]] Arena& arena() noexcept { return exchange_.arena(); }
  [[nodiscard]] server::Exchange& exchange() noexcept { return exchange_; }

  // --- values of the application and of this request ---
  /// The application's value of this type. There must be one: nobody checks that at the start, as it is done for
  /// State<T>, and without one the process ends here. states().find<T>() is null then.
  template <class T>
  [[nodiscard]] T& state() const noexcept {
    T* found = environment_->state->find<T>();
    WEIR_ASSERT(found != nullptr);
    return *found;
  }
  [[nodiscard]] const StateMap& states() const noexcept { return *environment_->state; }
  /// Keeps a value of this request, one per type: how middleware hands something on ("the user").
  template <class T>
  T& set(T value);
  /// The value of that type, or null.
  template <class T>
  [[nodiscard]] T* get() noexcept {
    return static_cast<T*>(find_slot(detail::type_key<T>()));
  }

  // --- for the application: running the chain ---
  /// Looks for the route; match() has the result. In place: a match is too large to be copied for every request.
  const RouteMatch& match_route(const Router& router, const RouteRequest& wanted) noexcept {
    return *::new (&match_) RouteMatch(router.match(wanted, arena()));
  }
  /// For the preflight of another method (the Fetch standard, section 4.8): takes that method's match, Allow included,
  /// and tells whether it has a route. If not, match() stays what it was.
  bool match_preflight(const Router& router, const RouteRequest& wanted) noexcept;
  /// Runs the endpoint's chain around its handler, or around `instead`.
  void run(const ChainEnvironment& environment, const Endpoint& endpoint, const Handler* instead = nullptr) noexcept;
  /// Believes what the request's fields say, if its connection comes from one of `trusted`: before match_route().
  void apply_forwarded(const net::CidrSet& trusted, ForwardedFields fields) noexcept;
  void timed_out(bool receiving) noexcept;
  void finished(const Outcome& outcome) noexcept;
  [[nodiscard]] const Endpoint* endpoint() const noexcept { return endpoint_; }
  [[nodiscard]] const RouteMatch& match() const noexcept { return match_; }
  /// The type of the exception that left the handler, for metrics; empty: none did.
  [[nodiscard]] std::string_view exception() const noexcept { return exception_; }
  [[nodiscard]] const ChainEnvironment& environment() const noexcept { return *environment_; }
  void reset() noexcept override;

 private:
  friend class Next;
  struct Slot {
    const void* key;
    void* value;
    void (*destroy)(void*);
    Slot* next;
  };
  [[nodiscard]] void* find_slot(const void* key) const noexcept;

  // The chain (chain.cpp).
  void on_body(Result<std::string_view> body) noexcept override;
  void call_handler() noexcept;
  void complete(Response response) noexcept;
  Response failed(std::exception_ptr exception) noexcept;
  void finish_problem(Response& response) noexcept;
  void apply_after(std::size_t from, std::size_t to, Response& response) noexcept;
  Task<void> drive_handler();
  Task<void> drive_chain(std::size_t position);
  Task<Response> run_from(std::size_t position);
  Task<Response> answer();

  server::Exchange& exchange_;
  const ChainEnvironment* environment_ = nullptr;
  const Endpoint* endpoint_ = nullptr;
  const Handler* handler_ = nullptr;  // what the chain surrounds: the endpoint's, or another
  RouteMatch match_;
  LogContext log_context_;
  std::string_view body_;
  std::string_view client_ip_;
  const net::SocketAddress* client_ = nullptr;  // in the arena, where a proxy told it
  std::string_view exception_;
  Slot* slots_ = nullptr;
  bool collected_ = false;  // body_ is the whole body
  std::size_t passed_ = 0;  // how many of the chain's before() went on
};

template <class T>
T& Context::set(T value) {
  if (T* there = get<T>()) {
    *there = std::move(value);
    return *there;
  }
  auto* at = static_cast<T*>(arena().bump(sizeof(T), alignof(T)));
  ::new (at) T(std::move(value));
  void (*destroy)(void*) = nullptr;
  if constexpr (!std::is_trivially_destructible_v<T>) destroy = [](void* p) { static_cast<T*>(p)->~T(); };
  slots_ = arena().make<Slot>(detail::type_key<T>(), at, destroy, slots_);
  return *at;
}

}  // namespace weir
