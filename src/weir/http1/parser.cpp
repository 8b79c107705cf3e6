#include "weir/http1/parser.hpp"

#include <algorithm>
#include <cstring>

#include "weir/http/authority.hpp"
#include "weir/http/chars.hpp"
#include "weir/http1/detail/framing.hpp"
#include "weir/http1/detail/scan.hpp"
#include "weir/http1/detail/version.hpp"

namespace weir::http1 {
namespace {

using detail::FieldsState;
using http::HeaderId;
using http::Method;

constexpr std::size_t max_method = 32;
constexpr std::size_t version_line = detail::version_size + 2;  // "HTTP/1.1" CR LF

// Fields that decide about framing or the connection; most requests have none of them.
constexpr auto deciding_fields =
    http::HeaderSet::of(HeaderId::content_length, HeaderId::transfer_encoding, HeaderId::connection, HeaderId::expect);

std::uint32_t load4(const char* p) noexcept {
  std::uint32_t value = 0;
  std::memcpy(&value, p, 4);
  return value;
}

// Splits a target in absolute form: scheme "://" authority path-abempty [ "?" query ] (RFC 9112 section 3.2.2).
ParseError split_absolute(http::Request& request) noexcept {
  const std::string_view target = request.target;
  const std::size_t colon = target.find("://");
  if (colon == std::string_view::npos) return ParseError::bad_target;
  request.scheme = target.substr(0, colon);
  if (!http::equals_ignoring_case(request.scheme, "http") && !http::equals_ignoring_case(request.scheme, "https")) {
    return ParseError::bad_target;
  }
  const std::string_view rest = target.substr(colon + 3);
  const std::size_t end = std::min(rest.find_first_of("/?"), rest.size());
  request.authority = rest.substr(0, end);
  if (!http::is_authority(request.authority)) return ParseError::bad_target;
  request.path = rest.substr(end);
  const std::size_t mark = request.path.find('?');
  request.has_query = mark != std::string_view::npos;
  if (request.has_query) {
    request.query = request.path.substr(mark + 1);
    request.path = request.path.substr(0, mark);
  }
  // An empty path stands for "/"; in OPTIONS without a query, for "*" (section 3.2.4).
  if (request.path.empty()) request.path = request.method == Method::options && !request.has_query ? "*" : "/";
  return ParseError::none;
}

// Takes the target apart by its form (RFC 9112 section 3.2). `query_at` is the offset of its '?', 0 without one.
ParseError split_target(http::Request& request, std::size_t query_at) noexcept {
  const std::string_view target = request.target;
  request.scheme = request.authority = request.query = {};
  request.has_query = false;
  if (request.method == Method::connect) {
    request.authority = target;
    request.path = {};
    return http::is_authority_with_port(target) ? ParseError::none : ParseError::bad_target;
  }
  if (target.front() == '/') {
    request.has_query = query_at != 0;
    request.path = request.has_query ? target.substr(0, query_at) : target;
    if (request.has_query) request.query = target.substr(query_at + 1);
    return ParseError::none;
  }
  if (target == "*") {
    request.path = target;
    return request.method == Method::options ? ParseError::none : ParseError::bad_target;
  }
  return split_absolute(request);
}

// HTTP-version CR LF; ParseError::truncated when the `n` bytes end first.
ParseError parse_version_line(const char* p, std::size_t n, http::Version& version) noexcept {
  const ParseError error = detail::parse_version(p, n, version);
  if (error != ParseError::none) return error;
  if (n == detail::version_size) return ParseError::truncated;
  // White space behind the version is none of the two line endings either, but says more about what is wrong.
  if (p[8] == '\n') return ParseError::bad_line_ending;
  if (p[8] != '\r') return ParseError::bad_version;
  if (n == detail::version_size + 1) return ParseError::truncated;
  return p[9] == '\n' ? ParseError::none : ParseError::bad_line_ending;
}

// Host (RFC 9112 section 3.2, RFC 9110 section 7.2). Sets the authority of targets that have none.
ParseError check_host(const detail::FieldParser& fields, http::Request& request) noexcept {
  if (!fields.present().contains(HeaderId::host)) {
    return request.version == http::Version::http_1_0 ? ParseError::none : ParseError::missing_host;
  }
  if (fields.repeated().contains(HeaderId::host)) return ParseError::repeated_host;
  const std::string_view host = request.headers.get(HeaderId::host);
  if (!http::is_authority(host)) return ParseError::bad_host;
  if (request.authority.empty()) request.authority = host;  // the target's goes first (section 3.2.2)
  return ParseError::none;
}

// Expect (RFC 9110 section 10.1.1). HTTP/1.0 clients do not know it.
ParseError check_expectation(RequestHead& out) noexcept {
  if (out.request.version == http::Version::http_1_0) return ParseError::none;
  bool unknown = false;
  bool proceed = false;
  out.request.headers.each(HeaderId::expect, [&](std::string_view value) {
    const bool known = http::equals_ignoring_case(value, "100-continue");
    proceed = proceed || known;
    unknown = unknown || !known;
  });
  if (unknown) return ParseError::unsupported_expectation;
  const bool has_body = out.framing == Framing::chunked || (out.framing == Framing::length && out.content_length != 0);
  out.expect_continue = proceed && has_body;
  return ParseError::none;
}

}  // namespace

void RequestParser::reset() noexcept {
  phase_ = Phase::start;
  position_ = 0;
  query_at_ = 0;
  error_ = ParseError::none;
}

HeadResult RequestParser::fail(ParseError error) noexcept {
  phase_ = Phase::failed;
  error_ = error;
  return {ParseState::error, 0, error};
}

// The input ended at `window`, where it was cut off by a limit or by what has come so far.
HeadResult RequestParser::need_more(std::string_view bytes, std::size_t window, ParseError beyond) noexcept {
  if (bytes.size() > window) return fail(beyond);
  return {ParseState::need_more, 0, ParseError::none};
}

HeadResult RequestParser::parse_head(std::string_view bytes, RequestHead& out) noexcept {
  const char* const base = bytes.data();
  // Nothing behind the limit is ever looked at: so the result is the same however the input is cut.
  const std::size_t window = std::min(bytes.size(), limits_.max_head);
  const char* const stop = base + window;
  const char* p = base + position_;
  const auto offset = [base](const char* at) noexcept { return static_cast<std::size_t>(at - base); };

  switch (phase_) {
    case Phase::start:
      // One empty line before a request is forgiven (RFC 9112 section 2.2).
      if (window == 0) return {};
      if (*p == '\r') {
        if (window == 1) return {};
        if (p[1] != '\n') return fail(ParseError::bad_line_ending);
        p += 2;
        if (p == stop) return need_more(bytes, window, ParseError::head_too_large);
      }
      if (*p == '\r' || *p == '\n') return fail(ParseError::bad_line_ending);
      position_ = method_at_ = offset(p);
      phase_ = Phase::method;
      [[fallthrough]];

    case Phase::method: {
      p = base + method_at_;
      if (stop - p >= 4 && load4(p) == load4("GET ")) {
        out.request.method = Method::get;
        p += 3;
      } else {
        const char* const limit = static_cast<std::size_t>(stop - p) > max_method ? p + max_method + 1 : stop;
        while (p != limit && http::chars::is(*p, http::chars::token)) ++p;
        if (p == limit && p != stop) return fail(ParseError::bad_method);
        if (p == stop) {
          if (offset(p) - method_at_ > max_method) return fail(ParseError::bad_method);
          return need_more(bytes, window, ParseError::head_too_large);
        }
        const std::size_t length = offset(p) - method_at_;
        if (*p != ' ' || length == 0 || length > max_method) return fail(ParseError::bad_method);
        out.request.method = http::parse_method({base + method_at_, length});
      }
      method_end_ = offset(p);
      target_at_ = position_ = method_end_ + 1;
      ++p;
      phase_ = Phase::target;
      [[fallthrough]];
    }

    case Phase::target: {
      const bool bounded = window - target_at_ > limits_.max_target;
      const char* const limit = bounded ? base + target_at_ + limits_.max_target + 1 : stop;
      const char* query = nullptr;
      p = detail::Scan::target_end(p, limit, query);
      if (query != nullptr && query_at_ == 0) query_at_ = offset(query) - target_at_;
      position_ = offset(p);
      if (p == limit) {
        if (bounded) return fail(ParseError::target_too_long);
        return need_more(bytes, window, ParseError::head_too_large);
      }
      if (*p == '\r' || *p == '\n') return fail(ParseError::bad_version);  // HTTP/0.9
      if (*p != ' ' || p == base + target_at_) return fail(ParseError::bad_target);
      target_end_ = offset(p);
      ++p;
      phase_ = Phase::version;
      position_ = offset(p);
      [[fallthrough]];
    }

    case Phase::version: {
      p = base + target_end_ + 1;
      const ParseError error = parse_version_line(p, static_cast<std::size_t>(stop - p), out.request.version);
      if (error == ParseError::truncated) return need_more(bytes, window, ParseError::head_too_large);
      if (error != ParseError::none) return fail(error);
      fields_.begin(base, target_end_ + 1 + version_line);
      phase_ = Phase::fields;
      [[fallthrough]];
    }

    case Phase::fields: {
      const FieldsState state = fields_.parse(base, window, out.slots, limits_.max_headers);
      if (state == FieldsState::need_more) return need_more(bytes, window, ParseError::head_too_large);
      if (state == FieldsState::error) return fail(fields_.error());
      const ParseError error = finish(base, out);
      if (error != ParseError::none) return fail(error);
      phase_ = Phase::done;
      body_.begin(out.framing, out.content_length, limits_.body);
      return {ParseState::complete, fields_.position(), ParseError::none};
    }

    case Phase::done:
      return {ParseState::complete, fields_.position(), ParseError::none};
    case Phase::failed:
      break;
  }
  return {ParseState::error, 0, error_};
}

// The head is complete: its texts become views, and its fields are held against each other.
ParseError RequestParser::finish(const char* base, RequestHead& out) noexcept {
  http::Request& request = out.request;
  request.method_text = {base + method_at_, method_end_ - method_at_};
  request.target = {base + target_at_, target_end_ - target_at_};
  request.headers = fields_.view(out.slots);
  out.framing = Framing::none;
  out.content_length = 0;
  out.keep_alive = request.version == http::Version::http_1_1;
  out.expect_continue = out.upgrade = false;

  ParseError error = split_target(request, query_at_);
  if (error != ParseError::none) return error;
  error = check_host(fields_, request);
  if (error != ParseError::none || !fields_.present().intersects(deciding_fields)) return error;

  error = detail::parse_framing(request.version, request.headers, out.framing, out.content_length);
  if (error != ParseError::none) return error;
  if (request.headers.has(HeaderId::connection)) {
    out.keep_alive = detail::keeps_alive(request.version, request.headers);
    out.upgrade = request.version == http::Version::http_1_1 && request.headers.has(HeaderId::upgrade) &&
                  request.headers.has_token(HeaderId::connection, "upgrade");
  }
  return request.headers.has(HeaderId::expect) ? check_expectation(out) : ParseError::none;
}

void RequestParser::rebase(RequestHead& head, const char* from, const char* to) noexcept {
  const auto move = [from, to](std::string_view& view) noexcept {
    // Static texts ("/", "*") and empty ones stay; everything else lies behind `from`, within the head.
    const auto offset = reinterpret_cast<std::uintptr_t>(view.data()) - reinterpret_cast<std::uintptr_t>(from);
    view = {to + offset, view.size()};
  };
  http::Request& request = head.request;
  const bool own_path = request.path.data() >= request.target.data() &&
                        request.path.data() <= request.target.data() + request.target.size();
  if (own_path) move(request.path);
  for (std::string_view* view :
       {&request.method_text, &request.target, &request.query, &request.authority, &request.scheme}) {
    if (!view->empty()) move(*view);
  }
  for (http::HeaderField& field : head.slots.first(request.headers.size())) {
    move(field.name);
    move(field.value);
  }
}

void RequestParser::begin_body(const RequestHead& head, std::uint64_t max_body,
                               std::span<http::HeaderField> trailer_slots) noexcept {
  body_.begin(head.framing, head.content_length, limits_.body.with_max_body(max_body), trailer_slots);
}

}  // namespace weir::http1
