// Prints the description of an API that has everything of which the description has a word to say: what the demo does
// not need.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <weir/middleware/jwt.hpp>
#include <weir/web/multipart_form.hpp>
#include <weir/web/sse.hpp>
#include <weir/weir.hpp>

namespace wide {

enum class Role : std::uint8_t { reader, writer, admin };

struct Card {
  std::string number;
  static constexpr auto rules = weir::rules<Card>(weir::tag("kind", "card"));
};
struct Transfer {
  std::string iban;
  std::string secret;
  static constexpr auto rules =
      weir::rules<Transfer>(weir::tag("kind", "transfer"), weir::field<&Transfer::secret>().write_only());
};
using Payment = std::variant<Card, Transfer>;

struct Address {
  std::string street;
  std::string zip_code;
  std::optional<std::string> note;
  static constexpr auto rules =
      weir::rules<Address>(weir::field<&Address::zip_code>().pattern("[0-9]{5}").example("10115"));
};

struct Customer {
  std::int64_t id = 0;
  std::string name;
  std::string password;
  Role role = Role::reader;
  std::optional<Role> wanted;
  std::optional<std::string> phone;
  std::vector<Address> addresses;
  std::map<std::string, double> scores;
  std::map<std::string, Address> places;
  std::chrono::year_month_day born;
  std::chrono::sys_seconds since;
  std::chrono::seconds patience{30};
  std::vector<std::byte> picture;
  Payment payment;
  std::optional<Payment> second;
  std::variant<int, std::string> either;
  std::pair<double, double> position;
  std::vector<Customer> friends;
  weir::json::Value extra;

  static constexpr auto rules = weir::rules<Customer>(
      weir::field<&Customer::id>().read_only(), weir::field<&Customer::password>().write_only().min_length(12),
      weir::field<&Customer::role>().optional().describe("What it may do"),
      weir::field<&Customer::friends>().optional(), weir::field<&Customer::patience>().optional(),
      weir::field<&Customer::since>().read_only(), weir::field<&Customer::phone>().deprecated().omit_empty(),
      weir::rename_all(weir::naming::camel_case));
};

struct Problem {  // a name that the description uses, too
  std::string what;
};

template <class T>
struct Page {
  std::vector<T> items;
  std::optional<std::string> next;
};

struct Near {
  double lat = 0;
  double lon = 0;
};
struct Search {
  std::string q;
  std::vector<std::string> tag;
  Role role = Role::reader;
  std::optional<Near> near;
  std::optional<std::chrono::year_month_day> before;
  int limit = 20;
  static constexpr auto rules = weir::rules<Search>(
      weir::field<&Search::q>().min_length(2).describe("Words of the name").example("ada"),
      weir::field<&Search::tag>().optional().max_items(5), weir::field<&Search::role>().optional().deprecated(),
      weir::field<&Search::limit>().optional().min(1).max(100));
};
struct PhotoFields {
  std::string title;
  std::optional<Near> where;
  std::vector<std::string> tags;
  static constexpr auto rules = weir::rules<PhotoFields>(weir::field<&PhotoFields::title>().max_length(80),
                                                         weir::field<&PhotoFields::tags>().optional());
};
struct Login {
  Near where;
  std::string user;
  std::string password;
};

/// A key in a header, as middleware of one's own may want it.
struct NeedsKey {
  std::optional<weir::Response> before(weir::Context&) const { return std::nullopt; }
  void describe(weir::OperationDoc& doc) const {
    doc.security.push_back(
        {.name = "key", .type = "apiKey", .in = weir::ParameterIn::header, .parameter = "X-Api-Key"});
  }
};

void add_routes(weir::App& app) {
  using weir::Status;
  app.post("/customers", [](weir::Json<Customer> customer) { return weir::created(*customer, "/customers/1"); });
  app.get("/customers", [](weir::Query<Search>) { return Page<Customer>(); });
  app.get("/customers/{id:int}", [](weir::Path<std::int64_t>) -> std::optional<Customer> { return std::nullopt; })
      .summary("One customer")
      .response_header(Status::ok, "ETag", "Its version");
  app.get("/customers/{name}", [](weir::Path<std::string>) { return Page<Customer>(); }).summary("Customers of a name");
  app.del("/customers/{key}", [](weir::Path<std::string>) {});
  app.put("/customers/{id}", [](weir::Path<std::int64_t>, weir::Json<Customer>,
                                weir::Header<std::optional<std::string>, "If-Match">) { return weir::no_content(); });
  app.get("/customers/{id}/picture", [](weir::Path<std::int64_t>) { return weir::bytes("", "image/png"); })
      .responds_as(Status::ok, "image/png", "The picture")
      .responds(Status::not_found);
  app.put("/customers/{id}/picture", [](weir::Path<std::int64_t>, weir::RawBody) {});
  app.post("/customers/{id}:block", [](weir::Path<std::int64_t>) { return weir::Response(Status::no_content); })
      .responds(Status::no_content, "It is blocked");
  app.post("/photos", [](weir::MultipartForm) { return "kept"; })
      .form_fields<PhotoFields>()
      .form_file("photo", "The picture")
      .form_files("sketches");
  app.post("/forms", [](weir::MultipartForm) {});
  app.post("/login", [](weir::Form<Login>) { return weir::no_content(); });
  app.get("/events", [](weir::Context&) { return weir::Response(Status::ok); })
      .responds_as(Status::ok, "text/event-stream");
  app.get("/files/{rest*}", [](weir::Path<std::string>) { return weir::Response(Status::ok); });
  app.get("/problems", [](weir::Cookie<std::optional<std::string>, "theme">) { return Problem(); });
  app.get("/me", [] { return Customer(); })
      .use(weir::jwt({.secret = std::string(weir::JwtKey::min_secret, 's')}))
      .use(weir::require_scope("me"));
  app.get("/keyed", [] { return 1; }).use(NeedsKey());
  app.get("/status", [] { return 1; }).host("api.example.com");
  app.get("/status", [] { return std::string("fine"); }).host("{tenant}.example.com");
}

}  // namespace wide

int main() {
  weir::AppOptions options;
  options.name = "wide";
  options.log.file = "/dev/null";
  options.openapi.servers = {"https://api.example.com/"};
  weir::App app(options);
  wide::add_routes(app);
  std::puts(app.openapi().c_str());
}
