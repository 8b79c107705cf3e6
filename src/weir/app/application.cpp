#include "weir/app/application.hpp"

#include <new>
#include <string>
#include <utility>

#include "weir/http/problem.hpp"
#include "weir/http/uri.hpp"
#include "weir/web/typed_handler.hpp"

namespace weir {

namespace {

Response fallback_problem(Context& ctx, Status status, std::string_view detail) {
  http::Problem problem;
  problem.status = status;
  problem.detail = detail;
  problem.instance = ctx.path();
  problem.request_id = ctx.request_id();
  return http::to_response(problem);
}

Response not_found(Context& ctx) {
  return fallback_problem(ctx, Status::not_found, "there is nothing at this path");
}

Response method_not_allowed(Context& ctx) {
  Response response = fallback_problem(ctx, Status::method_not_allowed, "this path does not answer this method");
  response.headers.set("Allow", ctx.match().allow);
  return response;
}

Response options(Context& ctx) {
  Response response(Status::no_content);
  const std::string_view allow = ctx.match().allow;
  response.headers.set("Allow",
                       allow.empty() ? std::string_view("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS") : allow);
  return response;
}

Response redirect(Context& ctx) {
  Response response(static_cast<Status>(ctx.match().redirect_status));
  std::string location(ctx.match().location);
  if (ctx.request().has_query) {
    location += '?';
    location += ctx.request().query;
  }
  response.headers.set("Location", location);
  return response;
}

Response bad_path(Context& ctx) {
  return fallback_problem(ctx, Status::bad_request, "the path has a malformed percent escape or a '.' or '..' segment");
}

Response not_implemented(Context& ctx) {
  return fallback_problem(ctx, Status::not_implemented, "this server is no proxy: CONNECT is not supported");
}

}  // namespace

/// The routes that the exchanges of one loop work with, counted without atomics. A snapshot goes with the last request
/// that began with it: exchanges that rest in the pool do not hold on to what was taken out long ago. Loop thread only.
class Application::LoopRoutes {
 public:
  struct Held {
    std::shared_ptr<const RouteSnapshot> snapshot;
    std::uint64_t version = 0;
    std::size_t users = 1;  // the requests, and one for as long as it is the current one
  };

  explicit LoopRoutes(const Application& application) : application_(application), current_(latest().release()) {}
  LoopRoutes(const LoopRoutes&) = delete;
  LoopRoutes& operator=(const LoopRoutes&) = delete;
  ~LoopRoutes() { give_back(*current_); }

  /// The current ones, for a request.
  [[nodiscard]] Held& take() noexcept {
    if (current_->version != application_.version_.load(std::memory_order_acquire)) renew();
    ++current_->users;
    return *current_;
  }
  static void give_back(Held& held) noexcept {
    if (--held.users == 0) delete &held;
  }

 private:
  [[nodiscard]] std::unique_ptr<Held> latest() const {
    auto held = std::make_unique<Held>();
    const std::lock_guard lock(application_.mutex_);
    held->snapshot = application_.snapshot_;
    held->version = application_.version_.load(std::memory_order_relaxed);
    return held;
  }
  void renew() noexcept try {
    give_back(*std::exchange(current_, latest().release()));
  } catch (const std::bad_alloc&) {  // The next request tries again.
  }

  const Application& application_;
  Held* current_;
};

/// The context of an exchange, and the routes that it works with.
class Application::Local final : public server::ExchangeLocal {
 public:
  Local(server::Exchange& exchange, std::shared_ptr<LoopRoutes> loop_routes)
      : context(exchange), loop_routes_(std::move(loop_routes)) {}
  Local(const Local&) = delete;
  Local& operator=(const Local&) = delete;
  ~Local() override { let_go(); }
  void reset() noexcept override {
    context.reset();
    let_go();
  }
  /// Those that this request is matched against, until it is over.
  [[nodiscard]] const RouteSnapshot& routes() noexcept {
    if (held_ == nullptr) held_ = &loop_routes_->take();
    return *held_->snapshot;
  }

  Context context;

 private:
  void let_go() noexcept {
    if (held_ != nullptr) LoopRoutes::give_back(*std::exchange(held_, nullptr));
  }

  std::shared_ptr<LoopRoutes> loop_routes_;  // shared by all exchanges of the loop
  LoopRoutes::Held* held_ = nullptr;
};

Application::Application(ChainEnvironment environment, const std::vector<Middleware>& chain, MetricsRegistry& metrics)
    : environment_(std::move(environment)),
      refusals_(metrics.counter({.name = "weir_requests_refused_total",
                                 .help = "Clients refused before there was a request that a route could answer.",
                                 .labels = {"status", "reason"},
                                 .max_series = 200})) {
  constexpr std::array<std::pair<std::string_view, Response (*)(Context&)>, fallbacks> kinds = {{
      {"NOT_FOUND", &not_found},
      {"METHOD_NOT_ALLOWED", &method_not_allowed},
      {"OPTIONS", &options},
      {"REDIRECTION", &redirect},
      {"BAD_PATH", &bad_path},
      {"NOT_IMPLEMENTED", &not_implemented},
  }};
  for (std::size_t i = 0; i < fallbacks; ++i) {
    fallback_[i].id = static_cast<std::uint32_t>(i);
    fallback_[i].pattern = kinds[i].first;
    fallback_[i].chain = chain;
    fallback_[i].handler = make_handler(kinds[i].second);
  }
  snapshot_ = std::make_shared<RouteSnapshot>();
}

void Application::publish(std::shared_ptr<const RouteSnapshot> snapshot) {
  const std::lock_guard lock(mutex_);
  snapshot_ = std::move(snapshot);
  version_.fetch_add(1, std::memory_order_release);
}

std::shared_ptr<const RouteSnapshot> Application::snapshot() const {
  const std::lock_guard lock(mutex_);
  return snapshot_;
}

std::unique_ptr<server::ExchangeLocal> Application::make_local(server::Exchange& exchange) {
  std::shared_ptr<LoopRoutes> loop_routes;
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(loops_, [](const auto& entry) { return entry.second.expired(); });
    if (const auto at = loops_.find(&exchange.loop()); at != loops_.end()) loop_routes = at->second.lock();
  }
  if (!loop_routes) {  // Nobody else makes one for this loop: this is its thread.
    loop_routes = std::make_shared<LoopRoutes>(*this);
    const std::lock_guard lock(mutex_);
    loops_[&exchange.loop()] = loop_routes;
  }
  return std::make_unique<Local>(exchange, std::move(loop_routes));
}

void Application::on_request(server::Exchange& exchange) noexcept {
  auto& local = static_cast<Local&>(*exchange.local());
  Context& ctx = local.context;
  const http::Request& request = exchange.request();
  if (!trusted_proxies_.empty()) ctx.apply_forwarded(trusted_proxies_, forwarded_fields_);
  const auto fall_back = [&](Fallback kind) { ctx.run(environment_, fallback_[static_cast<std::size_t>(kind)]); };
  // An extended CONNECT (RFC 8441) asks for what GET with Upgrade asks for over HTTP/1.1: the route is the same.
  const bool tunnel = request.method == http::Method::connect;
  if (tunnel && request.protocol.empty()) return fall_back(Fallback::not_implemented);
  if (request.path == "*") return fall_back(Fallback::options);
  if (http::has_dot_segments(request.path)) return fall_back(Fallback::bad_path);

  const RouteSnapshot& routes = local.routes();
  if (!routes.router) return fall_back(Fallback::not_found);
  const RouteRequest wanted = {tunnel ? http::Method::get : request.method,
                               tunnel ? std::string_view("GET") : request.method_text, request.authority, request.path};
  const RouteMatch& match = ctx.match_route(*routes.router, wanted);
  switch (match.outcome) {
    case RouteOutcome::found:
      if (tunnel && !routes.endpoints[match.endpoint]->upgrades) return fall_back(Fallback::not_implemented);
      return ctx.run(environment_, *routes.endpoints[match.endpoint]);
    case RouteOutcome::options:
      return answer_options(ctx, routes);
    case RouteOutcome::not_found:
      return fall_back(Fallback::not_found);
    case RouteOutcome::method_not_allowed:
      return fall_back(Fallback::method_not_allowed);
    case RouteOutcome::redirect:
      return fall_back(Fallback::redirect);
    case RouteOutcome::bad_path:
      return fall_back(Fallback::bad_path);
  }
}

/// A preflight asks whether a page may send another method. The chain of that method's route answers, so that cors() on
/// a group holds for its routes; other requests with OPTIONS are the application's.
void Application::answer_options(Context& ctx, const RouteSnapshot& routes) noexcept {
  const Endpoint& fallback = fallback_[static_cast<std::size_t>(Fallback::options)];
  const http::Request& request = ctx.request();
  const std::string_view method = request.headers.get(HeaderId::access_control_request_method);
  if (method.empty() || !request.headers.has(HeaderId::origin) ||
      !ctx.match_preflight(*routes.router, {http::parse_method(method), method, request.authority, request.path})) {
    return ctx.run(environment_, fallback);
  }
  ctx.run(environment_, *routes.endpoints[ctx.match().endpoint], fallback.handler.get());
}

void Application::on_timeout(server::Exchange& exchange, bool receiving) noexcept {
  static_cast<Local&>(*exchange.local()).context.timed_out(receiving);
}

void Application::on_finish(server::Exchange& exchange, const server::Outcome& outcome) noexcept {
  static_cast<Local&>(*exchange.local()).context.finished(outcome);
}

void Application::on_body_failed(server::Exchange& exchange, const Error& why) noexcept {
  Context& ctx = static_cast<Local&>(*exchange.local()).context;
  ctx.log().error("a body was cut: its function failed",
                  {{"code", to_string(why.code())}, {"what", why.message()}, {"route", ctx.route()}});
}

void Application::on_refused(const server::ConnectionInfo& connection, http::Status status,
                             std::string_view why) noexcept {
  const int code = http::to_code(status);
  net::SocketAddress::IpText room;
  environment_.log.info("a request was refused",
                        {{"status", code}, {"why", why}, {"peer", connection.peer->ip_text(room)}});
  try {
    refusals_.with({std::to_string(code), why}).add();  // There are few reasons, all of them constants.
  } catch (const std::bad_alloc&) {
  }
}

}  // namespace weir
