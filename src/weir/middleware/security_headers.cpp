#include "weir/middleware/security_headers.hpp"

#include <stdexcept>
#include <string_view>

#include "weir/http/headers.hpp"
#include "weir/web/context.hpp"

namespace weir {

namespace {

/// A list that is ready to be copied behind a response's own fields.
struct Prepared {
  http::Headers headers;
  http::HeaderSet names;

  void add(HeaderId id, const std::string& value) {
    if (value.empty()) return;
    if (!headers.add(id, value)) {
      throw std::invalid_argument("security_headers: \"" + value + "\" cannot be the value of a header field");
    }
    names.insert(id);
  }

  void write_to(http::Headers& to) const {
    if (!to.has_any(names)) [[likely]]
      return to.append(headers);
    for (const http::HeaderField field : headers) to.set_default(field.id, field.value);
  }
};

class SecurityHeaders {
 public:
  static constexpr std::string_view name = "security_headers";

  explicit SecurityHeaders(const SecurityHeadersOptions& options) {
    for (Prepared* list : {&plain_, &secure_}) {
      list->add(HeaderId::x_content_type_options, options.content_type_options);
      list->add(HeaderId::x_frame_options, options.frame_options);
      list->add(HeaderId::referrer_policy, options.referrer_policy);
      list->add(HeaderId::content_security_policy, options.content_security_policy);
    }
    if (options.hsts_max_age.count() > 0) {
      secure_.add(HeaderId::strict_transport_security,
                  "max-age=" + std::to_string(options.hsts_max_age.count()) +
                      (options.hsts_include_subdomains ? "; includeSubDomains" : ""));
    }
  }

  void after(Context& ctx, Response& response) const {
    (ctx.request().scheme == "https" ? secure_ : plain_).write_to(response.headers);
  }

 private:
  Prepared plain_;
  Prepared secure_;
};

}  // namespace

Middleware security_headers(const SecurityHeadersOptions& options) {
  return SecurityHeaders(options);
}

}  // namespace weir
