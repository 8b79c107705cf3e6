// Which endpoint answers a request: routes are collected in a RouteTable, which builds a Router, an immutable snapshot
// that any number of threads match against.
//
//   RouteTable table;
//   table.add({.method = http::Method::get, .pattern = "/users/{id:int}", .name = "user", .endpoint = 7});
//   std::shared_ptr<const Router> router = table.build().value();   // or every conflict and bad pattern at once
//   RouteMatch match = router->match({.method = http::Method::get, .path = "/users/42"}, arena);
//   match.endpoint;            // 7
//   match.params.find("id");   // "42"
//
// Precedence is decided segment by segment from the left: literal text, then placeholders with literal text around
// them (more text first), then by kind in the order of ParamKind, then in order of registration, then the tail. When
// the more precise branch leads nowhere, or has no route for the method, the next one is tried.
//
// Paths: matching is on percent-decoded segments, so "%2F" is a slash inside a segment. Duplicate slashes are not
// merged: "/a//b" has an empty segment in the middle, which only a tail accepts. "." and ".." have no meaning here; the
// server refuses such paths before, but a decoded tail may hold "../" that was sent as "..%2F": handlers that open
// files must look again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "weir/base/arena.hpp"
#include "weir/base/error.hpp"
#include "weir/http/method.hpp"
#include "weir/router/pattern.hpp"

namespace weir {

namespace router {
class Snapshot;    // the packed route tree: detail/snapshot.hpp
struct TableData;  // what add() collects: detail/table_data.hpp
}  // namespace router

/// One route as it is registered. RouteTable::add copies the texts.
struct RouteSpec {
  http::Method method = http::Method::get;
  std::string_view method_text;  ///< The name of the method, when it is Method::other.
  bool any_method = false;       ///< Answers every method that has no route of its own at the same pattern.
  /// Empty: any host. "api.example.com", or "{tenant}.example.com" for exactly one label, whose text becomes a
  /// parameter; "*.example.com" does not name it. Compared without regard to case; ports are ignored.
  std::string_view host;
  std::string_view pattern;
  std::string_view name;       ///< For url_for(); unique in the table. May be empty.
  std::uint32_t endpoint = 0;  ///< The caller's number: what match() gives back.
};

/// What happens to a path that matches only with the trailing slash added or taken away.
enum class TrailingSlash : std::uint8_t {
  strict,    ///< "/a" and "/a/" are two paths.
  redirect,  ///< 301 for GET and HEAD, else 308, which keeps method and body (Gin sends 307).
  ignore,    ///< "/a" and "/a/" are one path, in patterns also.
};

struct RouterOptions {
  TrailingSlash trailing_slash = TrailingSlash::redirect;
  bool automatic_head = true;     ///< A GET route answers HEAD.
  bool automatic_options = true;  ///< OPTIONS without a route of its own answers Allow.
  /// How many nodes of the tree one path may visit at worst. build() computes the bound for the table and refuses a
  /// table beyond it. Ordinary tables need less than a hundred.
  std::uint32_t max_steps = 4096;
  std::size_t max_regex_length = 512;  ///< Bytes of one regular expression.
  int max_regex_program = 2000;        ///< RE2 instructions of one regular expression.
};

/// The values of a matched route's placeholders, host placeholder first, then in the order of the pattern. Decoded.
/// Views of names live as long as the Router; views of values as long as the request's path and the arena.
class RouteParams {
 public:
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] std::string_view name(std::size_t i) const noexcept { return names_[i]; }
  [[nodiscard]] std::string_view value(std::size_t i) const noexcept { return {values_[i].data, values_[i].size}; }
  /// The value of the placeholder with this name.
  [[nodiscard]] std::optional<std::string_view> find(std::string_view wanted) const noexcept {
    for (std::size_t i = 0; i < size_; ++i) {
      if (names_[i] == wanted) return value(i);
    }
    return std::nullopt;
  }

 private:
  friend class router::Snapshot;
  struct Value {
    const char* data;
    std::size_t size;
  };
  const std::string_view* names_ = nullptr;
  std::size_t size_ = 0;
  Value values_[max_route_params];  // only the first size_ are set
};

enum class RouteOutcome : std::uint8_t {
  found,
  options,             ///< An OPTIONS request without a route: answer 204 with `allow`.
  not_found,           ///< 404
  method_not_allowed,  ///< 405 with `allow`
  redirect,            ///< `redirect_status` to `location`, to which the caller adds the query
  bad_path,            ///< 400: a malformed percent escape, or %00
};

struct RouteMatch {
  RouteOutcome outcome = RouteOutcome::not_found;
  bool head_from_get = false;  ///< A GET route answers a HEAD request.
  std::uint16_t redirect_status = 0;
  std::uint32_t endpoint = 0;  ///< Of the matched route. Set when found.
  std::string_view pattern;    ///< The matched route's pattern, for labels: "/users/{id:int}". Lives with the Router.
  std::string_view allow;      ///< "GET, HEAD, OPTIONS". Lives with the arena.
  std::string_view location;   ///< Lives with the path or the arena.
  RouteParams params;
};

/// What match() looks at. `path` is the raw path without the query; `host` the Host field or :authority, port and all.
struct RouteRequest {
  http::Method method = http::Method::get;
  std::string_view method_text;  ///< The method's name, when it is Method::other.
  std::string_view host;
  std::string_view path;
};

/// A name and a value for a reverse URL.
using UrlParam = std::pair<std::string_view, std::string_view>;

/// An immutable set of routes. Any thread may match; held by shared_ptr because every loop keeps the snapshot it works
/// with until its requests are done with it.
class Router {
 public:
  explicit Router(std::unique_ptr<const router::Snapshot> snapshot) noexcept;
  ~Router();
  Router(const Router&) = delete;
  Router& operator=(const Router&) = delete;

  /// Finds the endpoint. Allocates nothing but, where the path has escapes or the answer has an Allow or a Location,
  /// bytes in `arena`. Takes time bounded by worst_case_steps() and the length of the path. Views in the result live as
  /// long as the router, the request's texts and the arena's contents.
  [[nodiscard]] RouteMatch match(const RouteRequest& request, Arena& arena) const;

  /// The path of the named route, its placeholders replaced by `params` (percent-encoded; a tail keeps its slashes),
  /// and `query` behind it, encoded. Errors: not_found for an unknown name; invalid_argument naming the placeholder
  /// that is missing, unknown or breaks its constraint.
  [[nodiscard]] Result<std::string> url_for(std::string_view name, std::span<const UrlParam> params,
                                            std::span<const UrlParam> query = {}) const;
  [[nodiscard]] Result<std::string> url_for(std::string_view name, std::initializer_list<UrlParam> params = {},
                                            std::initializer_list<UrlParam> query = {}) const {
    return url_for(name, std::span(params.begin(), params.size()), std::span(query.begin(), query.size()));
  }

  /// How many routes there are.
  [[nodiscard]] std::size_t size() const noexcept;
  /// The most nodes of the tree that any path can visit: computed from the table, not measured.
  [[nodiscard]] std::uint32_t worst_case_steps() const noexcept;
  /// What was given to build(): the owner's endpoints, which live as long as the snapshot that refers to them.
  [[nodiscard]] const std::shared_ptr<const void>& attachment() const noexcept;

 private:
  std::unique_ptr<const router::Snapshot> snapshot_;
};

/// Collects routes. Cheap to fill; nothing is checked before build(). Not thread-safe.
class RouteTable {
 public:
  explicit RouteTable(RouterOptions options = {});
  ~RouteTable();
  RouteTable(RouteTable&&) noexcept;
  RouteTable& operator=(RouteTable&&) noexcept;

  [[nodiscard]] RouteTable clone() const;

  void add(const RouteSpec& route);
  /// Takes out the route with this method, host and pattern, as they were written; false when there is none. Takes time
  /// linear in the number of routes.
  bool remove(const RouteSpec& route);
  [[nodiscard]] std::size_t size() const noexcept;
  void reserve(std::size_t routes, std::size_t text_bytes);

  /// The snapshot, or one error (failed_precondition) that lists every bad pattern and every pair of routes that
  /// conflict, also as fields(): `field` is the pattern, `rule` "pattern", "host", "conflict", "name" or "limit".
  ///
  /// Two routes conflict when they have the same method and host and patterns that accept the same paths: the same
  /// literal text and the same kinds of placeholders at the same places; the names of placeholders do not matter. Two
  /// different regular expressions at one place do not conflict: they are tried in order of registration.
  [[nodiscard]] Result<std::shared_ptr<const Router>> build(std::shared_ptr<const void> attachment = {}) const&;
  /// The same, without a copy of the routes' texts; the table is empty afterwards.
  [[nodiscard]] Result<std::shared_ptr<const Router>> build(std::shared_ptr<const void> attachment = {}) &&;

 private:
  std::unique_ptr<router::TableData> data_;
};

}  // namespace weir
