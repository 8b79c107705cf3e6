// What the service speaks: the JSON of requests and answers, with the rules that hold for them.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <weir/weir.hpp>

namespace demo {

/// A member of a patch (RFC 7396): not there, null, or a value.
template <class T>
struct Patched {
  bool given = false;
  std::optional<T> value;
};

enum class Priority : std::uint8_t { low, normal, high };
enum class TaskOrder : std::uint8_t { due, priority, created, title };

// --- users ---

struct NewUser {
  std::string name;
  std::string email;

  static constexpr auto rules = weir::rules<NewUser>(
      weir::field<&NewUser::name>().min_length(1).max_length(80).example("Ada Lovelace"),
      weir::field<&NewUser::email>().max_length(254).format(weir::format::email).example("ada@example.com"));
};

struct User {
  std::int64_t id = 0;
  std::string name;
  std::string email;
  std::chrono::sys_seconds created_at;
};

/// What is not there stays as it is.
struct UserPatch {
  std::optional<std::string> name;
  std::optional<std::string> email;

  static constexpr auto rules =
      weir::rules<UserPatch>(weir::field<&UserPatch::name>().min_length(1).max_length(80),
                             weir::field<&UserPatch::email>().max_length(254).format(weir::format::email));
};

// --- tasks ---

/// Rules that reflection cannot say: what each tag looks like.
inline std::vector<weir::FieldError> check_tags(const std::vector<std::string>& tags) {
  std::vector<weir::FieldError> found;
  for (std::size_t i = 0; i < tags.size(); ++i) {
    if (tags[i].empty() || tags[i].size() > 40) {
      found.push_back({"tags[" + std::to_string(i) + "]", "length", "must be from 1 to 40 bytes long"});
    }
  }
  return found;
}

struct NewTask {
  std::string title;
  std::string notes;
  std::optional<std::chrono::year_month_day> due;
  Priority priority = Priority::normal;
  std::vector<std::string> tags;
  std::optional<std::int64_t> assignee;

  static constexpr auto rules = weir::rules<NewTask>(
      weir::field<&NewTask::title>().min_length(1).max_length(200).example("Water the plants"),
      weir::field<&NewTask::notes>().max_length(10'000).optional().describe("Plain text"),
      weir::field<&NewTask::due>().describe("The day on which it must be done").example("2030-06-01"),
      weir::field<&NewTask::priority>().optional(),
      weir::field<&NewTask::tags>().max_items(10).unique_items().optional(),
      weir::field<&NewTask::assignee>().describe("The id of a user"));
  std::vector<weir::FieldError> validate() const { return check_tags(tags); }
};

struct Task {
  std::int64_t id = 0;
  std::string title;
  std::string notes;
  std::optional<std::chrono::year_month_day> due;
  Priority priority = Priority::normal;
  bool done = false;
  std::vector<std::string> tags;
  std::optional<std::int64_t> assignee;
  std::int64_t attachments = 0;
  std::int64_t version = 1;
  std::chrono::sys_seconds created_at;
  std::chrono::sys_seconds updated_at;

  static constexpr auto rules =
      weir::rules<Task>(weir::field<&Task::attachments>().describe("How many files are attached"),
                        weir::field<&Task::version>().describe("Grows by one with every change; the ETag holds it"));
};

/// What is not there stays as it is; null takes a due date or an assignee away.
struct TaskPatch {
  std::optional<std::string> title;
  std::optional<std::string> notes;
  Patched<std::chrono::year_month_day> due;
  std::optional<Priority> priority;
  std::optional<bool> done;
  std::optional<std::vector<std::string>> tags;
  Patched<std::int64_t> assignee;

  static constexpr auto rules =
      weir::rules<TaskPatch>(weir::field<&TaskPatch::title>().min_length(1).max_length(200),
                             weir::field<&TaskPatch::notes>().max_length(10'000),
                             weir::field<&TaskPatch::tags>().max_items(10).unique_items(), weir::all_optional());
  std::vector<weir::FieldError> validate() const { return tags ? check_tags(*tags) : std::vector<weir::FieldError>(); }
};

struct Attachment {
  std::int64_t id = 0;
  std::string name;
  std::string media_type;
  std::int64_t size = 0;
  std::chrono::sys_seconds created_at;
};

// --- lists ---

struct Paging {
  int page = 1;
  int per_page = 20;
  static constexpr auto rules =
      weir::rules<Paging>(weir::field<&Paging::page>().min(1).max(1'000'000),
                          weir::field<&Paging::per_page>().min(1).max(100), weir::all_optional());
};

/// The query parameters of a search for tasks.
struct TaskSearch {
  std::optional<std::string> q;
  std::optional<bool> done;
  std::optional<std::string> tag;
  std::optional<std::int64_t> assignee;
  std::optional<Priority> priority;
  std::optional<std::chrono::year_month_day> due_before;
  TaskOrder order = TaskOrder::due;
  int page = 1;
  int per_page = 20;

  static constexpr auto rules = weir::rules<TaskSearch>(
      weir::field<&TaskSearch::q>().max_length(200).describe("Words in the title, the notes or the tags; all of them, "
                                                             "the beginning of each is enough"),
      weir::field<&TaskSearch::due_before>().describe("Due on this day or earlier"),
      weir::field<&TaskSearch::page>().min(1).max(1'000'000), weir::field<&TaskSearch::per_page>().min(1).max(100),
      weir::all_optional());
};

struct UserPage {
  std::vector<User> items;
  std::int64_t total = 0;
  int page = 1;
  int per_page = 20;
};
struct TaskPage {
  std::vector<Task> items;
  std::int64_t total = 0;
  int page = 1;
  int per_page = 20;
};
struct AttachmentList {
  std::vector<Attachment> items;
};

/// What the stream of events says: that something is not any more as it was.
struct Change {
  std::string what;  ///< "task.created", "task.changed", "task.deleted", "user.created", …
  std::int64_t id = 0;
};

}  // namespace demo

template <class T>
struct weir::json::Custom<demo::Patched<T>> {
  using As = std::optional<T>;
  static weir::Result<void> load(As&& from, demo::Patched<T>& out) {
    out = {true, std::move(from)};
    return {};
  }
  static void store(const demo::Patched<T>& from, As& to) { to = from.value; }
};
