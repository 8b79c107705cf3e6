// What a struct costs whose members a query or a form names: the whole way of a request, but for the socket. The large
// ones are the most that the default limits let a client send.
#include <optional>
#include <string>

#include <benchmark/benchmark.h>

#include "weir/web/chain_test_support.hpp"
#include "weir/web/params.hpp"

namespace weir {
namespace {

using Text = std::optional<std::string_view>;

struct Ten {
  Text q, sort, order, page, per_page, tag, after, before, owner, state;
};
struct Fifty {
  Text a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, b0, b1, b2, b3, b4, b5, b6, b7, b8, b9, c0, c1, c2, c3, c4, c5, c6, c7,
      c8, c9, d0, d1, d2, d3, d4, d5, d6, d7, d8, d9, e0, e1, e2, e3, e4, e5, e6, e7, e8, e9;
};

std::string repeated(std::string_view piece, std::size_t bytes) {
  std::string text;
  while (text.size() + piece.size() <= bytes) text += piece;
  return text;
}

class Service {
 public:
  Service() : service_({}, {.limits = {}, .real_time = true}) {
    service_.keep_outcomes = false;
    service_.get("/none", [] {});
    service_.get("/ten", [](Query<Ten>) {});
    service_.get("/fifty", [](Query<Fifty>) {});
    service_.post("/form", [](Form<Fifty>) {});
  }
  void run(benchmark::State& state, const std::string& request) {
    TestConnection client(service_);
    for (auto _ : state) {
      client.send(request);
      const TestResponse answer = client.receive();
      if (answer.status != 204) state.SkipWithError(answer.text.c_str());
    }
  }
  void query(benchmark::State& state, std::string_view path, std::string_view query) {
    run(state, "GET " + std::string(path) + "?" + std::string(query) + " HTTP/1.1\r\nHost: t\r\n\r\n");
  }
  void form(benchmark::State& state, std::string_view body) {
    run(state, "POST /form HTTP/1.1\r\nHost: t\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: " +
                   std::to_string(body.size()) + "\r\n\r\n" + std::string(body));
  }

 private:
  TestService service_;
};

void query_of_three(benchmark::State& state) {
  Service().query(state, "/ten", "q=words&page=2&tag=home");
}
void query_of_three_unbound(benchmark::State& state) {
  Service().query(state, "/none", "q=words&page=2&tag=home");
}
void query_of_4000_for_50_members(benchmark::State& state) {
  Service().query(state, "/fifty", repeated("x&", 8000));
}
void query_of_1300_like_50_members(benchmark::State& state) {
  Service().query(state, "/fifty", repeated("%61%62&", 8000));
}
void query_of_4000_unbound(benchmark::State& state) {
  Service().query(state, "/none", repeated("x&", 8000));
}
void form_of_1000_for_50_members(benchmark::State& state) {
  Service().form(state, repeated("xx=1&", 5000));
}
void form_of_4_mib_for_50_members(benchmark::State& state) {
  Service().form(state, "e9=" + std::string(4'000'000, 'x'));
}

BENCHMARK(query_of_three);
BENCHMARK(query_of_three_unbound);
BENCHMARK(query_of_4000_for_50_members);
BENCHMARK(query_of_1300_like_50_members);
BENCHMARK(query_of_4000_unbound);
BENCHMARK(form_of_1000_for_50_members);
BENCHMARK(form_of_4_mib_for_50_members);

}  // namespace
}  // namespace weir
