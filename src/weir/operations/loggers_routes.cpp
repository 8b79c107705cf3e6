// /actuator/loggers: levels at run time, as Spring Boot has it.
#include <algorithm>
#include <cctype>
#include <optional>
#include <string>
#include <string_view>

#include "weir/http/header_id.hpp"
#include "weir/json/json.hpp"
#include "weir/net/address.hpp"
#include "weir/operations/detail/json_answer.hpp"
#include "weir/operations/detail/routes.hpp"
#include "weir/web/params.hpp"

namespace weir::operations {

/// The body of a POST.
struct LoggerLevel {
  std::optional<std::string> configured_level;

  static constexpr auto rules = weir::rules<LoggerLevel>(
      weir::field<&LoggerLevel::configured_level>().describe("OFF, ERROR, WARN, INFO, DEBUG or TRACE; null: none"),
      weir::rename_all(weir::naming::camel_case),
      weir::reject_unknown_fields());  // A name that is wrong would take the level back.
};

namespace {

void append_level(Buffer& out, LogLevel level) {
  out.push_back('"');
  for (const char c : to_string(level)) out.push_back(static_cast<char>(std::toupper(static_cast<unsigned char>(c))));
  out.push_back('"');
}

void append_logger(Buffer& out, const LoggerInfo& logger) {
  out.push_back('{');
  if (logger.configured) {
    out.append(R"("configuredLevel":)");
    append_level(out, *logger.configured);
    out.push_back(',');
  }
  out.append(R"("effectiveLevel":)");
  append_level(out, logger.effective);
  out.push_back('}');
}

Response list(const Log& log) {
  Buffer text;
  text.append(R"({"levels":["OFF","ERROR","WARN","INFO","DEBUG","TRACE"],"loggers":{)");
  bool first = true;
  for (const LoggerInfo& logger : log.loggers()) {
    if (!first) text.push_back(',');
    first = false;
    json::escape(text, logger.name);
    text.push_back(':');
    append_logger(text, logger);
  }
  text.append("}}");
  return json_answer(Status::ok, std::move(text));
}

Response show(const Log& log, Context& ctx) {
  const std::string_view name = ctx.param("name").value_or("");
  const std::vector<LoggerInfo> loggers = log.loggers();
  const auto at = std::ranges::find(loggers, name, &LoggerInfo::name);
  if (at == loggers.end()) return detail::error_response(ctx, Error(Errc::not_found, "there is no such logger"));
  Buffer text;
  append_logger(text, *at);
  return json_answer(Status::ok, std::move(text));
}

/// Whether the client is on this machine, or in this process.
bool is_local(const net::SocketAddress* peer) noexcept {
  if (peer == nullptr || !peer->is_ip()) return true;
  net::SocketAddress::IpText room;
  const std::string_view ip = peer->ip_text(room);
  return ip == "::1" || ip.starts_with("127.");
}

bool may_change(const OperationsContext& operations, Context& ctx) {
  if (operations.options.authorized) return operations.options.authorized(ctx);
  if (operations.options.remote_changes) return true;
  const http::HeaderSet proxied = http::HeaderSet::of(HeaderId::forwarded, HeaderId::x_forwarded_for);
  return is_local(ctx.connection().peer) && !ctx.request().headers.has_any(proxied);
}

Result<void> configure(Log& log, std::string_view name, const LoggerLevel& wanted) {
  std::optional<LogLevel> level;
  if (wanted.configured_level) {
    level = parse_log_level(*wanted.configured_level);
    if (!level) {
      return fail(Errc::invalid_argument,
                  "\"" + *wanted.configured_level + "\" is no level: OFF, ERROR, WARN, INFO, DEBUG and TRACE are");
    }
  }
  if (!log.set_level(name, level)) return fail(Errc::resource_exhausted, "there are too many loggers already");
  return {};
}

}  // namespace

void add_logger_routes(Routes& routes, const OperationsContext& operations) {
  Log* log = operations.log;
  add_route(routes, Method::get, "/actuator/loggers", Audience::monitoring, [log](Context&) { return list(*log); });
  add_route(routes, Method::get, "/actuator/loggers/{name}", Audience::monitoring,
            [log](Context& ctx) { return show(*log, ctx); });
  add_route(routes, Method::post, "/actuator/loggers/{name}", Audience::operators,
            [log, context = &operations](Context& ctx, const Json<LoggerLevel>& body) -> Result<void> {
              if (!may_change(*context, ctx)) {
                return fail(Errc::permission_denied, "levels may be changed from the machine itself only");
              }
              return configure(*log, ctx.param("name").value_or(""), body.value);
            });
}

}  // namespace weir::operations
