// The lab's service with Weir: the same routes and the same chain as the other peers.
#include <chrono>
#include <cstdlib>
#include <stdexcept>
#include <string>

#include <CLI/CLI.hpp>

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

/// The others send none of these fields and trace nothing, so neither does this one.
void like_the_others(weir::ProductionOptions& chain) {
  chain.security_headers.enabled = false;
  chain.trace_context.enabled = false;
  chain.deadline.timeout = std::chrono::seconds(5);
}

void switch_off(weir::ProductionOptions& chain) {
  chain.http_metrics.enabled = false;
  chain.request_id.enabled = false;
  chain.trace_context.enabled = false;
  chain.access_log.enabled = false;
  chain.recovery.enabled = false;
  chain.security_headers.enabled = false;
  chain.deadline.enabled = false;
  chain.body_limit.enabled = false;
}

weir::Task<void> echo(weir::WebSocket& ws) {
  for (;;) {
    auto message = co_await ws.receive();
    if (!message) break;
    co_await ws.send(*message);
  }
}

template <class Routes>
void add_routes(Routes& routes, const std::string& file, int many) {
  routes.get("/json", [] { return Message{"Hello, World!"}; });
  routes.get("/users/{id}", [](weir::Path<std::int64_t> id) { return User{*id, "Ada Lovelace", "ada@example.com"}; });
  routes.post("/users", [](weir::Json<NewUser> user) {
    return weir::created(Created{1, std::move(user->name), std::move(user->email), user->age});
  });
  routes.get("/file", [&file] { return weir::file(file, "application/octet-stream"); });
  routes.get("/4k", [blob = std::string(4096, 'w')] { return std::string_view(blob); });
  routes.get("/panic", []() -> std::string_view { throw std::runtime_error("asked for"); });
  // No compression: the others' libraries leave it off unless they are told to.
  weir::WebSocketOptions sockets;
  sockets.compression.enabled = false;
  routes.websocket("/ws", &echo, sockets);
  for (int i = 0; i < many; ++i) {
    const std::string path = "/api/svc" + std::to_string(i / 10000) + "/res" + std::to_string(i / 100 % 100) +
                             "/{id}/act" + std::to_string(i % 100);
    routes.get(weir::runtime_route(path), [](weir::Path<std::string> id) { return std::move(*id); });
  }
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App line("bench-peer-weir: the lab's service with Weir");
  std::string chain = "none";
  std::string log = "/dev/null";
  std::string file;
  std::uint16_t port = 8080;
  int many = 0;
  std::size_t token_cache = weir::JwtOptions().cache_entries;
  line.add_option("--port", port, "Port to listen on [8080]");
  line.add_option("--chain", chain, "none or production [none]")->check(CLI::IsMember({"none", "production"}));
  line.add_option("--log", log, "File of the access log [/dev/null]");
  line.add_option("--file", file, "File that /file sends");
  line.add_option("--routes", many, "Further routes [0]");
  line.add_option("--token-cache", token_cache, "Verified tokens that are remembered [as by default]");
  CLI11_PARSE(line, argc, argv);

  weir::AppOptions options;
  options.name = "bench-peer-weir";
  options.listen = {"127.0.0.1:" + std::to_string(port)};
  options.threads = 1;
  options.log.file = log;
  options.drain_timeout = std::chrono::seconds(1);
  options.openapi.enabled = many == 0;
  chain == "none" ? switch_off(options.production) : like_the_others(options.production);

  weir::App app(options);
  if (chain == "none") {
    add_routes(app, file, many);
    return app.run();
  }
  const char* const secret = std::getenv("LAB_JWT_SECRET");
  auto api = app.group("", weir::jwt({.secret = secret != nullptr ? secret : "", .cache_entries = token_cache}),
                       weir::rate_limit({.requests = 100'000'000, .window = std::chrono::seconds(1)}));
  add_routes(api, file, many);
  return app.run();
}
