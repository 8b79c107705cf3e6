#include "weir/web/typed_handler.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "weir/json/json.hpp"
#include "weir/web/chain_test_support.hpp"
#include "weir/web/response.hpp"

namespace weir {
namespace {

using namespace std::chrono_literals;

struct NewUser {
  std::string name;
  int age = 0;
  static constexpr auto rules =
      weir::rules<NewUser>(weir::field<&NewUser::name>().min_length(1), weir::field<&NewUser::age>().min(0).max(150));
};
struct User {
  std::int64_t id = 0;
  std::string name;
};
struct Paging {
  std::optional<int> page;
  std::optional<int> size;
};
struct Wanted {
  std::string x_api_key;
};

std::string get(std::string_view target, std::string_view headers = "") {
  return "GET " + std::string(target) + " HTTP/1.1\r\nHost: t\r\n" + std::string(headers) + "\r\n";
}
std::string post(std::string_view target, std::string_view type, std::string_view body) {
  return "POST " + std::string(target) + " HTTP/1.1\r\nHost: t\r\nContent-Type: " + std::string(type) +
         "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

TEST(TypedHandler, TurnsReturnedValuesIntoJson) {
  TestService service;
  service.get("/users/{id}", [](Path<std::int64_t> id) { return User{*id, "ada"}; });
  const TestResponse answer = service.request(get("/users/42"));
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.header("Content-Type"), "application/json");
  EXPECT_EQ(answer.body, R"({"id":42,"name":"ada"})");
}

TEST(TypedHandler, ReportsAllFailuresAtOnce) {
  TestService service;
  service.post("/users/{id}", [](Path<int> id, Query<int, "limit"> limit, Json<NewUser> body) {
    return User{*id + *limit, body->name};
  });
  const TestResponse answer = service.request(post("/users/x?limit=y", "application/json", R"({"name":"","age":200})"));
  EXPECT_EQ(answer.status, 422);
  EXPECT_EQ(answer.header("Content-Type"), "application/problem+json");
  for (const char* field : {"path.id", "query.limit", "\"name\"", "\"age\""}) {
    EXPECT_NE(answer.body.find(field), std::string::npos) << field << " is missing in " << answer.body;
  }
}

TEST(TypedHandler, TellsMalformedJsonFromWrongTypes) {
  TestService service;
  service.post("/users", [](Json<NewUser> body) { return created(User{1, body->name}, "/users/1"); });
  EXPECT_EQ(service.request(post("/users", "application/json", R"({"name":)")).status, 400);
  EXPECT_EQ(service.request(post("/users", "text/plain", R"({"name":"x","age":1})")).status, 415);
  const TestResponse answer =
      service.request(post("/users", "application/json; charset=utf-8", R"({"name":"x","age":1})"));
  EXPECT_EQ(answer.status, 201);
  EXPECT_EQ(answer.header("Location"), "/users/1");
}

TEST(TypedHandler, BindsStructsFromQueryAndHeaders) {
  TestService service;
  service.get("/list", [](Query<Paging> paging, Header<Wanted> wanted, Query<std::vector<int>, "n"> many) {
    return std::to_string(paging->page.value_or(1)) + "/" + std::to_string(paging->size.value_or(20)) + "/" +
           wanted->x_api_key + "/" + std::to_string(many->size());
  });
  EXPECT_EQ(service.request(get("/list?page=3&n=1&n=2", "X-Api-Key: k\r\n")).body, "3/20/k/2");
  const TestResponse answer = service.request(get("/list?page=x"));
  EXPECT_EQ(answer.status, 422);
  EXPECT_NE(answer.body.find("query.page"), std::string::npos) << answer.body;
  EXPECT_NE(answer.body.find("header."), std::string::npos) << answer.body;
}

TEST(TypedHandler, BindsAllThatWasGivenForOneName) {
  TestService service;
  service.get("/set", [](Query<std::set<int>, "n"> n) { return std::to_string(n->size()); });
  service.get("/pair", [](Query<std::array<int, 2>, "n"> n) { return std::to_string((*n)[0] * 10 + (*n)[1]); });
  service.get("/maybe", [](Query<std::optional<std::vector<int>>, "n"> n) {
    return *n ? std::to_string((*n)->size()) : std::string("none");
  });
  EXPECT_EQ(service.request(get("/set?n=1&n=2&n=1")).body, "2");
  EXPECT_EQ(service.request(get("/set")).body, "0");
  EXPECT_EQ(service.request(get("/pair?n=4&n=2")).body, "42");
  EXPECT_EQ(service.request(get("/pair?n=4")).status, 422);
  EXPECT_EQ(service.request(get("/pair?n=4&n=2&n=3")).status, 422);
  EXPECT_EQ(service.request(get("/maybe?n=4&n=2")).body, "2");
  EXPECT_EQ(service.request(get("/maybe")).body, "none");
  const TestResponse answer = service.request(get("/maybe?n=4&n=x"));
  EXPECT_EQ(answer.status, 422);
  EXPECT_NE(answer.body.find("query.n"), std::string::npos) << answer.body;
}

enum class Direction { asc, desc };
struct Ordered {
  Direction order = Direction::asc;
};

TEST(TypedHandler, NamesRulesOfParametersAsThoseOfMembers) {
  TestService service;
  service.get("/value", [](Query<Direction, "order">) {});
  service.get("/struct", [](Query<Ordered>) {});
  const auto errors = [&](std::string_view target) {
    const std::string body(service.request(get(target)).body);
    return body.substr(std::min(body.find("\"errors\""), body.size()));
  };
  for (const char* query : {"?order=up", "?order=asc&order=desc", ""}) {
    EXPECT_EQ(errors("/value" + std::string(query)), errors("/struct" + std::string(query)));
    EXPECT_NE(errors("/value" + std::string(query)), "") << query;
  }
}

TEST(TypedHandler, AnswersErrorsAsProblems) {
  TestService service;
  service.get("/missing", []() -> Result<User> { return not_found("no user 42"); });
  service.get("/none", []() -> std::optional<User> { return std::nullopt; });
  service.get("/nothing", []() {});
  service.get("/later", [] { return unavailable("not yet"); });
  service.get("/throws", []() -> User { throw std::runtime_error("secret"); });
  const TestResponse missing = service.request(get("/missing"));
  EXPECT_EQ(missing.status, 404);
  EXPECT_NE(missing.body.find("no user 42"), std::string::npos);
  EXPECT_EQ(service.request(get("/none")).status, 404);
  EXPECT_EQ(service.request(get("/later")).status, 503);
  EXPECT_EQ(service.request(get("/nothing")).status, 204);
  const TestResponse thrown = service.request(get("/throws"));
  EXPECT_EQ(thrown.status, 500);
  EXPECT_EQ(thrown.body.find("secret"), std::string::npos) << "what was thrown stays inside";
}

TEST(TypedHandler, RunsCoroutines) {
  TestService service;
  service.get("/wait/{id}", [](Context& ctx, Path<int> id) -> Task<Result<User>> {
    Result<void> slept = co_await ctx.loop().sleep(1s, ctx.stop_token());
    if (!slept) co_return fail(std::move(slept.error()));
    co_return User{*id, "late"};
  });
  service.post("/read", [](Context& ctx) -> Task<std::string> {
    Result<std::string_view> body = co_await ctx.body();
    co_return std::string(*body);
  });
  service.post("/both", [](Json<NewUser> user) -> Task<User> { co_return User{7, user->name}; });
  TestConnection connection(service);
  connection.send(get("/wait/5"));
  EXPECT_EQ(connection.receive().status, 0);
  service.advance(1s);
  EXPECT_EQ(connection.receive().body, R"({"id":5,"name":"late"})");
  EXPECT_EQ(service.request(post("/read", "text/plain", "hello")).body, "hello");
  EXPECT_EQ(service.request(post("/both", "application/json", R"({"name":"x","age":1})")).body,
            R"({"id":7,"name":"x"})");
}

/// A value that comes from somewhere else, after a while.
struct Account {
  std::string name;
  static Task<Result<Account>> from_context_async(Context& ctx) {
    Result<void> slept = co_await ctx.loop().sleep(1s, ctx.stop_token());
    if (!slept) co_return fail(std::move(slept.error()));
    if (ctx.header("X-Account").empty()) co_return fail(Errc::unauthenticated, "who are you?");
    co_return Account{std::string(ctx.header("X-Account"))};
  }
  static void describe(OperationDoc& doc) { doc.problem(Status::unauthorized); }
};

TEST(TypedHandler, WaitsForValuesThatTakeACoroutine) {
  TestService service;
  service.get("/plain/{id}", [](Account account, Path<int> id) { return account.name + std::to_string(*id); });
  service.get("/task/{id}", [](Path<int> id, Account first, Account second) -> Task<std::string> {
    co_return first.name + second.name + std::to_string(*id);
  });
  TestConnection plain(service);
  plain.send(get("/plain/7", "X-Account: ada\r\n"));
  EXPECT_EQ(plain.receive().status, 0);
  service.advance(1s);
  EXPECT_EQ(plain.receive().body, "ada7");
  TestConnection task(service);
  task.send(get("/task/7", "X-Account: ada\r\n"));
  service.advance(1s);
  service.advance(1s);
  EXPECT_EQ(task.receive().body, "adaada7");
  TestConnection refused(service);
  refused.send(get("/plain/7"));
  service.advance(1s);
  EXPECT_EQ(refused.receive().status, 401);
  // What needs no waiting is looked at first.
  EXPECT_EQ(service.request(get("/plain/x", "X-Account: ada\r\n")).status, 422);
  auto handler = make_handler([](Account) {});
  OperationDoc doc;
  handler->describe(doc);
  EXPECT_FALSE(doc.response(Status::unauthorized).contents.empty());
}

struct Order {
  std::vector<std::string>* events;
  std::string name_;
  void before(Context&) const { events->push_back("before " + name_); }
  void after(Context&, Response&) const { events->push_back("after " + name_); }
  void finish(Context&, const Outcome&) const { events->push_back("finish " + name_); }
};

TEST(Chain, RunsBeforeInOrderAndAfterInReverse) {
  std::vector<std::string> events;
  TestService service({Order{&events, "a"}, Order{&events, "b"}});
  service.get("/", [&events] {
    events.push_back("handler");
    return std::string("x");
  });
  EXPECT_EQ(service.request(get("/")).status, 200);
  EXPECT_EQ(events, (std::vector<std::string>{"before a", "before b", "handler", "after b", "after a", "finish b",
                                              "finish a"}));
}

TEST(Chain, WaitingMiddlewareSeesTheSameOrder) {
  std::vector<std::string> events;
  const auto around = [&events](Context& ctx, Next next) -> Task<Response> {
    events.push_back("in");
    Result<void> slept = co_await ctx.loop().sleep(1s);
    static_cast<void>(slept);
    Response response = co_await next();
    events.push_back("out");
    co_return response;
  };
  TestService service({Order{&events, "a"}, Middleware(around), Order{&events, "b"}});
  service.get("/", [&events] {
    events.push_back("handler");
    return std::string("x");
  });
  TestConnection connection(service);
  connection.send(get("/"));
  service.advance(1s);
  EXPECT_EQ(connection.receive().body, "x");
  EXPECT_EQ(events, (std::vector<std::string>{"before a", "in", "before b", "handler", "after b", "out", "after a",
                                              "finish b", "finish a"}));
}

TEST(Chain, AMiddlewareThatAnswersStopsTheRest) {
  std::vector<std::string> events;
  const auto guard = [](Context& ctx) -> std::optional<Response> {
    if (ctx.header("X-Pass").empty()) return problem(Status::forbidden, "no");
    return std::nullopt;
  };
  TestService service({Order{&events, "a"}, Middleware(guard), Order{&events, "b"}});
  service.get("/", [] { return std::string("x"); });
  EXPECT_EQ(service.request(get("/")).status, 403);
  EXPECT_EQ(events, (std::vector<std::string>{"before a", "after a", "finish b", "finish a"}));
  EXPECT_EQ(service.request(get("/", "X-Pass: 1\r\n")).status, 200);
}

}  // namespace
}  // namespace weir
