// weir-files: a place to share files. Uploads of any size go on after an interruption, downloads come in ranges.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include <weir/base/embedded_file.hpp>
#include <weir/net/file.hpp>
#include <weir/web/resumable_upload.hpp>
#include <weir/weir.hpp>

#include "embedded/files_page.hpp"

namespace {

namespace fs = std::filesystem;

struct SharedFile {
  std::string name;
  std::uint64_t size = 0;
};
struct FileList {
  std::vector<SharedFile> items;
};

FileList list(const fs::path& folder) {
  FileList files;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.is_regular_file()) files.items.push_back({entry.path().filename().string(), entry.file_size()});
  }
  std::ranges::sort(files.items, {}, &SharedFile::name);
  return files;
}

weir::Task<weir::Result<FileList>> list_all(weir::BlockingPool& pool, fs::path folder) {
  auto call = pool.run([folder] { return list(folder); });
  weir::Result<FileList> files = co_await call;
  co_return files;
}

/// The file gets a name that is free: "a.txt", "a (2).txt" …
// [finish]
weir::Task<weir::Result<weir::Response>> keep(weir::BlockingPool& pool, fs::path folder, weir::FinishedUpload upload) {
  auto call = pool.run([folder, upload]() -> weir::Result<SharedFile> {
    const fs::path name = upload.file_name().empty() ? "upload" : upload.file_name();
    for (int n = 1; n <= 1000; ++n) {
      const std::string number = n == 1 ? "" : " (" + std::to_string(n) + ")";
      const std::string free = name.stem().string() + number + name.extension().string();
      weir::Result<void> saved = upload.save_as(folder / free);
      if (saved) return SharedFile{free, upload.size()};
      if (saved.error().code() != weir::Errc::already_exists) return weir::fail(std::move(saved.error()));
    }
    return weir::conflict("there are too many files of this name");
  });
  weir::Result<SharedFile> kept = co_await call;
  if (!kept) co_return weir::fail(std::move(kept.error()));
  co_return weir::json_response(*kept, weir::Status::created);
}
// [/finish]

weir::Response serve_page(const weir::EmbeddedFile& file) {
  weir::Response response = weir::static_bytes(file.bytes, file.content_type);
  response.headers.set("Content-Security-Policy",
                       "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
                       "base-uri 'none'; frame-ancestors 'none'");
  response.headers.set(weir::HeaderId::cache_control, "no-cache");
  return response;
}

}  // namespace

int main(int argc, char** argv) {
  weir::AppOptions options;
  options.name = "weir-files";
  weir::App app(options);
  std::string directory = "weir-files";
  app.command_line_option("--directory", directory, "Directory of the files; made when it is not there");
  fs::path folder;

  // [uploads]
  weir::ResumableUploads uploads(app.blocking(), [&](weir::Context&, weir::FinishedUpload upload) {
    return keep(app.blocking(), folder, std::move(upload));
  });
  uploads.add_to(app.group("/uploads"));
  app.on_start([&]() -> weir::Result<void> {  // the command line has been read
    folder = fs::path(directory) / "files";
    fs::create_directories(folder);
    uploads.open({.directory = directory + "/incoming", .max_size = std::uint64_t{100} << 30});
    return {};
  });
  // [/uploads]

  app.get("/files", [&] { return list_all(app.blocking(), folder); });
  app.get("/files/{name}", [&](weir::Context& ctx, weir::Path<std::string> name) -> weir::Result<weir::Response> {
    if (weir::base_name(*name) != *name) return weir::not_found("there is no such file");
    weir::Result<weir::net::File> file = weir::net::File::open(folder / *name);
    if (!file) return weir::not_found("there is no such file");
    return weir::serve_file(ctx, std::move(*file), {.download_name = *name});  // in ranges, where they are asked for
  });
  for (const weir::EmbeddedFile& file : weir::embedded::files_page()) {
    const std::string path = file.name == "index.html" ? "/" : "/" + std::string(file.name);
    app.get(weir::runtime_route(path), [&file] { return serve_page(file); }).hidden();
  }
  app.on_listening([&] {
    const char* const scheme = app.options().tls.certificates.empty() ? "http" : "https";
    std::printf("Open %s://%s/\n", scheme, app.addresses().front().to_string().c_str());
    std::fflush(stdout);
  });
  return app.run(argc, argv);
}
