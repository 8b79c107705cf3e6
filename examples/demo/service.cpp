#include "service.hpp"

#include <system_error>

#include <sqlite3.h>
#include <weir/operations/health.hpp>

namespace demo {

namespace {

weir::Response busy() {
  weir::Response response = weir::problem(weir::Status::service_unavailable, "the database is busy; try again");
  response.headers.set(weir::HeaderId::retry_after, "1");
  return response;
}

weir::Response disk_full() {
  return weir::problem(weir::Status::insufficient_storage, "the disk is full; nothing was changed");
}

/// What happens to the disk is no fault of the client: the answer says little, the log all.
weir::Response database_failed(weir::Context& ctx, const sqlite::Failure& failure) {
  ctx.log().error("the database failed", {{"code", failure.code()}, {"what", failure.what()}});
  switch (failure.code()) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return busy();
    case SQLITE_FULL:
      return disk_full();
    default:
      return weir::problem(weir::Status::internal_server_error, "the database failed");
  }
}

weir::Response file_failed(weir::Context& ctx, const std::system_error& failure) {
  ctx.log().error("a file failed", {{"what", failure.what()}});
  if (failure.code() == std::errc::no_space_on_device) return disk_full();
  return weir::problem(weir::Status::internal_server_error, "a file could not be written");
}

/// Reading is free. 1000 changes a second, for a minute at once, are enough for everyone but a runaway script.
weir::RateLimit limit_writes() {
  weir::RateLimitHooks hooks;
  hooks.cost = [](weir::Context& ctx) -> std::uint32_t {
    const weir::Method method = ctx.method();
    return method == weir::Method::get || method == weir::Method::head || method == weir::Method::options ? 0 : 1;
  };
  return weir::RateLimit({.requests = 60'000, .window = std::chrono::minutes(1)}, std::move(hooks));
}

}  // namespace

std::string location_of(const weir::App& app, std::string_view route, std::int64_t id) {
  const std::string text = std::to_string(id);
  return app.url_for(route, {{"id", text}}).value_or(std::string());
}

// --- changes ---

namespace {

weir::BroadcastOptions event_options() {
  // Numbers become the ids of events, which browsers send back when they connect again, perhaps after a restart: by
  // beginning with the time none comes twice.
  const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
  return {.history = 256,
          .first_number =
              static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(since_epoch).count())};
}

}  // namespace

Service::Service() : events(event_options()) {}

void Service::changed(std::string_view what, std::int64_t id) {
  events.publish({std::string(what), weir::json::to_string(Change{std::string(what), id})});
}

void add_events(weir::App& app, Service& service) {
  app.get("/events", [&service] { return weir::sse(service.events, {.retry = std::chrono::seconds(2)}); })
      .tag("events")
      .summary("Changes, as they happen")
      .description(
          "Server-sent events named task.created, task.changed, task.deleted, user.created, user.changed and "
          "user.deleted. After a gap the client gets what it has missed by its Last-Event-ID, as far as that is "
          "known.");
}

// --- the whole ---

void add_service(weir::App& app, Service& service) {
  app.on_exception<sqlite::Failure>(&database_failed);
  app.on_exception<std::system_error>(&file_failed);
  app.use(weir::compress());
  app.use(weir::etag());
  app.use(limit_writes());
  app.health().add("database", [&]() -> weir::Task<weir::Result<void>> {
    auto call = app.blocking().run([&service] { service.store->ping(); });
    weir::Result<void> answered = co_await call;
    co_return answered;
  });
  add_user_routes(app, service);
  add_task_routes(app, service);
  add_attachment_routes(app, service);
  add_events(app, service);
  add_page(app);
}

}  // namespace demo
