#include "weir/http1/response_parser.hpp"

#include <algorithm>

#include "weir/http/chars.hpp"
#include "weir/http1/detail/framing.hpp"
#include "weir/http1/detail/scan.hpp"
#include "weir/http1/detail/version.hpp"

namespace weir::http1 {
namespace {

using detail::FieldsState;
using http::HeaderId;

constexpr std::size_t code_at = detail::version_size + 1;
constexpr std::size_t reason_at = code_at + 4;  // "HTTP/1.1 200 "

// "HTTP/1.1 200", in order; ParseError::truncated when the `n` bytes end first. The byte behind it is left.
ParseError parse_status(const char* p, std::size_t n, ResponseHead& out) noexcept {
  const ParseError error = detail::parse_version(p, n, out.version);
  if (error == ParseError::bad_version) return ParseError::bad_status_line;
  if (error != ParseError::none) return error;
  unsigned code = 0;
  for (std::size_t i = detail::version_size; i < code_at + 3; ++i) {
    if (i == n) return ParseError::truncated;
    if (i == detail::version_size) {
      if (p[i] != ' ') return ParseError::bad_status_line;
      continue;
    }
    if (!http::chars::is(p[i], http::chars::digit)) return ParseError::bad_status_line;
    code = code * 10 + static_cast<unsigned>(p[i] - '0');
  }
  if (code < 100 || code > 599) return ParseError::bad_status_line;
  out.status = static_cast<http::Status>(code);
  return ParseError::none;
}

// How the body is framed (RFC 9112 section 6.3). What the fields say is held to also where there is no body.
ParseError decide_framing(http::Method method, ResponseHead& out) noexcept {
  const ParseError error = detail::parse_framing(out.version, out.headers, out.framing, out.content_length);
  if (error != ParseError::none) return error;
  const bool tunnel = method == http::Method::connect && http::is_success(out.status);
  if (method == http::Method::head || http::never_has_content(out.status) || tunnel) {
    out.framing = Framing::none;
  } else if (out.framing == Framing::none) {
    out.framing = Framing::until_close;
    out.keep_alive = false;
  }
  return ParseError::none;
}

}  // namespace

void ResponseParser::reset() noexcept {
  phase_ = Phase::start;
  position_ = 0;
  error_ = ParseError::none;
}

HeadResult ResponseParser::fail(ParseError error) noexcept {
  phase_ = Phase::failed;
  error_ = error;
  return {ParseState::error, 0, error};
}

HeadResult ResponseParser::need_more(std::string_view bytes, std::size_t window) noexcept {
  if (bytes.size() > window) return fail(ParseError::head_too_large);
  return {};
}

HeadResult ResponseParser::parse_head(std::string_view bytes, http::Method method, ResponseHead& out) noexcept {
  const char* const base = bytes.data();
  const std::size_t window = std::min(bytes.size(), limits_.max_head);
  const char* const stop = base + window;
  const char* p = base + position_;

  switch (phase_) {
    case Phase::start: {
      const ParseError error = parse_status(base, window, out);
      if (error == ParseError::truncated) return need_more(bytes, window);
      if (error != ParseError::none) return fail(error);
      if (window < reason_at) return need_more(bytes, window);
      // The space belongs there even without a reason (section 4), but servers that leave out both are not rare.
      if (base[reason_at - 1] != ' ' && base[reason_at - 1] != '\r') return fail(ParseError::bad_status_line);
      p = base + (base[reason_at - 1] == ' ' ? reason_at : reason_at - 1);
      phase_ = Phase::reason;
      [[fallthrough]];
    }
    case Phase::reason:
      p = detail::Scan::value_end(p, stop);
      position_ = static_cast<std::size_t>(p - base);
      if (p == stop) return need_more(bytes, window);
      if (*p != '\r') return fail(*p == '\n' ? ParseError::bad_line_ending : ParseError::bad_status_line);
      reason_end_ = position_;
      position_ = static_cast<std::size_t>(++p - base);
      phase_ = Phase::reason_lf;
      [[fallthrough]];
    case Phase::reason_lf:
      if (p == stop) return need_more(bytes, window);
      if (*p != '\n') return fail(ParseError::bad_line_ending);
      fields_.begin(base, position_ + 1);
      phase_ = Phase::fields;
      [[fallthrough]];
    case Phase::fields: {
      const FieldsState state = fields_.parse(base, window, out.slots, limits_.max_headers);
      if (state == FieldsState::need_more) return need_more(bytes, window);
      if (state == FieldsState::error) return fail(fields_.error());
      const ParseError error = finish(base, method, out);
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

ParseError ResponseParser::finish(const char* base, http::Method method, ResponseHead& out) noexcept {
  out.reason =
      reason_end_ > reason_at ? std::string_view(base + reason_at, reason_end_ - reason_at) : std::string_view{};
  out.headers = fields_.view(out.slots);
  out.content_length = 0;
  out.keep_alive = detail::keeps_alive(out.version, out.headers);
  out.interim = http::is_informational(out.status) && out.status != http::Status::switching_protocols;
  return decide_framing(method, out);
}

void ResponseParser::begin_body(const ResponseHead& head, std::uint64_t max_body,
                                std::span<http::HeaderField> trailer_slots) noexcept {
  body_.begin(head.framing, head.content_length, limits_.body.with_max_body(max_body), trailer_slots);
}

}  // namespace weir::http1
