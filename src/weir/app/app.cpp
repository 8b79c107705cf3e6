#include "weir/app/app.hpp"

#include <stdexcept>
#include <utility>

#include "weir/app/app_impl.hpp"

namespace weir {

// --- groups ---

Group Group::subgroup(std::string_view prefix) const {
  auto scope = std::make_shared<GroupScope>();
  scope->prefix = prefix;
  scope->parent = scope_;
  return Group(*app_, std::move(scope));
}

Group& Group::use(Middleware middleware) {
  scope_->middleware.push_back(std::move(middleware));
  return *this;
}
Group& Group::tag(std::string tag) {
  scope_->tags.push_back(std::move(tag));
  return *this;
}
Group& Group::host(std::string host) {
  scope_->host = std::move(host);
  return *this;
}
Route& Group::add_route(http::Method method, std::string_view pattern, std::unique_ptr<Handler> handler) {
  return app_->impl_->routes.add(method, std::string(pattern), std::move(handler), scope_);
}

// --- setting up ---

App::App() : App(AppOptions{}) {}
App::App(AppOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
App::~App() {
  if (impl_->server) stop(Duration::zero());
}

AppOptions& App::options() noexcept {
  return impl_->options;
}

App& App::use(Middleware middleware) {
  impl_->middleware.push_back(std::move(middleware));
  return *this;
}

Group App::make_group(std::string_view prefix) {
  auto scope = std::make_shared<GroupScope>();
  scope->prefix = prefix;
  return Group(*this, std::move(scope));
}

StateMap& App::states() noexcept {
  return impl_->states;
}

Route& App::add_route(http::Method method, std::string_view pattern, std::unique_ptr<Handler> handler) {
  return impl_->routes.add(method, std::string(pattern), std::move(handler), nullptr);
}

void App::add_exception_handler(std::function<std::optional<Response>(Context&, std::exception_ptr)> handler) {
  impl_->exception_handlers.push_back(std::move(handler));
}

App& App::on_start(std::function<Result<void>()> hook) {
  impl_->start_hooks.push_back(std::move(hook));
  return *this;
}
App& App::on_listening(std::function<void()> hook) {
  impl_->listening_hooks.push_back(std::move(hook));
  return *this;
}
App& App::on_stop(std::function<void()> hook) {
  impl_->stop_hooks.push_back(std::move(hook));
  return *this;
}

App& App::command_line_option(std::string name, std::string& value, std::string help) {
  if (!name.starts_with("--") || name.size() < 3) {
    throw std::invalid_argument("the option \"" + name + "\" does not begin with --");
  }
  impl_->command_line.push_back({std::move(name), &value, std::move(help)});
  return *this;
}

HealthRegistry& App::health() noexcept {
  return impl_->health;
}
MetricsRegistry& App::metrics() noexcept {
  return impl_->metrics;
}

Logger App::logger(std::string_view name) {
  if (!impl_->log) {
    if (Result<void> opened = impl_->open_log(); !opened) return {};
  }
  return impl_->log->logger(name);
}

BlockingPool& App::Impl::pool() {
  if (!blocking) blocking = std::make_unique<BlockingPool>(BlockingPool::Options{.threads = options.blocking_threads});
  return *blocking;
}

BlockingPool& App::blocking() {
  return impl_->pool();
}

Result<void> App::reload_tls() {
  if (!impl_->tls) return fail(Errc::failed_precondition, "the application does not serve TLS");
  return impl_->tls->reload();
}

// --- routes while serving ---

Result<void> App::add_routes(const std::function<void(Group&)>& change) {
  const std::lock_guard lock(impl_->changing);
  Group group = make_group("");
  // With all others, when the application starts: only then its chain is known.
  if (!impl_->application) {
    change(group);
    return {};
  }
  try {
    change(group);
  } catch (...) {
    impl_->routes.discard_new();  // Or the next change would bring the half of this one along.
    throw;
  }
  auto snapshot = impl_->routes.build(impl_->outer, impl_->states, impl_->options.router);
  if (!snapshot) return std::unexpected(std::move(snapshot.error()));
  impl_->application->publish(std::move(*snapshot));
  return {};
}

Result<void> App::remove_route(http::Method method, std::string_view pattern, std::string_view host) {
  const std::lock_guard lock(impl_->changing);
  if (!impl_->routes.remove(method, pattern, host)) {
    return fail(Errc::not_found,
                "there is no route " + std::string(http::to_string(method)) + " " + std::string(pattern));
  }
  auto snapshot = impl_->routes.build(impl_->outer, impl_->states, impl_->options.router);
  if (!snapshot) return std::unexpected(std::move(snapshot.error()));
  if (impl_->application) impl_->application->publish(std::move(*snapshot));
  return {};
}

std::string App::openapi() {
  if (Result<void> prepared = impl_->prepare(); !prepared) {
    throw std::runtime_error("the application cannot start:\n" + prepared.error().message());
  }
  return impl_->description();
}

Result<std::string> App::url_for(std::string_view name, std::initializer_list<UrlParam> params,
                                 std::initializer_list<UrlParam> query) const {
  if (!impl_->application) return fail(Errc::failed_precondition, "url_for() works once the application has started");
  return impl_->application->snapshot()->router->url_for(name, params, query);
}

}  // namespace weir
