// A route between its registration and the start of the application.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "weir/json/describe.hpp"
#include "weir/web/endpoint.hpp"
#include "weir/web/extract.hpp"
#include "weir/web/respond.hpp"
#include "weir/web/route_pattern.hpp"
#include "weir/web/websocket_handler.hpp"

namespace weir {

/// What a group adds to its routes.
struct GroupScope {
  std::string prefix;
  std::string host;
  std::vector<Middleware> middleware;
  std::vector<std::string> tags;
  std::shared_ptr<const GroupScope> parent;  // shared: groups are handles that may go before their routes are built
};

/// One registered route; its options are set by chaining: `app.get(…).name("user").summary("One user").timeout(2s)`.
/// Owned by the App; the reference is valid until the App runs.
class Route {
 public:
  Route(http::Method method, std::string pattern, std::unique_ptr<Handler> handler,
        std::shared_ptr<const GroupScope> group);

  /// For reverse URLs (App::url_for). Unique.
  Route& name(std::string name) { return name_ = std::move(name), *this; }
  /// Only for this host: "api.example.com", or "{tenant}.example.com", whose label becomes a parameter
  /// (for handlers that take it as Path, give it to a group: the compiler compares a route's own pattern only).
  Route& host(std::string host) { return host_ = std::move(host), *this; }
  /// Middleware of this route, inside that of its groups and the application.
  Route& use(Middleware middleware) { return middleware_.push_back(std::move(middleware)), *this; }
  /// Instead of Limits::body_bytes; 0: no limit.
  Route& body_limit(std::uint64_t bytes) { return body_limit_ = bytes, *this; }
  /// Instead of Limits::request_timeout, and from the end of the head whatever the body takes; 0: none.
  Route& timeout(Duration timeout) { return timeout_ = timeout, *this; }

  /// For App::websocket(): the route's answer is 101.
  Route& switches_protocols();

  // The API's description.
  Route& summary(std::string text) { return doc_.summary = std::move(text), *this; }
  Route& description(std::string text) { return doc_.description = std::move(text), *this; }
  Route& operation_id(std::string id) { return doc_.operation_id = std::move(id), *this; }
  Route& tag(std::string tag) { return doc_.tags.push_back(std::move(tag)), *this; }
  Route& deprecated() { return doc_.deprecated = true, *this; }
  /// Leaves the route out of the document.
  Route& hidden() { return doc_.hidden = true, *this; }
  /// The parts of the body of a Multipart or MultipartForm, which its type does not tell: the text fields are the
  /// members of T (MultipartForm::bind<T>()), and files are one each, or any number of one name.
  template <class T>
  Route& form_fields() {
    static_assert(std::is_aggregate_v<T>, "form_fields<T>(): T is the struct that MultipartForm::bind<T>() makes");
    detail::describe_form_fields(doc_, json::type_info<T>());
    return *this;
  }
  Route& form_file(std::string name, std::string description = {});
  Route& form_files(std::string name, std::string description = {});
  /// A further answer: a problem, or below 400 one without content; with T a JSON value.
  Route& responds(http::Status status, std::string description = {});
  template <class T>
  Route& responds(http::Status status, std::string description = {}) {
    detail::describe_json(doc_, status, json::type_info<T>());
    doc_.response(status).description = std::move(description);
    return *this;
  }
  /// One whose content is of another type: responds_as(Status::ok, "image/png").
  Route& responds_as(http::Status status, std::string media_type, std::string description = {});
  /// A field of the answer with this status: response_header(Status::ok, "ETag", "The version").
  Route& response_header(http::Status status, std::string_view name, std::string_view description = {});

 private:
  friend class RouteBuilder;
  http::Method method_;
  std::string pattern_;
  std::string name_;
  std::string host_;
  std::unique_ptr<Handler> handler_;
  std::shared_ptr<const GroupScope> group_;
  std::vector<Middleware> middleware_;
  std::optional<std::uint64_t> body_limit_;
  std::optional<Duration> timeout_;
  bool upgrades_ = false;
  OperationDoc doc_;
};

/// The verbs, for App and Group.
template <class Self, bool Whole>
class Routes {
 public:
  template <class F>
  using Pattern = RoutePattern<std::decay_t<F>, Whole>;

  template <class F>
  Route& get(std::type_identity_t<Pattern<F>> pattern, F&& handler) {
    return add(http::Method::get, pattern.text(), std::forward<F>(handler));
  }
  template <class F>
  Route& post(std::type_identity_t<Pattern<F>> pattern, F&& handler) {
    return add(http::Method::post, pattern.text(), std::forward<F>(handler));
  }
  template <class F>
  Route& put(std::type_identity_t<Pattern<F>> pattern, F&& handler) {
    return add(http::Method::put, pattern.text(), std::forward<F>(handler));
  }
  template <class F>
  Route& patch(std::type_identity_t<Pattern<F>> pattern, F&& handler) {
    return add(http::Method::patch, pattern.text(), std::forward<F>(handler));
  }
  template <class F>
  Route& del(std::type_identity_t<Pattern<F>> pattern, F&& handler) {
    return add(http::Method::del, pattern.text(), std::forward<F>(handler));
  }
  template <class F>
  Route& head(std::type_identity_t<Pattern<F>> pattern, F&& handler) {
    return add(http::Method::head, pattern.text(), std::forward<F>(handler));
  }
  template <class F>
  Route& options(std::type_identity_t<Pattern<F>> pattern, F&& handler) {
    return add(http::Method::options, pattern.text(), std::forward<F>(handler));
  }
  /// A WebSocket: `handler` is a coroutine Task<void>(WebSocket&, …) that runs as long as the connection (see
  /// websocket.hpp). The route's middleware sees the handshake, a GET that is answered with 101; other requests are
  /// answered with 426.
  template <class F>
  Route& websocket(std::type_identity_t<Pattern<detail::WebSocketStarter<std::decay_t<F>>>> pattern, F&& handler,
                   WebSocketOptions options = {}) {
    Route& route = static_cast<Self*>(this)->add_route(
        http::Method::get, pattern.text(),
        make_websocket_handler(std::forward<F>(handler), std::move(options), pattern.text()));
    return route.switches_protocols();
  }
  /// Any standard method.
  template <class F>
  Route& route(http::Method method, std::type_identity_t<Pattern<F>> pattern, F&& handler) {
    return add(method, pattern.text(), std::forward<F>(handler));
  }

 private:
  template <class F>
  Route& add(http::Method method, std::string_view pattern, F&& handler) {
    return static_cast<Self*>(this)->add_route(method, pattern, make_handler(std::forward<F>(handler)));
  }
};

}  // namespace weir
