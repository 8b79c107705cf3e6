#include "weir/middleware/request_id.hpp"

#include <stdexcept>
#include <string_view>

#include "weir/http/headers.hpp"
#include "weir/telemetry/trace.hpp"
#include "weir/web/context.hpp"

namespace weir {

namespace {

class RequestIds {
 public:
  static constexpr std::string_view name = "request_id";

  explicit RequestIds(const RequestIdOptions& options) : options_(options), header_(http::header_id(options.header)) {
    if (!http::is_token(options.header)) {
      throw std::invalid_argument("request_id: \"" + options.header + "\" is not the name of a header field");
    }
  }

  void before(Context& ctx) const {
    if (options_.accept_incoming) {
      const std::string_view sent = header_ == HeaderId::other ? ctx.header(options_.header) : ctx.header(header_);
      // What is valid holds no character that could break out of a header or a log line.
      if (!sent.empty() && valid_request_id(sent)) return ctx.set_request_id(sent);
    }
    ctx.set_request_id(ctx.arena().make<RequestId>(new_request_id())->view());
  }

  void after(Context& ctx, Response& response) const {
    if (!options_.echo) return;
    if (header_ == HeaderId::other) {
      response.headers.set(options_.header, ctx.request_id());
    } else {
      response.headers.set_static(header_, ctx.request_id());
    }
  }

 private:
  RequestIdOptions options_;
  HeaderId header_;
};

}  // namespace

Middleware request_id(const RequestIdOptions& options) {
  return RequestIds(options);
}

}  // namespace weir
