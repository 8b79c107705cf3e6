// From the first call of start() to the end of stop().
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <initializer_list>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include "weir/app/app_impl.hpp"
#include "weir/app/detail/openapi_paths.hpp"
#include "weir/app/docs_page.hpp"
#include "weir/app/openapi.hpp"
#include "weir/middleware/recovery.hpp"
#include "weir/net/proxy_protocol.hpp"
#include "weir/net/systemd.hpp"
#include "weir/operations/operations.hpp"
#include "weir/operations/tls_metrics.hpp"
#include "weir/runtime/signals.hpp"
#include "weir/web/response.hpp"
#include "weir/web/typed_handler.hpp"
#include "weir/web/websocket_metrics.hpp"

namespace weir {

namespace {

void add_endpoint(RouteBuilder& routes, OperationRoute operation) {
  Route& route = routes.add_own(operation.method, std::move(operation.pattern), std::move(operation.handler));
  if (operation.hidden) route.hidden();
}

// What processes and containers run into.
constexpr std::string_view more_threads = "raise the limit of processes (ulimit -u, TasksMax, pids.max)";

constexpr std::string_view more_files = "raise the limit of open files (ulimit -n)";

/// Does what needs threads or descriptors; it throws where the system gives no more. `remedy`: what to do then.
template <class Make>
Result<void> acquire(std::string_view what, std::string_view remedy, const Make& make) {
  try {
    make();
  } catch (const std::system_error& error) {
    return fail(Errc::resource_exhausted,
                "cannot " + std::string(what) + ": " + error.what() + "; " + std::string(remedy));
  }
  return {};
}

}  // namespace

// --- preparing ---

Result<void> App::Impl::open_log() {
  if (log && log_target == options.log) return {};
  std::unique_ptr<LogSink> sink;
  if (options.log.file.empty()) {
    sink = log_to_stderr();
  } else if (options.log.file == "-") {
    sink = log_to_stdout();
  } else {
    Result<std::unique_ptr<LogSink>> opened = log_to_file(options.log.file);
    if (!opened) return std::unexpected(std::move(opened.error()).with_context("the log"));
    sink = std::move(*opened);
  }
  log_target = options.log;
  if (log) {  // A logger was asked for before the command line was read.
    log->redirect(std::move(sink));
    log->set_level("ROOT", options.log.level);
    return {};
  }
  LogOptions log_options;
  log_options.level = options.log.level;
  log_options.clock = options.clock;
  return acquire("start the log's thread", more_threads,
                 [&] { log = std::make_unique<Log>(std::move(sink), log_options); });
}

ChainEnvironment App::Impl::environment() {
  ChainEnvironment result;
  result.state = &states;
  result.log = log->logger("app");
  if (!exception_handlers.empty()) {
    result.on_exception = [this](Context& ctx, std::exception_ptr thrown) -> std::optional<Response> {
      for (const ExceptionHandler& handler : exception_handlers) {
        if (std::optional<Response> response = handler(ctx, thrown)) return response;
      }
      return std::nullopt;
    };
  }
  apply_recovery(result, options.production.recovery);
  return result;
}

void App::Impl::add_operations() {
  if (!options.operations.enabled) return;
  OperationsContext& context = operations;
  context.health = &health;
  context.metrics = &metrics;
  context.log = log.get();
  context.options = options.operations;
  if (context.options.info.name.empty()) context.options.info.name = options.name;
  if (context.options.info.version.empty()) context.options.info.version = options.openapi.version;
  context.started = options.clock->now();
  const bool own_listener = !options.admin_listen.empty();
  for (OperationRoute& route : operations_routes(context)) {
    // What tells nothing stays on the main listener too: load balancers ask where they send.
    if (!own_listener || route.audience == Audience::anyone) add_endpoint(routes, std::move(route));
  }
  if (own_listener) {
    for (OperationRoute& route : operations_routes(context)) add_endpoint(admin_routes, std::move(route));
  }
}

void App::Impl::add_description() {
  if (!options.openapi.enabled) return;
  routes
      .add_own(http::Method::get, options.openapi.path, make_handler([this](Context&) {
                 // Made for each request: routes may change while the application serves.
                 return bytes(description(), "application/json");
               }))
      .hidden();
  if (!options.openapi.docs_path.empty()) add_docs_page(routes, options.openapi);
}

std::string App::Impl::description() const {
  return openapi_document(options.openapi, options.name, application->snapshot()->endpoints);
}

/// A client that is generated from the description cannot call what has no place in it.
void App::Impl::warn_of_shared_paths() const {
  if (!options.openapi.enabled) return;
  for (const detail::DocumentedPath& path : detail::documented_paths(application->snapshot()->endpoints)) {
    for (const detail::DocumentedOperation& operation : path.operations) {
      for (const Endpoint* other : operation.others) {
        log->logger("app").warn("OpenAPI cannot tell two routes apart: one is described under x-weir-others only",
                                {{"described", detail::called(*operation.shown)}, {"other", detail::called(*other)}});
      }
    }
  }
}

Result<void> App::Impl::set_up_proxy_protocol() {
  auto peers = net::CidrSet::parse(options.proxy_protocol_from);
  if (!peers) return std::unexpected(std::move(peers.error()).with_context("proxy_protocol_from"));
  if (peers->empty()) return {};
  const auto refused = metrics
                           .counter({.name = "weir_proxy_protocol_refused_total",
                                     .help = "Connections that had to begin with a PROXY header and did not."})
                           .with({});
  const auto tell = [refused, logger = log->logger("proxy_protocol")](const net::SocketAddress& peer) {
    refused.add();
    net::SocketAddress::IpText room;
    logger.warn("a connection does not begin with a PROXY header, as those of this peer must: it was ended",
                {{"peer", peer.ip_text(room)}});
  };
  proxy_protocol = net::proxy_protocol(std::move(*peers), tell);
  return {};
}

/// Nothing would serve them, and nobody would say so.
Result<void> App::Impl::refuse_late_routes() {
  if (!routes.has_new()) return {};
  routes.discard_new();
  return fail(Errc::failed_precondition,
              "routes were added after the table of routes was made, as in a start hook: use App::add_routes()");
}

Result<void> App::Impl::prepare() {
  if (Result<void> opened = open_log(); !opened) return opened;
  if (application) return refuse_late_routes();
  if (!options.limits.http1_enabled && !options.limits.http2.enabled) {
    return fail(Errc::invalid_argument, "neither HTTP/1.1 nor HTTP/2 is on (--no-http1, --no-http2): one must be");
  }
  try {
    outer = production_chain(options.production, Telemetry{&metrics, log.get()});
  } catch (const std::invalid_argument& mistake) {  // a value that cannot be sent, a name that is none
    return fail(Errc::invalid_argument, std::string("the options of the production chain: ") + mistake.what());
  }
  const std::vector<Middleware> admin_outer = outer;
  outer.insert(outer.end(), middleware.begin(), middleware.end());
  add_operations();
  add_description();
  states.construct<WebSocketMetrics>(metrics);

  auto trusted = net::CidrSet::parse(options.trusted_proxies.ranges);
  if (!trusted) return std::unexpected(std::move(trusted.error()).with_context("trusted_proxies"));
  if (Result<void> done = set_up_proxy_protocol(); !done) return done;

  auto snapshot = routes.build(outer, states, options.router);
  if (!snapshot) return std::unexpected(std::move(snapshot.error()));
  application = std::make_unique<Application>(environment(), outer, metrics);
  application->trust(*trusted, options.trusted_proxies.fields);
  application->publish(std::move(*snapshot));
  warn_of_shared_paths();
  if (!options.admin_listen.empty()) {
    auto admin_snapshot = admin_routes.build(admin_outer, states, options.router);
    if (!admin_snapshot) return std::unexpected(std::move(admin_snapshot.error()));
    admin = std::make_unique<Application>(environment(), admin_outer, metrics);
    admin->publish(std::move(*admin_snapshot));
  }
  return {};
}

// --- starting ---

Result<void> App::Impl::open_tls() {
  if (options.tls.certificates.empty()) {
    // Who asks for certificates of clients must not get a server that lets everybody in.
    if (options.tls.client_auth == ClientAuth::off) return {};
    return fail(Errc::invalid_argument,
                "TLS: client_auth (--tls-client-ca) needs a certificate of the server (--tls-cert), there is none");
  }
  TlsOptions wanted = options.tls;
  if (!options.limits.http2.enabled) std::erase(wanted.alpn, "h2");
  if (!options.limits.http1_enabled) std::erase(wanted.alpn, "http/1.1");
  auto made = TlsContext::create(std::move(wanted), log->logger("tls"), *options.clock);
  if (!made) return std::unexpected(std::move(made.error()));
  tls = std::move(*made);
  return {};
}

Result<void> App::Impl::listen_on(std::string_view text, Application& service, bool secure) {
  constexpr std::string_view plain_prefix = "http://";
  constexpr std::string_view secure_prefix = "https://";
  if (text.starts_with(plain_prefix)) {
    text.remove_prefix(plain_prefix.size());
    secure = false;
  } else if (text.starts_with(secure_prefix)) {
    if (!tls) return fail(Errc::invalid_argument, std::string(text) + ": there is no certificate for TLS");
    text.remove_prefix(secure_prefix.size());
    secure = true;
  }
  auto address = net::SocketAddress::parse(text);
  if (!address) return std::unexpected(std::move(address.error()));
  return server->listen({.address = *address}, service, filter(service, secure));
}

/// The layers between a listener's sockets and HTTP.
net::StreamFilterFactory App::Impl::filter(const Application& service, bool secure) {
  net::StreamFilterFactory result;
  if (&service != admin.get()) result = proxy_protocol;
  if (secure && tls) result = net::chain(std::move(result), tls->filter());
  return result;
}

Result<void> App::Impl::listen() {
  bool admin_activated = false;
  auto activated = net::systemd::activated_sockets();
  if (!activated) return std::unexpected(std::move(activated.error()));
  for (const net::systemd::ActivatedSocket& socket : *activated) {
    net::ListenOptions listen_options;
    listen_options.adopt_fd = socket.fd;
    const bool for_admin = admin && socket.name == "admin";
    admin_activated = admin_activated || for_admin;
    Application& service = for_admin ? *admin : *application;
    auto done = server->listen(listen_options, service, filter(service, !for_admin && socket.name != "http"));
    if (!done) return done;
  }
  if (activated->empty()) {
    for (const std::string& text : options.listen) {
      if (auto done = listen_on(text, *application, true); !done) return done;
    }
  }
  if (admin && !admin_activated) return listen_on(options.admin_listen, *admin, false);
  return {};
}

Result<void> App::Impl::run_start_hooks() {
  for (; started_hooks < start_hooks.size(); ++started_hooks) {
    try {
      if (auto done = start_hooks[started_hooks](); !done) {
        return std::unexpected(std::move(done.error()).with_context("a start hook failed"));
      }
    } catch (...) {
      return fail(thrown_error().with_context("a start hook threw"));
    }
  }
  return {};
}

void App::Impl::run_stop_hooks() noexcept {
  for (auto hook = stop_hooks.rbegin(); hook != stop_hooks.rend(); ++hook) {
    try {
      (*hook)();
    } catch (...) {
      log->logger("app").error("a stop hook threw", {{"what", thrown_error().message()}});
    }
  }
}

Result<void> App::Impl::make_engine() {
  server::ServerOptions server_options;
  server_options.limits = options.limits;
  server_options.threads = options.threads;
  server_options.pin_threads = options.pin_threads;
  server_options.share_port = options.share_port;
  server_options.clock = options.clock;
  Result<void> done = acquire("make the event loops", "lower --threads or " + std::string(more_files),
                              [&] { server = std::make_unique<server::Server>(server_options); });
  if (done) {
    done = acquire("start the threads for blocking work", "lower blocking_threads or " + std::string(more_threads),
                   [&] { pool().start(); });
  }
  if (!done) server.reset();
  return done;
}

Result<void> App::Impl::serve() {
  const server::Server& running = *server;
  gauges = register_server_metrics(
      metrics, ServerGauges{
                   .open_connections = [&running] { return static_cast<double>(running.stats().open_connections); },
                   .accepted_connections = [&running] { return static_cast<double>(running.stats().accepted); },
                   .refused_connections =
                       [&running] {
                         const server::Server::Stats stats = running.stats();
                         return static_cast<double>(stats.refused + stats.rejected_fd_limit);
                       },
                   .active_requests = [&running] { return static_cast<double>(running.stats().active_requests); },
                   .loops = running.loops(),
                   .log = log.get(),
               });
  if (tls) {
    for (MetricCallback& callback : register_tls_metrics(metrics, tls->stats())) gauges.push_back(std::move(callback));
    Result<void> done = acquire("start the thread that looks after certificates", more_threads,
                                [&] { tls_reloader = std::make_unique<TlsReloader>(*tls); });
    if (!done) return done;
  }
  health.set_draining(false);
  return acquire("start the event loops' threads", "lower --threads or " + std::string(more_threads),
                 [&] { server->start(); });
}

/// The pool stays: whoever has asked for it before the start may hold on to it.
void App::Impl::undo_start() noexcept {
  gauges.clear();
  tls_reloader.reset();
  server->stop();
  for (const EventLoop* loop : server->loops()) blocking->forget(*loop);  // Some may have served already.
  server.reset();
  tls.reset();
  run_stop_hooks();
  started_hooks = 0;
}

Result<void> App::start() {
  if (impl_->server) return fail(Errc::failed_precondition, "the application runs already");
  if (auto prepared = impl_->prepare(); !prepared) return prepared;
  if (auto made = impl_->make_engine(); !made) return made;
  Result<void> done = impl_->run_start_hooks();
  if (done) done = impl_->refuse_late_routes();
  if (done) done = impl_->open_tls();
  if (done) done = impl_->listen();
  if (done) done = impl_->serve();
  if (!done) {
    impl_->undo_start();
    return done;
  }
  static_cast<void>(net::systemd::notify_ready());
  for (const net::SocketAddress& address : impl_->server->addresses()) {
    impl_->log->logger("app").info("listening",
                                   {{"address", address.to_string()}, {"application", impl_->options.name}});
  }
  for (const auto& hook : impl_->listening_hooks) {
    try {
      hook();
    } catch (...) {  // It serves already.
      impl_->log->logger("app").error("a hook for the listening application threw",
                                      {{"what", thrown_error().message()}});
    }
  }
  return {};
}

const std::vector<net::SocketAddress>& App::addresses() const noexcept {
  static const std::vector<net::SocketAddress> none;
  return impl_->server ? impl_->server->addresses() : none;
}

// --- stopping ---

namespace {

/// Ends the process if the object still lives after a while: code that blocks and never returns cannot be cancelled,
/// and its thread could be joined never.
class ForcedEnd {
 public:
  explicit ForcedEnd(Log& log)
      : watch_([this, &log] {
          std::unique_lock lock(mutex_);
          if (over_.wait_for(lock, patience, [this] { return is_over_; })) return;
          log.logger("app").error("work that blocks did not end: the process ends without it");
          log.flush(std::chrono::seconds(1));
          std::_Exit(1);
        }) {}
  ForcedEnd(const ForcedEnd&) = delete;
  ForcedEnd& operator=(const ForcedEnd&) = delete;
  ~ForcedEnd() {
    {
      const std::lock_guard lock(mutex_);
      is_over_ = true;
    }
    over_.notify_all();
    watch_.join();
  }

 private:
  static constexpr std::chrono::seconds patience{5};
  std::mutex mutex_;
  std::condition_variable over_;
  bool is_over_ = false;
  std::thread watch_;
};

}  // namespace

void App::request_stop() noexcept {
  impl_->stop_requested.store(true);
  if (EventLoop* loop = impl_->main_loop.load()) loop->stop();
}

void App::stop() {
  stop(impl_->options.drain_timeout);
}

void App::stop(Duration drain_timeout) {
  if (!impl_->server) return;
  Logger log = impl_->log->logger("app");
  log.info("stopping",
           {{"drain_timeout_ms", std::chrono::duration_cast<std::chrono::milliseconds>(drain_timeout).count()}});
  static_cast<void>(net::systemd::notify_stopping());
  impl_->health.set_draining(true);
  impl_->server->end_keep_alive();
  if (drain_timeout != Duration::zero()) std::this_thread::sleep_for(impl_->options.drain_delay);

  struct Empty {
    std::mutex mutex;
    std::condition_variable changed;
    bool is = false;
  };
  const auto empty = std::make_shared<Empty>();  // shared with the loop that reports, which may be late
  const auto drained = [empty] {
    const std::lock_guard lock(empty->mutex);
    empty->is = true;
    empty->changed.notify_all();
  };
  // Clients that are told to go elsewhere need the other half of the time to do it.
  impl_->server->drain(drained, drain_timeout / 2);
  const auto wait = [&](Duration limit) {
    std::unique_lock lock(empty->mutex);
    return empty->changed.wait_until(lock, later(Clock::system().now(), limit), [&] { return empty->is; });
  };
  if (!wait(drain_timeout)) {
    log.warn("the drain timed out: connections are cut",
             {{"open_connections", impl_->server->stats().open_connections}});
    impl_->server->close_all();
    if (!wait(std::chrono::seconds(1))) log.error("handlers did not stop when they were cancelled");
  }
  impl_->gauges.clear();
  impl_->tls_reloader.reset();
  {
    std::optional<ForcedEnd> forced;
    if (impl_->owns_process) {
      const Result<void> watched =
          acquire("bound the wait for work that blocks", more_threads, [&] { forced.emplace(*impl_->log); });
      if (!watched) log.warn(watched.error().message());
    }
    if (impl_->blocking) impl_->blocking->stop();
    impl_->server->stop();
  }
  impl_->server.reset();
  impl_->tls.reset();
  impl_->run_stop_hooks();
  impl_->started_hooks = 0;
  log.info("stopped");
  impl_->log->flush(std::chrono::seconds(2));
}

// --- the whole life ---

namespace {

/// A process that is started without them would give their numbers to its sockets, and lines for standard error would
/// go there.
void open_standard_descriptors() noexcept {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
    if (::fcntl(fd, F_GETFD) == -1) static_cast<void>(::open("/dev/null", O_RDWR));  // the lowest free number: `fd`
  }
}

}  // namespace

int App::run(int argc, char** argv) {
  if (const std::optional<int> status = read_command_line(argc, argv, impl_->options, impl_->command_line))
    return *status;
  return run();
}

int App::run() {
  open_standard_descriptors();
  std::optional<EventLoop> loop;
  std::optional<SignalWatcher> log_signals;  // they stay blocked until the end: a rotation must not end a drain
  std::optional<SignalWatcher> stop_signals;
  using Signals = std::initializer_list<int>;
  Result<void> done = acquire("make the loop that waits for signals", more_files, [&] {
    loop.emplace();
    log_signals.emplace(*loop, Signals{SIGHUP, SIGUSR1}, [this](int signal) {
      if (impl_->log) impl_->log->reopen();
      if (signal == SIGHUP && impl_->tls_reloader) impl_->tls_reloader->reload_soon();
    });
    stop_signals.emplace(*loop, Signals{SIGTERM, SIGINT}, [this](int) { request_stop(); });
  });
  impl_->owns_process = true;
  if (done) done = start();
  if (!done) {
    std::fprintf(stderr, "%s: cannot start:\n%s\n", impl_->options.name.c_str(), done.error().message().c_str());
    return 1;
  }
  impl_->main_loop.store(&*loop);
  if (!impl_->stop_requested.load()) loop->run();
  impl_->main_loop.store(nullptr);
  stop_signals.reset();  // a second signal has its default effect and ends the process at once
  stop();
  loop->run_until_idle();
  impl_->stop_requested.store(false);
  impl_->owns_process = false;
  return 0;
}

}  // namespace weir
