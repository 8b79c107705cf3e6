// Response fields that take away what browsers would otherwise guess or allow.
#pragma once

#include <chrono>
#include <string>

#include "weir/web/middleware.hpp"

namespace weir {

/// Each text is the value of its field; empty: the field is not sent.
struct SecurityHeadersOptions {
  bool enabled = true;                           ///< Looked at by production_chain().
  std::string content_type_options = "nosniff";  ///< X-Content-Type-Options
  std::string frame_options = "SAMEORIGIN";      ///< X-Frame-Options
  std::string referrer_policy = "no-referrer";   ///< Referrer-Policy
  std::string content_security_policy;           ///< Off: an API's answers are not pages.
  std::chrono::seconds hsts_max_age{0};          ///< Strict-Transport-Security (RFC 6797), over https only. 0: off.
  bool hsts_include_subdomains = true;           ///< With hsts_max_age.
};

/// Adds the fields to every answer; one that the handler has set stays as it is. Throws std::invalid_argument when a
/// value cannot be sent.
[[nodiscard]] Middleware security_headers(const SecurityHeadersOptions& options = {});

}  // namespace weir
