// weir-test-server: an App with a route for each situation that the tests of whole processes want to see. Its command
// line is the App's; what else the tests set comes from the environment (WEIR_TEST_…), so that both are tested as users
// have them.
#include <chrono>
#include <cstdlib>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>

#include <unistd.h>

#include "weir/weir.hpp"

namespace {

using namespace std::chrono_literals;

struct Greeting {
  std::string_view hello;
};
struct Whoami {
  std::string_view client;
  std::string_view scheme;
  std::string_view host;
  std::string_view protocol;
  std::string_view tls;
  std::string_view certificate;
};
struct Received {
  std::uint64_t bytes = 0;
};
struct Item {
  std::string name;
  int count = 0;
};

/// The number in an environment variable; `otherwise` where there is none.
std::int64_t setting(const char* name, std::int64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoll(text, nullptr, 10);
}

void set_milliseconds(const char* name, weir::Duration& duration) {
  const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
  duration = std::chrono::milliseconds(setting(name, now));
}

weir::AppOptions options_of_environment() {
  weir::AppOptions options;
  options.name = "weir-test-server";
  options.threads = 2;
  weir::server::Limits& limits = options.limits;
  set_milliseconds("WEIR_TEST_HEADER_TIMEOUT_MS", limits.header_timeout);
  set_milliseconds("WEIR_TEST_IDLE_TIMEOUT_MS", limits.idle_timeout);
  set_milliseconds("WEIR_TEST_REQUEST_TIMEOUT_MS", limits.request_timeout);
  set_milliseconds("WEIR_TEST_STALL_TIMEOUT_MS", limits.stall_timeout);
  set_milliseconds("WEIR_TEST_LINGER_TIMEOUT_MS", limits.linger_timeout);
  limits.connections = static_cast<std::size_t>(setting("WEIR_TEST_CONNECTIONS", 65536));
  set_milliseconds("WEIR_TEST_DRAIN_DELAY_MS", options.drain_delay);
  set_milliseconds("WEIR_TEST_DRAIN_TIMEOUT_MS", options.drain_timeout);
  return options;
}

/// A file of `bytes` that no directory knows: nothing is left of it when the process is killed.
class ScratchFile {
 public:
  explicit ScratchFile(std::int64_t bytes) {
    std::string name = "/tmp/weir-test-server-XXXXXX";
    fd_ = ::mkstemp(name.data());
    if (fd_ < 0 || ::unlink(name.c_str()) != 0 || ::ftruncate(fd_, bytes) != 0) {
      throw std::runtime_error("cannot make " + name);
    }
    path_ = "/proc/self/fd/" + std::to_string(fd_);
  }
  ScratchFile(const ScratchFile&) = delete;
  ScratchFile& operator=(const ScratchFile&) = delete;
  ~ScratchFile() { ::close(fd_); }
  /// Good in this process only.
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
  int fd_ = -1;
  std::string path_;
};

weir::Task<weir::Result<std::string>> sleep_for(weir::Context& ctx, weir::Path<int> ms) {
  auto slept = co_await ctx.loop().sleep(std::chrono::milliseconds(*ms), ctx.stop_token());
  if (!slept) co_return std::unexpected(std::move(slept.error()));
  co_return std::string("slept");
}

/// Pays no attention to being cancelled.
weir::Task<std::string> sleep_on(weir::Context& ctx, weir::Path<int> ms) {
  static_cast<void>(co_await ctx.loop().sleep(std::chrono::milliseconds(*ms), {}));
  co_return std::string("slept");
}

weir::Task<weir::Result<Received>> receive(weir::Context& ctx, std::chrono::milliseconds pause) {
  Received received;
  for (;;) {
    auto piece = co_await ctx.read();
    if (!piece) co_return std::unexpected(std::move(piece.error()));
    if (piece->empty()) co_return received;
    received.bytes += piece->size();
    if (pause != 0ms) static_cast<void>(co_await ctx.loop().sleep(pause, ctx.stop_token()));
  }
}

weir::Task<weir::Result<Received>> upload(weir::Context& ctx) {
  return receive(ctx, 0ms);
}
weir::Task<weir::Result<Received>> slow_upload(weir::Context& ctx, weir::Path<int> ms) {
  return receive(ctx, std::chrono::milliseconds(*ms));
}

weir::Task<weir::Result<void>> write_bytes(weir::BodyWriter& out, std::uint64_t left) {
  static const std::string block(64 * 1024, 'w');
  while (left != 0) {
    const std::uint64_t part = left < block.size() ? left : block.size();
    auto written = co_await out.write(std::string_view(block).substr(0, part));
    if (!written) co_return written;
    left -= part;
  }
  co_return weir::Result<void>{};
}

weir::Response download(weir::Path<std::uint64_t> bytes) {
  return weir::stream(
      "application/octet-stream", [count = *bytes](weir::BodyWriter& out) { return write_bytes(out, count); }, *bytes);
}

void add_routes(weir::App& app, const ScratchFile& file) {
  app.get("/whoami", [](weir::Context& ctx) {
    const auto* security = ctx.connection().security;
    const auto* certificate = ctx.client_certificate();
    return Whoami{.client = ctx.client_ip(),
                  .scheme = ctx.scheme(),
                  .host = ctx.request().authority,
                  .protocol = ctx.connection().protocol,
                  .tls = security == nullptr ? std::string_view() : security->protocol,
                  .certificate = certificate == nullptr ? std::string_view() : certificate->common_name};
  });
  app.get("/hello", [] { return Greeting{"world"}; });
  app.get("/pid", [] { return std::to_string(::getpid()); });
  app.get("/sleep/{ms}", &sleep_for);
  app.get("/sleep-on/{ms}", &sleep_on).timeout(0ms);
  app.get("/spin/{ms}", [](weir::Path<int> ms) {
    std::this_thread::sleep_for(std::chrono::milliseconds(*ms));  // holds up its whole loop
    return std::string("spun");
  });
  app.get("/throw", []() -> std::string { throw std::runtime_error("thrown on purpose"); });
  app.get("/bad-alloc", []() -> std::string { throw std::bad_alloc(); });
  app.get("/blocking/{ms}", [&app](weir::Path<int> ms) -> weir::Task<weir::Result<std::string>> {
    return [](weir::BlockingPool& pool, int milliseconds) -> weir::Task<weir::Result<std::string>> {
      auto call = pool.run([milliseconds] { std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds)); });
      auto done = co_await call;
      if (!done) co_return std::unexpected(std::move(done.error()));
      co_return std::string("done");
    }(app.blocking(), *ms);
  });
  app.post("/items", [](weir::Json<Item> item) { return weir::created(std::move(*item)); });
  app.post("/collect", [](weir::RawBody body) { return Received{(*body).size()}; });
  for (const auto method : {weir::Method::get, weir::Method::post}) {  // Reads what comes, whatever it is.
    app.route(method, "/anything", [](weir::RawBody body) { return Received{(*body).size()}; });
  }
  app.post("/upload", &upload).body_limit(0).timeout(0ms);
  app.post("/slow-upload/{ms}", &slow_upload).body_limit(0).timeout(0ms);
  app.get("/download/{bytes}", &download);
  app.get("/file", [&file] { return weir::file(file.path(), "application/octet-stream"); });
}

}  // namespace

int main(int argc, char** argv) {
  const ScratchFile file(setting("WEIR_TEST_FILE_BYTES", 12 << 20));
  weir::App app(options_of_environment());
  add_routes(app, file);
  return app.run(argc, argv);
}
