// Files and forms: what docs/guide/async.md and binding-and-validation.md quote.
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <weir/web/conditional.hpp>

#include "support.hpp"

namespace guide {
namespace {

using namespace std::chrono_literals;

/// A directory that goes with the test.
class Scratch {
 public:
  Scratch() {
    std::string path = (std::filesystem::temp_directory_path() / "weir-guide-XXXXXX").string();
    if (::mkdtemp(path.data()) == nullptr) std::abort();
    path_ = path;
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() { std::filesystem::remove_all(path_); }

  [[nodiscard]] std::string path() const { return path_.string(); }
  void write(const std::string& name, std::string_view text) const { std::ofstream(path_ / name) << text; }
  [[nodiscard]] std::string read(const std::string& name) const {
    std::ifstream file(path_ / name);
    return {std::istreambuf_iterator<char>(file), {}};
  }

 private:
  std::filesystem::path path_;
};

TEST(Files, StaticFilesAreServed) {
  const Scratch scratch;
  scratch.write("index.html", "<h1>Home</h1>");
  scratch.write("app.js", "run();");
  const std::string folder = scratch.path();
  weir::App app(quiet());
  // [static]
  app.get("/static/{path*}", weir::static_files({.root = folder, .max_age = 1h}));
  // [/static]
  // [single_page]
  app.get("/app/{path*}", weir::static_files({.root = folder, .fallback = "index.html"}));
  // [/single_page]
  weir::TestClient client = app.test();
  const auto script = client.get("/static/app.js");
  EXPECT_EQ(script.body, "run();");
  EXPECT_EQ(script.header("Cache-Control"), "public, max-age=3600");
  EXPECT_EQ(client.get("/static/app.js", {{"Range", "bytes=0-2"}}).body, "run");
  EXPECT_EQ(client.get("/static/app.js", {{"If-None-Match", std::string(script.header("ETag"))}}).status, 304);
  EXPECT_EQ(client.get("/static/none.js").status, 404);
  EXPECT_EQ(client.get("/app/settings/profile").body, "<h1>Home</h1>");
}

TEST(Files, DownloadsHaveNamesAndRanges) {
  const Scratch scratch;
  scratch.write("7.bin", "0123456789");
  const std::string folder = scratch.path();
  weir::App app(quiet());
  // [serve_file]
  app.get("/reports/{id}", [folder](weir::Context& ctx, weir::Path<std::uint32_t> id) -> weir::Result<weir::Response> {
    weir::Result<weir::net::File> file = weir::net::File::open(folder + "/" + std::to_string(*id) + ".bin");
    if (!file) return weir::not_found("there is no such report");
    return weir::serve_file(ctx, std::move(*file),
                            {.media_type = "application/pdf", .download_name = "Quarterly report.pdf"});
  });
  // [/serve_file]
  weir::TestClient client = app.test();
  const auto part = client.get("/reports/7", {{"Range", "bytes=2-4"}});
  EXPECT_EQ(part.status, 206);
  EXPECT_EQ(part.body, "234");
  EXPECT_NE(part.header("Content-Disposition").find("Quarterly report.pdf"), std::string_view::npos);
  EXPECT_EQ(client.get("/reports/8").status, 404);
}

const std::string form_type = "multipart/form-data; boundary=B";
const std::string form_body =
    "--B\r\nContent-Disposition: form-data; name=\"title\"\r\n\r\nThe fern\r\n"
    "--B\r\nContent-Disposition: form-data; name=\"photo\"; filename=\"../fern.jpg\"\r\n"
    "Content-Type: image/jpeg\r\n\r\nnot really a photo\r\n--B--\r\n";

TEST(Files, FormsComeWhole) {
  const Scratch scratch;
  const std::string folder = scratch.path();
  weir::App app(quiet());
  // [form]
  app.state(weir::MultipartOptions{.max_parts = 20, .directory = folder});
  app.post("/photos",
           [folder](weir::MultipartForm form) -> weir::Result<std::string> {
             weir::UploadedFile* photo = form.file("photo");
             if (photo == nullptr) return weir::bad_request("choose a photo");
             const std::string name = weir::base_name(photo->filename());  // never a path of the client's
             if (name.empty()) return weir::bad_request("the photo needs a name");
             weir::Result<void> saved = photo->save_as(folder + "/" + name);
             if (!saved) return weir::fail(std::move(saved.error()));  // 409 where the name is taken; else 500
             return std::string(form.field("title").value_or("untitled")) + " in " + name;
           })
      .body_limit(20 << 20);
  // [/form]
  weir::TestClient client = app.test();
  EXPECT_EQ(client.post("/photos", form_type, form_body).body, "The fern in fern.jpg");
  EXPECT_EQ(scratch.read("fern.jpg"), "not really a photo");
  EXPECT_EQ(client.post("/photos", form_type, "--B--\r\n").status, 400);
}

TEST(Files, FormsComePartByPart) {
  weir::App app(quiet());
  // [multipart]
  app.post("/checksums",
           [](weir::Multipart form) -> weir::Task<weir::Result<std::string>> {
             std::string answer;
             for (;;) {
               weir::Result<std::optional<weir::Multipart::Part>> next = co_await form.next();
               if (!next) co_return weir::fail(std::move(next.error()));
               if (!*next) co_return answer;
               weir::Multipart::Part part = **next;
               std::uint64_t sum = 0;
               for (;;) {
                 weir::Result<std::string_view> piece = co_await part.read();
                 if (!piece) co_return weir::fail(std::move(piece.error()));
                 if (piece->empty()) break;
                 for (const char c : *piece) sum = sum * 31 + static_cast<unsigned char>(c);
               }
               answer += std::string(part.name) + " " + std::to_string(sum) + "\n";
             }
           })
      .body_limit(0)
      .timeout(1h);
  // [/multipart]
  weir::TestClient client = app.test();
  const std::string answer = client.post("/checksums", form_type, form_body).body;
  EXPECT_TRUE(answer.starts_with("title ")) << answer;
  EXPECT_NE(answer.find("\nphoto "), std::string::npos) << answer;
}

}  // namespace
}  // namespace guide
