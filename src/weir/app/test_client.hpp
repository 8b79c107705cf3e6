// A client inside the process: requests go through the real parser, router and chain, but no socket and no waiting.
#pragma once

#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "weir/http/method.hpp"
#include "weir/json/json.hpp"
#include "weir/time/clock.hpp"

namespace weir {

class App;
class TestWebSocket;

/// What a TestClient received. Owns everything.
struct ClientResponse {
  int status = 0;  ///< 0: the connection closed, or the time was over, before a whole response came.
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  std::vector<ClientResponse> interim;  ///< Interim responses (1xx) that came before it.

  /// The first field with this name, whatever its case; empty if there is none.
  [[nodiscard]] std::string_view header(std::string_view name) const noexcept;
  /// The body as JSON, with members that are read_only() and without those that are write_only().
  template <class T>
  [[nodiscard]] Result<T> json() const {
    json::ReadOptions options;
    options.accept_read_only = true;
    T value{};
    if (auto read = json::read(body, value, options); !read) return fail(std::move(read.error()));
    return value;
  }
};

struct ClientRequest {
  http::Method method = http::Method::get;
  std::string target = "/";
  std::vector<std::pair<std::string, std::string>> headers;
  std::string
      body;  ///< Content-Length is added, unless a header says otherwise; chunks are then the caller's to write.
};

/// Talks to an App that does not listen. Time stands still: advance() moves it, and with it every timer of the App's
/// requests (deadlines, sleeps, time-outs). One thread. The App outlives its clients; several clients are several
/// connections to loops of their own.
///
///   weir::TestClient client = app.test();
///   auto answer = client.post_json("/users", NewUser{"Ada", 36});
///   EXPECT_EQ(answer.status, 201);
class TestClient {
 public:
  explicit TestClient(App& app);
  ~TestClient();
  TestClient(TestClient&&) noexcept;
  TestClient& operator=(TestClient&&) noexcept;

  using Headers = std::vector<std::pair<std::string, std::string>>;
  ClientResponse get(std::string_view target, Headers headers = {});
  ClientResponse del(std::string_view target, Headers headers = {});
  ClientResponse head(std::string_view target, Headers headers = {});
  ClientResponse post(std::string_view target, std::string_view media_type, std::string_view body,
                      Headers headers = {});
  ClientResponse request(ClientRequest request);
  template <class T>
  ClientResponse post_json(std::string_view target, const T& value, Headers headers = {}) {
    return post(target, "application/json", json::to_string(value), std::move(headers));
  }
  template <class T>
  ClientResponse put_json(std::string_view target, const T& value, Headers headers = {}) {
    headers.emplace_back("Content-Type", "application/json");
    return request({http::Method::put, std::string(target), std::move(headers), json::to_string(value)});
  }
  template <class T>
  ClientResponse patch_json(std::string_view target, const T& value, Headers headers = {}) {
    headers.emplace_back("Content-Type", "application/json");
    return request({http::Method::patch, std::string(target), std::move(headers), json::to_string(value)});
  }

  /// Sends without waiting; receive() then has the answer, perhaps after advance().
  void send(ClientRequest request);
  /// The answer to the oldest request that was sent and not received. Waits (in real time, at most `limit`) for work in
  /// the blocking pool; timers do not run out by waiting.
  ClientResponse receive(Duration limit = std::chrono::seconds(10));
  /// What has come so far of an answer that is not complete: of a stream of events.
  [[nodiscard]] std::string received() const;
  /// Moves the clock, and runs what is due.
  void advance(Duration by);
  /// A WebSocket to the App, over a connection of its own on this client's loop and clock (test_websocket.hpp). The
  /// client must outlive it.
  [[nodiscard]] TestWebSocket websocket(std::string_view target, Headers headers = {});
  /// Closes the connection, as a client that goes away.
  void disconnect();

 private:
  friend class TestWebSocket;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace weir
