#include "weir/http1/serializer.hpp"

#include <array>
#include <charconv>
#include <cstring>

#include "weir/http/field_sets.hpp"
#include "weir/http/problem.hpp"

namespace weir::http1 {
namespace {

using http::forbidden_trailers;
using http::framing_fields;
using http::HeaderId;
using http::Method;
using http::Status;

constexpr unsigned first_code = 100;
constexpr unsigned last_code = 599;
constexpr std::size_t longest_line = 64;

struct StatusLine {
  std::uint8_t size = 0;
  std::array<char, longest_line - 1> text{};
};

char* put(char* to, std::string_view text) noexcept {
  if (text.empty()) return to;  // an empty view may be a null pointer, which memcpy must not see
  std::memcpy(to, text.data(), text.size());
  return to + text.size();
}

// "HTTP/1.1 200 OK\r\n" for every code from 100 to 599.
std::array<StatusLine, last_code - first_code + 1> make_status_lines() {
  std::array<StatusLine, last_code - first_code + 1> lines;
  for (unsigned code = first_code; code <= last_code; ++code) {
    StatusLine& line = lines[code - first_code];
    char* to = line.text.data();
    to = put(to, "HTTP/1.1 ");
    to = std::to_chars(to, to + 3, code).ptr;
    to = put(to, " ");
    to = put(to, http::reason(static_cast<Status>(code)));
    to = put(to, "\r\n");
    line.size = static_cast<std::uint8_t>(to - line.text.data());
  }
  return lines;
}
const std::array<StatusLine, last_code - first_code + 1> status_lines = make_status_lines();

// Codes outside 100-599 have no meaning to a client (RFC 9110 section 15): they go out as 500.
const StatusLine& status_line(Status status) noexcept {
  const unsigned code = http::to_code(status);
  return status_lines[(code < first_code || code > last_code ? 500 : code) - first_code];
}

// Copies 64 bytes whatever the line's size: one copy of a constant size is a few instructions.
char* put_status_line(char* to, Status status) noexcept {
  const StatusLine& line = status_line(status);
  std::memcpy(to, line.text.data(), line.text.size());
  return to + line.size;
}

// All fields but those of `dropped`.
char* put_fields(char* to, const http::Headers& headers, const http::HeaderSet& dropped) noexcept {
  if (!headers.has_any(dropped)) return headers.empty() ? to : put(to, headers.wire_text());
  for (const http::HeaderField field : headers) {
    if (dropped.contains(field.id)) continue;
    to = put(to, field.name);
    to = put(to, ": ");
    to = put(to, field.value);
    to = put(to, "\r\n");
  }
  return to;
}

// How the end of the content is told (RFC 9112 section 6.3).
struct Plan {
  WrittenHead result;
  bool write_length = false;
};

Plan make_plan(Status status, std::optional<std::uint64_t> length, bool trailers,
               const ResponseContext& context) noexcept {
  Plan plan;
  plan.result.keep_alive = context.keep_alive;
  const bool http_1_0 = context.version == http::Version::http_1_0;
  // 1xx, 204, and 2xx to CONNECT have neither length nor coding (RFC 9110 section 8.6, RFC 9112 section 6.1). A 304
  // could have the length of the 200 that it stands for; it is not known here.
  if (http::never_has_content(status) || (context.method == Method::connect && http::is_success(status))) return plan;
  if (status == Status::reset_content) length = 0;  // RFC 9110 section 15.3.6
  const bool chunked = !length.has_value() || (trailers && !http_1_0 && status != Status::reset_content);
  if (context.method == Method::head) {
    plan.write_length = !chunked;
    plan.result.chunked = chunked && !http_1_0;
    return plan;
  }
  plan.result.send_body = chunked || *length != 0;
  if (!chunked) {
    plan.write_length = true;
  } else if (http_1_0) {
    plan.result.keep_alive = false;  // the close ends the body
  } else {
    plan.result.chunked = true;
  }
  return plan;
}

}  // namespace

WrittenHead write_head(Status status, const http::Headers& headers, std::optional<std::uint64_t> length, bool trailers,
                       const ResponseContext& context, Buffer& out) {
  Plan plan = make_plan(status, length, trailers, context);
  // The sum of everything that can be written below; the status line writes 63 bytes ahead.
  const std::size_t most =
      longest_line + 64 + context.date.size() + context.server.size() + headers.wire_text().size() + 160;
  char* const start = out.reserve_more(most);
  char* to = put_status_line(start, status);
  to = put_fields(to, headers, framing_fields);
  if (plan.write_length) {
    to = put(to, "Content-Length: ");
    to = std::to_chars(to, to + 20, status == Status::reset_content ? 0 : *length).ptr;
    to = put(to, "\r\n");
  } else if (plan.result.chunked) {
    to = put(to, "Transfer-Encoding: chunked\r\n");
  }
  if (!context.date.empty() && !headers.has(HeaderId::date)) {
    to = put(to, "Date: ");
    to = put(to, context.date);
    to = put(to, "\r\n");
  }
  if (!context.server.empty() && !headers.has(HeaderId::server)) {
    to = put(to, "Server: ");
    to = put(to, context.server);
    to = put(to, "\r\n");
  }
  // RFC 9110 section 15.5.22: it says which protocol is meant, and section 7.8: Connection names the field.
  if (status == Status::upgrade_required && headers.has(HeaderId::upgrade)) {
    to = put(to, "Connection: Upgrade\r\nUpgrade: ");
    to = put(to, headers.get(HeaderId::upgrade));
    to = put(to, "\r\n");
  }
  if (!plan.result.keep_alive) {
    to = put(to, "Connection: close\r\n");
  } else if (context.version == http::Version::http_1_0) {
    to = put(to, "Connection: keep-alive\r\n");
  }
  to = put(to, "\r\n");
  out.advance(static_cast<std::size_t>(to - start));
  // A chunked HEAD response announces the coding and sends nothing.
  if (context.method == Method::head) plan.result.chunked = false;
  return plan.result;
}

namespace {

void write_interim(Status status, std::string_view fixed, const http::Headers& headers, Buffer& out) {
  char* const start = out.reserve_more(longest_line + fixed.size() + headers.wire_text().size() + 2);
  char* to = put_status_line(start, status);
  to = put(to, fixed);
  to = put_fields(to, headers, framing_fields);
  to = put(to, "\r\n");
  out.advance(static_cast<std::size_t>(to - start));
}

}  // namespace

void write_switching_protocols(std::string_view protocol, const http::Headers& headers, const ResponseContext& context,
                               Buffer& out) {
  Buffer fixed;
  fixed.append("Connection: Upgrade\r\nUpgrade: ");
  fixed.append(protocol);
  fixed.append("\r\n");
  if (!context.date.empty() && !headers.has(HeaderId::date)) {
    fixed.append("Date: ");
    fixed.append(context.date);
    fixed.append("\r\n");
  }
  write_interim(Status::switching_protocols, fixed.view(), headers, out);
}

void write_informational(Status status, const http::Headers& headers, Buffer& out) {
  write_interim(status, {}, headers, out);
}

void write_error_response(Status status, std::string_view detail, std::string_view date, Buffer& out) {
  http::Problem problem;
  problem.status = status;
  problem.detail = detail;
  const http::Response response = http::to_response(problem);
  static_cast<void>(write_head(response, {.keep_alive = false, .date = date, .server = {}}, out));
  out.append(*response.body.bytes());
}

std::size_t format_chunk_header(std::uint64_t size, char* to) noexcept {
  char* end = std::to_chars(to, to + 16, size, 16).ptr;
  *end++ = '\r';
  *end++ = '\n';
  return static_cast<std::size_t>(end - to);
}

void write_chunk_header(std::uint64_t size, Buffer& out) {
  out.advance(format_chunk_header(size, out.reserve_more(max_chunk_header)));
}

void write_chunk(std::string_view data, Buffer& out) {
  if (data.empty()) return;
  write_chunk_header(data.size(), out);
  out.append(data);
  out.append(chunk_end);
}

void write_last_chunk(const http::Headers* trailers, Buffer& out) {
  const std::size_t fields = trailers == nullptr ? 0 : trailers->wire_text().size();
  char* const start = out.reserve_more(5 + fields);
  char* to = put(start, "0\r\n");
  if (trailers != nullptr) to = put_fields(to, *trailers, forbidden_trailers);
  to = put(to, "\r\n");
  out.advance(static_cast<std::size_t>(to - start));
}

}  // namespace weir::http1
