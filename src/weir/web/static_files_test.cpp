#include "weir/web/static_files.hpp"

#include <filesystem>
#include <string>
#include <system_error>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "weir/net/detail/syscalls.hpp"
#include "weir/runtime/blocking_pool.hpp"
#include "weir/web/chain_test_support.hpp"
#include "weir/web/file_test_support.hpp"

namespace weir {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class StaticFilesTest : public ::testing::Test {
 protected:
  StaticFilesTest() {
    directory_.write("secret.txt", "TOP-SECRET");
    directory_.write("public-not/secret.txt", "TOP-SECRET");
    directory_.write("public/index.html", "<home>");
    directory_.write("public/a.txt", "text");
    directory_.write("public/app.js", "plain javascript");
    directory_.write("public/deep/index.html", "<deep>");
    directory_.write("public/deep/b.css", "css");
    directory_.write("public/empty/x.bin", "x");
    directory_.write("public/.env", "TOP-SECRET");
    directory_.write("public/.git/config", "TOP-SECRET");
    directory_.write("public/white space.txt", "space");
    fs::create_symlink("a.txt", directory_ / "public/link");
    fs::create_symlink("../secret.txt", directory_ / "public/out");
    fs::create_directory_symlink("..", directory_ / "public/up");
    options_.root = directory_ / "public";
  }

  void serve(StaticFilesOptions options) { service_.get("/static/{path*}", static_files(std::move(options))); }
  TestResponse get(std::string_view path,
                   std::initializer_list<std::pair<std::string_view, std::string_view>> fields = {}) {
    return service_.get_path(path, fields);
  }

  TestDirectory directory_;
  StaticFilesOptions options_;
  TestService service_;
};

TEST_F(StaticFilesTest, ServesFiles) {
  serve(options_);
  const TestResponse answer = get("/static/a.txt");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "text");
  EXPECT_EQ(answer.header("Content-Type"), "text/plain; charset=utf-8");
  EXPECT_EQ(answer.header("Cache-Control"), "public, max-age=0");
  EXPECT_EQ(answer.header("Accept-Ranges"), "bytes");
  EXPECT_EQ(answer.header("Last-Modified"), "Tue, 14 Nov 2023 22:13:20 GMT");
  EXPECT_EQ(get("/static/deep/b.css").body, "css");
  EXPECT_EQ(get("/static/white%20space.txt").body, "space");
  EXPECT_EQ(get("/static/deep%2Fb.css").body, "css");
  const std::string etag(answer.header("ETag"));
  EXPECT_EQ(get("/static/a.txt", {{"If-None-Match", etag}}).status, 304);
  EXPECT_EQ(get("/static/a.txt", {{"Range", "bytes=1-2"}}).body, "ex");
  const TestResponse head = service_.request("HEAD /static/a.txt HTTP/1.1\r\nHost: t\r\n\r\n");
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.header("Content-Length"), "4");
}

TEST_F(StaticFilesTest, ServesTheIndexOfADirectory) {
  serve(options_);
  EXPECT_EQ(get("/static/").body, "<home>");
  EXPECT_EQ(get("/static/deep/").body, "<deep>");
  const TestResponse redirect = get("/static/deep?x=1");
  EXPECT_EQ(redirect.status, 301);
  EXPECT_EQ(redirect.header("Location"), "/static/deep/?x=1");
  EXPECT_EQ(get("/static/empty").status, 404);
  EXPECT_EQ(get("/static/empty/").status, 404);
  EXPECT_EQ(get("/static/a.txt/").status, 404);
}

/// Whatever the path holds, nothing but what is below the root comes out.
constexpr std::string_view attempts[] = {
    "/static/../secret.txt",
    "/static/%2e%2e/secret.txt",
    "/static/..%2fsecret.txt",
    "/static/%2e%2e%2fsecret.txt",
    "/static/deep/../../secret.txt",
    "/static/deep/..%2f..%2fsecret.txt",
    "/static/..%5csecret.txt",
    "/static/%252e%252e/secret.txt",
    "/static//etc/passwd",
    "/static/%2fetc%2fpasswd",
    "/static/%2Fetc/passwd",
    "/static//",
    "/static/deep//b.css",
    "/static/./a.txt",
    "/static/%2e/a.txt",
    "/static/a.txt%00.png",
    "/static/a.txt%00",
    "/static/.env",
    "/static/%2eenv",
    "/static/.git/config",
    "/static/deep/..%2f.env",
    "/static/out",
    "/static/up/secret.txt",
    "/static/up/public/a.txt",
    "/static/..",
    "/static/...",
    "/static/../public-not/secret.txt",
    "/static/none",
    "/static/a.txt/x",
    "/static/proc/self/environ",
    "/static/%ff%fe",
};

TEST_F(StaticFilesTest, ServesNothingElse) {
  for (const bool follow : {false, true}) {
    for (const bool old_kernel : {false, true}) {
      net::detail::SyscallOverride calls;
      if (old_kernel) calls->openat2 = [](int, const char*, const open_how*) { return errno = ENOSYS, -1; };
      TestService service;
      options_.follow_symlinks = follow;
      service.get("/static/{path*}", static_files(options_));
      for (const std::string_view path : attempts) {
        const TestResponse answer = service.get_path(path);
        EXPECT_TRUE(answer.status == 404 || answer.status == 400 || answer.status == 301)
            << path << " is answered with " << answer.status;
        EXPECT_EQ(answer.body.find("TOP-SECRET"), std::string::npos) << path;
        EXPECT_EQ(answer.body.find("root:"), std::string::npos) << path;
      }
      EXPECT_EQ(service.get_path("/static/" + std::string(5000, 'a')).status, 404);
      EXPECT_EQ(service.get_path("/static/link").status, follow && !old_kernel ? 200 : 404);
      EXPECT_EQ(service.get_path("/static/deep/b.css").status, 200);
    }
  }
}

TEST_F(StaticFilesTest, ServesDotfilesOnlyWhenTold) {
  options_.dotfiles = true;
  serve(options_);
  EXPECT_EQ(get("/static/.env").body, "TOP-SECRET");
  EXPECT_EQ(get("/static/.git/config").body, "TOP-SECRET");
  EXPECT_EQ(get("/static/%2e%2e/secret.txt").status, 404);
}

TEST_F(StaticFilesTest, RefusesWhatIsNoRegularFile) {
  ASSERT_EQ(::mkfifo((directory_ / "public/fifo").c_str(), 0600), 0);
  serve(options_);
  EXPECT_EQ(get("/static/fifo").status, 404);
  if (::geteuid() != 0) {
    ASSERT_EQ(::chmod((directory_ / "public/a.txt").c_str(), 0), 0);
    EXPECT_EQ(get("/static/a.txt").status, 403);
  }
}

TEST_F(StaticFilesTest, SaysWhenNoDescriptorIsLeft) {
  serve(options_);
  net::detail::SyscallOverride calls;
  calls->openat2 = [](int, const char*, const open_how*) { return errno = EMFILE, -1; };
  EXPECT_EQ(get("/static/a.txt").status, 503);
}

TEST_F(StaticFilesTest, TriesAgainWhenTheTreeChangesMeanwhile) {
  serve(options_);
  net::detail::SyscallOverride calls;
  static int busy = 0;
  busy = 2;
  calls->openat2 = [](int directory, const char* path, const open_how* how) {
    if (busy-- > 0) return errno = EAGAIN, -1;
    return net::detail::real_syscalls.openat2(directory, path, how);
  };
  EXPECT_EQ(get("/static/a.txt").status, 200);
}

TEST_F(StaticFilesTest, SendsPrecompressedVariants) {
  directory_.write("public/app.js.gz", "GZIP");
  directory_.write("public/app.js.br", "BROTLI");
  directory_.write("public/deep/b.css.zst", "STALE", 1'600'000'000);
  directory_.write("public/empty/x.bin.gz", "GZIP");
  serve(options_);
  TestResponse answer = get("/static/app.js", {{"Accept-Encoding", "gzip, deflate, br, zstd"}});
  EXPECT_EQ(answer.body, "BROTLI");
  EXPECT_EQ(answer.header("Content-Encoding"), "br");
  EXPECT_EQ(answer.header("Content-Type"), "text/javascript; charset=utf-8");
  EXPECT_EQ(answer.header("Vary"), "Accept-Encoding");
  const std::string brotli_tag(answer.header("ETag"));
  answer = get("/static/app.js", {{"Accept-Encoding", "br;q=0.5, gzip"}});
  EXPECT_EQ(answer.body, "GZIP");
  EXPECT_NE(answer.header("ETag"), brotli_tag);
  EXPECT_EQ(get("/static/app.js", {{"Accept-Encoding", "zstd"}}).body, "plain javascript");
  EXPECT_EQ(get("/static/app.js", {{"Accept-Encoding", "br;q=0"}}).body, "plain javascript");
  answer = get("/static/app.js");
  EXPECT_EQ(answer.body, "plain javascript");
  EXPECT_EQ(answer.header("Vary"), "Accept-Encoding");
  EXPECT_FALSE(answer.has("Content-Encoding"));
  // Ranges and conditions are those of the variant (RFC 9110 section 8.8.3.3).
  EXPECT_EQ(get("/static/app.js", {{"Accept-Encoding", "br"}, {"Range", "bytes=1-2"}}).body, "RO");
  EXPECT_EQ(get("/static/app.js", {{"Accept-Encoding", "br"}, {"If-None-Match", brotli_tag}}).status, 304);
  EXPECT_EQ(get("/static/app.js", {{"If-None-Match", brotli_tag}}).status, 200);
  EXPECT_EQ(get("/static/deep/b.css", {{"Accept-Encoding", "zstd"}}).body, "css") << "the variant is older";
  EXPECT_EQ(get("/static/empty/x.bin", {{"Accept-Encoding", "gzip"}}).body, "x") << "not of a type that compresses";
  options_.precompressed = false;
  TestService plain;
  plain.get("/{path*}", static_files(options_));
  answer = plain.get_path("/app.js", {{"Accept-Encoding", "br"}});
  EXPECT_EQ(answer.body, "plain javascript");
  EXPECT_FALSE(answer.has("Vary"));
}

TEST_F(StaticFilesTest, FallsBackToThePageOfAnApplication) {
  options_.fallback = "index.html";
  options_.max_age = std::chrono::hours(1);
  options_.immutable = true;
  serve(options_);
  for (const char* path : {"/static/users/7", "/static/none", "/static/deep/none"}) {
    const TestResponse answer = get(path);
    EXPECT_EQ(answer.status, 200) << path;
    EXPECT_EQ(answer.body, "<home>") << path;
    EXPECT_EQ(answer.header("Cache-Control"), "no-cache") << path;
  }
  EXPECT_EQ(get("/static/a.txt").header("Cache-Control"), "public, max-age=3600, immutable");
  EXPECT_EQ(get("/static/none.js").status, 404);
  EXPECT_EQ(get("/static/%2e%2e/none").status, 404);
}

TEST_F(StaticFilesTest, WorksAtTheRootOfTheSite) {
  service_.get("/{path*}", static_files(options_));
  EXPECT_EQ(get("/").body, "<home>");
  EXPECT_EQ(get("/deep/b.css").body, "css");
  const TestResponse redirect = get("//deep");
  EXPECT_EQ(redirect.status, 404) << "never a redirect to another host";
}

TEST_F(StaticFilesTest, LooksFilesUpInAPool) {
  BlockingPool pool;
  TestService service({}, {.limits = {}, .real_time = true});
  service.get("/static/{path*}", static_files(options_, pool));
  const auto ask = [&](std::string_view path) {
    TestConnection client(service);
    client.send(TestService::request_text("GET", path));
    TestResponse answer;
    for (; answer.status == 0; answer = client.receive()) std::this_thread::yield();
    return answer;
  };
  EXPECT_EQ(ask("/static/a.txt").body, "text");
  EXPECT_EQ(ask("/static/deep").header("Location"), "/static/deep/");
  EXPECT_EQ(ask("/static/..%2fsecret.txt").status, 404);
  pool.stop();
  EXPECT_EQ(ask("/static/a.txt").status, 503);
}

TEST_F(StaticFilesTest, NeedsItsRoot) {
  options_.root = directory_ / "none";
  EXPECT_THROW(static_cast<void>(static_files(options_)), std::system_error);
  options_.root = directory_ / "secret.txt";
  EXPECT_THROW(static_cast<void>(static_files(options_)), std::system_error);
}

}  // namespace
}  // namespace weir
