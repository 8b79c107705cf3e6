// From registered routes to a snapshot that serves.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "weir/app/application.hpp"
#include "weir/app/route.hpp"
#include "weir/base/error.hpp"

namespace weir {

/// Collects routes, and builds snapshots of all of them. Endpoints are made once and shared by the snapshots.
class RouteBuilder {
 public:
  Route& add(http::Method method, std::string pattern, std::unique_ptr<Handler> handler,
             std::shared_ptr<const GroupScope> group);
  /// The same for one of the library's own, such as a health endpoint: whoever registers the path, too, is told so.
  Route& add_own(http::Method method, std::string pattern, std::unique_ptr<Handler> handler);
  /// False when there is no such route.
  bool remove(http::Method method, std::string_view pattern, std::string_view host);
  /// Whether routes were added that are not part of a snapshot yet.
  [[nodiscard]] bool has_new() const noexcept { return !new_routes_.empty(); }
  /// Forgets them.
  void discard_new();

  /// Endpoints of the new routes with their chains (`outer` around all), and a snapshot with all routes. The error
  /// lists everything that is wrong: patterns, conflicts, placeholders, missing state.
  [[nodiscard]] Result<std::shared_ptr<const RouteSnapshot>> build(const std::vector<Middleware>& outer,
                                                                   const StateMap& state, const RouterOptions& options);

  /// The built endpoints, in order of registration.
  [[nodiscard]] const std::vector<std::shared_ptr<const Endpoint>>& endpoints() const noexcept { return endpoints_; }

 private:
  [[nodiscard]] std::shared_ptr<const Endpoint> make_endpoint(Route& route, const std::vector<Middleware>& outer,
                                                              const StateMap& state,
                                                              std::vector<std::string>& problems);
  /// What stands behind the errors of the router about routes that the program does not know of.
  [[nodiscard]] std::string notes_about_own(const std::vector<FieldError>& conflicts) const;
  std::deque<Route> new_routes_;
  std::vector<std::string> own_patterns_;
  std::vector<std::shared_ptr<const Endpoint>> endpoints_;
};

}  // namespace weir
