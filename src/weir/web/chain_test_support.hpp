// For tests of middleware and handlers: a service of a few routes behind one chain, driven through memory. No socket,
// no thread, and the clock stands still until the test moves it.
//
//   TestService service({request_id(), body_limit({.bytes = 10})});
//   service.get("/users/{id}", [](Path<int> id) { return id.value; });
//   TestResponse answer = service.request("GET /users/7 HTTP/1.1\r\nHost: t\r\n\r\n");
//   EXPECT_EQ(answer.status, 200);
#pragma once

#include <atomic>
#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "weir/http/headers.hpp"
#include "weir/net/memory_stream.hpp"
#include "weir/router/router.hpp"
#include "weir/runtime/event_loop.hpp"
#include "weir/server/worker.hpp"
#include "weir/time/manual_clock.hpp"
#include "weir/web/context.hpp"
#include "weir/web/endpoint.hpp"
#include "weir/web/typed_handler.hpp"

namespace weir {

/// One response as it came over the wire, its chunks joined.
struct TestResponse {
  int status = 0;  ///< 0: nothing (whole) has come.
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  std::string text;  ///< All of its bytes.

  /// The first field of this name, whatever its case; empty if there is none.
  [[nodiscard]] std::string_view header(std::string_view name) const {
    for (const auto& [key, value] : headers) {
      if (http::equals_ignoring_case(key, name)) return value;
    }
    return {};
  }
  [[nodiscard]] bool has(std::string_view name) const {
    for (const auto& field : headers) {
      if (http::equals_ignoring_case(field.first, name)) return true;
    }
    return false;
  }

  /// Takes one response off the front of `bytes`; with status 0, and nothing taken, when it is not all there yet.
  /// `head`: it answers a HEAD request. A response without a length is taken to go on to the end of `bytes`.
  static TestResponse take(std::string& bytes, bool head = false) {
    TestResponse response;
    const std::size_t head_end = bytes.find("\r\n\r\n");
    if (head_end == std::string::npos) return {};
    std::string_view rest = std::string_view(bytes).substr(0, head_end + 2);
    const std::string_view status_line = rest.substr(0, rest.find("\r\n"));
    rest.remove_prefix(status_line.size() + 2);
    if (!status_line.starts_with("HTTP/1.") || status_line.size() < 12) return {};
    std::from_chars(status_line.data() + 9, status_line.data() + 12, response.status);
    while (!rest.empty()) {
      const std::string_view line = rest.substr(0, rest.find("\r\n"));
      rest.remove_prefix(line.size() + 2);
      const std::size_t colon = line.find(':');
      std::string_view value = line.substr(colon + 1);
      while (value.starts_with(' ')) value.remove_prefix(1);
      response.headers.emplace_back(line.substr(0, colon), value);
    }
    std::size_t at = head_end + 4;
    const std::string_view length = response.header("Content-Length");
    if (head || response.status == 204 || response.status == 304 || response.status < 200) {
      // No content, whatever the fields say.
    } else if (http::equals_ignoring_case(response.header("Transfer-Encoding"), "chunked")) {
      for (;;) {
        const std::size_t line_end = bytes.find("\r\n", at);
        if (line_end == std::string::npos) return {};
        const std::size_t size = std::strtoul(bytes.c_str() + at, nullptr, 16);
        at = line_end + 2;
        if (size == 0) break;
        if (at + size + 2 > bytes.size()) return {};
        response.body.append(bytes, at, size);
        at += size + 2;
      }
      const std::size_t end = bytes.compare(at, 2, "\r\n") == 0 ? at : bytes.find("\r\n\r\n", at);
      if (end == std::string::npos) return {};
      at = end == at ? at + 2 : end + 4;
    } else {
      const std::size_t size =
          length.empty() ? bytes.size() - at : std::strtoul(std::string(length).c_str(), nullptr, 10);
      if (at + size > bytes.size()) return {};
      response.body.assign(bytes, at, size);
      at += size;
    }
    response.text = bytes.substr(0, at);
    bytes.erase(0, at);
    return response;
  }
};

class TestService;

/// The client's end of one connection to a TestService, which outlives it.
class TestConnection {
 public:
  explicit TestConnection(TestService& service);

  /// Sends bytes, as they are, and lets the service work on them.
  void send(std::string_view bytes);
  /// The next response that has come. Status 0: none.
  TestResponse receive(bool head = false);
  /// send() and receive().
  TestResponse request(std::string_view bytes) {
    send(bytes);
    return receive(bytes.starts_with("HEAD "));
  }
  /// What has come and was not taken by receive().
  [[nodiscard]] const std::string& received();
  /// The server has closed its side.
  [[nodiscard]] bool ended() {
    static_cast<void>(received());
    return ended_;
  }
  /// The client goes away.
  void close(bool reset = false);
  [[nodiscard]] net::MemoryStream& stream() noexcept { return *stream_; }

 private:
  TestService& service_;
  std::unique_ptr<net::MemoryStream> stream_;
  std::string received_;
  bool ended_ = false;
};

/// See the top of the file. Routes, state and environment are set before the first connection. Connections come from
/// 192.0.2.1 unless Options says otherwise.
class TestService final : private server::Service {
 public:
  struct Options {
    server::Limits limits;
    net::SocketAddress client = net::SocketAddress::ip("192.0.2.1", 4711).value();
    bool real_time = false;  ///< The machine's clock instead of clock(): for benchmarks.
  };
  /// A client that was refused before there was a request.
  struct Refusal {
    Status status;
    std::string why;
  };

  explicit TestService(std::vector<Middleware> chain = {}) : TestService(std::move(chain), Options()) {}
  TestService(std::vector<Middleware> chain, Options options)
      : options_(options),
        loop_(EventLoop::Options{.clock = options.real_time ? &Clock::system() : &clock_}),
        worker_(loop_, options.limits, open_connections_),
        chain_(std::move(chain)) {
    environment_.state = &state_;
    fallback_.pattern = "NOT_FOUND";
    fallback_.chain = chain_;
    fallback_.handler = make_handler(
        [](Context& ctx) { return detail::error_response(ctx, Error(Errc::not_found, "there is no such route")); });
  }
  TestService(const TestService&) = delete;
  TestService& operator=(const TestService&) = delete;
  ~TestService() override {
    worker_.close_all();
    run();
  }

  /// Adds a route; the reference is good for setting its body_limit, timeout and so on.
  Endpoint& route(Method method, std::string pattern, std::unique_ptr<Handler> handler) {
    Endpoint& endpoint = endpoints_.emplace_back();
    endpoint.id = static_cast<std::uint32_t>(endpoints_.size());
    endpoint.method = method;
    endpoint.pattern = std::move(pattern);
    endpoint.chain = chain_;
    endpoint.handler = std::move(handler);
    return endpoint;
  }
  template <class F>
  Endpoint& get(std::string pattern, F&& function) {
    return route(Method::get, std::move(pattern), make_handler(std::forward<F>(function)));
  }
  template <class F>
  Endpoint& post(std::string pattern, F&& function) {
    return route(Method::post, std::move(pattern), make_handler(std::forward<F>(function)));
  }

  [[nodiscard]] StateMap& state() noexcept { return state_; }
  [[nodiscard]] ChainEnvironment& environment() noexcept { return environment_; }
  [[nodiscard]] ManualClock& clock() noexcept { return clock_; }
  [[nodiscard]] EventLoop& loop() noexcept { return loop_; }
  [[nodiscard]] server::Worker& worker() noexcept { return worker_; }

  /// Turns the loop until nothing is left to do.
  void run() {
    while (loop_.run_until_idle()) {
    }
  }
  /// Moves the clock, then run().
  void advance(Duration by) {
    clock_.advance(by);
    run();
  }
  /// One request on a connection of its own.
  TestResponse request(std::string_view bytes) {
    TestConnection connection(*this);
    return connection.request(bytes);
  }
  /// "GET path" with these fields.
  TestResponse get_path(std::string_view path,
                        std::initializer_list<std::pair<std::string_view, std::string_view>> fields = {}) {
    return request(request_text("GET", path, fields));
  }
  /// A request's bytes; Host is added, and Content-Length where there is a body.
  static std::string request_text(std::string_view method, std::string_view path,
                                  std::initializer_list<std::pair<std::string_view, std::string_view>> fields = {},
                                  std::string_view body = {}) {
    std::string text = std::string(method) + " " + std::string(path) + " HTTP/1.1\r\nHost: test\r\n";
    for (const auto& [name, value] : fields) text.append(name).append(": ").append(value).append("\r\n");
    if (!body.empty()) text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
    return text.append("\r\n").append(body);
  }

  /// How the exchanges ended, in their order; kept only while keep_outcomes is set (it is).
  std::vector<Outcome> outcomes;
  std::vector<Refusal> refusals;
  bool keep_outcomes = true;

 private:
  friend class TestConnection;

  std::unique_ptr<net::MemoryStream> connect() {
    if (router_ == nullptr) build();
    net::MemoryStreamPair pair =
        net::memory_stream_pair(loop_, {.client_address = options_.client, .server_address = local_});
    worker_.adopt(std::move(pair.server), *this, local_);
    return std::move(pair.client);
  }

  void build() {
    RouteTable table;
    std::vector<std::string> problems;
    for (std::size_t i = 0; i < endpoints_.size(); ++i) {
      const Endpoint& endpoint = endpoints_[i];
      RouteSpec spec;
      spec.method = endpoint.method;
      spec.pattern = endpoint.pattern;
      spec.endpoint = static_cast<std::uint32_t>(i);
      table.add(spec);
      const PatternInfo pattern = inspect_pattern(endpoint.pattern);
      RoutePlaceholders placeholders;
      for (std::size_t p = 0; p < pattern.count; ++p) placeholders.names.emplace_back(pattern.placeholders[p].name);
      placeholders.own = placeholders.names.size();
      endpoint.handler->bind(placeholders, state_, problems);
    }
    if (!problems.empty()) throw std::invalid_argument(problems.front());
    auto router = table.build();
    if (!router) throw std::invalid_argument(router.error().message());
    router_ = std::move(*router);
  }

  std::unique_ptr<server::ExchangeLocal> make_local(server::Exchange& exchange) override {
    return std::make_unique<Context>(exchange);
  }
  void on_request(server::Exchange& exchange) noexcept override {
    const http::Request& request = exchange.request();
    const RouteRequest wanted{request.method, request.method_text, request.authority, request.path};
    Context& ctx = context(exchange);
    const RouteMatch& match = ctx.match_route(*router_, wanted);
    const Endpoint& endpoint = match.outcome == RouteOutcome::found ? endpoints_[match.endpoint] : fallback_;
    ctx.run(environment_, endpoint);
  }
  void on_timeout(server::Exchange& exchange, bool receiving) noexcept override {
    context(exchange).timed_out(receiving);
  }
  void on_finish(server::Exchange& exchange, const Outcome& outcome) noexcept override {
    context(exchange).finished(outcome);
    if (keep_outcomes) outcomes.push_back(outcome);
  }
  void on_refused(const server::ConnectionInfo&, Status status, std::string_view why) noexcept override {
    refusals.push_back({status, std::string(why)});
  }
  static Context& context(server::Exchange& exchange) noexcept { return static_cast<Context&>(*exchange.local()); }

  Options options_;
  ManualClock clock_;
  EventLoop loop_;
  std::atomic<std::size_t> open_connections_{0};
  net::SocketAddress local_ = net::SocketAddress::loopback(80);
  StateMap state_;
  ChainEnvironment environment_;
  std::deque<Endpoint> endpoints_;
  Endpoint fallback_;
  std::shared_ptr<const Router> router_;
  server::Worker worker_;
  std::vector<Middleware> chain_;
};

inline TestConnection::TestConnection(TestService& service) : service_(service), stream_(service.connect()) {}

inline void TestConnection::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const net::IoResult written = stream_->write(bytes.data(), bytes.size());
    if (written.error()) return;  // The server has closed: what it said is to be read.
    bytes.remove_prefix(written.bytes);
    service_.run();
    if (written.would_block()) {
      const std::size_t before = received_.size();
      if (received().size() == before && stream_->write(bytes.data(), 0).error()) return;
      const net::IoResult again = stream_->write(bytes.data(), bytes.size());
      if (!again.ok()) return;  // It reads no more for now: the rest stays unsent.
      bytes.remove_prefix(again.bytes);
    }
  }
  service_.run();
}

inline const std::string& TestConnection::received() {
  char room[16384];
  for (;;) {
    service_.run();
    const net::IoResult got = stream_->read(room);
    if (got.ok() && got.bytes != 0) {
      received_.append(room, got.bytes);
      continue;
    }
    if (!got.would_block()) ended_ = true;
    return received_;
  }
}

inline TestResponse TestConnection::receive(bool head) {
  static_cast<void>(received());
  return TestResponse::take(received_, head);
}

inline void TestConnection::close(bool reset) {
  stream_->close(reset);
  service_.run();
}

}  // namespace weir
