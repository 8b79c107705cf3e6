// docs/guide/binding-and-validation.md
#include <charconv>
#include <chrono>
#include <variant>

#include <gtest/gtest.h>

#include "support.hpp"

namespace guide {

// [struct]
enum class Sort { newest, oldest };

struct Search {
  std::string q;
  Sort sort = Sort::newest;
  std::vector<std::string> tag;        // ?tag=a&tag=b
  std::optional<std::int64_t> before;  // may be missing
  int limit = 20;

  static constexpr auto rules = weir::rules<Search>(  //
      weir::field<&Search::q>().min_length(2), weir::field<&Search::sort>().optional(),
      weir::field<&Search::tag>().optional().max_items(5), weir::field<&Search::limit>().optional().min(1).max(100));
};
// [/struct]

// [rules]
struct Address {
  std::string street;
  std::string zip_code;

  static constexpr auto rules = weir::rules<Address>(  //
      weir::field<&Address::zip_code>().pattern("[0-9]{5}").example("10115"),
      weir::rename_all(weir::naming::camel_case));
};

struct Customer {
  std::int64_t id = 0;
  std::string email;
  std::string password;
  std::vector<Address> addresses;

  static constexpr auto rules = weir::rules<Customer>(  //
      weir::field<&Customer::id>().read_only(),         // ignored when it is sent, always written
      weir::field<&Customer::email>().format(weir::format::email),
      weir::field<&Customer::password>().write_only().min_length(12),  // never written
      weir::field<&Customer::addresses>().min_items(1), weir::reject_unknown_fields());
};
// [/rules]

// [cross]
struct Booking {
  std::chrono::year_month_day from;
  std::chrono::year_month_day to;

  weir::Result<void> validate() const {
    if (from <= to) return {};
    return weir::fail(weir::Error(weir::Errc::unprocessable, "1 field is not valid")
                          .with_fields({{"to", "order", "must not be before from"}}));
  }
};
// [/cross]

// [variant]
struct Card {
  std::string number;
  static constexpr auto rules = weir::rules<Card>(weir::tag("kind", "card"));
};
struct Transfer {
  std::string iban;
  static constexpr auto rules = weir::rules<Transfer>(weir::tag("kind", "transfer"));
};
using Payment = std::variant<Card, Transfer>;  // {"kind":"card","number":"…"}
// [/variant]

enum class Level { low, high };

// A class of a library: no aggregate, so reflection cannot see into it.
class Decimal {
 public:
  Decimal() = default;
  static std::optional<Decimal> parse(std::string_view text) {
    Decimal made;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), made.value_);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return made;
  }
  [[nodiscard]] std::string str() const { return std::to_string(value_); }

 private:
  std::int64_t value_ = 0;
};

class Celsius {
 public:
  Celsius() = default;
  explicit Celsius(double degrees) : degrees_(degrees) {}
  [[nodiscard]] double degrees() const { return degrees_; }

 private:
  double degrees_ = 0;
};

// [outside]
// A struct of a library that cannot be changed.
struct Point {
  double lat = 0;
  double lon = 0;
};
// [/outside]

}  // namespace guide

// [outside_rules]
template <>
inline constexpr auto weir::rules_for<guide::Point> = weir::rules<guide::Point>(
    weir::field<&guide::Point::lat>().min(-90).max(90), weir::field<&guide::Point::lon>().min(-180).max(180));
// [/outside_rules]

// [enum_names]
template <>
inline constexpr auto weir::enum_names_for<guide::Level> =
    weir::enum_names<guide::Level>({{guide::Level::low, "LOW"}, {guide::Level::high, "HIGH"}});
// [/enum_names]

// [custom]
template <>
struct weir::json::Custom<guide::Decimal> {  // a text in JSON, and in paths and queries
  static bool from_text(std::string_view text, guide::Decimal& out) {
    const std::optional<guide::Decimal> parsed = guide::Decimal::parse(text);
    if (parsed) out = *parsed;
    return parsed.has_value();
  }
  static std::string_view to_text(const guide::Decimal& value, weir::Buffer& scratch) {
    scratch.append(value.str());
    return scratch.view();
  }
  static constexpr std::string_view format = "decimal";                       // for the description; may be left out
  static constexpr const char* expected = "must be a number such as \"42\"";  // what clients read; the same
};

template <>
struct weir::json::Custom<guide::Celsius> {  // as another type: a number here, often a struct
  using As = double;
  static weir::Result<void> load(double&& from, guide::Celsius& out) {
    if (from < -273.15) return weir::bad_request("must not be below -273.15");
    out = guide::Celsius(from);
    return {};
  }
  static void store(const guide::Celsius& from, double& to) { to = from.degrees(); }
};
// [/custom]

namespace guide {

// [from_context]
struct Tenant {
  std::string name;

  static weir::Result<Tenant> from_context(weir::Context& ctx) {
    const std::string_view name = ctx.header("X-Tenant");
    if (name.empty()) return weir::bad_request("say which tenant: X-Tenant");
    return Tenant{std::string(name)};
  }
};
// [/from_context]

// [mailer]
/// What handlers know of sending mail.
struct Mailer {
  virtual ~Mailer() = default;
  virtual void send(std::string_view to, std::string_view text) = 0;
};
// [/mailer]

/// The one of this test.
struct Outbox final : Mailer {
  void send(std::string_view to, std::string_view text) override { sent += std::string(to) + ": " + std::string(text); }
  std::string sent;
};

/// A store of sessions: whose an id is. This one knows a single id.
struct Sessions {
  std::optional<std::string> user_of(std::string_view id) {
    if (id == "s3cr3t") return "ada";
    return std::nullopt;
  }
};

// [signed_in]
/// Who is signed in, by the id in a cookie.
struct SignedIn {
  std::string user;

  static weir::Result<SignedIn> from_context(weir::Context& ctx) {
    std::optional<std::string> user = ctx.state<Sessions>().user_of(ctx.cookie("session").value_or(""));
    if (!user) return weir::unauthorized("sign in first");
    return SignedIn{*std::move(user)};
  }
  // What it adds to the API's description.
  static void describe(weir::OperationDoc& doc) { doc.problem(weir::Status::unauthorized); }
};
// [/signed_in]

namespace {

TEST(Binding, TakesEveryParameterFromItsPlace) {
  weir::App app(quiet());
  // [parameters]
  app.get("/shops/{shop}/orders/{id}", [](weir::Path<std::string> shop, weir::Path<std::int64_t> id,    //
                                          weir::Query<std::optional<bool>, "details"> details,          //
                                          weir::Header<std::optional<std::string>, "X-Client"> client,  //
                                          weir::Cookie<std::optional<std::string>, "theme"> theme) {
    return *shop + " " + std::to_string(*id) + (details->value_or(false) ? " with details" : "") + " for " +
           client->value_or("nobody") + " in " + theme->value_or("light");
  });
  // [/parameters]
  weir::TestClient client = app.test();
  EXPECT_EQ(client.get("/shops/acme/orders/7").body, "acme 7 for nobody in light");
  EXPECT_EQ(client.get("/shops/acme/orders/7?details=true", {{"X-Client", "cli"}, {"Cookie", "theme=dark"}}).body,
            "acme 7 with details for cli in dark");
  EXPECT_EQ(
      client.get("/shops/acme/orders/x?details=maybe").json<weir::json::Value>()->find("errors")->as_array().size(),
      2u);
}

TEST(Binding, FillsAStructFromTheQuery) {
  weir::App app(quiet());
  // [query]
  app.get("/search", [](weir::Query<Search> search) { return *search; });
  // [/query]
  weir::TestClient client = app.test();
  EXPECT_EQ(client.get("/search?q=weir&tag=a&tag=b&sort=oldest").body,
            R"({"q":"weir","sort":"oldest","tag":["a","b"],"before":null,"limit":20})");
  EXPECT_EQ(client.get("/search?q=w&limit=500", {{"X-Request-Id", "4f2c9a1e"}}).body, shown("search.json"));
}

TEST(Binding, ReadsAndChecksJson) {
  weir::App app(quiet());
  // [json]
  app.post("/customers", [](weir::Json<Customer> customer) {
    customer->id = 1;
    return weir::created(*customer, "/customers/1");
  });
  // [/json]
  weir::TestClient client = app.test();
  const auto post = [&](std::string_view body) { return client.post("/customers", "application/json", body); };
  EXPECT_EQ(post(R"({"email":"ada@example.com","password":"correct horse","addresses":[
                     {"street":"Main Street 1","zipCode":"10115"}]})")
                .body,
            R"({"id":1,"email":"ada@example.com","addresses":[{"street":"Main Street 1","zipCode":"10115"}]})");
  const auto refused = post(R"({"email":"ada","password":"short","addresses":[{"street":"x","zipCode":"1"}],"age":3})");
  EXPECT_EQ(refused.status, 422);
  for (const char* part : {R"("field":"email","rule":"format")", R"("field":"password","rule":"min_length")",
                           R"("field":"addresses[0].zipCode","rule":"pattern")", R"("field":"age")"}) {
    EXPECT_NE(refused.body.find(part), std::string::npos) << refused.body;
  }
}

TEST(Binding, ChecksMembersAgainstEachOther) {
  weir::App app(quiet());
  app.post("/bookings", [](weir::Json<Booking> booking) { return *booking; });
  weir::TestClient client = app.test();
  const auto post = [&](std::string_view body) { return client.post("/bookings", "application/json", body); };
  EXPECT_EQ(post(R"({"from":"2026-01-02","to":"2026-01-03"})").status, 200);
  const auto refused = post(R"({"from":"2026-01-02","to":"2026-01-01"})");
  EXPECT_EQ(refused.status, 422);
  EXPECT_NE(refused.body.find(R"("field":"to","rule":"order")"), std::string::npos) << refused.body;
}

TEST(Binding, KnowsTypesOfOthers) {
  struct Reading {
    Decimal serial;
    Celsius at;
    Level level;
    Payment paid;
  };
  weir::App app(quiet());
  app.post("/readings", [](weir::Json<Reading> reading) { return *reading; });
  app.get("/serials/{serial}", [](weir::Path<Decimal> serial) { return serial->str(); });
  weir::TestClient client = app.test();
  const std::string good = R"({"serial":"42","at":21.5,"level":"HIGH","paid":{"kind":"transfer","iban":"DE02"}})";
  EXPECT_EQ(client.post("/readings", "application/json", good).body, good);
  const auto refused =
      client.post("/readings", "application/json", R"({"serial":"x","at":-300,"level":"high","paid":{"kind":"cash"}})");
  EXPECT_EQ(refused.status, 422);
  for (const char* part : {R"("field":"serial")", "must be a number such as", R"("field":"at")", "-273.15",
                           R"("field":"level")", R"("field":"paid)"}) {
    EXPECT_NE(refused.body.find(part), std::string::npos) << part << " is missing in " << refused.body;
  }
  EXPECT_EQ(client.get("/serials/7").body, "7");
  EXPECT_EQ(client.get("/serials/x").status, 422);
}

TEST(Binding, SetsCookies) {
  weir::App app(quiet());
  // [cookies]
  app.post("/session", []() -> weir::Result<weir::Response> {
    weir::Response answer(weir::Status::no_content);
    weir::Result<void> set =
        weir::http::add_cookie(answer.headers, {.name = "session", .value = "s3cr3t", .max_age_seconds = 3600});
    if (!set) return weir::fail(std::move(set.error()));
    return answer;
  });
  // [/cookies]
  weir::TestClient client = app.test();
  EXPECT_EQ(client.post("/session", "text/plain", "").header("Set-Cookie"),
            "session=s3cr3t; Max-Age=3600; Path=/; Secure; HttpOnly; SameSite=Lax");
}

TEST(Binding, KnowsWhoIsSignedIn) {
  weir::App app(quiet());
  // [sessions]
  app.make_state<Sessions>();
  app.get("/account", [](SignedIn who) { return "the account of " + who.user; });
  // [/sessions]
  weir::TestClient client = app.test();
  EXPECT_EQ(client.get("/account", {{"Cookie", "theme=dark; session=s3cr3t"}}).body, "the account of ada");
  EXPECT_EQ(client.get("/account", {{"Cookie", "session=guessed"}}).status, 401);
  EXPECT_EQ(client.get("/account").status, 401);
  EXPECT_NE(app.openapi().find(R"("401")"), std::string::npos);
}

TEST(Binding, HandsOverWhatHandlersNeed) {
  weir::App app(quiet());
  Outbox outbox;
  // [interface]
  app.borrow_state<Mailer>(outbox);  // the real one in main(), another one in tests
  app.post("/invitations/{to}", [](weir::State<Mailer> mailer, weir::Path<std::string> to) {
    mailer->send(*to, "come and see");
    return weir::no_content();
  });
  // [/interface]
  weir::TestClient client = app.test();
  EXPECT_EQ(client.post("/invitations/ada", "text/plain", "").status, 204);
  EXPECT_EQ(outbox.sent, "ada: come and see");
}

TEST(Binding, AnswersInTheFormThatTheClientLikes) {
  weir::App app(quiet());
  // [negotiation]
  app.get("/points", [](weir::Context& ctx) -> weir::Response {
    const std::string_view best = ctx.accepts({"application/json", "text/csv"});
    if (best.empty()) return weir::problem(weir::Status::not_acceptable, "there are JSON and CSV");
    weir::Response answer = best == "text/csv" ? weir::bytes("lat,lon\n52.5,13.4\n", best)
                                               : weir::json_response(std::vector<Point>{{52.5, 13.4}});
    answer.headers.set("Vary", "Accept");
    return answer;
  });
  // [/negotiation]
  weir::TestClient client = app.test();
  EXPECT_EQ(client.get("/points").body, R"([{"lat":52.5,"lon":13.4}])");
  EXPECT_EQ(client.get("/points", {{"Accept", "text/csv, application/json;q=0.5"}}).body, "lat,lon\n52.5,13.4\n");
  EXPECT_EQ(client.get("/points", {{"Accept", "image/png"}}).status, 406);
}

TEST(Binding, TakesRulesFromOutside) {
  weir::App app(quiet());
  app.post("/points", [](weir::Json<Point> point) { return *point; });
  weir::TestClient client = app.test();
  EXPECT_EQ(client.post_json("/points", Point{91, 0}).status, 422);
  EXPECT_EQ(client.post_json("/points", Point{52.5, 13.5}).status, 200);
}

TEST(Binding, ReadsFormsAndBytes) {
  weir::App app(quiet());
  // [bodies]
  struct Login {
    std::string user;
    std::string password;
  };
  app.post("/login", [](weir::Form<Login> form) { return "hello " + form->user; });
  app.put("/blobs/{key}", [](weir::Path<std::string> key, weir::RawBody body) {
    return *key + ": " + std::to_string(body.value.size()) + " bytes";
  });
  // [/bodies]
  weir::TestClient client = app.test();
  EXPECT_EQ(client.post("/login", "application/x-www-form-urlencoded", "user=ada+l&password=x").body, "hello ada l");
  EXPECT_EQ(client.request({weir::Method::put, "/blobs/a", {}, "12345"}).body, "a: 5 bytes");
}

TEST(Binding, TakesTypesOfYourOwn) {
  weir::App app(quiet());
  // [tenant]
  app.get("/me", [](Tenant tenant) { return "you are " + tenant.name; });
  // [/tenant]
  weir::TestClient client = app.test();
  EXPECT_EQ(client.get("/me", {{"X-Tenant", "acme"}}).body, "you are acme");
  EXPECT_EQ(client.get("/me").status, 400);
}

TEST(Binding, AnswersWithWhatIsReturned) {
  weir::App app(quiet());
  // [returned]
  app.get("/text", [] { return "text/plain"; });
  app.get("/json", [] { return Point{52.5, 13.4}; });
  app.get("/maybe", []() -> std::optional<Point> { return std::nullopt; });                           // 404
  app.get("/result", []() -> weir::Result<Point> { return weir::conflict("somebody was faster"); });  // 409
  app.del("/nothing", [] {});                                                                         // 204
  app.post("/accepted", [] { return weir::accepted(Point{}); });                                      // 202
  app.get("/elsewhere", [] { return weir::redirect("/json"); });                                      // 302
  app.get("/page", [] {
    weir::Response page = weir::html("<h1>Hello</h1>");
    page.headers.set("Cache-Control", "max-age=60");
    return page;
  });
  app.post("/points", []() -> weir::Result<weir::Reply<Point, weir::Status::created>> {
    return weir::created(Point{}, "/points/1");
  });
  // [/returned]
  weir::TestClient client = app.test();
  EXPECT_EQ(client.get("/text").header("Content-Type"), "text/plain; charset=utf-8");
  EXPECT_EQ(client.get("/json").body, R"({"lat":52.5,"lon":13.4})");
  EXPECT_EQ(client.get("/maybe").status, 404);
  EXPECT_EQ(client.get("/result").status, 409);
  EXPECT_EQ(client.del("/nothing").status, 204);
  EXPECT_EQ(client.post("/accepted", "text/plain", "").status, 202);
  EXPECT_EQ(client.post("/points", "text/plain", "").header("Location"), "/points/1");
  EXPECT_EQ(client.get("/elsewhere").status, 302);
  EXPECT_EQ(client.get("/page").header("Cache-Control"), "max-age=60");
}

}  // namespace
}  // namespace guide
