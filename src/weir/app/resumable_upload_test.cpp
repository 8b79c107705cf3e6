// Resumable uploads through a whole application: the protocol, the limits, and what a restart finds.
#include "weir/web/resumable_upload.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <gtest/gtest.h>

#include "weir/app/app.hpp"
#include "weir/app/test_client.hpp"

namespace weir {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

struct Uploaded {
  std::string name;
  std::string content;
};

/// A service with uploads at /uploads; restart() is what a new process finds in the directory.
class ResumableUploadTest : public testing::Test {
 protected:
  using Headers = TestClient::Headers;
  const Headers::value_type this_draft_{"Upload-Draft-Interop-Version", "8"};

  ResumableUploadTest() {
    std::string path = (fs::temp_directory_path() / "weir-uploads-XXXXXX").string();
    if (::mkdtemp(path.data()) == nullptr) std::abort();
    folder_ = path;
    options_.directory = path + "/incoming";
    restart();
  }
  ~ResumableUploadTest() override {
    client_.reset();
    app_.reset();
    uploads_.reset();
    fs::remove_all(folder_);
  }

  void restart() {
    client_.reset();
    app_.reset();
    uploads_.reset();
    AppOptions options;
    options.log.file = "/dev/null";
    app_ = std::make_unique<App>(options);
    uploads_ = std::make_unique<ResumableUploads>(
        options_, app_->blocking(),
        [this](Context& ctx, FinishedUpload upload) { return take(ctx, std::move(upload)); });
    uploads_->add_to(app_->group("/uploads"));
    client_.emplace(app_->test());
  }
  Task<Result<Response>> take(Context& ctx, FinishedUpload upload) {
    static_cast<void>(ctx);
    ++finished_;
    if (fail_next_) {
      fail_next_ = false;
      throw std::runtime_error("the process has no wish to go on");
    }
    if (upload.media_type() == "text/bad") co_return fail(Errc::unprocessable, "not this");
    const std::string target = folder_ / ("done-" + std::to_string(finished_));
    Result<void> saved = upload.save_as(target);
    if (!saved) co_return fail(std::move(saved.error()));
    std::ifstream file(target);
    co_return json_response(Uploaded{upload.file_name(), std::string(std::istreambuf_iterator<char>(file), {})},
                            Status::ok);
  }

  std::string begin(Headers headers = {}, std::string body = {}) {
    headers.emplace_back("Upload-Complete", "?0");
    const ClientResponse answer = client_->request({Method::post, "/uploads", std::move(headers), std::move(body)});
    EXPECT_EQ(answer.status, 201) << answer.body;
    EXPECT_EQ(answer.header("Upload-Complete"), "?0");
    EXPECT_NE(answer.header("Upload-Limit").find("max-size="), std::string_view::npos);
    return std::string(answer.header("Location"));
  }
  ClientResponse append(const std::string& where, std::uint64_t offset, std::string body, bool last,
                        Headers headers = {}) {
    headers.emplace_back("Upload-Offset", std::to_string(offset));
    headers.emplace_back("Upload-Complete", last ? "?1" : "?0");
    headers.emplace_back("Content-Type", "application/partial-upload");
    return client_->request({Method::patch, where, std::move(headers), std::move(body)});
  }
  std::string offset(const std::string& where) { return std::string(client_->head(where).header("Upload-Offset")); }
  /// Lets the client's requests run, and the pool work for them, until `there` holds.
  static bool comes(TestClient& client, const std::function<bool()>& there) {
    const auto give_up = std::chrono::steady_clock::now() + 10s;
    while (!there() && std::chrono::steady_clock::now() < give_up) client.advance(Duration::zero());
    return there();
  }
  std::size_t files() const {
    return static_cast<std::size_t>(
        std::distance(fs::directory_iterator(options_.directory), fs::directory_iterator()));
  }

  fs::path folder_;
  ResumableUploadOptions options_;
  std::unique_ptr<App> app_;
  std::unique_ptr<ResumableUploads> uploads_;
  std::optional<TestClient> client_;
  int finished_ = 0;
  bool fail_next_ = false;
};

TEST_F(ResumableUploadTest, GoesOnWhereItStopped) {
  const std::string where =
      begin({{"Upload-Length", "10"}, {"Content-Disposition", "inline; filename*=UTF-8''..%2Fa%20b.txt"}}, "012");
  EXPECT_TRUE(where.starts_with("/uploads/")) << where;
  ClientResponse head = client_->head(where);
  EXPECT_EQ(head.status, 204);
  EXPECT_EQ(head.header("Upload-Offset"), "3");
  EXPECT_EQ(head.header("Upload-Complete"), "?0");
  EXPECT_EQ(head.header("Upload-Length"), "10");
  EXPECT_EQ(head.header("Cache-Control"), "no-store");
  const ClientResponse part = append(where, 3, "345", false);
  EXPECT_EQ(part.status, 204) << part.body;
  EXPECT_EQ(part.header("Upload-Offset"), "6");
  EXPECT_EQ(part.header("Upload-Complete"), "?0");
  const ClientResponse last = append(where, 6, "6789", true);
  EXPECT_EQ(last.status, 200) << last.body;
  EXPECT_EQ(last.header("Upload-Complete"), "?1");
  EXPECT_EQ(last.json<Uploaded>()->content, "0123456789");
  EXPECT_EQ(last.json<Uploaded>()->name, "a b.txt");

  head = client_->head(where);
  EXPECT_EQ(head.header("Upload-Complete"), "?1");
  EXPECT_EQ(head.header("Upload-Offset"), "10");
  const ClientResponse again = append(where, 10, "", true);
  EXPECT_EQ(again.status, 400);
  EXPECT_EQ(again.header("Upload-Complete"), "?0") << "not the answer to what was uploaded";
  head = client_->get(where);
  EXPECT_EQ(head.status, 204);
  EXPECT_EQ(head.header("Upload-Offset"), "10");
  EXPECT_EQ(finished_, 1);
}

TEST_F(ResumableUploadTest, TakesWholeUploadsAndPlainOnes) {
  const ClientResponse whole = client_->request({Method::post, "/uploads", {{"Upload-Complete", "?1"}}, "all of it"});
  EXPECT_EQ(whole.status, 200) << whole.body;
  EXPECT_EQ(whole.header("Upload-Complete"), "?1");
  EXPECT_EQ(whole.json<Uploaded>()->content, "all of it");
  const ClientResponse plain = client_->post("/uploads", "text/plain", "as curl does");
  EXPECT_EQ(plain.json<Uploaded>()->content, "as curl does");
  EXPECT_EQ(plain.header("Upload-Complete"), "");
  const ClientResponse refused = client_->request({Method::put, "/uploads", {{"Content-Type", "text/bad"}}, "x"});
  EXPECT_EQ(refused.status, 422) << "the handler's own answer";
}

TEST_F(ResumableUploadTest, RefusesWhatDoesNotFit) {
  const std::string where = begin({}, "012");
  const ClientResponse wrong = append(where, 2, "x", false);
  EXPECT_EQ(wrong.status, 409);
  EXPECT_EQ(wrong.header("Upload-Offset"), "3");
  EXPECT_NE(wrong.body.find("#mismatching-upload-offset"), std::string::npos);
  EXPECT_NE(wrong.body.find(R"("expected-offset":3,"provided-offset":2)"), std::string::npos) << wrong.body;
  EXPECT_EQ(append(where, 3, "x", false, {{"Upload-Length", "2"}}).status, 400);
  EXPECT_EQ(append(where, 3, "x", true, {{"Upload-Length", "9"}}).status, 400) << "less came than was announced";
  EXPECT_EQ(offset(where), "4");
  EXPECT_EQ(append(where, 4, "", false, {{"Upload-Length", "8"}}).status, 400) << "it was 9";
  EXPECT_EQ(client_->request({Method::patch, where, {{"Content-Type", "text/plain"}}, "x"}).status, 415);
  EXPECT_EQ(client_->request({Method::patch, where, {{"Content-Type", "application/partial-upload"}}, "x"}).status,
            400);
  EXPECT_EQ(client_->head("/uploads/none").status, 404);
  EXPECT_EQ(client_->head("/uploads/..%2Fdone-1").status, 404);
  EXPECT_EQ(
      client_->request({Method::post, "/uploads", {{"Upload-Complete", "?1"}, {"Upload-Length", "5"}}, "x"}).status,
      400);
  EXPECT_EQ(finished_, 0);
  const ClientResponse much = append(where, 4, "123456789", false);
  EXPECT_EQ(much.status, 400);
  EXPECT_NE(much.body.find("#inconsistent-upload-length"), std::string::npos);
  EXPECT_EQ(client_->head(where).status, 404) << "an upload that passes its length is invalid";
}

TEST_F(ResumableUploadTest, KeepsTheLimits) {
  options_.max_size = 100;
  options_.max_total = 150;
  options_.max_uploads = 2;
  restart();
  const ClientResponse large =
      client_->request({Method::post, "/uploads", {{"Upload-Complete", "?0"}, {"Upload-Length", "101"}}, {}});
  EXPECT_EQ(large.status, 413);
  EXPECT_NE(large.header("Upload-Limit").find("max-size=100"), std::string_view::npos);
  EXPECT_EQ(large.header("Upload-Complete"), "?0") << "about the upload, not from the handler";
  const std::string first = begin({{"Upload-Length", "100"}});
  EXPECT_EQ(
      client_->request({Method::post, "/uploads", {{"Upload-Complete", "?0"}, {"Upload-Length", "51"}}, {}}).status,
      507);
  const std::string second = begin({}, std::string(50, 'x'));
  EXPECT_EQ(append(second, 50, "y", false).status, 507) << "all of the total is promised";
  EXPECT_EQ(client_->request({Method::post, "/uploads", {{"Upload-Complete", "?0"}}, {}}).status, 507);
  EXPECT_EQ(client_->del(first).status, 204);
  EXPECT_EQ(client_->head(first).status, 404);
  EXPECT_EQ(append(second, 50, "y", false).status, 204);
  EXPECT_EQ(append(second, 51, std::string(50, 'y'), false).status, 413);
  EXPECT_EQ(files(), 0u);
}

TEST_F(ResumableUploadTest, ADirectoryThatIsLostIsNoAffairOfTheClient) {
  fs::remove_all(options_.directory);
  const ClientResponse answer =
      client_->request({Method::post, "/uploads", {{"Upload-Complete", "?0"}}, std::string("abc")});
  EXPECT_EQ(answer.status, 500);
  EXPECT_EQ(answer.body.find("No such file"), std::string::npos) << answer.body;
  EXPECT_EQ(answer.header("Upload-Complete"), "?0");
}

TEST_F(ResumableUploadTest, ForgetsWhatIsOld) {
  const std::string old = begin({}, "abc");
  client_->advance(23h);
  const std::string kept = begin({}, "abc");
  client_->advance(2h);
  begin();
  EXPECT_EQ(client_->head(old).status, 404);
  EXPECT_EQ(offset(kept), "3");
  const std::string limits(client_->head(kept).header("Upload-Limit"));
  EXPECT_TRUE(limits.ends_with("max-age=79200")) << limits << ": what is left of 24 hours";
}

TEST_F(ResumableUploadTest, SurvivesARestart) {
  const std::string where =
      begin({{"Upload-Length", "6"}, {"Content-Disposition", "inline; filename=\"x.bin\""}}, "abc");
  const std::string done = begin();
  EXPECT_EQ(append(done, 0, "whole", true).status, 200);
  const std::string lost = begin({}, "abc");
  fs::remove(fs::path(options_.directory) / (lost.substr(9) + ".part"));
  std::ofstream(fs::path(options_.directory) / "0123456789abcdef0123456789abcdef.part") << "nobody knows what";
  restart();
  EXPECT_EQ(client_->head(where).header("Upload-Length"), "6");
  EXPECT_EQ(offset(where), "3");
  EXPECT_EQ(client_->head(done).header("Upload-Complete"), "?1");
  EXPECT_EQ(client_->head(lost).status, 404) << "a part of its state is gone";
  EXPECT_EQ(append(where, 3, "def", true).json<Uploaded>()->content, "abcdef");
  EXPECT_EQ(files(), 2u) << "two that are remembered as complete";
}

TEST_F(ResumableUploadTest, ALongNameSurvivesARestart) {
  const std::string name(6000, 'n');
  const std::string where = begin({{"Content-Disposition", "inline; filename=\"" + name + "\""}}, "abc");
  restart();
  EXPECT_EQ(offset(where), "3");
  EXPECT_EQ(append(where, 3, "def", true).json<Uploaded>()->name, name);
}

TEST_F(ResumableUploadTest, FinishesAgainWhatWasNotFinished) {
  const std::string where = begin({}, "abc");
  fail_next_ = true;
  EXPECT_EQ(append(where, 3, "def", true).status, 500);
  const ClientResponse head = client_->head(where);
  EXPECT_EQ(head.header("Upload-Complete"), "?0");
  EXPECT_EQ(head.header("Upload-Offset"), "6");
  EXPECT_EQ(append(where, 6, "", true).json<Uploaded>()->content, "abcdef");
  EXPECT_EQ(finished_, 2);
}

TEST_F(ResumableUploadTest, KeepsWhatCameBeforeTheClientWent) {
  const std::string where = begin();
  TestClient breaking = app_->test();
  breaking.send({Method::patch,
                 where,
                 {{"Upload-Offset", "0"},
                  {"Upload-Complete", "?1"},
                  {"Content-Type", "application/partial-upload"},
                  {"Transfer-Encoding", "chunked"}},
                 {}});
  // Another request for it takes it over: what the first one still brings is not written.
  EXPECT_EQ(append(where, 0, "abc", false).status, 204);
  breaking.disconnect();
  EXPECT_EQ(offset(where), "3");
}

TEST_F(ResumableUploadTest, TellsWhereToGoOnBeforeTheContentHasCome) {
  const ClientResponse whole =
      client_->request({Method::post, "/uploads", {{"Upload-Complete", "?1"}, this_draft_}, "all of it"});
  ASSERT_EQ(whole.status, 200) << whole.body;
  ASSERT_EQ(whole.interim.size(), 1u);
  EXPECT_EQ(whole.interim[0].status, 104);
  EXPECT_EQ(whole.interim[0].header("Upload-Draft-Interop-Version"), "8");
  EXPECT_TRUE(whole.interim[0].header("Location").starts_with("/uploads/"));
  // Without content there is nothing to go on with, and who does not know of it, or of another draft, is not told.
  const auto interim = [this](Headers headers, std::string body) {
    return client_->request({Method::post, "/uploads", std::move(headers), std::move(body)}).interim.size();
  };
  EXPECT_EQ(interim({{"Upload-Complete", "?0"}, this_draft_}, {}), 0u);
  EXPECT_EQ(interim({this_draft_}, "plain"), 0u);
  EXPECT_EQ(interim({{"Upload-Complete", "?1"}}, "of the RFC to come"), 0u);
  EXPECT_EQ(interim({{"Upload-Complete", "?1"}, {"Upload-Draft-Interop-Version", "6"}}, "of an older draft"), 0u);
}

TEST_F(ResumableUploadTest, TellsHowMuchIsSafe) {
  for (const bool durable : {false, true}) {
    options_.durable = durable;
    restart();
    const std::string where = begin();
    const std::size_t size = std::size_t{20} << 20;
    const ClientResponse part = append(where, 0, std::string(size, 'p'), false, {this_draft_});
    EXPECT_EQ(part.status, 204) << part.body;
    ASSERT_EQ(part.interim.size(), 2u);
    std::uint64_t last = 0;
    for (const ClientResponse& interim : part.interim) {
      EXPECT_EQ(interim.status, 104);
      EXPECT_EQ(interim.header("Location"), "");
      const std::uint64_t offset = std::stoull(std::string(interim.header("Upload-Offset")));
      EXPECT_GE(offset, last + (8 << 20));
      last = offset;
    }
    EXPECT_LT(last, size);
    EXPECT_EQ(offset(where), std::to_string(size));
    EXPECT_TRUE(append(where, size, std::string(size, 'p'), false).interim.empty()) << "another draft's client";
  }
}

TEST_F(ResumableUploadTest, KeepsTheBeginningOfABrokenPostWhoseClientKnowsOfIt) {
  for (const bool knows : {true, false}) {
    TestClient breaking = app_->test();
    Headers headers{{"Transfer-Encoding", "chunked"}};
    if (knows) headers.insert(headers.end(), {{"Upload-Complete", "?1"}, this_draft_});
    breaking.send({Method::post, "/uploads", headers, "4\r\nabcd\r\n"});
    ASSERT_TRUE(comes(breaking, [this] { return files() == 2; }));  // its description and its content
    // The files are there before the handler knows it; one that has told of them also takes what has come.
    const auto told = [&breaking] { return breaking.received().starts_with("HTTP/1.1 104 "); };
    ASSERT_TRUE(!knows || comes(breaking, told));
    breaking.disconnect();
    if (!knows) {
      EXPECT_TRUE(comes(breaking, [this] { return files() == 0; }));
      continue;
    }
    const auto upload = std::find_if(fs::directory_iterator(options_.directory), fs::directory_iterator(),
                                     [](const auto& entry) { return entry.path().extension() == ".part"; });
    const fs::path content = upload->path();
    EXPECT_TRUE(comes(breaking, [&] { return fs::file_size(content) == 4; }));
    const std::string where = "/uploads/" + content.stem().string();
    EXPECT_EQ(offset(where), "4");
    EXPECT_EQ(client_->request({Method::del, where, {}, {}}).status, 204);
  }
}

TEST_F(ResumableUploadTest, DescribesItself) {
  const ClientResponse answer = client_->request({Method::options, "/uploads", {}, {}});
  EXPECT_EQ(answer.status, 204);
  EXPECT_EQ(answer.header("Upload-Draft-Interop-Version"), "8");
  EXPECT_NE(answer.header("Upload-Limit").find("max-age=86400"), std::string_view::npos);
}

}  // namespace
}  // namespace weir
