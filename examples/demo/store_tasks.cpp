#include <string>

#include "store.hpp"

namespace demo {

namespace {

const std::string& select_tasks() {
  static const std::string text =
      "SELECT tasks.id, title, notes, due, priority, done, tags, assignee, version, created_at, updated_at, "
      "(SELECT count(*) FROM attachments WHERE attachments.task = tasks.id) FROM tasks";
  return text;
}

// A parameter that is NULL does not narrow the search.
constexpr const char* task_filter =
    " WHERE (?1 IS NULL OR id IN (SELECT rowid FROM tasks_text WHERE tasks_text MATCH ?1))"
    " AND (?2 IS NULL OR done = ?2)"
    " AND (?3 IS NULL OR EXISTS (SELECT 1 FROM json_each(tasks.tags) WHERE json_each.value = ?3))"
    " AND (?4 IS NULL OR assignee = ?4)"
    " AND (?5 IS NULL OR priority = ?5)"
    " AND (?6 IS NULL OR due <= ?6)";

std::int64_t days(const std::chrono::year_month_day& date) {
  return std::chrono::sys_days(date).time_since_epoch().count();
}
std::optional<std::int64_t> days(const std::optional<std::chrono::year_month_day>& date) {
  if (!date) return std::nullopt;
  return days(*date);
}
Time time_from(std::int64_t seconds) {
  return Time(std::chrono::seconds(seconds));
}

Task task_from(const sqlite::Query& row) {
  Task task;
  task.id = row.integer(0);
  task.title = row.text(1);
  task.notes = row.text(2);
  if (!row.is_null(3)) task.due = std::chrono::sys_days(std::chrono::days(row.integer(3)));
  task.priority = static_cast<Priority>(row.integer(4));
  task.done = row.integer(5) != 0;
  if (auto tags = weir::json::read<std::vector<std::string>>(row.text(6))) task.tags = std::move(*tags);
  if (!row.is_null(7)) task.assignee = row.integer(7);
  task.version = row.integer(8);
  task.created_at = time_from(row.integer(9));
  task.updated_at = time_from(row.integer(10));
  task.attachments = row.integer(11);
  return task;
}

/// FTS5's language has operators; what people type is words. Each becomes a quoted prefix, and all must be there.
std::optional<std::string> match_expression(const std::optional<std::string>& words) {
  if (!words) return std::nullopt;
  std::string expression;
  std::string word;
  const auto end_word = [&] {
    if (!word.empty()) expression += (expression.empty() ? "\"" : " \"") + word + "\"*";
    word.clear();
  };
  for (const char c : *words) {
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '"' || c == '\0') {
      end_word();
    } else {
      word += c;
    }
  }
  end_word();
  if (expression.empty()) return std::nullopt;
  return expression;
}

const char* order_by(TaskOrder order) {
  switch (order) {
    case TaskOrder::priority:
      return " ORDER BY done, priority DESC, due IS NULL, due, id";
    case TaskOrder::created:
      return " ORDER BY id DESC";
    case TaskOrder::title:
      return " ORDER BY title COLLATE NOCASE, id";
    case TaskOrder::due:
      break;
  }
  return " ORDER BY done, due IS NULL, due, priority DESC, id";
}

void bind_filter(sqlite::Query& query, const TaskSearch& search) {
  query.bind(match_expression(search.q));
  query.bind(search.done ? std::optional<std::int64_t>(*search.done) : std::nullopt);
  query.bind(search.tag);
  query.bind(search.assignee);
  query.bind(search.priority ? std::optional<std::int64_t>(static_cast<std::int64_t>(*search.priority)) : std::nullopt);
  query.bind(days(search.due_before));
}

std::unexpected<weir::Error> no_task(std::int64_t id) {
  return weir::not_found("there is no task " + std::to_string(id));
}
std::unexpected<weir::Error> no_assignee(const std::optional<std::int64_t>& id) {
  return weir::fail(weir::Error(weir::Errc::unprocessable, "the task's assignee does not exist")
                        .with_fields({{"assignee", "exists", "there is no user " + std::to_string(id.value_or(0))}}));
}
std::unexpected<weir::Error> changed_meanwhile() {
  return weir::fail(weir::Errc::aborted, "the task has changed since it was read; read it again");
}

}  // namespace

weir::Result<Task> Store::task_on(sqlite::Connection& connection, std::int64_t id) {
  sqlite::Query query = connection.query(select_tasks() + " WHERE id = ?");
  if (!query.bind(id).step()) return no_task(id);
  return task_from(query);
}

weir::Result<Task> Store::add_task(const NewTask& task, Time now) {
  const std::lock_guard lock(writing_);
  try {
    writer_
        ->query(
            "INSERT INTO tasks (title, notes, due, priority, tags, assignee, created_at, updated_at) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)")
        .bind(task.title)
        .bind(task.notes)
        .bind(days(task.due))
        .bind(static_cast<std::int64_t>(task.priority))
        .bind(weir::json::to_string(task.tags))
        .bind(task.assignee)
        .bind(now.time_since_epoch().count())
        .bind(now.time_since_epoch().count())
        .run();
  } catch (const sqlite::Failure& failure) {
    if (failure.is_missing_reference()) return no_assignee(task.assignee);
    throw;
  }
  return task_on(*writer_, writer_->last_insert_id());
}

weir::Result<Task> Store::task(std::int64_t id) {
  const Reader reader(*this);
  return task_on(*reader, id);
}

TaskPage Store::find_tasks(const TaskSearch& search) {
  const Reader reader(*this);
  TaskPage page{{}, 0, search.page, search.per_page};
  sqlite::Query count = reader->query(std::string("SELECT count(*) FROM tasks") + task_filter);
  bind_filter(count, search);
  if (count.step()) page.total = count.integer(0);
  sqlite::Query query = reader->query(select_tasks() + task_filter + order_by(search.order) + " LIMIT ?7 OFFSET ?8");
  bind_filter(query, search);
  query.bind(search.per_page).bind(std::int64_t{search.page - 1} * search.per_page);
  while (query.step()) page.items.push_back(task_from(query));
  return page;
}

weir::Result<Task> Store::change_task(std::int64_t id, const TaskPatch& patch, Time now, const VersionCheck& wanted) {
  const std::lock_guard lock(writing_);
  sqlite::Transaction transaction(*writer_);
  weir::Result<Task> found = task_on(*writer_, id);
  if (!found) return found;
  if (!wanted(found->version)) return changed_meanwhile();
  Task& task = *found;
  if (patch.title) task.title = *patch.title;
  if (patch.notes) task.notes = *patch.notes;
  if (patch.due.given) task.due = patch.due.value;
  if (patch.priority) task.priority = *patch.priority;
  if (patch.done) task.done = *patch.done;
  if (patch.tags) task.tags = *patch.tags;
  if (patch.assignee.given) task.assignee = patch.assignee.value;
  task.version += 1;
  task.updated_at = now;
  try {
    writer_
        ->query(
            "UPDATE tasks SET title = ?, notes = ?, due = ?, priority = ?, done = ?, tags = ?, assignee = ?, "
            "version = ?, updated_at = ? WHERE id = ?")
        .bind(task.title)
        .bind(task.notes)
        .bind(days(task.due))
        .bind(static_cast<std::int64_t>(task.priority))
        .bind(std::int64_t{task.done})
        .bind(weir::json::to_string(task.tags))
        .bind(task.assignee)
        .bind(task.version)
        .bind(now.time_since_epoch().count())
        .bind(id)
        .run();
  } catch (const sqlite::Failure& failure) {
    if (failure.is_missing_reference()) return no_assignee(task.assignee);
    throw;
  }
  transaction.commit();
  return found;
}

weir::Result<void> Store::remove_task(std::int64_t id, const VersionCheck& wanted) {
  std::vector<std::string> stored;
  {
    const std::lock_guard lock(writing_);
    sqlite::Transaction transaction(*writer_);
    const weir::Result<Task> found = task_on(*writer_, id);
    if (!found) return no_task(id);
    if (!wanted(found->version)) return changed_meanwhile();
    sqlite::Query files = writer_->query("SELECT stored FROM attachments WHERE task = ?");
    files.bind(id);
    while (files.step()) stored.push_back(files.text(0));
    writer_->query("DELETE FROM tasks WHERE id = ?").bind(id).run();
    transaction.commit();
  }
  unlink_stored(stored);
  return {};
}

}  // namespace demo
