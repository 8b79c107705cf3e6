#include "weir/web/multipart_form.hpp"

#include <cerrno>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "weir/json/json.hpp"
#include "weir/runtime/blocking_pool.hpp"
#include "weir/web/chain_test_support.hpp"
#include "weir/web/detail/file_calls.hpp"
#include "weir/web/file_test_support.hpp"
#include "weir/web/response.hpp"

namespace weir {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

/// A file call that fails, while it lives.
class FileCallsOverride {
 public:
  FileCallsOverride() noexcept = default;
  FileCallsOverride(const FileCallsOverride&) = delete;
  FileCallsOverride& operator=(const FileCallsOverride&) = delete;
  ~FileCallsOverride() { detail::file_calls = saved_; }
  detail::FileCalls* operator->() noexcept { return &detail::file_calls; }

 private:
  detail::FileCalls saved_ = detail::file_calls;
};

struct FormPart {
  std::string disposition;
  std::string content;
  std::string more_fields;
};

std::string form_body(const std::vector<FormPart>& parts) {
  std::string body;
  for (const FormPart& part : parts) {
    body += "--XX\r\nContent-Disposition: form-data; " + part.disposition + "\r\n" + part.more_fields + "\r\n" +
            part.content + "\r\n";
  }
  return body + "--XX--\r\n";
}
std::string form_head(std::size_t length) {
  return "POST /form HTTP/1.1\r\nHost: t\r\nContent-Type: multipart/form-data; boundary=XX\r\nContent-Length: " +
         std::to_string(length) + "\r\n\r\n";
}
std::string form_request(const std::vector<FormPart>& parts) {
  const std::string body = form_body(parts);
  return form_head(body.size()) + body;
}

const std::vector<FormPart> two_files = {
    {R"(name="title")",
     "Gr\xc3\xbc\xc3\x9f"
     "e",
     ""},
    {R"(name="a"; filename="../x/a.txt")", "first\r\nfile\r\n--X", "Content-Type: text/plain\r\nX-Extra: 1\r\n"},
    {R"(name="none"; filename="")", "", ""},
    {R"(name="b"; filename="b.bin")", std::string("\0\r\n\xff", 4), ""},
    {R"(name="tag")", "one", ""},
    {R"(name="tag")", "two", ""},
};

std::string summary(MultipartForm& form) {
  std::string text;
  for (const MultipartForm::Field& field : form.fields()) text += field.name + "=" + field.value + ";";
  for (UploadedFile& file : form.files()) {
    text += file.name() + ":" + file.filename() + ":" + file.content_type() + ":" + std::to_string(file.size()) + "[" +
            file.content().read_all().value() + "];";
  }
  return text;
}

const std::string two_files_summary =
    "title=Gr\xc3\xbc\xc3\x9f"
    "e;tag=one;tag=two;a:../x/a.txt:text/plain:16[first\r\nfile\r\n--X];"
    "b:b.bin::4[" +
    std::string("\0\r\n\xff", 4) + "];";

TEST(MultipartForm, GivesAPlainFunctionTheWholeForm) {
  TestService service;
  service.post("/form", [](MultipartForm form) { return text(summary(form)); });
  const TestResponse answer = service.request(form_request(two_files));
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, two_files_summary);
}

TEST(MultipartForm, ArrivesByteByByte) {
  TestService service;
  service.post("/form", [](MultipartForm form) -> Task<Response> { co_return text(summary(form)); });
  TestConnection client(service);
  const std::string request = form_request(two_files);
  for (const char c : request) client.send(std::string_view(&c, 1));
  EXPECT_EQ(client.receive().body, two_files_summary);
}

TEST(MultipartForm, ArrivesChunked) {
  TestService service;
  service.post("/form", [](MultipartForm form) { return text(summary(form)); });
  std::string request =
      "POST /form HTTP/1.1\r\nHost: t\r\nContent-Type: Multipart/Form-Data; boundary=\"XX\"\r\n"
      "Transfer-Encoding: chunked\r\n\r\n";
  for (const char c : form_body(two_files)) request += std::string("1\r\n") + c + "\r\n";
  request += "0\r\n\r\n";
  EXPECT_EQ(service.request(request).body, two_files_summary);
}

struct NewTask {
  std::string title;
  int priority = 0;
  static constexpr auto rules =
      weir::rules<NewTask>(weir::field<&NewTask::title>().min_length(1), weir::field<&NewTask::priority>().max(5));
};

TEST(MultipartForm, BindsItsFieldsToAStruct) {
  TestService service;
  service.post("/form", [](MultipartForm form) -> Result<NewTask> { return form.bind<NewTask>(); });
  EXPECT_EQ(service.request(form_request({{R"(name="title")", "x", ""}, {R"(name="priority")", "3", ""}})).body,
            R"({"title":"x","priority":3})");
  const TestResponse bad =
      service.request(form_request({{R"(name="title")", "", ""}, {R"(name="priority")", "9", ""}}));
  EXPECT_EQ(bad.status, 422);
  EXPECT_THAT(bad.body, HasSubstr("\"title\""));
  EXPECT_THAT(bad.body, HasSubstr("\"priority\""));
}

TEST(MultipartForm, AnswersWhatIsWrongWithIt) {
  TestService service;
  service.state().emplace<MultipartOptions>(MultipartOptions{.max_parts = 3,
                                                             .max_header_bytes = 100,
                                                             .max_part_bytes = 1000,
                                                             .max_field_bytes = 50,
                                                             .max_fields_bytes = 90,
                                                             .directory = {},
                                                             .pool = nullptr});
  bool called = false;
  service.post("/form", [&called](MultipartForm) { called = true; }).body_limit = 4000;
  const FormPart field{R"(name="x")", std::string(40, 'x'), ""};
  struct Case {
    const char* what;
    std::string request;
    int status;
  };
  const std::string good = form_body({field});
  const Case cases[] = {
      {"another type", "POST /form HTTP/1.1\r\nHost: t\r\nContent-Type: text/plain\r\nContent-Length: 1\r\n\r\nx", 415},
      {"no type", "POST /form HTTP/1.1\r\nHost: t\r\nContent-Length: 1\r\n\r\nx", 415},
      {"no boundary",
       "POST /form HTTP/1.1\r\nHost: t\r\nContent-Type: multipart/form-data\r\nContent-Length: 1\r\n\r\nx", 400},
      {"no body", "POST /form HTTP/1.1\r\nHost: t\r\nContent-Type: multipart/form-data; boundary=XX\r\n\r\n", 400},
      {"cut short", form_head(good.size() - 6) + good.substr(0, good.size() - 6), 400},
      {"no name", form_request({{"filename=\"x\"", "", ""}}), 400},
      {"too many parts", form_request(std::vector<FormPart>(4, {R"(name="x")", "", ""})), 413},
      {"a large part", form_request({{R"(name="f"; filename="f")", std::string(1001, 'x'), ""}}), 413},
      {"a large header", form_request({{R"(name="f")", "", "X-Y: " + std::string(100, 'y') + "\r\n"}}), 413},
      {"a large field", form_request({{R"(name="f")", std::string(51, 'x'), ""}}), 413},
      {"many fields", form_request({field, field, field}), 413},
      {"a large form", form_request({{R"(name="f"; filename="f")", std::string(4100, 'x'), ""}}), 413},
  };
  for (const Case& wrong : cases) {
    const TestResponse answer = service.request(wrong.request);
    EXPECT_EQ(answer.status, wrong.status) << wrong.what << ": " << answer.body;
    EXPECT_EQ(answer.header("Content-Type"), "application/problem+json") << wrong.what;
    EXPECT_FALSE(called) << wrong.what;
  }
  EXPECT_EQ(service.request(form_request({field, field})).status, 204);
}

TEST(MultipartForm, IsNotReadWhenAnotherParameterIsWrong) {
  TestService service;
  service.post("/form", [](MultipartForm, Query<int, "n">) {});
  TestConnection client(service);
  client.send(form_head(1000));  // and nothing of the body
  EXPECT_EQ(client.receive().status, 422);
}

TEST(MultipartForm, TellsASlowClientSo) {
  TestService service;
  service.post("/form", [](MultipartForm) {});
  TestConnection client(service);
  client.send(form_head(1000) + "--XX\r\n");
  service.advance(std::chrono::seconds(11));
  const TestResponse answer = client.receive();
  EXPECT_EQ(answer.status, 408);
  EXPECT_THAT(answer.body, HasSubstr("408"));
}

TEST(MultipartForm, LeavesNothingBehindWhenTheClientGoes) {
  for (const bool with_names : {false, true}) {
    TestDirectory directory;
    FileCallsOverride calls;
    if (with_names) {
      calls->open = [](const char* path, int flags, mode_t mode) {
        if ((flags & O_TMPFILE) == O_TMPFILE) return errno = EOPNOTSUPP, -1;
        return ::open(path, flags, mode);
      };
    }
    TestService service;
    service.state().emplace<MultipartOptions>({}).directory = directory.path();
    service.post("/form", [](MultipartForm) { FAIL(); });
    TestConnection client(service);
    const std::string body = form_body({{R"(name="f"; filename="f")", std::string(100000, 'x'), ""}});
    client.send(form_head(body.size()) + body.substr(0, 50000));
    EXPECT_EQ(directory.names().size(), with_names ? 1u : 0u);
    client.close();
    EXPECT_TRUE(directory.names().empty());
  }
}

TEST(MultipartForm, WritesThroughThePool) {
  BlockingPool pool;
  TestService service({}, {.limits = {}, .real_time = true});
  service.state().emplace<MultipartOptions>({}).pool = &pool;
  std::string content;
  for (int i = 0; content.size() < 1'500'000; ++i) content += std::to_string(i) + ",";
  service.post("/form", [&content](MultipartForm form) {
    return text(form.file("f")->content().read_all().value() == content ? "same" : "different");
  });
  TestConnection client(service);
  const std::string request =
      form_request({{R"(name="f"; filename="f")", content, ""}, {R"(name="empty"; filename="e")", "", ""}});
  TestResponse answer;
  for (std::string_view left = request; answer.status == 0; answer = client.receive()) {
    const net::IoResult written = client.stream().write(left.data(), left.size());
    left.remove_prefix(written.bytes);
    std::this_thread::yield();
  }
  EXPECT_EQ(answer.body, "same");
  EXPECT_GE(pool.stats().executed, 5u);
}

TEST(MultipartForm, ADirectoryThatIsNotThereIsNoAffairOfTheClient) {
  TestService service;
  service.state().emplace<MultipartOptions>({}).directory = "/nonexistent/uploads";
  service.post("/form", [](MultipartForm) { FAIL(); });
  TestConnection client(service);
  client.send(form_request({{R"(name="f"; filename="f")", "content", ""}}));
  const TestResponse answer = client.receive();
  EXPECT_EQ(answer.status, 500);
  EXPECT_THAT(answer.body, Not(HasSubstr("nonexistent")));
}

TEST(MultipartForm, AnswersAFullDiskWith503) {
  for (const bool pooled : {false, true}) {
    FileCallsOverride calls;
    calls->pwrite = [](int, const void*, std::size_t, off_t) -> ssize_t { return errno = ENOSPC, -1; };
    BlockingPool pool;
    TestService service({}, {.limits = {}, .real_time = true});
    if (pooled) service.state().emplace<MultipartOptions>({}).pool = &pool;
    service.post("/form", [](MultipartForm) { FAIL(); });
    TestConnection client(service);
    client.send(form_request({{R"(name="f"; filename="f")", "content", ""}}));
    TestResponse answer;
    while (answer.status == 0) {
      answer = client.receive();
      std::this_thread::yield();
    }
    EXPECT_EQ(answer.status, 503);
    EXPECT_THAT(answer.body, HasSubstr("no room to store the upload"));
  }
}

TEST(MultipartForm, DescribesItself) {
  auto handler = make_handler([](MultipartForm) {});
  EXPECT_TRUE(handler->async());
  OperationDoc doc;
  handler->describe(doc);
  ASSERT_EQ(doc.request_bodies.size(), 1u);
  EXPECT_EQ(doc.request_bodies[0].media_type, "multipart/form-data");
  EXPECT_TRUE(doc.request_body_required);
}

TEST(Multipart, StreamsPartsAndSkipsWhatIsNotRead) {
  TestService service;
  service.post("/form", [](Multipart form) -> Task<Result<std::string>> {
    form.set_options({.max_parts = 10, .max_part_bytes = 100});
    std::string seen;
    for (;;) {
      auto part = co_await form.next();
      if (!part) co_return fail(std::move(part.error()));
      if (!*part) break;
      seen += std::string((*part)->name) + ((*part)->is_file ? "!" : "") + "(" +
              std::string((*part)->header("x-extra")) + ")";
      if ((*part)->name == "none" || (*part)->name == "tag") continue;
      std::string all;
      for (;;) {
        auto piece = co_await (*part)->read();
        if (!piece) co_return fail(std::move(piece.error()));
        if (piece->empty()) break;
        all += *piece;
      }
      seen += std::to_string(all.size()) + " ";
    }
    auto none = co_await form.next();
    EXPECT_FALSE(none->has_value());
    co_return seen;
  });
  EXPECT_EQ(service.request(form_request(two_files)).body, "title()7 a!(1)16 none!()b!()4 tag()tag()");
  EXPECT_EQ(service.request(form_request({{R"(name="f")", std::string(101, 'x'), ""}})).status, 413);
}

TEST(Multipart, NamesOfFilesAreNoPaths) {
  const std::pair<const char*, const char*> cases[] = {
      {"a.txt", "a.txt"},
      {"../../etc/passwd", "passwd"},
      {"C:\\dir\\a.txt", "a.txt"},
      {"..", ""},
      {".", ""},
      {"", ""},
      {"a/", ""},
      {"/", ""},
      {"a\nb", "ab"},
      {"..\\..", ""},
      {".profile", ".profile"},
      {"\xc3\xbc.txt", "\xc3\xbc.txt"},
  };
  for (const auto& [sent, expected] : cases) EXPECT_EQ(base_name(sent), expected) << sent;
}

class TemporaryFileTest : public ::testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    if (!GetParam()) return;
    calls_->open = [](const char* path, int flags, mode_t mode) {
      if ((flags & O_TMPFILE) == O_TMPFILE) return errno = EOPNOTSUPP, -1;
      return ::open(path, flags, mode);
    };
  }
  TestDirectory directory_;
  FileCallsOverride calls_;
};

TEST_P(TemporaryFileTest, IsGoneUnlessItIsSaved) {
  {
    auto file = TemporaryFile::create(directory_.path());
    ASSERT_TRUE(file) << file.error().message();
    ASSERT_TRUE(file->append("hello "));
    ASSERT_TRUE(file->append("world"));
    EXPECT_EQ(file->read_all().value(), "hello world");
    EXPECT_EQ(file->read_all(5).error().code(), Errc::too_large);
  }
  EXPECT_TRUE(directory_.names().empty());
  {
    auto file = TemporaryFile::create(directory_.path());
    ASSERT_TRUE(file->append("saved"));
    ASSERT_TRUE(file->save_as(directory_ / "a.txt", {.durable = true, .mode = 0640}));
  }
  EXPECT_THAT(directory_.names(), ElementsAre("a.txt"));
  EXPECT_EQ(directory_.read("a.txt"), "saved");
  struct stat status{};
  ASSERT_EQ(::stat((directory_ / "a.txt").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0640u);
}

TEST_P(TemporaryFileTest, ReplacesOnlyWhenTold) {
  directory_.write("a.txt", "old");
  auto file = TemporaryFile::create(directory_.path());
  ASSERT_TRUE(file->append("new"));
  EXPECT_EQ(file->save_as(directory_ / "a.txt").error().code(), Errc::already_exists);
  EXPECT_EQ(directory_.read("a.txt"), "old");
  ASSERT_TRUE(file->save_as(directory_ / "a.txt", {.replace = true}));
  EXPECT_EQ(directory_.read("a.txt"), "new");
  EXPECT_THAT(directory_.names(), ElementsAre("a.txt"));
  auto other = TemporaryFile::create(directory_.path());
  const Error missing = other->save_as(directory_ / "missing/a.txt").error();
  EXPECT_EQ(missing.code(), Errc::internal) << "no affair of the client";
  EXPECT_THAT(missing.message(), HasSubstr("missing/a.txt"));
}

TEST_P(TemporaryFileTest, CopiesToAnotherFileSystem) {
  calls_->linkat = [](int, const char*, int, const char*, int) { return errno = EXDEV, -1; };
  directory_.write("there", "old");
  {
    auto file = TemporaryFile::create(directory_.path());
    ASSERT_TRUE(file->append(std::string(3'000'000, 'x')));
    EXPECT_EQ(file->save_as(directory_ / "there").error().code(), Errc::already_exists);
    ASSERT_TRUE(file->save_as(directory_ / "there", {.replace = true}));
  }
  EXPECT_THAT(directory_.names(), ElementsAre("there"));
  EXPECT_EQ(directory_.read("there"), std::string(3'000'000, 'x'));
}

TEST_P(TemporaryFileTest, TellsWhyItCannotBeMade) {
  EXPECT_EQ(TemporaryFile::create(directory_ / "missing").error().code(), Errc::not_found);
}

INSTANTIATE_TEST_SUITE_P(Kinds, TemporaryFileTest, ::testing::Bool(),
                         [](const auto& with) { return with.param ? "WithAName" : "WithoutAName"; });

}  // namespace
}  // namespace weir
