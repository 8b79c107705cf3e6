// [header]
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <weir/weir.hpp>

struct User {
  std::int64_t id = 0;
  std::string name;
  int age = 0;
};

struct NewUser {
  std::string name;
  int age = 0;

  static constexpr auto rules = weir::rules<NewUser>(  //
      weir::field<&NewUser::name>().min_length(1).max_length(80), weir::field<&NewUser::age>().min(0).max(150));
};

/// Shared by all event loops, so it locks.
class Users {
 public:
  User add(const NewUser& wanted);
  std::optional<User> find(std::int64_t id);
  std::vector<User> list(std::size_t limit);

 private:
  std::mutex mutex_;
  std::map<std::int64_t, User> users_;
};

void add_users(weir::App& app);
// [/header]
