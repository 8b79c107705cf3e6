#include "weir/middleware/cors.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "weir/middleware/detail/vary.hpp"
#include "weir/web/context.hpp"

namespace weir {
namespace {

[[noreturn]] void refuse(const std::string& what) {
  throw std::invalid_argument("cors: " + what);
}

bool contains(const std::vector<std::string>& list, std::string_view text) {
  return std::ranges::find(list, text) != list.end();
}

std::string joined(const std::vector<std::string>& list) {
  std::string all;
  for (const std::string& element : list) {
    if (!http::is_token(element)) refuse("\"" + element + "\" is no name of a method or field");
    all += (all.empty() ? "" : ", ") + element;
  }
  return all;
}

/// "https" in "https://host:port", where that is a serialised origin (RFC 6454 section 6.2): nothing behind the port.
std::string_view scheme_of(std::string_view origin) {
  const std::size_t colon = origin.find("://");
  if (colon == std::string_view::npos || colon == 0) return {};
  const std::string_view rest = origin.substr(colon + 3);
  const bool good = !rest.empty() && std::ranges::all_of(rest, [](char c) {
    return c > 0x20 && c < 0x7f && std::string_view("/?#@\\\"<>{}|^`").find(c) == std::string_view::npos;
  });
  return good ? origin.substr(0, colon) : std::string_view();
}

/// Browsers write schemes and hosts in lower case, and leave out the scheme's own port.
std::string normalised(std::string origin) {
  std::ranges::transform(origin, origin.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  if (origin.starts_with("https://") && origin.ends_with(":443")) origin.resize(origin.size() - 4);
  if (origin.starts_with("http://") && origin.ends_with(":80")) origin.resize(origin.size() - 3);
  return origin;
}

}  // namespace

Cors::Cors(CorsOptions options, CorsOrigin allow) : options_(std::move(options)), allow_(std::move(allow)) {
  any_origin_ = contains(options_.origins, "*");
  any_header_ = contains(options_.headers, "*");
  if (options_.origins.empty() && !allow_) refuse("name the origins that may read the answers, or \"*\" for all");
  if (any_origin_ && (options_.origins.size() != 1 || allow_)) refuse("\"*\" among other origins: it allows all");
  if (any_origin_ && options_.credentials) {
    refuse("origins = \"*\" with credentials would let every page on the web act as the user; name the origins");
  }
  if (options_.credentials && (contains(options_.methods, "*") || contains(options_.expose, "*"))) {
    refuse("with credentials browsers take \"*\" in methods and expose for a name; list them");
  }
  if (any_header_ && options_.headers.size() != 1) refuse("\"*\" among other headers: it allows all");
  if (options_.max_age < Duration::zero()) refuse("max_age must not be negative");
  if (!any_origin_) std::ranges::for_each(options_.origins, [this](const std::string& origin) { add_origin(origin); });
  methods_ = joined(options_.methods);
  headers_ = any_header_ ? std::string() : joined(options_.headers);
  expose_ = joined(options_.expose);
  max_age_ = std::to_string(std::chrono::duration_cast<std::chrono::seconds>(options_.max_age).count());
}

void Cors::add_origin(const std::string& origin) {
  if (origin == "null") {
    // What sandboxed frames and files send: anybody can be "null".
    if (options_.credentials) refuse("the origin \"null\" with credentials would let every page act as the user");
    origins_.emplace_back("null");
    return;
  }
  std::string text = normalised(origin);
  const std::string_view scheme = scheme_of(text);
  if (scheme.empty()) {
    refuse("\"" + origin + "\" is no origin; write https://host or https://host:port, without a path");
  }
  const std::size_t star = text.find('*');
  if (star == std::string::npos) {
    origins_.push_back(std::move(text));
    return;
  }
  // "https://*.example": the host's first label, whole; behind it at least one more name.
  if (star != scheme.size() + 3 || text.size() < star + 3 || text[star + 1] != '.' ||
      text.find('*', star + 1) != std::string::npos || text[star + 2] == '.') {
    refuse("\"" + origin + "\": a * stands for the names before a domain, as in https://*.example.com");
  }
  wildcards_.push_back({text.substr(0, star), text.substr(star + 1)});
}

bool Cors::allows(std::string_view origin) const {
  if (any_origin_ || std::ranges::find(origins_, origin) != origins_.end()) return true;
  for (const Wildcard& wildcard : wildcards_) {
    if (origin.size() <= wildcard.start.size() + wildcard.end.size()) continue;
    if (!origin.starts_with(wildcard.start) || !origin.ends_with(wildcard.end)) continue;
    const std::string_view names =
        origin.substr(wildcard.start.size(), origin.size() - wildcard.start.size() - wildcard.end.size());
    const bool good = names.front() != '.' && std::ranges::all_of(names, [](char c) {
                        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
                      });
    if (good) return true;
  }
  return allow_ && allow_(origin);
}

void Cors::mark(http::Headers& headers, std::string_view origin) const {
  headers.add(HeaderId::access_control_allow_origin, any_origin_ ? std::string_view("*") : origin);
  if (options_.credentials) headers.add(HeaderId::access_control_allow_credentials, "true");
}

Response Cors::preflight(Context& ctx) const {
  const http::HeaderView& request = ctx.request().headers;
  const std::string_view origin = request.get(HeaderId::origin);
  Response response(Status::no_content);
  http::Headers& headers = response.headers;
  headers.add(HeaderId::vary, "Origin, Access-Control-Request-Method, Access-Control-Request-Headers");
  if (!allows(origin)) return response;  // Without the marks the browser says no to the page.
  mark(headers, origin);
  if (!methods_.empty()) headers.add(HeaderId::access_control_allow_methods, methods_);
  const std::string_view asked = request.get(HeaderId::access_control_request_headers);
  if (any_header_) {
    if (!asked.empty()) headers.add(HeaderId::access_control_allow_headers, asked);
  } else if (!headers_.empty()) {
    headers.add(HeaderId::access_control_allow_headers, headers_);
  }
  headers.add(HeaderId::access_control_max_age, max_age_);
  if (options_.private_network && request.get(HeaderId::access_control_request_private_network) == "true") {
    headers.add("Access-Control-Allow-Private-Network", "true");
  }
  return response;
}

std::optional<Response> Cors::before(Context& ctx) const {
  if (ctx.method() != Method::options) return std::nullopt;
  const http::HeaderView& headers = ctx.request().headers;
  if (!headers.has(HeaderId::origin) || !headers.has(HeaderId::access_control_request_method)) return std::nullopt;
  return preflight(ctx);
}

void Cors::after(Context& ctx, Response& response) const {
  // What depends on the origin must not be given to another by a cache, also when this request had none.
  if (!any_origin_) middleware::add_vary(response.headers, "Origin");
  const http::HeaderField* origin = ctx.request().headers.find(HeaderId::origin);
  if (origin == nullptr || response.headers.has(HeaderId::access_control_allow_origin)) return;
  if (!allows(origin->value)) return;
  mark(response.headers, origin->value);
  if (!expose_.empty()) response.headers.add(HeaderId::access_control_expose_headers, expose_);
}

Cors cors(CorsOptions options) {
  return Cors(std::move(options));
}
Cors cors(CorsOptions options, CorsOrigin allow) {
  return Cors(std::move(options), std::move(allow));
}

}  // namespace weir
