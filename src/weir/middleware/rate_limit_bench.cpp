// What rate_limit() and the other small middleware add to a request: a pipelined GET through a chain in memory.
#include <string>

#include <benchmark/benchmark.h>

#include "weir/middleware/cors.hpp"
#include "weir/middleware/etag.hpp"
#include "weir/middleware/jwt.hpp"
#include "weir/middleware/rate_limit.hpp"
#include "weir/web/chain_test_support.hpp"

namespace weir {
namespace {

constexpr int pipelined = 16;
const std::string secret = "0123456789abcdef0123456789abcdef";

/// The time of one request; compare with BM_chain_none.
void serve(benchmark::State& state, std::vector<Middleware> chain,
           std::initializer_list<std::pair<std::string_view, std::string_view>> fields = {}) {
  TestService::Options options;
  options.real_time = true;
  TestService service(std::move(chain), options);
  service.keep_outcomes = false;
  const std::string body(200, 'x');
  service.get("/", [&body](Context&) {
    Response response(Status::ok, http::Body::of_static(body));
    response.headers.set_static(HeaderId::content_type, "application/octet-stream");
    return response;
  });
  TestConnection connection(service);
  std::string requests;
  for (int i = 0; i < pipelined; ++i) requests += TestService::request_text("GET", "/", fields);
  char room[65536];
  for (auto _ : state) {
    connection.send(requests);
    while (connection.stream().read(room).ok()) {
    }
  }
  state.SetItemsProcessed(state.iterations() * pipelined);
}

void BM_chain_none(benchmark::State& state) {
  serve(state, {});
}
BENCHMARK(BM_chain_none);

void BM_chain_rate_limit(benchmark::State& state) {
  serve(state, {rate_limit({.requests = 4'000'000, .window = std::chrono::hours(1)})});
}
BENCHMARK(BM_chain_rate_limit);

void BM_chain_rate_limit_quiet(benchmark::State& state) {
  serve(state, {rate_limit({.requests = 4'000'000, .window = std::chrono::hours(1), .send_headers = false})});
}
BENCHMARK(BM_chain_rate_limit_quiet);

/// The flood: every request is answered 429.
void BM_chain_rate_limited(benchmark::State& state) {
  serve(state, {rate_limit({.requests = 1, .window = std::chrono::hours(1)})});
}
BENCHMARK(BM_chain_rate_limited);

void BM_chain_cors(benchmark::State& state) {
  serve(state, {cors({.origins = {"https://app.example"}})}, {{"Origin", "https://app.example"}});
}
BENCHMARK(BM_chain_cors);

void BM_chain_etag(benchmark::State& state) {
  serve(state, {etag()});
}
BENCHMARK(BM_chain_etag);

void BM_chain_jwt(benchmark::State& state) {
  const std::string bearer = "Bearer " + sign_jwt(R"({"sub":"ada","scope":"read"})", secret).value();
  serve(state, {jwt({.secret = secret, .required_claims = {}})}, {{"Authorization", bearer}});
}
BENCHMARK(BM_chain_jwt);

/// The request carries the token, nobody looks at it: what parsing the field costs.
void BM_chain_jwt_ignored(benchmark::State& state) {
  const std::string bearer = "Bearer " + sign_jwt(R"({"sub":"ada","scope":"read"})", secret).value();
  serve(state, {}, {{"Authorization", bearer}});
}
BENCHMARK(BM_chain_jwt_ignored);

}  // namespace
}  // namespace weir
