// weir-demo: a small service as one would write it with Weir. Users, tasks and attachments in an SQLite file; a page to
// use it in the browser.
#include <cstdio>
#include <cstdlib>

#include "service.hpp"

namespace {

/// $XDG_DATA_HOME/weir-demo/demo.db; ./dev run names a file of its own.
std::string default_database() {
  const char* data = std::getenv("XDG_DATA_HOME");
  if (data != nullptr && data[0] == '/') return std::string(data) + "/weir-demo/demo.db";
  const char* home = std::getenv("HOME");
  if (home != nullptr && home[0] == '/') return std::string(home) + "/.local/share/weir-demo/demo.db";
  return "weir-demo.db";
}

/// Where a browser on this machine finds the service.
std::string base_url(weir::App& app) {
  const std::string scheme = app.options().tls.certificates.empty() ? "http://" : "https://";
  for (const weir::net::SocketAddress& address : app.addresses()) {
    if (!address.is_ip()) continue;
    const std::string text = address.to_string();
    const std::string port = text.substr(text.rfind(':'));
    const bool reachable_by_name = text.starts_with("127.0.0.1:") || text.starts_with("0.0.0.0:") ||
                                   text.starts_with("[::]:") || text.starts_with("[::1]:");
    return scheme + (reachable_by_name ? "localhost" + port : text);
  }
  return {};
}

void greet(weir::App& app, const std::string& database) {
  const std::string url = base_url(app);
  std::printf("The demo keeps its data in %s\n", database.c_str());
  if (!url.empty()) {
    const char* const at = url.c_str();
    std::printf(
        "\nOpen    %s/                      the tasks\n"
        "        %s/docs                  the API, to read and to try\n"
        "        %s/actuator/prometheus   the metrics\n"
        "\nTry     curl %s/tasks --json '{\"title\": \"Water the plants\", \"due\": \"2030-06-01\", \"tags\": "
        "[\"home\"]}'\n"
        "        curl '%s/tasks?q=plants'\n"
        "        curl -N %s/events\n"
        "\nCtrl-C ends it.\n",
        at, at, at, at, at, at);
  }
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  weir::AppOptions options;
  options.name = "weir-demo";
  options.openapi.title = "Weir demo";
  options.openapi.description = "Users, and tasks with due dates, search and attachments.";
  demo::Service service;
  weir::App app(options);

  std::string database = default_database();
  app.command_line_option("--database", database, "File that keeps the data; made when it is not there");

  demo::add_service(app, service);
  app.on_start([&]() -> weir::Result<void> {
    auto store = demo::Store::open(database);
    if (!store) return std::unexpected(std::move(store.error()));
    service.store = std::move(*store);
    return {};
  });
  app.on_listening([&] { greet(app, database); });
  return app.run(argc, argv);
}
