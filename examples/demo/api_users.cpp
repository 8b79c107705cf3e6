#include "service.hpp"

namespace demo {

void add_user_routes(weir::App& app, Service& service) {
  weir::Group users = app.group("/users");
  users.tag("users");

  users
      .post("",
            [&](weir::Context& ctx,
                weir::Json<NewUser> user) -> weir::Task<weir::Result<weir::Reply<User, weir::Status::created>>> {
              auto call = app.blocking().run([&service, user = std::move(*user), at = now(ctx)] {
                auto added = service.store->add_user(user, at);
                if (added) service.changed("user.created", added->id);
                return added;
              });
              weir::Result<User> added = co_await call;
              if (!added) co_return std::unexpected(std::move(added.error()));
              const std::string location = location_of(app, "user", added->id);
              co_return weir::created(std::move(*added), location);
            })
      .summary("Add a user")
      .responds(weir::Status::conflict, "A user with this address exists");

  users
      .get("",
           [&](weir::Query<Paging> paging) -> weir::Task<weir::Result<UserPage>> {
             auto call = app.blocking().run([&service, paging = *paging] { return service.store->users(paging); });
             weir::Result<UserPage> page = co_await call;
             co_return page;
           })
      .summary("List the users, by name");

  users
      .get("/{id}",
           [&](weir::Path<std::int64_t> id) -> weir::Task<weir::Result<User>> {
             auto call = app.blocking().run([&service, id = *id] { return service.store->user(id); });
             weir::Result<User> user = co_await call;
             co_return user;
           })
      .name("user")
      .summary("One user")
      .responds(weir::Status::not_found);

  users
      .patch("/{id}",
             [&](weir::Path<std::int64_t> id, weir::Json<UserPatch> patch) -> weir::Task<weir::Result<User>> {
               auto call = app.blocking().run([&service, id = *id, patch = std::move(*patch)] {
                 auto user = service.store->change_user(id, patch);
                 if (user) service.changed("user.changed", id);
                 return user;
               });
               weir::Result<User> user = co_await call;
               co_return user;
             })
      .summary("Change a user")
      .description("Members that are not there stay as they are.")
      .responds(weir::Status::not_found)
      .responds(weir::Status::conflict, "Another user has this address");

  users
      .del("/{id}",
           [&](weir::Path<std::int64_t> id) -> weir::Task<weir::Result<void>> {
             auto call = app.blocking().run([&service, id = *id] {
               auto removed = service.store->remove_user(id);
               if (removed) service.changed("user.deleted", id);
               return removed;
             });
             weir::Result<void> removed = co_await call;
             co_return removed;
           })
      .summary("Delete a user")
      .description("The user's tasks stay, without an assignee.")
      .responds(weir::Status::not_found);
}

}  // namespace demo
