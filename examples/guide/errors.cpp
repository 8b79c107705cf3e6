// docs/guide/errors.md
#include <stdexcept>
#include <utility>

#include <gtest/gtest.h>
#include <weir/http/problem.hpp>

#include "support.hpp"

namespace guide {
namespace {

struct Account {
  std::string owner;
  std::int64_t balance = 0;
};

// [result]
weir::Result<Account> load(std::string_view owner) {
  if (owner != "ada") return weir::not_found("nobody is called " + std::string(owner));
  return Account{"ada", 50};
}

weir::Result<Account> withdraw(std::string_view owner, std::int64_t amount) {
  weir::Result<Account> account = load(owner);
  if (!account) return account;
  if (account->balance < amount) return weir::fail(weir::Errc::failed_precondition, "there is not enough money");
  account->balance -= amount;
  return account;
}
// [/result]

// [fields]
weir::Result<void> check_transfer(std::string_view from, std::string_view to) {
  if (from != to) return {};
  return weir::fail(weir::Error(weir::Errc::unprocessable, "1 field is not valid")
                        .with_fields({{"to", "different", "must be another account"}}));
}
// [/fields]

TEST(Errors, ResultsBecomeProblems) {
  weir::App app(quiet());
  // [route]
  app.post("/accounts/{owner}/withdraw/{amount}",
           [](weir::Path<std::string> owner, weir::Path<std::int64_t> amount) { return withdraw(*owner, *amount); });
  // [/route]
  weir::TestClient client = app.test();
  EXPECT_EQ(client.post("/accounts/ada/withdraw/20", "text/plain", "").body, R"({"owner":"ada","balance":30})");
  EXPECT_EQ(client.post("/accounts/ada/withdraw/70", "text/plain", "").status, 400);
  const auto missing = client.post("/accounts/bob/withdraw/1", "text/plain", "", {{"X-Request-Id", "4f2c9a1e"}});
  EXPECT_EQ(missing.status, 404);
  EXPECT_EQ(missing.header("Content-Type"), "application/problem+json");
  EXPECT_EQ(missing.header("Cache-Control"), "no-store");
  EXPECT_EQ(missing.body, shown("nobody.json"));
}

TEST(Errors, MayNameFields) {
  weir::App app(quiet());
  app.get("/transfer", [] { return check_transfer("ada", "ada"); });
  weir::TestClient client = app.test();
  const auto refused = client.get("/transfer");
  EXPECT_EQ(refused.status, 422);
  EXPECT_NE(refused.body.find(R"("field":"to")"), std::string::npos);
}

TEST(Errors, ProblemsOfYourOwn) {
  weir::App app(quiet());
  // [problem]
  app.get("/quota", [](weir::Context& ctx) {
    weir::http::Problem problem;
    problem.status = weir::Status::payment_required;
    problem.type = "https://example.com/problems/quota";
    problem.title = "The quota is used up";
    problem.detail = "30 of 30 reports were made this month";
    problem.instance = ctx.path();
    problem.request_id = ctx.request_id();
    problem.members = {{"resets", "2026-01-01"}};
    return weir::http::to_response(problem);
  });
  app.get("/teapot", [] { return weir::problem(weir::Status::gone, "it was sold"); });
  // [/problem]
  weir::TestClient client = app.test();
  EXPECT_EQ(client.get("/quota").status, 402);
  EXPECT_NE(client.get("/quota").body.find(R"("resets":"2026-01-01")"), std::string::npos);
  EXPECT_EQ(client.get("/teapot").status, 410);
}

// [exception]
struct Busy : std::runtime_error {
  using std::runtime_error::runtime_error;
};
// [/exception]

TEST(Errors, ExceptionsAreCaught) {
  weir::App app(quiet());
  // [on_exception]
  app.on_exception<Busy>([](weir::Context&, const Busy&) {
    weir::Response response = weir::problem(weir::Status::service_unavailable, "the database is busy");
    response.headers.set("Retry-After", "1");
    return response;
  });
  app.get("/busy", []() -> std::string { throw Busy("lock wait timeout on table users"); });
  app.get("/bug", []() -> std::string { throw std::logic_error("a secret of the implementation"); });
  // [/on_exception]
  weir::TestClient client = app.test();
  EXPECT_EQ(client.get("/busy").status, 503);
  EXPECT_EQ(client.get("/busy").header("Retry-After"), "1");
  EXPECT_EQ(client.get("/bug").status, 500);
  EXPECT_EQ(client.get("/bug").body.find("secret"), std::string::npos);
  EXPECT_NE(client.get("/actuator/prometheus").body.find("weir_handler_exceptions_total"), std::string::npos);
}

// [envelope]
/// {"error": {"code": "not_found", "message": "…"}} where a problem would be.
class Envelope {
 public:
  void after(weir::Context&, weir::Response& response) const {
    if (response.headers.get("Content-Type") != weir::http::problem_media_type) return;
    weir::json::Value problem;
    if (!weir::json::read(response.body.bytes().value_or(""), problem)) return;
    weir::json::Value error;
    error.set("code", problem["code"]);
    error.set("message", problem["detail"]);
    weir::json::Value answer;
    answer.set("error", std::move(error));
    response.body = weir::json::to_string(answer);
    response.headers.set("Content-Type", "application/json");
  }
};
// [/envelope]

TEST(Errors, MayLookOtherwise) {
  weir::App app(quiet());
  // [use_envelope]
  app.use(Envelope());
  // [/use_envelope]
  app.get("/users/{id}", [](weir::Path<int>) -> weir::Result<Account> { return weir::not_found("nobody"); });
  app.post("/notes", [](weir::RawBody) {}).body_limit(4);
  weir::TestClient client = app.test();
  EXPECT_EQ(client.get("/users/1").body, R"({"error":{"code":"not_found","message":"nobody"}})");
  EXPECT_EQ(client.get("/users/1").header("Content-Type"), "application/json");
  EXPECT_EQ(client.get("/users/x").status, 422);
  for (const char* path : {"/users/x", "/nowhere"}) EXPECT_TRUE(client.get(path).body.starts_with(R"({"error":)"));
  EXPECT_TRUE(client.del("/users/1").body.starts_with(R"({"error":)"));
  const auto large = client.post("/notes", "text/plain", "12345");
  EXPECT_EQ(large.status, 413);
  EXPECT_TRUE(large.body.starts_with(R"({"error":)"));
}

TEST(Errors, CodesHaveStatuses) {
  using weir::Errc;
  const auto status = [](Errc code) { return static_cast<int>(weir::http::to_code(weir::http::status_of(code))); };
  EXPECT_EQ(status(Errc::invalid_argument), 400);
  EXPECT_EQ(status(Errc::failed_precondition), 400);
  EXPECT_EQ(status(Errc::out_of_range), 400);
  EXPECT_EQ(status(Errc::unauthenticated), 401);
  EXPECT_EQ(status(Errc::permission_denied), 403);
  EXPECT_EQ(status(Errc::not_found), 404);
  EXPECT_EQ(status(Errc::already_exists), 409);
  EXPECT_EQ(status(Errc::aborted), 409);
  EXPECT_EQ(status(Errc::too_large), 413);
  EXPECT_EQ(status(Errc::unsupported_media_type), 415);
  EXPECT_EQ(status(Errc::unprocessable), 422);
  EXPECT_EQ(status(Errc::resource_exhausted), 429);
  EXPECT_EQ(status(Errc::cancelled), 499);
  EXPECT_EQ(status(Errc::unknown), 500);
  EXPECT_EQ(status(Errc::internal), 500);
  EXPECT_EQ(status(Errc::data_loss), 500);
  EXPECT_EQ(status(Errc::unimplemented), 501);
  EXPECT_EQ(status(Errc::unavailable), 503);
  EXPECT_EQ(status(Errc::deadline_exceeded), 504);
}

}  // namespace
}  // namespace guide
