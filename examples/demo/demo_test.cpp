// The service through its API, in this process.
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "service.hpp"

namespace demo {
namespace {

weir::AppOptions quiet() {
  weir::AppOptions options;
  options.log.file = "/dev/null";
  return options;
}

/// A folder of its own for each test.
class Folder {
 public:
  Folder() : path_(std::filesystem::temp_directory_path() / "weir-demo-test-XXXXXX") {
    std::string text = path_;
    if (::mkdtemp(text.data()) == nullptr) throw std::runtime_error("no folder for the test");
    path_ = text;
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  [[nodiscard]] std::string file(const char* name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

class Demo : public testing::Test {
 protected:
  Demo() : app_(quiet()) {
    add_service(app_, service_);
    auto store = Store::open(folder_.file("demo.db"));
    if (!store) throw std::runtime_error(store.error().message());
    service_.store = std::move(*store);
    client_.emplace(app_.test());
  }
  weir::ClientResponse post(std::string_view path, std::string_view json) {
    return client_->post(path, "application/json", json);
  }
  weir::ClientResponse patch(std::string_view path, std::string_view json, weir::TestClient::Headers headers = {}) {
    headers.emplace_back("Content-Type", "application/json");
    return client_->request({weir::http::Method::patch, std::string(path), std::move(headers), std::string(json)});
  }
  weir::ClientResponse put_file(std::string_view path, std::string content, std::string media_type) {
    return client_->request(
        {weir::http::Method::put, std::string(path), {{"Content-Type", std::move(media_type)}}, std::move(content)});
  }
  [[nodiscard]] std::vector<std::string> titles(std::string_view query) {
    std::vector<std::string> found;
    const weir::ClientResponse answer = client_->get("/tasks" + std::string(query));
    EXPECT_EQ(answer.status, 200) << answer.body;
    if (auto page = answer.json<TaskPage>()) {
      for (Task& task : page->items) found.push_back(std::move(task.title));
    }
    return found;
  }
  [[nodiscard]] std::size_t stored_files() const {
    const std::filesystem::directory_iterator files(folder_.file("demo.db.files"));
    return static_cast<std::size_t>(std::distance(begin(files), end(files)));
  }

  Folder folder_;
  Service service_;
  weir::App app_;
  std::optional<weir::TestClient> client_;
};
using Titles = std::vector<std::string>;

TEST_F(Demo, KeepsUsers) {
  const auto added = post("/users", R"({"name": "Ada", "email": "ada@example.com"})");
  ASSERT_EQ(added.status, 201) << added.body;
  EXPECT_EQ(added.header("Location"), "/users/1");
  EXPECT_EQ(client_->get("/users/1").json<User>()->email, "ada@example.com");
  EXPECT_EQ(patch("/users/1", R"({"name": "Countess"})").json<User>()->name, "Countess");
  EXPECT_EQ(client_->get("/users").json<UserPage>()->items.at(0).name, "Countess");
  EXPECT_EQ(client_->del("/users/1").status, 204);
  EXPECT_EQ(client_->get("/users/1").status, 404);
  EXPECT_EQ(client_->del("/users/1").status, 404);
}

TEST_F(Demo, RefusesASecondUserWithTheAddress) {
  ASSERT_EQ(post("/users", R"({"name": "Ada", "email": "ada@example.com"})").status, 201);
  const auto again = post("/users", R"({"name": "Eve", "email": "ADA@example.com"})");
  EXPECT_EQ(again.status, 409) << again.body;
  EXPECT_EQ(again.header("Content-Type"), "application/problem+json");
  ASSERT_EQ(post("/users", R"({"name": "Bob", "email": "bob@example.com"})").status, 201);
  EXPECT_EQ(patch("/users/2", R"({"email": "ada@example.com"})").status, 409);
}

TEST_F(Demo, KeepsTasks) {
  const auto added = post("/tasks", R"({"title": "Öl wechseln", "due": "2030-06-01", "priority": "high",
                                        "tags": ["car", "spring"], "notes": "5W-30"})");
  ASSERT_EQ(added.status, 201) << added.body;
  EXPECT_EQ(added.header("Location"), "/tasks/1");
  EXPECT_EQ(added.header("ETag"), "\"1\"");
  const auto task = client_->get("/tasks/1").json<Task>();
  ASSERT_TRUE(task.has_value()) << task.error().message();
  EXPECT_EQ(task->title, "Öl wechseln");
  EXPECT_EQ(task->due, std::chrono::year(2030) / 6 / 1);
  EXPECT_EQ(task->priority, Priority::high);
  EXPECT_EQ(task->tags, (Titles{"car", "spring"}));
  EXPECT_FALSE(task->done);
  EXPECT_EQ(client_->del("/tasks/1").status, 204);
  EXPECT_EQ(client_->get("/tasks/1").status, 404);
}

TEST_F(Demo, NamesEverythingThatIsWrong) {
  const auto refused = post("/tasks", R"({"title": "", "due": "2030-02-30", "priority": "urgent", "tags": [""]})");
  EXPECT_EQ(refused.status, 422) << refused.body;
  for (const char* field : {"title", "due", "priority"}) {
    EXPECT_NE(refused.body.find(field), std::string::npos) << field << " in " << refused.body;
  }
  EXPECT_NE(post("/tasks", R"({"title": "x", "tags": [""]})").body.find("tags[0]"), std::string::npos);
  EXPECT_EQ(post("/tasks", R"({"title": )").status, 400);
  EXPECT_EQ(client_->get("/tasks?per_page=1000").status, 422);
  const auto nobody = post("/tasks", R"({"title": "x", "assignee": 9})");
  EXPECT_EQ(nobody.status, 422) << nobody.body;
  EXPECT_NE(nobody.body.find("there is no user 9"), std::string::npos) << nobody.body;
}

TEST_F(Demo, ChangesOnlyTheVersionThatTheClientHasSeen) {
  ASSERT_EQ(post("/tasks", R"({"title": "Paint", "due": "2030-06-01"})").status, 201);
  const auto changed = patch("/tasks/1", R"({"done": true})", {{"If-Match", "\"1\""}});
  EXPECT_EQ(changed.status, 200) << changed.body;
  EXPECT_EQ(changed.header("ETag"), "\"2\"");
  const auto late = patch("/tasks/1", R"({"title": "Lost"})", {{"If-Match", "\"1\""}});
  EXPECT_EQ(late.status, 412);
  EXPECT_EQ(client_->del("/tasks/1", {{"If-Match", "\"1\""}}).status, 412);
  EXPECT_EQ(titles(""), Titles{"Paint"});
  EXPECT_EQ(client_->get("/tasks/1", {{"If-None-Match", "\"2\""}}).status, 304);
  EXPECT_EQ(client_->del("/tasks/1", {{"If-Match", "\"2\""}}).status, 204);
}

TEST_F(Demo, PatchesWhatIsThereAndTakesAwayWhatIsNull) {
  ASSERT_EQ(post("/users", R"({"name": "Ada", "email": "ada@example.com"})").status, 201);
  ASSERT_EQ(post("/tasks", R"({"title": "Paint", "due": "2030-06-01", "assignee": 1})").status, 201);
  auto task = patch("/tasks/1", R"({"title": "Paint it", "due": null})").json<Task>();
  EXPECT_EQ(task->title, "Paint it");
  EXPECT_FALSE(task->due.has_value());
  EXPECT_EQ(task->assignee, 1);
  EXPECT_EQ(client_->del("/users/1").status, 204);
  EXPECT_FALSE(client_->get("/tasks/1").json<Task>()->assignee.has_value());
}

TEST_F(Demo, FindsTasks) {
  ASSERT_EQ(post("/users", R"({"name": "Ada", "email": "ada@example.com"})").status, 201);
  ASSERT_EQ(post("/tasks", R"({"title": "Water the plants", "due": "2030-06-02", "tags": ["home"]})").status, 201);
  ASSERT_EQ(post("/tasks", R"({"title": "Café", "notes": "buy plants there", "priority": "high", "assignee": 1,
                               "due": "2030-06-01"})")
                .status,
            201);
  ASSERT_EQ(post("/tasks", R"({"title": "Sleep"})").status, 201);
  ASSERT_EQ(patch("/tasks/3", R"({"done": true})").status, 200);

  EXPECT_EQ(titles(""), (Titles{"Café", "Water the plants", "Sleep"}));
  EXPECT_EQ(titles("?q=plant"), (Titles{"Café", "Water the plants"}));
  EXPECT_EQ(titles("?q=wat+plan"), Titles{"Water the plants"});
  EXPECT_EQ(titles("?q=CAFE"), Titles{"Café"});
  EXPECT_EQ(titles("?q=home"), Titles{"Water the plants"});
  EXPECT_EQ(titles("?tag=home"), Titles{"Water the plants"});
  EXPECT_EQ(titles("?done=true"), Titles{"Sleep"});
  EXPECT_EQ(titles("?assignee=1"), Titles{"Café"});
  EXPECT_EQ(titles("?priority=high"), Titles{"Café"});
  EXPECT_EQ(titles("?due_before=2030-06-01"), Titles{"Café"});
  EXPECT_EQ(titles("?order=created&per_page=2"), (Titles{"Sleep", "Café"}));
  EXPECT_EQ(titles("?order=title&per_page=2&page=2"), (Titles{"Water the plants"}));
  EXPECT_EQ(client_->get("/tasks?per_page=1").json<TaskPage>()->total, 3);
  // The index follows changes.
  ASSERT_EQ(patch("/tasks/1", R"({"title": "Water the lawn"})").status, 200);
  EXPECT_EQ(titles("?q=lawn"), Titles{"Water the lawn"});
  EXPECT_EQ(titles("?q=plants"), Titles{"Café"});
}

TEST_F(Demo, TakesOperatorsOfTheSearchLanguageForWords) {
  ASSERT_EQ(post("/tasks", R"({"title": "Rock AND roll"})").status, 201);
  EXPECT_EQ(titles("?q=and"), Titles{"Rock AND roll"});
  for (const char* odd : {"%22", "%22%22%22", "*", "NOT", "a+OR", "title:", "(", "-", "%00", "^x", "%FF", "+%2B+"}) {
    EXPECT_EQ(client_->get("/tasks?q=" + std::string(odd)).status, 200) << odd;
  }
}

TEST_F(Demo, KeepsAttachments) {
  ASSERT_EQ(post("/tasks", R"({"title": "Paint"})").status, 201);
  const std::string content = std::string(700'000, 'x') + '\0' + "end";
  const auto put = put_file("/tasks/1/attachments/na%C3%AFve%20%22plan%22.txt", content, "text/plain");
  ASSERT_EQ(put.status, 201) << put.body;
  EXPECT_EQ(put.json<Attachment>()->size, 700'004);
  EXPECT_EQ(client_->get("/tasks/1").json<Task>()->attachments, 1);
  const auto got = client_->get(put.header("Location"));
  EXPECT_EQ(got.status, 200);
  EXPECT_TRUE(got.body == content);
  EXPECT_EQ(got.header("Content-Type"), "text/plain");
  EXPECT_EQ(got.header("Content-Disposition"),
            "attachment; filename=\"na__ve _plan_.txt\"; filename*=UTF-8''na%C3%AFve%20%22plan%22.txt");
  EXPECT_EQ(client_->get("/tasks/1/attachments").json<AttachmentList>()->items.size(), 1u);

  ASSERT_EQ(put_file(put.header("Location"), "new", "text/plain").status, 201);
  EXPECT_EQ(client_->get(put.header("Location")).body, "new");
  EXPECT_EQ(stored_files(), 1u) << "the replaced content is gone";
  EXPECT_EQ(client_->del(put.header("Location")).status, 204);
  EXPECT_EQ(client_->get(put.header("Location")).status, 404);
  EXPECT_EQ(stored_files(), 0u);
}

TEST_F(Demo, TakesFilesFromAForm) {
  ASSERT_EQ(post("/tasks", R"({"title": "Paint"})").status, 201);
  const std::string form =
      "--b\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nnot a file\r\n"
      "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"../a.txt\"\r\n\r\nfirst\r\n"
      "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"b.png\"\r\nContent-Type: image/png\r\n\r\n"
      "second\r\n--b--\r\n";
  const auto sent = client_->post("/tasks/1/attachments", "multipart/form-data; boundary=b", form);
  ASSERT_EQ(sent.status, 201) << sent.body;
  EXPECT_EQ(sent.json<AttachmentList>()->items.size(), 2u);
  EXPECT_EQ(client_->get("/tasks/1/attachments/a.txt").body, "first");
  const auto part = client_->get("/tasks/1/attachments/b.png", {{"Range", "bytes=0-2"}});
  EXPECT_EQ(part.status, 206);
  EXPECT_EQ(part.body, "sec");
  EXPECT_EQ(part.header("Content-Type"), "image/png");
  EXPECT_TRUE(part.header("Content-Disposition").starts_with("attachment;")) << part.header("Content-Disposition");
  const std::string tag(part.header("ETag"));
  EXPECT_EQ(client_->get("/tasks/1/attachments/b.png", {{"If-None-Match", tag}}).status, 304);

  const auto cut = client_->post("/tasks/1/attachments", "multipart/form-data; boundary=b", form.substr(0, 200));
  EXPECT_EQ(cut.status, 400) << cut.body;
  EXPECT_EQ(client_->post("/tasks/1/attachments", "multipart/form-data; boundary=b", "--b--\r\n").status, 400);
  EXPECT_EQ(client_->post("/tasks/1/attachments", "text/plain", "x").status, 415);
  EXPECT_EQ(client_->post("/tasks/9/attachments", "multipart/form-data; boundary=b", form).status, 404);
}

TEST_F(Demo, RemovesTheFilesOfATaskWithIt) {
  ASSERT_EQ(post("/tasks", R"({"title": "Paint"})").status, 201);
  ASSERT_EQ(put_file("/tasks/1/attachments/a.txt", "a", "text/plain").status, 201);
  ASSERT_EQ(put_file("/tasks/1/attachments/empty.txt", "", "text/plain").status, 201);
  EXPECT_EQ(stored_files(), 2u);
  EXPECT_EQ(client_->del("/tasks/1").status, 204);
  EXPECT_EQ(stored_files(), 0u);
}

TEST_F(Demo, LeavesNothingOfAnUploadThatIsRefused) {
  EXPECT_EQ(put_file("/tasks/7/attachments/a.txt", "a", "text/plain").status, 404);
  ASSERT_EQ(post("/tasks", R"({"title": "Paint"})").status, 201);
  for (const char* name : {"..", "a%2Fb", "a%5Cb", "a%0Ab", "%7F"}) {
    const int status = put_file("/tasks/1/attachments/" + std::string(name), "a", "text/plain").status;
    EXPECT_TRUE(status == 400 || status == 404) << name << " " << status;
  }
  client_->send({weir::http::Method::put, "/tasks/1/attachments/a.txt", {{"Content-Length", "100"}}, "half"});
  client_->disconnect();
  EXPECT_EQ(client_->get("/tasks/1/attachments").json<AttachmentList>()->items.size(), 0u);
  client_.reset();  // It waits for what the pool still does for it.
  EXPECT_EQ(stored_files(), 0u);
}

TEST_F(Demo, TellsOfChanges) {
  weir::TestClient listener = app_.test();
  listener.send({weir::http::Method::get, "/events", {}, {}});
  listener.advance(std::chrono::seconds(0));
  ASSERT_NE(listener.received().find("text/event-stream"), std::string::npos) << listener.received();
  ASSERT_EQ(post("/tasks", R"({"title": "Paint"})").status, 201);
  ASSERT_EQ(post("/tasks", R"({"title": ""})").status, 422);
  ASSERT_EQ(client_->del("/tasks/1").status, 204);
  listener.advance(std::chrono::seconds(0));
  const std::string received = listener.received();
  const std::size_t created = received.find("event: task.created");
  ASSERT_NE(created, std::string::npos) << received;
  EXPECT_NE(received.find("data: {\"what\":\"task.created\",\"id\":1}"), std::string::npos) << received;
  EXPECT_GT(received.find("event: task.deleted"), created) << received;
  EXPECT_EQ(received.find("event: task.created", created + 1), std::string::npos) << received;
}

TEST_F(Demo, KeepsTheTagOfATaskStrongWhereAnswersAreCompressed) {
  ASSERT_EQ(post("/tasks", weir::json::to_string(NewTask{.title = "Long", .notes = std::string(5000, 'x')})).status,
            201);
  const weir::TestClient::Headers gzip{{"Accept-Encoding", "gzip"}};
  EXPECT_EQ(client_->get("/tasks", gzip).header("Content-Encoding"), "gzip");
  const auto task = client_->get("/tasks/1", gzip);
  EXPECT_EQ(task.header("ETag"), "\"1\"");
  EXPECT_EQ(patch("/tasks/1", R"({"done": true})", {{"If-Match", std::string(task.header("ETag"))}}).status, 200);
}

TEST_F(Demo, IsHealthyWhenTheDatabaseAnswers) {
  const auto health = client_->get("/health/ready/database");
  EXPECT_EQ(health.status, 200);
  EXPECT_EQ(health.body, R"({"status":"UP"})");
}

TEST_F(Demo, ServesThePage) {
  const auto page = client_->get("/");
  EXPECT_EQ(page.status, 200);
  EXPECT_EQ(page.header("Content-Type"), "text/html; charset=utf-8");
  EXPECT_NE(page.header("Content-Security-Policy").find("script-src 'self'"), std::string_view::npos);
  EXPECT_EQ(client_->get("/demo.js").status, 200);
  EXPECT_EQ(client_->get("/", {{"If-None-Match", std::string(page.header("ETag"))}}).status, 304);
}

TEST(Store, KeepsItsContentWhenItIsOpenedAgain) {
  const Folder folder;
  const std::string file = folder.file("deep/in/demo.db");
  {
    auto store = Store::open(file);
    ASSERT_TRUE(store.has_value()) << store.error().message();
    ASSERT_TRUE((*store)->add_task({.title = "Paint"}, Time()).has_value());
    const auto second = Store::open(file);
    ASSERT_FALSE(second.has_value());
    EXPECT_NE(second.error().message().find("another process"), std::string::npos) << second.error().message();
    std::ofstream(file + ".files/remains-of-a-crash") << "x";
  }
  auto store = Store::open(file);
  ASSERT_TRUE(store.has_value()) << store.error().message();
  EXPECT_EQ((*store)->task(1)->title, "Paint");
  EXPECT_FALSE(std::filesystem::exists(file + ".files/remains-of-a-crash"));
}

TEST(Store, SaysWhatIsWrongWithAFile) {
  const Folder folder;
  const std::string text = folder.file("text.db");
  std::ofstream(text) << std::string(10'000, 'x');
  auto store = Store::open(text);
  ASSERT_FALSE(store.has_value());
  EXPECT_NE(store.error().message().find("not a database"), std::string::npos) << store.error().message();
  store = Store::open("/dev/null/demo.db");
  ASSERT_FALSE(store.has_value());
  EXPECT_NE(store.error().message().find("/dev/null"), std::string::npos) << store.error().message();
}

}  // namespace
}  // namespace demo
