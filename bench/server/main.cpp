// The server that ./dev bench measures: an ordinary App with a few routes. `--chain none` leaves out the production
// chain, so that what is measured is the engine alone; `--chain production` is what users get.
#include <cstdio>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <unistd.h>

#include "weir/weir.hpp"

namespace {

struct Message {
  std::string_view message;
};
struct User {
  std::int64_t id = 0;
  std::string_view name;
  std::string_view email;
};
struct NewUser {
  std::string name;
  std::string email;
  int age = 0;
  static constexpr auto rules = weir::rules<NewUser>(weir::field<&NewUser::name>().min_length(1).max_length(80),
                                                     weir::field<&NewUser::email>().format(weir::format::email),
                                                     weir::field<&NewUser::age>().min(0).max(150));
};
struct Created {
  std::int64_t id = 0;
  std::string name;
  std::string email;
  int age = 0;
};

void switch_off_production(weir::AppOptions& options) {
  options.production.http_metrics.enabled = false;
  options.production.request_id.enabled = false;
  options.production.trace_context.enabled = false;
  options.production.access_log.enabled = false;
  options.production.recovery.enabled = false;
  options.production.security_headers.enabled = false;
  options.production.deadline.enabled = false;
  options.production.body_limit.enabled = false;
}

/// 12 MB in a file that is gone from the directory at once.
std::string make_file(const std::string& folder) {
  std::string path = folder + "/weir-bench-XXXXXX";
  const int fd = ::mkstemp(path.data());
  const std::string block(1 << 20, 'w');
  for (int i = 0; fd >= 0 && i < 12; ++i) {
    if (::write(fd, block.data(), block.size()) < 0) break;
  }
  if (fd >= 0) ::close(fd);
  return path;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App line("bench-server: the server that ./dev bench measures");
  std::string host = "127.0.0.1";
  std::string chain = "production";
  std::string access_log = "/dev/null";
  std::string file;
  std::uint16_t port = 8080;
  unsigned threads = 1;
  line.add_option("--host", host, "Address to listen on [127.0.0.1]");
  line.add_option("--port", port, "Port to listen on [8080]");
  line.add_option("--threads", threads, "Event loops [1]")->check(CLI::Range(1, 1024));
  line.add_option("--chain", chain, "none or production [production]")->check(CLI::IsMember({"none", "production"}));
  line.add_option("--access-log", access_log, "File of the structured log [/dev/null]");
  line.add_option("--file", file, "File that /file sends [12 MB, made in /tmp]");
  std::string certificate;
  std::string key;
  bool tickets = true;
  line.add_option("--tls-cert", certificate, "PEM file with the certificate chain: speak TLS");
  line.add_option("--tls-key", key, "PEM file with its private key");
  line.add_flag("--tls-tickets,!--no-tls-tickets", tickets, "Session tickets [on]");
  CLI11_PARSE(line, argc, argv);

  weir::AppOptions options;
  options.name = "bench-server";
  options.listen = {host + ":" + std::to_string(port)};
  options.threads = threads;
  options.log.file = access_log;
  options.drain_timeout = std::chrono::seconds(1);
  if (!certificate.empty()) options.tls.certificates = {{.certificate_file = certificate, .key_file = key}};
  options.tls.session_tickets = tickets;
  if (chain == "none") switch_off_production(options);
  const bool own_file = file.empty();
  if (own_file) file = make_file("/tmp");

  weir::App app(options);
  app.get("/plaintext", [] { return std::string_view("Hello, World!"); });
  app.get("/json", [] { return Message{"Hello, World!"}; });
  app.get("/users/{id}", [](weir::Path<std::int64_t> id) { return User{*id, "Ada Lovelace", "ada@example.com"}; });
  app.post("/users", [](weir::Json<NewUser> user) {
    return weir::created(Created{1, std::move(user->name), std::move(user->email), user->age});
  });
  weir::WebSocketOptions echo;
  echo.check_origin = false;
  echo.ping_interval = std::chrono::seconds(10);  // The idle rows wait for a round of them.
  app.websocket(
      "/ws",
      [](weir::WebSocket& ws) -> weir::Task<void> {
        for (;;) {
          auto message = co_await ws.receive();
          if (!message) break;
          co_await ws.send(*message);
        }
      },
      echo);
  auto& topics = app.make_state<weir::Topics>();
  app.websocket(
      "/topic",
      [&topics](weir::WebSocket& ws) -> weir::Task<void> {
        ws.subscribe(topics, "all");
        for (;;) {
          auto message = co_await ws.receive();
          if (!message) break;
          topics.publish_binary("all", message->data);
        }
      },
      echo);
  app.get("/file", [&file] { return weir::file(file, "application/octet-stream"); });
  app.on_listening([&] {
    std::printf("bench-server listening on %s, chain %s, %u threads\n", app.addresses().front().to_string().c_str(),
                chain.c_str(), threads);
    std::fflush(stdout);
  });
  const int status = app.run();
  if (own_file) ::unlink(file.c_str());
  return status;
}
