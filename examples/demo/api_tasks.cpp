#include <weir/http/etag.hpp>

#include "service.hpp"

namespace demo {

namespace {

using IfMatch = weir::Header<std::optional<std::string>, "If-Match">;

std::string etag_of(std::int64_t version) {
  return "\"" + std::to_string(version) + "\"";
}

/// The task, with the ETag that a later If-Match names.
weir::Response task_response(const Task& task) {
  weir::Response response = weir::json_response(task);
  // Compression would make the tag weak, and a weak one fits no If-Match (RFC 9110 section 13.1.1).
  response.headers.set(weir::HeaderId::cache_control, "no-cache, no-transform");
  response.headers.set(weir::HeaderId::etag, etag_of(task.version));
  return response;
}

/// The check of a version against If-Match, which may be missing (RFC 9110 section 13.1.1).
Store::VersionCheck version_check(const IfMatch& if_match) {
  return [wanted = if_match->value_or("")](std::int64_t version) {
    if (wanted.empty()) return true;
    const std::string opaque = std::to_string(version);
    return weir::http::entity_tag_list_has(wanted, {.opaque = opaque}, false);
  };
}

/// What a change that was not made is answered with: 412 where the version was not the wanted one.
weir::Result<weir::Response> refused(weir::Error error) {
  if (error.code() == weir::Errc::aborted) {
    return weir::problem(weir::Status::precondition_failed, error.message());
  }
  return std::unexpected(std::move(error));
}

}  // namespace

void add_task_routes(weir::App& app, Service& service) {
  weir::Group tasks = app.group("/tasks");
  tasks.tag("tasks");

  tasks
      .post("",
            [&](weir::Context& ctx,
                weir::Json<NewTask> task) -> weir::Task<weir::Result<weir::Reply<Task, weir::Status::created>>> {
              auto call = app.blocking().run([&service, task = std::move(*task), at = now(ctx)] {
                auto added = service.store->add_task(task, at);
                if (added) service.changed("task.created", added->id);
                return added;
              });
              weir::Result<Task> added = co_await call;
              if (!added) co_return std::unexpected(std::move(added.error()));
              const std::string location = location_of(app, "task", added->id);
              const std::string etag = etag_of(added->version);
              auto reply = weir::created(std::move(*added), location);
              reply.headers.set(weir::HeaderId::etag, etag);
              reply.headers.set(weir::HeaderId::cache_control, "no-cache, no-transform");
              co_return std::move(reply);
            })
      .summary("Add a task")
      .description("When the answer is there, the task is on the disk: it survives a killed process.")
      .response_header(weir::Status::created, "ETag", "The version, for If-Match");

  tasks
      .get("",
           [&](weir::Query<TaskSearch> search) -> weir::Task<weir::Result<TaskPage>> {
             auto call = app.blocking().run(
                 [&service, search = std::move(search.value)] { return service.store->find_tasks(search); });
             weir::Result<TaskPage> page = co_await call;
             co_return page;
           })
      .name("tasks")
      .summary("Search tasks")
      .description("All tasks, or those that every given parameter fits.");

  tasks
      .get("/{id}",
           [&](weir::Path<std::int64_t> id) -> weir::Task<weir::Result<weir::Response>> {
             auto call = app.blocking().run([&service, id = *id] { return service.store->task(id); });
             weir::Result<Task> task = co_await call;
             if (!task) co_return std::unexpected(std::move(task.error()));
             co_return task_response(*task);
           })
      .name("task")
      .summary("One task")
      .responds<Task>(weir::Status::ok)
      .response_header(weir::Status::ok, "ETag", "The version, for If-Match")
      .responds(weir::Status::not_found);

  tasks
      .patch("/{id}",
             [&](weir::Context& ctx, weir::Path<std::int64_t> id, weir::Json<TaskPatch> patch,
                 IfMatch if_match) -> weir::Task<weir::Result<weir::Response>> {
               auto call = app.blocking().run(
                   [&service, id = *id, patch = std::move(*patch), at = now(ctx), wanted = version_check(if_match)] {
                     auto task = service.store->change_task(id, patch, at, wanted);
                     if (task) service.changed("task.changed", id);
                     return task;
                   });
               weir::Result<Task> task = co_await call;
               if (!task) co_return refused(std::move(task.error()));
               co_return task_response(*task);
             })
      .summary("Change a task")
      .description(
          "Members that are not there stay as they are; null takes the due date or the assignee away. With If-Match "
          "it changes only the version that the client has seen.")
      .responds<Task>(weir::Status::ok)
      .response_header(weir::Status::ok, "ETag", "The version, for If-Match")
      .responds(weir::Status::not_found)
      .responds(weir::Status::precondition_failed, "The task has changed since it was read");

  tasks
      .del("/{id}",
           [&](weir::Path<std::int64_t> id, IfMatch if_match) -> weir::Task<weir::Result<weir::Response>> {
             auto call = app.blocking().run([&service, id = *id, wanted = version_check(if_match)] {
               auto removed = service.store->remove_task(id, wanted);
               if (removed) service.changed("task.deleted", id);
               return removed;
             });
             weir::Result<void> removed = co_await call;
             if (!removed) co_return refused(std::move(removed.error()));
             co_return weir::Response(weir::Status::no_content);
           })
      .summary("Delete a task, with its attachments")
      .responds(weir::Status::no_content)
      .responds(weir::Status::not_found)
      .responds(weir::Status::precondition_failed, "The task has changed since it was read");
}

}  // namespace demo
