// Cross-origin resource sharing (the Fetch standard, section 3.2).
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "weir/json/rules.hpp"
#include "weir/time/clock.hpp"
#include "weir/web/middleware.hpp"

namespace weir {

struct CorsOptions {
  /// Who may read the answers: "https://app.example", "https://app.example:8443", "https://*.example" (any host below
  /// it, not itself), or "*" for everybody.
  std::vector<std::string> origins;
  std::vector<std::string> methods = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"};
  /// Request fields that scripts may set, beside the harmless ones. "*": whatever they ask for.
  std::vector<std::string> headers = {"Content-Type", "Authorization"};
  /// Response fields that scripts may read, beside the harmless ones.
  std::vector<std::string> expose;
  /// Whether browsers may send cookies and other credentials along. Never together with origins = "*": every page on
  /// the web could then act as the user.
  bool credentials = false;
  Duration max_age = std::chrono::minutes(10);  ///< How long a browser may remember a preflight's answer.
  bool private_network = false;  ///< Pages on the public internet may reach this server in a private network.

  static constexpr auto rules = weir::rules<CorsOptions>(weir::all_optional(), weir::reject_unknown_fields());
};

/// Whether an origin ("https://app.example", as the browser wrote it) may read the answers. Called on every loop at
/// once.
using CorsOrigin = std::function<bool(std::string_view origin)>;

/// Answers preflights (204, without reaching a handler) and marks the answers to allowed origins. Requests of other
/// origins are served without those marks, so that browsers keep the answer from the page; this is no protection
/// against CSRF. Put it before middleware that refuses requests (jwt, rate_limit): preflights carry no credentials, and
/// a page should be able to read what a refusal says.
class Cors {
 public:
  static constexpr std::string_view name = "cors";

  /// Throws std::invalid_argument for combinations that browsers refuse or that open everything: "*" with credentials,
  /// something that is no origin, and so on.
  explicit Cors(CorsOptions options, CorsOrigin allow = {});

  std::optional<Response> before(Context& ctx) const;
  void after(Context& ctx, Response& response) const;

 private:
  struct Wildcard {
    std::string start;  ///< "https://"
    std::string end;    ///< ".example:8443"
  };
  void add_origin(const std::string& origin);
  [[nodiscard]] bool allows(std::string_view origin) const;
  [[nodiscard]] Response preflight(Context& ctx) const;
  void mark(http::Headers& headers, std::string_view origin) const;

  CorsOptions options_;
  CorsOrigin allow_;
  std::vector<std::string> origins_;
  std::vector<Wildcard> wildcards_;
  bool any_origin_ = false;
  bool any_header_ = false;
  // The values of fields, made once.
  std::string methods_;
  std::string headers_;
  std::string expose_;
  std::string max_age_;
};

[[nodiscard]] Cors cors(CorsOptions options);
/// Origins that `allow` accepts, beside those of the options.
[[nodiscard]] Cors cors(CorsOptions options, CorsOrigin allow);

}  // namespace weir
