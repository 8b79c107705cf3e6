// App: a service from its routes to its end.
#pragma once

#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "weir/app/options.hpp"
#include "weir/app/route.hpp"
#include "weir/base/error.hpp"
#include "weir/coro/task.hpp"
#include "weir/net/address.hpp"
#include "weir/router/router.hpp"
#include "weir/web/context.hpp"
#include "weir/web/middleware.hpp"

namespace weir {

class App;
class BlockingPool;
class HealthRegistry;
class MetricsRegistry;
class TestClient;

/// Routes under a common prefix, host and middleware. A cheap handle: copies mean the same group. Middleware added
/// later holds for routes added before, too.
class Group : public Routes<Group, false> {
 public:
  /// A group within this one.
  template <class... M>
  [[nodiscard]] Group group(std::string_view prefix, M&&... middleware) const {
    Group inner = subgroup(prefix);
    (inner.use(std::forward<M>(middleware)), ...);
    return inner;
  }
  Group& use(Middleware middleware);
  /// Tags of all its routes in the API's description.
  Group& tag(std::string tag);
  /// All its routes are for this host only.
  Group& host(std::string host);

 private:
  friend class App;
  friend class Routes<Group, false>;
  Group(App& app, std::shared_ptr<GroupScope> scope) : app_(&app), scope_(std::move(scope)) {}
  [[nodiscard]] Group subgroup(std::string_view prefix) const;
  Route& add_route(http::Method method, std::string_view pattern, std::unique_ptr<Handler> handler);

  App* app_;
  std::shared_ptr<GroupScope> scope_;
};

/// A service: routes, middleware, state, and its life. The production checklist (request ids, traces, access log,
/// metrics, deadlines, limits, health endpoints, API description) is on; AppOptions switches parts of it off.
///
///   int main(int argc, char** argv) {
///     weir::App app;
///     app.get("/hello/{name}", [](weir::Path<std::string> name) { return Greeting{"Hello, " + *name}; });
///     return app.run(argc, argv);
///   }
///
/// Set up by one thread before it runs. Several Apps may live in one process.
class App : public Routes<App, true> {
 public:
  App();
  explicit App(AppOptions options);
  /// Stops hard if it still runs.
  ~App();
  App(const App&) = delete;
  App& operator=(const App&) = delete;

  // --- setting up ---
  [[nodiscard]] AppOptions& options() noexcept;
  using Routes<App, true>::options;  // options(pattern, handler), which the name above would hide
  /// Middleware of the whole application, inside the production chain, around every route and around 404, 405 and
  /// OPTIONS answers. In the order of the calls, whenever the routes were added.
  App& use(Middleware middleware);
  template <class... M>
  [[nodiscard]] Group group(std::string_view prefix, M&&... middleware) {
    Group made = make_group(prefix);
    (made.use(std::forward<M>(middleware)), ...);
    return made;
  }
  /// A value that handlers take as State<T> or ctx.state<T>(). Owned by the App.
  template <class T>
  T& state(T value) {
    return states().template emplace<T>(std::move(value));
  }
  /// The same, made in place: for what cannot be moved because it holds a mutex. `app.make_state<Users>(options)`.
  template <class T, class... A>
  T& make_state(A&&... arguments) {
    return states().template construct<T>(std::forward<A>(arguments)...);
  }
  /// The same for a value that outlives the App.
  template <class T>
  void borrow_state(T& value) {
    states().borrow(value);
  }
  /// Answers for what handlers throw: `app.on_exception<db::Busy>([](weir::Context&, const db::Busy&) { return …; })`.
  template <class E, class F>
  App& on_exception(F handler);

  /// Called in order before the first connection is accepted; an error or exception ends the start. Routes are checked
  /// before; a hook adds further ones by add_routes().
  App& on_start(std::function<Result<void>()> hook);
  /// Called in order once it listens: addresses() tells where.
  App& on_listening(std::function<void()> hook);
  /// Called in reverse order after the last request has ended, and after a start that failed: all of them, also those
  /// whose start hook was not reached.
  App& on_stop(std::function<void()> hook);

  /// Checks of readiness and liveness.
  [[nodiscard]] HealthRegistry& health() noexcept;
  [[nodiscard]] MetricsRegistry& metrics() noexcept;
  /// Loggers by name; lines outside of requests. Before start() they go where the options say so far: what the command
  /// line says holds from when run() has read it, for loggers that are there already, too.
  [[nodiscard]] Logger logger(std::string_view name = "app");
  /// The pool for work that blocks: `co_await app.blocking().run([&] { return db.find(id); })`. It is made by the
  /// first call or start(), and stays when the application stops and starts again. Throws std::system_error when the
  /// system gives no threads for it.
  [[nodiscard]] BlockingPool& blocking();

  /// An option of the program's own that run(argc, argv) reads beside the standard ones: "--database". `value` is the
  /// default, which --help shows, and where the text goes that was given; it must live until run() has read the line.
  /// The last one given counts. Throws std::invalid_argument for a name that does not begin with "--"; for one that is
  /// taken, run() does.
  App& command_line_option(std::string name, std::string& value, std::string help);

  // --- running ---
  /// Reads the command line (--help lists it), starts, serves until SIGTERM or SIGINT, drains and returns the exit
  /// status: 0 after a drain, 1 when it could not start or work that blocks did not end, 2 for a wrong command line. A
  /// second signal ends the process at once. SIGHUP and SIGUSR1 reopen the log.
  int run(int argc, char** argv);
  int run();

  /// For programs that run more than the App: starts and returns. Errors (a bad pattern, conflicting routes, a missing
  /// state, an address in use) come all together.
  Result<void> start();
  /// Reads the certificates again, for new connections; those that are there stay as they are. After an error nothing
  /// has changed. SIGHUP does it in run(), and files that change are noticed by themselves (TlsOptions). Any thread
  /// that may wait for the disk; failed_precondition without TLS.
  Result<void> reload_tls();
  /// Where it listens, after start(): with the ports that the kernel chose.
  [[nodiscard]] const std::vector<net::SocketAddress>& addresses() const noexcept;
  /// Drains: readiness fails, no new connections, running requests end until `drain_timeout` (default: the options'),
  /// then they are cut. Returns when everything has ended. Not from a handler.
  void stop();
  void stop(Duration drain_timeout);
  /// Any thread, also from a handler or signal watcher: makes run() begin its drain.
  void request_stop() noexcept;

  // --- routes while serving ---
  /// Adds routes while the App serves: `change` gets a scratch App to register them on. All or nothing: the error names
  /// every conflict, with routes that are there as well (remove_route() first), and the routes that serve stay as they
  /// were. Requests that run keep theirs. Before the App has started they are routes like all others, and start() tells
  /// what is wrong with them.
  Result<void> add_routes(const std::function<void(Group&)>& change);
  /// Takes a route out. not_found if there is none with exactly this method and pattern.
  Result<void> remove_route(http::Method method, std::string_view pattern, std::string_view host = {});

  // --- looking at it ---
  /// The path of a named route.
  [[nodiscard]] Result<std::string> url_for(std::string_view name, std::initializer_list<UrlParam> params = {},
                                            std::initializer_list<UrlParam> query = {}) const;
  /// The API's description: OpenAPI 3.1, JSON. Throws std::runtime_error when the routes have mistakes.
  [[nodiscard]] std::string openapi();
  /// A client in this process, without sockets, on a clock that stands still (test_client.hpp).
  [[nodiscard]] TestClient test();

 private:
  friend class Group;
  friend class TestClient;
  friend class Routes<App, true>;
  struct Impl;
  StateMap& states() noexcept;
  Group make_group(std::string_view prefix);
  Route& add_route(http::Method method, std::string_view pattern, std::unique_ptr<Handler> handler);
  void add_exception_handler(std::function<std::optional<Response>(Context&, std::exception_ptr)> handler);

  std::unique_ptr<Impl> impl_;
};

template <class E, class F>
App& App::on_exception(F handler) {
  add_exception_handler(
      [handler = std::move(handler)](Context& ctx, std::exception_ptr thrown) -> std::optional<Response> {
        try {
          std::rethrow_exception(thrown);
        } catch (const E& exception) {
          return handler(ctx, exception);
        } catch (...) {
          return std::nullopt;
        }
      });
  return *this;
}

}  // namespace weir
