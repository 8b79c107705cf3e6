#include "weir/http/problem.hpp"

#include <charconv>

#include "weir/http/detail/json_text.hpp"

namespace weir::http {

Status status_of(Errc code) noexcept {
  switch (code) {
    case Errc::cancelled:
      return Status::client_closed_request;
    case Errc::unknown:
      return Status::internal_server_error;
    case Errc::invalid_argument:
      return Status::bad_request;
    case Errc::deadline_exceeded:
      return Status::gateway_timeout;
    case Errc::not_found:
      return Status::not_found;
    case Errc::already_exists:
      return Status::conflict;
    case Errc::permission_denied:
      return Status::forbidden;
    case Errc::resource_exhausted:
      return Status::too_many_requests;
    case Errc::failed_precondition:
      return Status::bad_request;
    case Errc::aborted:
      return Status::conflict;
    case Errc::out_of_range:
      return Status::bad_request;
    case Errc::unimplemented:
      return Status::not_implemented;
    case Errc::internal:
      return Status::internal_server_error;
    case Errc::unavailable:
      return Status::service_unavailable;
    case Errc::data_loss:
      return Status::internal_server_error;
    case Errc::unauthenticated:
      return Status::unauthorized;
    case Errc::too_large:
      return Status::content_too_large;
    case Errc::unsupported_media_type:
      return Status::unsupported_media_type;
    case Errc::unprocessable:
      return Status::unprocessable_content;
  }
  return Status::internal_server_error;
}

Errc errc_of(Status status) noexcept {
  switch (status) {
    case Status::unauthorized:
      return Errc::unauthenticated;
    case Status::forbidden:
      return Errc::permission_denied;
    case Status::not_found:
    case Status::gone:
      return Errc::not_found;
    case Status::request_timeout:
    case Status::gateway_timeout:
      return Errc::deadline_exceeded;
    case Status::conflict:
      return Errc::aborted;
    case Status::precondition_failed:
    case Status::precondition_required:
      return Errc::failed_precondition;
    case Status::content_too_large:
      return Errc::too_large;
    case Status::unsupported_media_type:
      return Errc::unsupported_media_type;
    case Status::range_not_satisfiable:
      return Errc::out_of_range;
    case Status::unprocessable_content:
      return Errc::unprocessable;
    case Status::too_many_requests:
      return Errc::resource_exhausted;
    case Status::client_closed_request:
      return Errc::cancelled;
    case Status::method_not_allowed:
    case Status::not_implemented:
      return Errc::unimplemented;
    case Status::bad_gateway:
    case Status::service_unavailable:
      return Errc::unavailable;
    default:
      break;
  }
  if (is_client_error(status)) return Errc::invalid_argument;
  if (is_server_error(status)) return Errc::internal;
  return Errc::unknown;
}

Problem to_problem(Error error) {
  Problem problem;
  problem.status = status_of(error.code());
  problem.code = to_string(error.code());
  // What went wrong inside is for the log; a client has no use for it and an attacker may.
  if (problem.status != Status::internal_server_error) problem.detail = error.message();
  problem.errors = error.fields();
  problem.retry_after_s = error.retry_after_s();
  return problem;
}

namespace {

void write_member(std::string_view name, std::string_view value, Buffer& out) {
  if (value.empty()) return;
  out.push_back(',');
  detail::write_json_string(name, out);
  out.push_back(':');
  detail::write_json_string(value, out);
}

void write_extension(std::string_view name, const ProblemValue& value, Buffer& out) {
  if (const auto* text = std::get_if<std::string>(&value)) return write_member(name, std::string_view(*text), out);
  out.push_back(',');
  detail::write_json_string(name, out);
  out.push_back(':');
  if (const auto* flag = std::get_if<bool>(&value)) return out.append(*flag ? "true" : "false");
  char digits[24];
  const auto* number = std::get_if<std::int64_t>(&value);
  const auto end = number != nullptr
                       ? std::to_chars(digits, digits + sizeof digits, *number).ptr
                       : std::to_chars(digits, digits + sizeof digits, std::get<std::uint64_t>(value)).ptr;
  out.append({digits, static_cast<std::size_t>(end - digits)});
}

void write_errors(const std::vector<FieldError>& errors, Buffer& out) {
  out.append(",\"errors\":[");
  bool first = true;
  for (const FieldError& error : errors) {
    out.append(first ? "{\"field\":" : ",{\"field\":");
    first = false;
    detail::write_json_string(error.field, out);
    write_member("rule", error.rule, out);
    write_member("message", error.message, out);
    out.push_back('}');
  }
  out.push_back(']');
}

}  // namespace

void write_problem(const Problem& problem, Buffer& out) {
  out.append("{\"type\":");
  detail::write_json_string(problem.type.empty() ? std::string_view("about:blank") : problem.type, out);
  write_member("title", problem.title.empty() ? reason(problem.status) : problem.title, out);
  out.append(",\"status\":");
  char digits[8];
  const auto end = std::to_chars(digits, digits + sizeof digits, to_code(problem.status)).ptr;
  out.append({digits, static_cast<std::size_t>(end - digits)});
  write_member("detail", problem.detail, out);
  write_member("instance", problem.instance, out);
  write_member("code", problem.code.empty() ? to_string(errc_of(problem.status)) : problem.code, out);
  write_member("request_id", problem.request_id, out);
  if (!problem.errors.empty()) write_errors(problem.errors, out);
  for (const auto& [name, value] : problem.members) write_extension(name, value, out);
  out.push_back('}');
}

Response to_response(const Problem& problem) {
  Response response(problem.status);
  response.headers.set_static(HeaderId::content_type, problem_media_type);
  response.headers.set_static(HeaderId::cache_control, "no-store");
  if (problem.retry_after_s != 0) response.headers.set(HeaderId::retry_after, std::to_string(problem.retry_after_s));
  Buffer body;
  write_problem(problem, body);
  response.body = std::move(body);
  return response;
}

void finish_problem(Response& response, std::string_view instance, std::string_view request_id) {
  response.unfinished_problem = false;
  const std::string_view text = response.body.bytes().value_or("");
  if (!text.ends_with('}')) return;
  Buffer body(text.substr(0, text.size() - 1));
  write_member("instance", instance, body);
  write_member("request_id", request_id, body);
  body.push_back('}');
  response.body = std::move(body);
}

}  // namespace weir::http
