// docs/guide/middleware.md
#include <atomic>
#include <map>
#include <memory>
#include <stdexcept>

#include <gtest/gtest.h>

#include "support.hpp"

namespace guide {

// [class]
/// Lets only requests with a known key through, and tells the handler whose it is.
struct Client {
  std::string name;
};

class ApiKeys {
 public:
  static constexpr std::string_view name = "api_keys";

  using Names = std::map<std::string, std::string, std::less<>>;  // whose a key is
  explicit ApiKeys(Names names) : names_(std::move(names)) {}

  std::optional<weir::Response> before(weir::Context& ctx) const {
    const auto found = names_.find(ctx.header("X-Api-Key"));
    if (found == names_.end()) return weir::problem(weir::Status::unauthorized, "X-Api-Key is missing or unknown");
    ctx.set(Client{found->second});
    return std::nullopt;
  }

  void after(weir::Context&, weir::Response& response) const { response.headers.set("Vary", "X-Api-Key"); }

  // What it adds to the API's description.
  void describe(weir::OperationDoc& doc) const { doc.problem(weir::Status::unauthorized); }

 private:
  Names names_;
};
// [/class]

// [around]
/// At most `limit` of these requests run at once; the others are told to come back.
class Gate {
 public:
  explicit Gate(int limit) : limit_(limit) {}

  weir::Task<weir::Response> around(weir::Context&, weir::Next next) const {
    struct Inside {
      explicit Inside(std::atomic<int>& all) : running(all), before(running.fetch_add(1)) {}
      Inside(const Inside&) = delete;
      ~Inside() { running.fetch_sub(1); }  // also when the handler throws or the client goes
      std::atomic<int>& running;
      int before;
    };
    const Inside inside(*running_);
    if (inside.before >= limit_) co_return weir::problem(weir::Status::service_unavailable, "too many at once");
    weir::Response response = co_await next();
    co_return response;
  }

 private:
  int limit_;
  std::unique_ptr<std::atomic<int>> running_ = std::make_unique<std::atomic<int>>(0);  // on all event loops
};
// [/around]

// [finish]
/// Counts what went wrong, whether or not the client was still there to hear of it.
class FailureCounter {
 public:
  explicit FailureCounter(weir::Counter failures) : failures_(failures) {}

  void finish(weir::Context&, const weir::Outcome& outcome) const {
    if (weir::http::is_server_error(outcome.status)) failures_.add();
  }

 private:
  weir::Counter failures_;
};
// [/finish]

struct Note {
  std::string text;
  int version = 1;
};

struct NewText {
  std::string text;
};

namespace {

TEST(Middleware, LambdasAreMiddleware) {
  weir::App app(quiet());
  // [lambda]
  app.use([](weir::Context& ctx) {  // goes on
    ctx.log().debug("a request came", {{"path", ctx.path()}});
  });
  weir::Group admin = app.group("/admin", [](weir::Context& ctx) -> weir::Result<void> {  // goes on, or fails
    if (ctx.client_ip() != "127.0.0.1") return weir::forbidden("this is for the local machine");
    return {};
  });
  admin.get("/", [] { return "welcome"; }).use([](weir::Context& ctx) -> std::optional<weir::Response> {
    if (ctx.query("moved")) return weir::redirect("/admin");  // answers itself
    return std::nullopt;                                      // goes on
  });
  // [/lambda]
  weir::TestClient client = app.test();
  EXPECT_EQ(client.get("/admin/").body, "welcome");
  EXPECT_EQ(client.get("/admin/?moved=1").status, 302);
}

TEST(Middleware, ClassesHaveSteps) {
  weir::App app(quiet());
  // [use]
  weir::Group api = app.group("/api", ApiKeys(ApiKeys::Names{{"k-123", "acme"}}), Gate(100));
  api.get("/whoami", [](weir::Context& ctx) { return ctx.get<Client>()->name; });
  // [/use]
  weir::TestClient client = app.test();
  EXPECT_EQ(client.get("/api/whoami").status, 401);
  const auto answer = client.get("/api/whoami", {{"X-Api-Key", "k-123"}});
  EXPECT_EQ(answer.body, "acme");
  EXPECT_EQ(answer.header("Vary"), "X-Api-Key");
}

TEST(Middleware, GatesCountForThemselves) {
  weir::App app(quiet());
  const auto wait = [](weir::Context& ctx) -> weir::Task<std::string> {
    weir::Result<void> slept = co_await ctx.loop().sleep(std::chrono::seconds(1), ctx.stop_token());
    co_return slept ? "done" : "never mind";
  };
  app.group("/one", Gate(1)).get("", wait);
  app.group("/other", Gate(1)).get("", wait);
  weir::TestClient first = app.test();
  weir::TestClient second = app.test();
  weir::TestClient third = app.test();
  first.send({weir::Method::get, "/one", {}, {}});
  second.send({weir::Method::get, "/other", {}, {}});
  EXPECT_EQ(third.get("/one").status, 503);
  first.advance(std::chrono::seconds(1));
  second.advance(std::chrono::seconds(1));
  EXPECT_EQ(first.receive().body, "done");
  EXPECT_EQ(second.receive().body, "done");
  third.send({weir::Method::get, "/one", {}, {}});
  third.advance(std::chrono::seconds(1));
  EXPECT_EQ(third.receive().status, 200);
}

TEST(Middleware, SeesTheEnd) {
  weir::App app(quiet());
  // [counter]
  const auto failures = app.metrics().counter({.name = "app_failures", .help = "Requests that failed."});
  app.use(FailureCounter(failures.with({})));
  // [/counter]
  app.get("/bug", []() -> std::string { throw std::runtime_error("x"); });
  weir::TestClient client = app.test();
  client.get("/bug");
  EXPECT_NE(client.get("/actuator/prometheus").body.find("app_failures_total 1"), std::string::npos);
}

TEST(Middleware, VerifiesBearerTokens) {
  weir::App app(quiet());
  const std::string secret(32, 's');
  // [jwt]
  weir::Group me = app.group("/me", weir::jwt({.secret = secret, .issuer = "https://id.example.com"}));
  me.get("", [](weir::Jwt user) { return user->subject; });
  me.del("", [](weir::Jwt) {}).use(weir::require_scope("account:delete"));
  // [/jwt]
  weir::TestClient client = app.test();
  const auto token = weir::sign_jwt(R"({"sub":"ada","iss":"https://id.example.com","exp":4102444800})", secret);
  ASSERT_TRUE(token);
  EXPECT_EQ(client.get("/me").status, 401);
  EXPECT_FALSE(client.get("/me").header("WWW-Authenticate").empty());
  EXPECT_EQ(client.get("/me", {{"Authorization", "Bearer " + *token}}).body, "ada");
  EXPECT_EQ(client.del("/me", {{"Authorization", "Bearer " + *token}}).status, 403);
}

TEST(Middleware, MoreCanBeAdded) {
  using namespace std::chrono_literals;
  weir::App app(quiet());
  // [more]
  app.use(weir::cors({.origins = {"https://app.example.com"}, .credentials = true}));
  app.use(weir::rate_limit({.requests = 100, .window = 1min}));  // for each address
  weir::Group api = app.group("/api");
  api.use(weir::compress());
  api.use(weir::etag());  // behind compress(): what is not sent is not compressed
  api.use(weir::rate_limit({.requests = 5, .window = 1s, .by = weir::RateLimitBy::route}));
  // [/more]
  api.get("/text", [] { return std::string(5000, 'x'); });
  weir::TestClient client = app.test();
  const auto preflight =
      client.request({weir::Method::options,
                      "/api/text",
                      {{"Origin", "https://app.example.com"}, {"Access-Control-Request-Method", "GET"}},
                      {}});
  EXPECT_EQ(preflight.status, 204);
  EXPECT_EQ(preflight.header("Access-Control-Allow-Origin"), "https://app.example.com");
  const auto packed = client.get("/api/text", {{"Accept-Encoding", "gzip"}});
  EXPECT_EQ(packed.header("Content-Encoding"), "gzip");
  EXPECT_LT(packed.body.size(), 500u);
  const std::string tag(client.get("/api/text").header("ETag"));
  EXPECT_EQ(client.get("/api/text", {{"If-None-Match", tag}}).status, 304);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(client.get("/api/text").status, 200);
  const auto refused = client.get("/api/text");
  EXPECT_EQ(refused.status, 429);
  EXPECT_FALSE(refused.header("Retry-After").empty());
  EXPECT_EQ(refused.header("X-RateLimit-Limit"), "5");
}

TEST(Middleware, ChangesNameTheVersionThatTheyAreMadeTo) {
  weir::App app(quiet());
  app.use(weir::compress());
  Note note{.text = std::string(5000, 'x')};
  // [versions]
  const auto tag = [&note] { return '"' + std::to_string(note.version) + '"'; };
  app.get("/note", [&note, tag] {
    weir::Response answer = weir::json_response(note);
    answer.headers.set("ETag", tag());
    answer.headers.set("Cache-Control", "no-transform");  // not for compress(): the tag must stay strong
    return answer;
  });
  app.put("/note", [&note, tag](weir::Context& ctx, weir::Json<NewText> change) -> weir::Response {
    if (auto answer = weir::check_preconditions(ctx, {.etag = tag(), .required = true})) return std::move(*answer);
    note = {.text = change->text, .version = note.version + 1};
    return weir::Response(weir::Status::no_content);
  });
  // [/versions]
  weir::TestClient client = app.test();
  const auto read = client.get("/note", {{"Accept-Encoding", "gzip"}});
  EXPECT_EQ(read.header("ETag"), "\"1\"");
  const auto put = [&client](weir::TestClient::Headers headers) {
    headers.emplace_back("Content-Type", "application/json");
    return client.request({weir::Method::put, "/note", std::move(headers), R"({"text": "new"})"}).status;
  };
  EXPECT_EQ(put({}), 428);
  EXPECT_EQ(put({{"If-Match", std::string(read.header("ETag"))}}), 204);
  EXPECT_EQ(put({{"If-Match", std::string(read.header("ETag"))}}), 412);
}

TEST(Middleware, TheProductionChainHasOptions) {
  using namespace std::chrono_literals;
  // [production]
  weir::AppOptions options;
  options.production.request_id.accept_incoming = false;  // at the edge: ids are ours
  options.production.trace_context.accept_incoming = false;
  options.production.access_log.quiet_routes = {"/healthz", "/health/ready"};
  options.production.security_headers.hsts_max_age = 365 * 24h;
  options.production.deadline.timeout = 5s;
  options.production.body_limit.bytes = 1 << 20;
  options.production.access_log.enabled = true;  // every part has `enabled`
  // [/production]
  options.log.file = "/dev/null";
  weir::App app(options);
  app.post("/a", [](weir::RawBody) {});
  weir::TestClient client = app.test();
  EXPECT_NE(client.get("/a", {{"X-Request-Id", "mine"}}).header("X-Request-Id"), "mine");
  EXPECT_EQ(client.post("/a", "text/plain", std::string((1 << 20) + 1, 'x')).status, 413);
  EXPECT_EQ(client.get("/nothing").header("X-Content-Type-Options"), "nosniff");
  EXPECT_EQ(client.get("/nothing").header("X-Frame-Options"), "SAMEORIGIN");
  EXPECT_EQ(client.get("/nothing").header("Referrer-Policy"), "no-referrer");
}

}  // namespace
}  // namespace guide
