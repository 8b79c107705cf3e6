#include "weir/http/multipart.hpp"

#include <algorithm>
#include <cstring>

#include "weir/http/chars.hpp"
#include "weir/http/detail/parameters.hpp"
#include "weir/http/headers.hpp"

namespace weir::http {

MultipartParser::MultipartParser(std::string_view boundary, const MultipartLimits& limits) : limits_(limits) {
  delimiter_.reserve(boundary.size() + 4);
  delimiter_ = "\r\n--";
  delimiter_ += boundary;
}

Result<std::string_view> MultipartParser::boundary_of(std::string_view content_type) {
  const auto media = parse_media_type(content_type);
  if (!media || !media->is("multipart/form-data")) {
    return weir::fail(Errc::unsupported_media_type, "the content type is not multipart/form-data");
  }
  const auto boundary = media->parameter("boundary");
  static constexpr std::string_view others = "'()+_,-./:=? ";  // bchars, RFC 2046 section 5.1.1
  const bool good = boundary && !boundary->empty() && boundary->size() <= 70 && boundary->back() != ' ' &&
                    std::all_of(boundary->begin(), boundary->end(), [](char c) {
                      return (chars::is(c, chars::unreserved) && c != '~') || others.find(c) != std::string_view::npos;
                    });
  if (!good) return weir::fail(Errc::invalid_argument, "multipart/form-data has no boundary of 1 to 70 characters");
  return *boundary;
}

MultipartParser::Event MultipartParser::fail(Errc code, std::string_view message) noexcept {
  state_ = State::failed;
  code_ = code;
  message_ = message;
  return {Kind::error, {}};
}

MultipartParser::Event MultipartParser::next(std::string_view& bytes) {
  for (;;) {
    switch (state_) {
      case State::preamble:
      case State::content: {
        const Event event = next_content(bytes);
        if (event.kind != Kind::need_more || state_ == State::preamble || state_ == State::content) return event;
        break;  // a boundary
      }
      case State::after_boundary:
        // part_end goes before anything that the boundary's line says.
        if (in_part_) {
          in_part_ = false;
          return {Kind::part_end, {}};
        }
        [[fallthrough]];
      case State::closing_dash:
      case State::padding:
      case State::boundary_lf: {
        if (bytes.empty()) return {};
        const Event event = end_of_boundary(bytes);
        if (event.kind != Kind::need_more) return event;
        break;
      }
      case State::headers: {
        if (bytes.empty()) return {};
        const Event event = take_headers(bytes);
        if (event.kind != Kind::need_more) return event;
        break;
      }
      case State::finished:
        return {Kind::finished, {}};
      case State::failed:
        return {Kind::error, {}};
    }
  }
}

// Content up to the delimiter, and the delimiter itself. The delimiter's first byte, CR, occurs nowhere else in it:
// after a mismatch nothing but the byte at hand can begin another match.
MultipartParser::Event MultipartParser::next_content(std::string_view& bytes) {
  const bool content = state_ == State::content;
  while (!bytes.empty()) {
    if (matched_ == 0) {
      const void* cr = std::memchr(bytes.data(), '\r', bytes.size());
      const std::size_t n =
          cr == nullptr ? bytes.size() : static_cast<std::size_t>(static_cast<const char*>(cr) - bytes.data());
      if (n != 0) {
        const std::string_view data = bytes.substr(0, n);
        bytes.remove_prefix(n);
        if (content) return {Kind::data, data};
        if ((preamble_ += n) > limits_.max_preamble) return fail(Errc::too_large, "too much before the first boundary");
        continue;
      }
    }
    const std::size_t n = std::min(bytes.size(), delimiter_.size() - matched_);
    std::size_t same = 0;
    while (same < n && bytes[same] == delimiter_[matched_ + same]) ++same;
    bytes.remove_prefix(same);
    matched_ += same;
    if (matched_ == delimiter_.size()) {
      matched_ = assumed_ = 0;
      state_ = State::after_boundary;
      return {};
    }
    if (same == n) break;  // the input has ended within the delimiter
    // No delimiter: what was matched is content.
    const std::string_view held = std::string_view(delimiter_).substr(assumed_, matched_ - assumed_);
    matched_ = assumed_ = 0;
    if (!content) {
      if ((preamble_ += held.size()) > limits_.max_preamble)
        return fail(Errc::too_large, "too much before the first boundary");
    } else if (!held.empty()) {
      return {Kind::data, held};
    }
  }
  return {};
}

// Behind a delimiter: "--" ends the body; padding and CR LF begin a part.
MultipartParser::Event MultipartParser::end_of_boundary(std::string_view& bytes) {
  const char c = bytes.front();
  bytes.remove_prefix(1);
  switch (state_) {
    case State::after_boundary:
      if (c == '-') {
        state_ = State::closing_dash;
        return {};
      }
      [[fallthrough]];
    case State::padding:
      if (c == ' ' || c == '\t') {
        state_ = State::padding;
      } else if (c == '\r') {
        state_ = State::boundary_lf;
      } else {
        return fail(Errc::invalid_argument, "a boundary is followed by something else than CR LF");
      }
      return {};
    case State::closing_dash:
      if (c != '-') return fail(Errc::invalid_argument, "the last boundary does not end in \"--\"");
      state_ = State::finished;
      return {};
    default:
      break;
  }
  if (c != '\n') return fail(Errc::invalid_argument, "a boundary is followed by something else than CR LF");
  if (++parts_ > limits_.max_parts) return fail(Errc::too_large, "there are more parts than allowed");
  headers_.clear();
  state_ = State::headers;
  return {};
}

// Gathers header lines up to the empty one.
MultipartParser::Event MultipartParser::take_headers(std::string_view& bytes) {
  while (!bytes.empty()) {
    const std::size_t lf = bytes.find('\n');
    const std::size_t n = lf == std::string_view::npos ? bytes.size() : lf + 1;
    if (headers_.size() + n > limits_.max_header_bytes)
      return fail(Errc::too_large, "the header of a part is too large");
    headers_.append(bytes.data(), n);
    bytes.remove_prefix(n);
    if (lf == std::string_view::npos) return {};
    const std::string_view all(headers_);
    if (all != "\r\n" && !all.ends_with("\r\n\r\n")) continue;
    if (!parse_headers())
      return fail(Errc::invalid_argument, "a part has no well-formed Content-Disposition: form-data with a name");
    in_part_ = true;
    state_ = State::content;
    // A part without any content may be followed by the delimiter whose CR LF is that of the empty line.
    matched_ = assumed_ = 2;
    return {Kind::part_begin, {}};
  }
  return {};
}

bool MultipartParser::parse_headers() {
  part_ = {};
  part_.header_lines = std::string_view(headers_).substr(0, headers_.size() - 2);
  names_.clear();
  names_.reserve(headers_.size());  // views into it must not move
  bool has_name = false;
  std::string_view rest(headers_);
  while (rest.size() > 2) {
    const std::size_t end = rest.find("\r\n");
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end + 2);
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) return false;
    std::string_view value = line.substr(colon + 1);
    while (!value.empty() && chars::is(value.front(), chars::space)) value.remove_prefix(1);
    while (!value.empty() && chars::is(value.back(), chars::space)) value.remove_suffix(1);
    if (!is_field_value(value)) return false;
    const HeaderId id = header_id(line.substr(0, colon));
    if (id == HeaderId::content_disposition) {
      if (has_name || !parse_disposition(value)) return false;
      has_name = true;
    } else if (id == HeaderId::content_type) {
      part_.content_type = value;
    }
  }
  return has_name;
}

bool MultipartParser::parse_disposition(std::string_view value) {
  const std::size_t semicolon = value.find(';');
  if (semicolon == std::string_view::npos) return false;
  std::string_view kind = value.substr(0, semicolon);
  while (!kind.empty() && chars::is(kind.back(), chars::space)) kind.remove_suffix(1);
  if (!equals_ignoring_case(kind, "form-data")) return false;
  std::string_view rest = value.substr(semicolon + 1);
  bool has_name = false;
  while (const auto parameter = detail::next_parameter(rest)) {
    if (equals_ignoring_case(parameter->name, "name") && !has_name) {
      part_.name = unescape(parameter->value);
      has_name = true;
    } else if (equals_ignoring_case(parameter->name, "filename") && !part_.has_filename) {
      part_.filename = unescape(parameter->value);
      part_.has_filename = true;
    }
  }
  return has_name;
}

// Browsers send '"', CR and LF in names as %22, %0D and %0A (RFC 7578 section 5.1, WHATWG); others escape '"' with a
// backslash. Backslashes before anything else are part of the name.
std::string_view MultipartParser::unescape(std::string_view quoted) {
  const std::size_t at = names_.size();
  for (std::size_t i = 0; i < quoted.size(); ++i) {
    const std::string_view rest = quoted.substr(i);
    if (rest.starts_with("\\\"")) {
      names_ += '"';
      ++i;
    } else if (rest.starts_with("%22")) {
      names_ += '"';
      i += 2;
    } else {
      names_ += quoted[i];
    }
  }
  return std::string_view(names_).substr(at);
}

}  // namespace weir::http
