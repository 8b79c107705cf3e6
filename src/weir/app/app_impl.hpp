// What an App is made of. Private to the module.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "weir/app/app.hpp"
#include "weir/app/application.hpp"
#include "weir/app/route_builder.hpp"
#include "weir/operations/health.hpp"
#include "weir/operations/operations.hpp"
#include "weir/operations/server_metrics.hpp"
#include "weir/runtime/blocking_pool.hpp"
#include "weir/runtime/event_loop.hpp"
#include "weir/server/server.hpp"
#include "weir/telemetry/metrics.hpp"
#include "weir/tls/context.hpp"
#include "weir/tls/reloader.hpp"

namespace weir {

/// An option that the program added; a name that the standard ones have makes run() throw.
struct CommandLineOption {
  std::string name;
  std::string* value;  // borrowed from the program
  std::string help;
};

struct App::Impl {
  explicit Impl(AppOptions given) : options(std::move(given)), metrics(*options.clock) {}

  using ExceptionHandler = std::function<std::optional<Response>(Context&, std::exception_ptr)>;

  AppOptions options;
  MetricsRegistry metrics;
  HealthRegistry health;
  StateMap states;
  RouteBuilder routes;
  std::vector<Middleware> middleware;
  std::vector<ExceptionHandler> exception_handlers;
  std::vector<std::function<Result<void>()>> start_hooks;
  std::vector<std::function<void()>> listening_hooks;
  std::vector<std::function<void()>> stop_hooks;
  std::vector<CommandLineOption> command_line;
  std::size_t started_hooks = 0;

  // From prepare() on.
  std::unique_ptr<Log> log;
  LogTarget log_target;           ///< Where `log` writes.
  std::vector<Middleware> outer;  // the production chain, then `middleware`
  std::unique_ptr<Application> application;
  std::unique_ptr<Application> admin;
  RouteBuilder admin_routes;
  OperationsContext operations;
  std::mutex changing;  // one change of routes at a time

  std::unique_ptr<BlockingPool> blocking;   // once made it stays: handlers and hooks hold on to it
  std::unique_ptr<TlsContext> tls;          // outlives the server's connections
  net::StreamFilterFactory proxy_protocol;  // empty: nobody sends such headers
  std::unique_ptr<server::Server> server;
  std::unique_ptr<TlsReloader> tls_reloader;
  std::vector<MetricCallback> gauges;
  std::atomic<EventLoop*> main_loop{nullptr};
  std::atomic<bool> stop_requested{false};
  bool owns_process = false;  ///< run() serves: the process may be ended when work that blocks does not.

  /// The log, as the options want it: also when it is there and they have changed since.
  Result<void> open_log();
  /// Builds the routes and the application. Idempotent.
  Result<void> prepare();
  /// An error when routes were added since prepare(), but by add_routes().
  Result<void> refuse_late_routes();
  void add_operations();
  /// Who begins connections with a PROXY header, as the options say.
  Result<void> set_up_proxy_protocol();
  /// The routes of the API's description and its page.
  void add_description();
  [[nodiscard]] std::string description() const;
  void warn_of_shared_paths() const;
  /// Made by the first call, runs from then on to stop(). Throws std::system_error when the system gives no threads.
  BlockingPool& pool();
  /// The loops and the pool, which do not serve yet.
  Result<void> make_engine();
  Result<void> listen();
  Result<void> listen_on(std::string_view address, Application& service, bool secure);
  [[nodiscard]] net::StreamFilterFactory filter(const Application& service, bool secure);
  Result<void> open_tls();
  /// From here on requests are served.
  Result<void> serve();
  /// Undoes what start() has begun.
  void undo_start() noexcept;
  Result<void> run_start_hooks();
  void run_stop_hooks() noexcept;
  [[nodiscard]] ChainEnvironment environment();
};

/// The options of a command line on top of `options`, and those of the program in `own`. What to do: go on, or end with
/// a status (help was printed, or the line was wrong).
std::optional<int> read_command_line(int argc, char** argv, AppOptions& options,
                                     std::span<const CommandLineOption> own);

}  // namespace weir
