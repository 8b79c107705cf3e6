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
    AccessEntry entry;
    entry.when = ctx.wall();
    entry.method = request.method_text;
    entry.path = request.path;
    entry.query = request.query;
    entry.route = ctx.route();
    entry.host = request.authority;
    entry.peer = ctx.client_ip();
    if (user_agent_) entry.user_agent = ctx.header(HeaderId::user_agent);
    entry.protocol = http::to_string(request.version);
    entry.request_id = ctx.request_id();
    entry.trace = &ctx.trace();
    entry.error = error_of(ctx, outcome);
    entry.status = code;
    entry.duration = middleware::measured_duration(ctx);
    entry.bytes_in = outcome.bytes_in;
    entry.bytes_out = outcome.bytes_out;
    log_.write(entry);
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
