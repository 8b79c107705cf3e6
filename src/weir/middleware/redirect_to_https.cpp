#include "weir/middleware/redirect_to_https.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "weir/http/headers.hpp"
#include "weir/http/problem.hpp"
#include "weir/web/context.hpp"
#include "weir/web/response.hpp"

namespace weir {

namespace {

/// An authority without its port.
std::string_view host_of(std::string_view authority) noexcept {
  if (authority.starts_with('[')) return authority.substr(0, authority.find(']') + 1);
  return authority.substr(0, authority.find(':'));
}

}  // namespace

RedirectToHttps::RedirectToHttps(RedirectToHttpsOptions options) : options_(std::move(options)) {
  if (options_.status != 301 && options_.status != 308) {
    throw std::invalid_argument("redirect_to_https: the status is 301 or 308");
  }
  if (options_.port == 0) throw std::invalid_argument("redirect_to_https: there is no port 0");
}

bool RedirectToHttps::is_exempt(std::string_view path) const noexcept {
  return std::ranges::any_of(options_.exempt, [path](const std::string& entry) {
    return path == entry || (entry.ends_with('/') && path.starts_with(entry));
  });
}

bool RedirectToHttps::covers(std::string_view host) const noexcept {
  if (options_.hosts.empty()) return true;
  if (host.ends_with('.')) host.remove_suffix(1);  // The same name, written to its root.
  return std::ranges::any_of(options_.hosts, [host](std::string_view wanted) {
    if (!wanted.starts_with("*.")) return http::equals_ignoring_case(wanted, host);
    wanted.remove_prefix(1);
    return host.size() > wanted.size() && http::equals_ignoring_case(host.substr(host.size() - wanted.size()), wanted);
  });
}

std::optional<Response> RedirectToHttps::before(Context& ctx) const {
  const http::Request& request = ctx.request();
  if (request.scheme == "https" || is_exempt(request.path)) return std::nullopt;
  const std::string_view host = host_of(request.authority);
  if (!covers(host)) return std::nullopt;
  if (host.empty() || !request.path.starts_with('/')) {
    http::Problem problem;
    problem.status = Status::bad_request;
    problem.detail = "this server speaks HTTPS only";
    return http::to_response(problem);
  }
  std::string location = "https://";
  location += host;
  if (options_.port != 443) location += ":" + std::to_string(options_.port);
  location += request.path;
  if (request.has_query) {
    location += '?';
    location += request.query;
  }
  return redirect(location, static_cast<Status>(options_.status));
}

Middleware redirect_to_https(RedirectToHttpsOptions options) {
  return RedirectToHttps(std::move(options));
}

}  // namespace weir
