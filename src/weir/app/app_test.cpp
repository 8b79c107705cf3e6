#include "weir/app/app.hpp"

#include <atomic>
#include <filesystem>
#include <fstream>
#include <future>
#include <iterator>
#include <map>
#include <stdexcept>
#include <string>

#include <gtest/gtest.h>
#include <unistd.h>

#include "weir/app/test_client.hpp"
#include "weir/runtime/blocking_pool.hpp"
#include "weir/web/response.hpp"
#include "weir/web/sse.hpp"

namespace weir {
namespace {

using namespace std::chrono_literals;

struct User {
  std::int64_t id = 0;
  std::string name;
};

AppOptions quiet() {
  AppOptions options;
  options.log.file = "/dev/null";
  return options;
}

TEST(App, ServesRoutesWithTheProductionChain) {
  App app(quiet());
  app.get("/users/{id}", [](Path<std::int64_t> id) { return User{*id, "ada"}; });
  TestClient client = app.test();
  const ClientResponse answer = client.get("/users/7");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.json<User>()->id, 7);
  EXPECT_EQ(answer.header("X-Request-Id").size(), 32u);
  EXPECT_EQ(client.get("/users/7", {{"X-Request-Id", "my-request-1"}}).header("X-Request-Id"), "my-request-1");
}

TEST(App, AnswersHealthExactly) {
  App app(quiet());
  TestClient client = app.test();
  const ClientResponse answer = client.get("/healthz");
  EXPECT_EQ(answer.status, 200);
  EXPECT_TRUE(answer.body.starts_with(R"({"status":"ok","uptime_ms":)")) << answer.body;
  EXPECT_EQ(client.get("/health/live").status, 200);
  EXPECT_EQ(client.get("/health/ready").status, 200);
  const ClientResponse metrics = client.get("/actuator/prometheus");
  EXPECT_NE(metrics.body.find("http_server_requests_seconds_count"), std::string::npos);
}

TEST(App, ReadsTheProgramsOwnOptions) {
  App app(quiet());
  std::string database = "default.db";
  app.command_line_option("--database", database, "File that keeps the data");
  std::uint16_t port = 0;
  app.on_listening([&] {
    port = app.addresses().at(0).port();
    app.request_stop();
  });
  std::vector<std::string> line = {"program", "--port", "0", "--database", "first.db", "--database", "last.db"};
  std::vector<char*> arguments;
  for (std::string& argument : line) arguments.push_back(argument.data());
  EXPECT_EQ(app.run(static_cast<int>(arguments.size()), arguments.data()), 0);
  EXPECT_EQ(database, "last.db");
  EXPECT_NE(port, 0);

  EXPECT_THROW(app.command_line_option("database", database, ""), std::invalid_argument);
  app.command_line_option("--port", database, "");
  EXPECT_THROW(app.run(static_cast<int>(arguments.size()), arguments.data()), std::invalid_argument);
}

/// A folder for the files of an application's log.
class LogFolder {
 public:
  LogFolder() { std::filesystem::create_directory(path_); }
  LogFolder(const LogFolder&) = delete;
  LogFolder& operator=(const LogFolder&) = delete;
  ~LogFolder() { std::filesystem::remove_all(path_); }
  [[nodiscard]] std::string file(const char* name) const { return path_ / name; }
  [[nodiscard]] std::string text_of(const char* name) const {
    std::ifstream in(path_ / name);
    return {std::istreambuf_iterator<char>(in), {}};
  }

 private:
  std::filesystem::path path_ = std::filesystem::temp_directory_path() / ("weir-app-log-" + std::to_string(::getpid()));
};

TEST(App, LogsWhatBecomes500AndTheClientDoesNotRead) {
  const LogFolder folder;
  {
    AppOptions options;
    options.log.file = folder.file("log");
    App app(options);
    app.get("/broken", []() -> Result<int> { return fail(Errc::data_loss, "page 7 cannot be read"); });
    app.get("/missing", []() -> Result<int> { return not_found("there is no page 8"); });
    TestClient client = app.test();
    const ClientResponse broken = client.get("/broken", {{"X-Request-Id", "request-0001"}});
    EXPECT_EQ(broken.status, 500);
    EXPECT_EQ(broken.body.find("page 7"), std::string::npos) << broken.body;
    EXPECT_EQ(client.get("/missing").status, 404);
  }
  const std::string text = folder.text_of("log");
  const std::size_t at = text.find(R"("msg":"a handler failed","request_id":"request-0001")");
  ASSERT_NE(at, std::string::npos) << text;
  EXPECT_NE(text.find(R"("code":"data_loss","what":"page 7 cannot be read","route":"/broken"})", at), std::string::npos)
      << text;
  EXPECT_EQ(text.find("page 8"), std::string::npos);
}

TEST(App, LogsWhyABodyWasCutButNotThatTheClientHasGone) {
  const LogFolder folder;
  {
    AppOptions options;
    options.log.file = folder.file("log");
    App app(options);
    app.get("/fails", [] {
      return stream("text/plain", [](BodyWriter& out) -> Task<Result<void>> {
        Result<void> written = co_await out.write("half");
        if (!written) co_return written;
        co_return unavailable("the disk is slow");
      });
    });
    app.get("/throws", [] {
      return sse([](EventStream& events) -> Task<Result<void>> {
        const SseEvent event{.data = "1"};
        Result<void> sent = co_await events.send(event);
        if (!sent) co_return sent;
        throw std::runtime_error("the queue is gone");
      });
    });
    app.get("/waits", [] {
      return sse([](EventStream& events) -> Task<Result<void>> {
        for (;;) {
          Result<void> slept = co_await events.sleep(1h);
          if (!slept) co_return slept;
        }
      });
    });
    TestClient client = app.test();
    EXPECT_EQ(client.get("/fails").status, 0);
    EXPECT_EQ(client.get("/throws").status, 0);
    client.send({Method::get, "/waits", {}, {}});
    client.disconnect();
  }
  const std::string text = folder.text_of("log");
  for (const char* logged : {R"("code":"unavailable","what":"the disk is slow","route":"/fails")",
                             R"("code":"internal","what":"the queue is gone","route":"/throws")"}) {
    EXPECT_NE(text.find(logged), std::string::npos) << logged << " in\n" << text;
  }
  EXPECT_EQ(text.find(R"("error":"client_gone")"), text.rfind(R"("error":"client_gone")")) << "once, for /waits\n"
                                                                                           << text;
  EXPECT_NE(text.find(R"("error":"aborted")"), std::string::npos) << text;
  EXPECT_EQ(text.find(R"("route":"/waits"})"), std::string::npos) << text;
}

TEST(App, LoggersFromBeforeTheCommandLineFollowIt) {
  const LogFolder folder;
  {
    AppOptions options;
    options.log.file = folder.file("first");
    App app(options);
    const Logger jobs = app.logger("app.jobs");
    jobs.info("before the command line");
    app.on_listening([&] {
      jobs.debug("in between");
      app.request_stop();
    });
    std::vector<std::string> line = {
        "program", "--port", "0", "--log-level", "debug", "--log-file", folder.file("second")};
    std::vector<char*> arguments;
    for (std::string& argument : line) arguments.push_back(argument.data());
    EXPECT_EQ(app.run(static_cast<int>(arguments.size()), arguments.data()), 0);
  }
  EXPECT_NE(folder.text_of("first").find("before the command line"), std::string::npos);
  EXPECT_EQ(folder.text_of("first").find("listening"), std::string::npos);
  EXPECT_EQ(folder.text_of("second").find("before the command line"), std::string::npos);
  for (const char* logged : {R"("msg":"listening")", "in between", R"("msg":"stopped")"}) {
    EXPECT_NE(folder.text_of("second").find(logged), std::string::npos) << logged << " in\n"
                                                                        << folder.text_of("second");
  }
}

TEST(App, MayAnswerOptionsItself) {
  App app(quiet());
  app.options("/own", [] { return "mine"; });
  EXPECT_EQ(app.options().log.file, "/dev/null");
  TestClient client = app.test();
  EXPECT_EQ(client.request({Method::options, "/own", {}, {}}).body, "mine");
}

TEST(App, SaysWhichRoutesAreTheLibrarysOwn) {
  App app(quiet());
  app.get("/healthz", [] { return "mine"; });
  app.get("/twice", [] {});
  app.get("/twice", [] {});
  const Result<void> started = app.start();
  ASSERT_FALSE(started);
  EXPECT_NE(started.error().message().find("\n  /healthz is the library's own"), std::string::npos)
      << started.error().message();
  EXPECT_EQ(started.error().message().find("/twice is the"), std::string::npos);
}

TEST(App, ProblemsTellWhichRequestTheyAreAbout) {
  App app(quiet());
  app.get("/gone", [] { return problem(Status::gone, "it was here"); });
  app.get("/refused", [] { return 1; }).use([](Context&) -> std::optional<Response> {
    return problem(Status::forbidden, "no");
  });
  app.get("/late", [](Context& ctx) -> Task<Response> {
    const Result<void> slept = co_await ctx.loop().sleep(1ms);
    co_return problem(slept ? Status::conflict : Status::gone);
  });
  TestClient client = app.test();
  const ClientResponse gone = client.get("/gone?x=1", {{"X-Request-Id", "my-request-1"}});
  EXPECT_EQ(gone.status, 410);
  EXPECT_EQ(gone.body, R"({"type":"about:blank","title":"Gone","status":410,"detail":"it was here",)"
                       R"("code":"not_found","instance":"/gone","request_id":"my-request-1"})");
  EXPECT_NE(client.get("/refused").body.find(R"("instance":"/refused")"), std::string::npos);
  client.send({Method::get, "/late", {}, {}});
  client.advance(1ms);
  EXPECT_NE(client.receive().body.find(R"("instance":"/late","request_id":")"), std::string::npos);
}

TEST(App, AFullPoolIsThisServersTrouble) {
  AppOptions options = quiet();
  App app(options);
  app.get("/", []() -> Result<int> { return fail(Error(Errc::unavailable, "full").with_retry_after_s(3)); });
  TestClient client = app.test();
  const ClientResponse answer = client.get("/");
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(answer.header("Retry-After"), "3");
}

TEST(App, SaysWhoMaySeeHealthDetails) {
  AppOptions options = quiet();
  options.operations.health_details = HealthDetails::when_authorized;
  for (const bool says : {false, true}) {
    if (says) {
      options.operations.authorized = [](Context& ctx) { return ctx.header("Authorization") == "Bearer probe"; };
    }
    App app(options);
    app.health().add("db", [] { return Result<void>(); });
    TestClient client = app.test();
    EXPECT_EQ(client.get("/health/ready").body.find("db"), std::string::npos);
    const std::string shown = client.get("/health/ready", {{"Authorization", "Bearer probe"}}).body;
    EXPECT_EQ(shown.find("db") != std::string::npos, says) << shown;
    const std::string level = R"({"configuredLevel":"DEBUG"})";
    EXPECT_EQ(
        client.post("/actuator/loggers/app", "application/json", level, {{"Authorization", "Bearer probe"}}).status,
        204);
    EXPECT_EQ(client.post("/actuator/loggers/app", "application/json", level).status, says ? 403 : 204);
  }
}

TEST(App, EveryProblemHasACode) {
  App app(quiet());
  app.get("/a", [] { return std::string("a"); });
  app.get("/own", [] { return problem(Status::service_unavailable, "not now"); });
  TestClient client = app.test();
  EXPECT_NE(client.get("/nope").body.find(R"("code":"not_found")"), std::string::npos);
  EXPECT_NE(client.del("/a").body.find(R"("code":"unimplemented")"), std::string::npos);
  EXPECT_NE(client.get("/own").body.find(R"("code":"unavailable")"), std::string::npos);
}

TEST(App, DerivesHeadOptionsAnd405) {
  App app(quiet());
  app.get("/a", [] { return std::string("text"); });
  TestClient client = app.test();
  EXPECT_EQ(client.head("/a").status, 200);
  const ClientResponse refused = client.post("/a", "text/plain", "");
  EXPECT_EQ(refused.status, 405);
  EXPECT_NE(refused.header("Allow").find("GET"), std::string_view::npos);
  const ClientResponse options = client.request({http::Method::options, "/a", {}, {}});
  EXPECT_EQ(options.status, 204);
  EXPECT_NE(options.header("Allow").find("HEAD"), std::string_view::npos);
  EXPECT_EQ(client.get("/b").status, 404);
  EXPECT_EQ(client.get("/b").header("Content-Type"), "application/problem+json");
  EXPECT_EQ(client.get("/a/").status, 301);
  EXPECT_EQ(client.get("/x/../a").status, 400);
}

TEST(App, GroupsShareMiddlewareAndPlaceholders) {
  App app(quiet());
  Group api = app.group("/orgs/{org}", [](Context& ctx) -> std::optional<Response> {
    if (ctx.header("Authorization").empty()) return problem(Status::unauthorized);
    return std::nullopt;
  });
  api.get("/users/{id}", [](Path<std::string> org, Path<int> id) { return *org + "/" + std::to_string(*id); });
  api.get("/things/{id}", [](Path<int> id) { return std::to_string(*id); });
  TestClient client = app.test();
  EXPECT_EQ(client.get("/orgs/acme/users/3").status, 401);
  EXPECT_EQ(client.get("/orgs/acme/users/3", {{"Authorization", "x"}}).body, "acme/3");
  EXPECT_EQ(client.get("/orgs/acme/things/4", {{"Authorization", "x"}}).body, "4");
}

TEST(App, ReportsAllMistakesAtTheStart) {
  App app(quiet());
  app.get("/a/{x}", [](Path<int>) {});
  app.get("/a/{y}", [](Path<int>) {});
  app.get("/s", [](State<User>) {});
  app.get(runtime_route("/broken/{"), [] {});
  const Result<void> started = app.start();
  ASSERT_FALSE(started);
  EXPECT_NE(started.error().message().find("/a/{y}"), std::string::npos) << started.error().message();
  EXPECT_NE(started.error().message().find("State<User>"), std::string::npos) << started.error().message();
  EXPECT_NE(started.error().message().find("/broken/{"), std::string::npos) << started.error().message();
}

struct BadPattern {
  std::string q;
  static constexpr auto rules = weir::rules<BadPattern>(weir::field<&BadPattern::q>().pattern("(["));
};

struct Login {
  std::string user;
};

TEST(App, BoundsTheFieldsOfAForm) {
  const auto post = [](App& app, int more) {
    std::string body = "user=ada";
    for (int i = 0; i < more; ++i) body += "&a";
    return app.test().post("/login", "application/x-www-form-urlencoded", body);
  };
  App app(quiet());
  app.post("/login", [](Form<Login> form) { return form->user; });
  EXPECT_EQ(post(app, 999).body, "ada");
  EXPECT_EQ(post(app, 1000).status, 413);
  App strict(quiet());
  strict.state(FormOptions{.max_fields = 1});
  strict.post("/login", [](Form<Login> form) { return form->user; });
  EXPECT_EQ(post(strict, 0).body, "ada");
  EXPECT_EQ(post(strict, 1).status, 413);
}

TEST(App, ReportsOptionsThatCannotBeMeantAtTheStart) {
  AppOptions options = quiet();
  options.production.request_id.header = "no name of a field";
  App app(options);
  const Result<void> started = app.start();
  ASSERT_FALSE(started);
  EXPECT_NE(started.error().message().find("no name of a field"), std::string::npos) << started.error().message();
}

TEST(App, ReportsTypesThatCannotWorkAtTheStart) {
  App app(quiet());
  app.get("/query", [](Query<BadPattern>) {});
  app.post("/body", [](Json<BadPattern>) {});
  app.get("/map", [](Query<std::map<std::string, int>, "m">) {});
  app.get("/s", [](State<User>) {});
  const Result<void> started = app.start();
  ASSERT_FALSE(started);
  for (const char* part : {"GET /query: ", "POST /body: ", "GET /map: query.m", "State<User>"}) {
    EXPECT_NE(started.error().message().find(part), std::string::npos) << started.error().message();
  }
}

TEST(App, ATypeThatCannotWorkChangesNoRoutes) {
  App app(quiet());
  app.get("/a", [] { return std::string("a"); });
  TestClient client = app.test();
  EXPECT_FALSE(app.add_routes([](Group& routes) {
    routes.get("/b", [] {});
    routes.post("/body", [](Json<BadPattern>) {});
  }));
  EXPECT_EQ(client.get("/a").body, "a");
  EXPECT_EQ(client.get("/b").status, 404);
  EXPECT_TRUE(app.add_routes([](Group& routes) { routes.get("/c", [] { return std::string("c"); }); }));
  EXPECT_EQ(client.get("/c").body, "c");
}

TEST(App, AddsAndRemovesRoutesWhileServing) {
  App app(quiet());
  app.get("/a", [] { return std::string("a"); });
  TestClient client = app.test();
  EXPECT_EQ(client.get("/new").status, 404);
  ASSERT_TRUE(app.add_routes([](Group& routes) { routes.get("/new", [] { return std::string("new"); }); }));
  EXPECT_EQ(client.get("/new").body, "new");
  EXPECT_FALSE(app.add_routes([](Group& routes) { routes.get("/a", [] {}); }));
  EXPECT_EQ(client.get("/a").body, "a") << "a refused change leaves the routes as they were";
  ASSERT_TRUE(app.remove_route(Method::get, "/new"));
  EXPECT_EQ(client.get("/new").status, 404);
  EXPECT_FALSE(app.remove_route(Method::get, "/new"));
}

TEST(App, RoutesThatAreAddedBeforeTheStartHaveTheirMiddleware) {
  App app(quiet());
  const auto refuse = [](Context&) { return std::optional<Response>(Response(Status::unauthorized)); };
  app.get("/first", [] { return std::string("first"); });
  ASSERT_TRUE(app.add_routes([](Group& routes) { routes.get("/early", [] { return std::string("early"); }); }));
  app.use(refuse);
  TestClient client = app.test();
  EXPECT_EQ(client.get("/first").status, 401);
  EXPECT_EQ(client.get("/early").status, 401);
}

TEST(App, AChangeOfRoutesThatThrowsLeavesNothing) {
  App app(quiet());
  app.get("/a", [] { return std::string("a"); });
  TestClient client = app.test();
  const auto broken = [](Group& routes) {
    routes.get("/half", [] {});
    throw std::runtime_error("the rest of the routes could not be read");
  };
  EXPECT_THROW(static_cast<void>(app.add_routes(broken)), std::runtime_error);
  ASSERT_TRUE(app.add_routes([](Group& routes) { routes.get("/b", [] { return std::string("b"); }); }));
  EXPECT_EQ(client.get("/half").status, 404);
  EXPECT_EQ(client.get("/b").body, "b");
}

/// Sends one request over a socket of its own and returns the answer's status line; empty when it fails.
std::string fetch(const net::SocketAddress& address, std::string_view path) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  std::string answer;
  if (::connect(fd, address.native(), address.native_size()) == 0) {
    const std::string request = "GET " + std::string(path) + " HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n";
    char room[4096];
    if (::send(fd, request.data(), request.size(), MSG_NOSIGNAL) > 0) {
      for (ssize_t n = 0; (n = ::recv(fd, room, sizeof room, 0)) > 0;) answer.append(room, static_cast<std::size_t>(n));
    }
  }
  ::close(fd);
  return answer.substr(0, answer.find("\r\n"));
}

TEST(App, ChangesRoutesUnderLoad) {
  AppOptions options = quiet();
  options.listen = {"127.0.0.1:0"};
  options.threads = 2;
  App app(options);
  app.get("/stays", [] { return std::string("here"); });
  ASSERT_TRUE(app.start());
  std::atomic<bool> done{false};
  std::atomic<int> wrong{0};
  std::vector<std::thread> clients;
  for (int i = 0; i < 3; ++i) {
    clients.emplace_back([&] {
      while (!done) {
        if (fetch(app.addresses()[0], "/stays") != "HTTP/1.1 200 OK") ++wrong;
        const std::string other = fetch(app.addresses()[0], "/comes-and-goes");
        if (other != "HTTP/1.1 200 OK" && other != "HTTP/1.1 404 Not Found") ++wrong;
      }
    });
  }
  for (int i = 0; i < 50; ++i) {
    EXPECT_TRUE(app.add_routes([](Group& routes) { routes.get("/comes-and-goes", [] { return std::string("x"); }); }));
    EXPECT_TRUE(app.remove_route(Method::get, "/comes-and-goes"));
  }
  done = true;
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(wrong, 0);
  app.stop();
}

TEST(App, WhatARemovedRouteHeldGoesWithTheLastRequestToIt) {
  App app(quiet());
  app.options().listen = {"127.0.0.1:0"};
  app.options().threads = 1;
  auto held = std::make_shared<std::atomic<int>>(0);
  app.get("/both", [held](Context& ctx) -> Task<Response> {
    ++*held;
    while (*held < 2) co_await ctx.loop().schedule();
    co_return Response(Status::ok);
  });
  app.get("/stays", [] { return std::string("here"); });
  ASSERT_TRUE(app.start());
  const net::SocketAddress address = app.addresses().at(0);
  std::thread other([&address] { fetch(address, "/both"); });  // Two at once: both their exchanges are pooled then.
  fetch(address, "/both");
  other.join();
  ASSERT_TRUE(app.remove_route(Method::get, "/both"));
  const std::weak_ptr<std::atomic<int>> left = std::exchange(held, nullptr);
  for (int i = 0; i < 1000 && !left.expired(); ++i) {
    EXPECT_EQ(fetch(address, "/stays"), "HTTP/1.1 200 OK");
    std::this_thread::sleep_for(1ms);
  }
  EXPECT_TRUE(left.expired());
}

TEST(App, StopsWhenAHandlerGoesOnForEver) {
  App app(quiet());
  app.options().listen = {"127.0.0.1:0"};
  std::atomic<bool> begun = false;
  std::atomic<bool> over = false;
  app.get("/spin", [&](Context& ctx) -> Task<Response> {
    begun = true;
    while (!over) co_await ctx.loop().schedule();  // Whatever its stop token says.
    co_return Response(Status::ok);
  });
  ASSERT_TRUE(app.start());
  std::thread client([address = app.addresses().at(0)] { fetch(address, "/spin"); });
  while (!begun) std::this_thread::yield();
  std::future<void> stopped = std::async(std::launch::async, [&app] { app.stop(0s); });
  EXPECT_EQ(stopped.wait_for(20s), std::future_status::ready);
  over = true;
  client.join();
}

TEST(App, MakesStateThatCannotBeMoved) {
  struct Counter {
    explicit Counter(int first) : next(first) {}
    std::atomic<int> next;
  };
  App app(quiet());
  app.make_state<Counter>(5);
  app.get("/count", [](State<Counter> counter) { return std::to_string(counter->next++); });
  TestClient client = app.test();
  EXPECT_EQ(client.get("/count").body, "5");
  EXPECT_EQ(client.get("/count").body, "6");
}

TEST(App, HandsStateAndBlockingWork) {
  App app(quiet());
  app.state(User{9, "state"});
  app.get("/state", [](State<User> user) { return *user; });
  app.get("/blocking", [&app](Context& ctx) -> Task<Result<std::string>> {
    auto call = app.blocking().run([] { return std::string("from the pool"); }, ctx.stop_token());
    Result<std::string> text = co_await call;
    co_return text;
  });
  TestClient client = app.test();
  EXPECT_EQ(client.get("/state").json<User>()->name, "state");
  EXPECT_EQ(client.get("/blocking").body, "from the pool");
}

TEST(App, KeepsItsPoolFromStartToStart) {
  AppOptions options = quiet();
  options.listen = {"127.0.0.1:0"};
  App app(options);
  BlockingPool& pool = app.blocking();  // as ResumableUploads holds it
  app.get("/blocking", [&pool]() -> Task<Result<std::string>> {
    auto call = pool.run([] { return std::string("from the pool"); });
    Result<std::string> text = co_await call;
    co_return text;
  });
  for (int life = 0; life < 2; ++life) {
    ASSERT_TRUE(app.start());
    EXPECT_EQ(fetch(app.addresses()[0], "/blocking"), "HTTP/1.1 200 OK") << life;
    app.stop();
    TestClient client = app.test();
    EXPECT_EQ(client.get("/blocking").body, "from the pool") << life;
  }
}

TEST(App, TurnsExceptionsIntoChosenAnswers) {
  App app(quiet());
  app.on_exception<std::out_of_range>(
      [](Context&, const std::out_of_range&) { return problem(Status::conflict, "mine"); });
  app.get("/a", []() -> std::string { throw std::out_of_range("x"); });
  app.get("/b", []() -> std::string { throw 5; });
  TestClient client = app.test();
  EXPECT_EQ(client.get("/a").status, 409);
  EXPECT_EQ(client.get("/b").status, 500);
}

TEST(App, CancelsAtTheDeadline) {
  App app(quiet());
  app.get("/slow",
          [](Context& ctx) -> Task<std::string> {
            Result<void> slept = co_await ctx.loop().sleep(1h, ctx.stop_token());
            co_return std::string(slept ? "slept" : "cancelled");
          })
      .timeout(2s);
  TestClient client = app.test();
  client.send({http::Method::get, "/slow", {}, {}});
  client.advance(1s);
  EXPECT_EQ(client.received(), "");
  client.advance(1100ms);
  EXPECT_EQ(client.receive().status, 503);
}

TEST(App, ReversesUrls) {
  App app(quiet());
  app.get("/users/{id}", [](Path<int>) {}).name("user");
  TestClient client = app.test();
  EXPECT_EQ(app.url_for("user", {{"id", "7"}}).value(), "/users/7");
  EXPECT_FALSE(app.url_for("user"));
}

TEST(App, StartsServesAndStops) {
  AppOptions options = quiet();
  options.listen = {"127.0.0.1:0"};
  options.admin_listen = "127.0.0.1:0";
  options.threads = 2;
  App app(options);
  app.get("/a", [] { return std::string("a"); });
  std::vector<std::string> events;
  app.on_start([&events]() -> Result<void> {
    events.push_back("start");
    return {};
  });
  app.on_stop([&events] { events.push_back("stop"); });
  ASSERT_TRUE(app.start());
  ASSERT_EQ(app.addresses().size(), 2u);
  EXPECT_NE(app.addresses()[0].port(), 0);
  app.stop();
  EXPECT_EQ(events, (std::vector<std::string>{"start", "stop"}));
  ASSERT_TRUE(app.start()) << "an application may start again";
  app.stop();
}

TEST(App, SaysWhyItCannotListen) {
  AppOptions options = quiet();
  options.listen = {"127.0.0.1:99999"};
  App app(options);
  const Result<void> started = app.start();
  ASSERT_FALSE(started);
  EXPECT_NE(started.error().message().find("99999"), std::string::npos) << started.error().message();
}

}  // namespace
}  // namespace weir
