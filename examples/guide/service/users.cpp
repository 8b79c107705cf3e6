#include "users.hpp"

// [store]
User Users::add(const NewUser& wanted) {
  const std::lock_guard lock(mutex_);
  const auto id = static_cast<std::int64_t>(users_.size()) + 1;
  return users_[id] = {id, wanted.name, wanted.age};
}

std::optional<User> Users::find(std::int64_t id) {
  const std::lock_guard lock(mutex_);
  const auto found = users_.find(id);
  if (found == users_.end()) return std::nullopt;
  return found->second;
}

std::vector<User> Users::list(std::size_t limit) {
  const std::lock_guard lock(mutex_);
  std::vector<User> page;
  for (const auto& [id, user] : users_) {
    if (page.size() == limit) break;
    page.push_back(user);
  }
  return page;
}
// [/store]

// [routes]
void add_users(weir::App& app) {
  app.make_state<Users>();

  app.get("/users", [](weir::State<Users> users, weir::Query<std::optional<std::size_t>, "limit"> limit) {
    return users->list(limit->value_or(20));
  });

  app.get("/users/{id}", [](weir::State<Users> users, weir::Path<std::int64_t> id) -> weir::Result<User> {
    if (auto user = users->find(*id)) return *user;
    return weir::not_found("there is no user " + std::to_string(*id));
  });

  app.post("/users", [](weir::State<Users> users, weir::Json<NewUser> wanted) {
    const User user = users->add(*wanted);
    return weir::created(user, "/users/" + std::to_string(user.id));
  });
}
// [/routes]
