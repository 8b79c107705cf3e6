#include "weir/middleware/access_log.hpp"

#include <algorithm>

#include "weir/middleware/detail/measured.hpp"
#include "weir/web/context.hpp"

namespace weir {

namespace {

class RequestLog {
 public:
  static constexpr std::string_view name = "access_log";

  RequestLog(Log& log, const RequestLogOptions& options)
      : log_(log, options.fields), quiet_(options.quiet_routes), user_agent_(options.fields.user_agent) {}

  void finish(Context& ctx, const Outcome& outcome) const {
    const Status status = outcome.status == Status{} ? Status::client_closed_request : outcome.status;
    const auto code = static_cast<int>(http::to_code(status));
    if (!log_.enabled(code)) return;
    if (code < 400 && !quiet_.empty() && std::ranges::find(quiet_, ctx.route()) != quiet_.end()) return;
    const http::Request& request = ctx.request();
    // Made in one piece: an empty entry to be filled would first be cleared, all 200 bytes of it.
    log_.write({.when = ctx.wall(),
                .method = request.method_text,
                .path = request.path,
                .query = request.query,
                .route = ctx.route(),
                .host = request.authority,
                .peer = ctx.client_ip(),
                .user_agent = user_agent_ ? ctx.header(HeaderId::user_agent) : std::string_view{},
                .protocol = http::to_string(request.version),
                .request_id = ctx.request_id(),
                .trace = &ctx.trace(),
                .error = error_of(ctx, outcome),
                .status = code,
                .duration = middleware::measured_duration(ctx),
                .bytes_in = outcome.bytes_in,
                .bytes_out = outcome.bytes_out});
  }

 private:
  static std::string_view error_of(Context& ctx, const Outcome& outcome) noexcept {
    const StopReason reason = ctx.stop_token().reason();
    if (reason == StopReason::deadline) return "deadline";
    // A client that has only closed its sending side still gets its answer whole.
    if (outcome.complete) return {};
    switch (reason) {
      case StopReason::gone:
        return "client_gone";
      case StopReason::shutdown:
        return "shutdown";
      default:
        return "aborted";
    }
  }

  AccessLog log_;
  std::vector<std::string> quiet_;
  bool user_agent_;
};

}  // namespace

Middleware access_log(Log& log, const RequestLogOptions& options) {
  return RequestLog(log, options);
}

}  // namespace weir
