// Plain HTTP is answered with the same URL over HTTPS.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "weir/web/middleware.hpp"

namespace weir {

struct RedirectToHttpsOptions {
  /// 308 keeps method and body; 301 turns many clients' POST into GET.
  int status = 308;
  std::uint16_t port = 443;  ///< Of the HTTPS listener as clients see it.
  /// Only for these hosts ("example.com", "*.example.com": any name below it). Empty: all.
  std::vector<std::string> hosts;
  /// Paths that are answered in plain text too: load balancers ask without TLS. One that ends in '/' is for all below.
  std::vector<std::string> exempt = {"/healthz", "/health/", "/.well-known/acme-challenge/"};
};

/// Redirects requests whose scheme is http: that came without TLS, unless a trusted proxy says that its client used it
/// (AppOptions::trusted_proxies). Put it first: nothing else should see what comes in plain text. A request without a
/// host cannot be redirected and gets 400.
class RedirectToHttps {
 public:
  static constexpr std::string_view name = "redirect_to_https";

  /// Throws std::invalid_argument for another status than 301 and 308, and for port 0.
  explicit RedirectToHttps(RedirectToHttpsOptions options);
  std::optional<Response> before(Context& ctx) const;

 private:
  [[nodiscard]] bool is_exempt(std::string_view path) const noexcept;
  [[nodiscard]] bool covers(std::string_view host) const noexcept;

  RedirectToHttpsOptions options_;
};

[[nodiscard]] Middleware redirect_to_https(RedirectToHttpsOptions options = {});

}  // namespace weir
