#include "weir/middleware/trace_context.hpp"

#include <cstring>
#include <optional>

#include "weir/telemetry/trace.hpp"
#include "weir/web/context.hpp"

namespace weir {

namespace {

/// All lines of the list as one (RFC 9110 section 5.3).
std::string_view joined(const http::HeaderView& headers, HeaderId id, Arena& arena) {
  if (headers.count(id) == 1) return headers.get(id);
  std::size_t size = 0;
  headers.each(id, [&](std::string_view line) { size += line.size() + 1; });
  char* const text = static_cast<char*>(arena.bump(size, 1));
  char* to = text;
  headers.each(id, [&](std::string_view line) {
    if (to != text) *to++ = ',';
    if (!line.empty()) std::memcpy(to, line.data(), line.size());
    to += line.size();
  });
  return {text, static_cast<std::size_t>(to - text)};
}

class Tracing {
 public:
  static constexpr std::string_view name = "trace_context";

  explicit Tracing(const TraceContextOptions& options) : options_(options) {}

  void before(Context& ctx) const {
    const http::HeaderView& headers = ctx.request().headers;
    if (options_.accept_incoming && headers.has(HeaderId::traceparent)) {
      // Two of them are as good as none (§3.2: the field is sent once).
      const std::optional<TraceContext> caller = headers.count(HeaderId::traceparent) == 1
                                                     ? parse_traceparent(headers.get(HeaderId::traceparent))
                                                     : std::nullopt;
      if (caller) {
        ctx.set_trace(caller->child());
        if (headers.has(HeaderId::tracestate)) keep_state(ctx);
        return;
      }
    }
    ctx.set_trace(root());
  }

  void after(Context& ctx, Response& response) const {
    if (!options_.respond) return;
    char text[TraceContext::traceparent_size];
    format_traceparent(ctx.trace(), text);
    response.headers.set("traceresponse", {text, sizeof text});
  }

 private:
  [[nodiscard]] TraceContext root() const noexcept {
    if (options_.sample_ratio >= 1) return TraceContext::root(true);
    TraceContext trace = TraceContext::root(false);
    if (sample_ratio(trace.trace_id, options_.sample_ratio)) trace.flags |= TraceContext::sampled_flag;
    return trace;
  }
  static void keep_state(Context& ctx) {
    const std::string_view state = joined(ctx.request().headers, HeaderId::tracestate, ctx.arena());
    if (valid_tracestate(state)) ctx.set(TraceState{state});
  }

  TraceContextOptions options_;
};

}  // namespace

Middleware trace_context(const TraceContextOptions& options) {
  return Tracing(options);
}

}  // namespace weir
