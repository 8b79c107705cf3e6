#include "weir/http1/body_parser.hpp"

#include <algorithm>

#include "weir/http/chars.hpp"

namespace weir::http1 {
namespace {

using detail::ExtensionState;
using detail::FieldsState;
namespace chars = http::chars;

constexpr std::size_t max_trailer_fields = 100;  // when they are only checked

// Fields that say where a message ends, where it goes or who sends it (RFC 9110 section 6.5.1). A trailer that could
// be taken for one of them by the next recipient is refused.
constexpr auto refused_trailers = http::HeaderSet::of(
    http::HeaderId::content_length, http::HeaderId::transfer_encoding, http::HeaderId::host, http::HeaderId::te,
    http::HeaderId::trailer, http::HeaderId::connection, http::HeaderId::upgrade, http::HeaderId::expect,
    http::HeaderId::authorization, http::HeaderId::proxy_authorization, http::HeaderId::cookie,
    http::HeaderId::content_encoding, http::HeaderId::content_type, http::HeaderId::content_range);

constexpr bool is_blank(char c) noexcept {
  return c == ' ' || c == '\t';
}

// Whether `c` may stand in a quoted-string (qdtext, RFC 9110 section 5.6.4) apart from '"' and '\'.
constexpr bool is_text(char c) noexcept {
  return c == '\t' || (static_cast<std::uint8_t>(c) >= 0x20 && c != 0x7f);
}

// One byte of chunk-ext (RFC 9112 section 7.1.1): *( BWS ";" BWS name [ BWS "=" BWS ( token / quoted-string ) ] ).
// False when it cannot stand there. CR is not for this function: see may_end().
bool step(ExtensionState& state, char c) noexcept {
  using S = ExtensionState;
  const bool token = chars::is(c, chars::token);
  switch (state) {
    case S::before_name:
      if (token) state = S::name;
      return token || is_blank(c);
    case S::name:
      if (token) return true;
      state = c == '=' ? S::before_value : c == ';' ? S::before_name : S::after_name;
      return c == '=' || c == ';' || is_blank(c);
    case S::after_name:
      if (c == '=') state = S::before_value;
      if (c == ';') state = S::before_name;
      return c == '=' || c == ';' || is_blank(c);
    case S::before_value:
      if (token) state = S::value;
      if (c == '"') state = S::quoted;
      return token || c == '"' || is_blank(c);
    case S::value:
      if (token) return true;
      [[fallthrough]];
    case S::closed:
      state = c == ';' ? S::before_name : S::after;
      return c == ';' || is_blank(c);
    case S::quoted:
      if (c == '"') state = S::closed;
      if (c == '\\') state = S::escaped;
      return is_text(c);
    case S::escaped:
      state = S::quoted;
      return is_text(c);
    case S::after:
      if (c == ';') state = S::before_name;
      return c == ';' || is_blank(c);
  }
  return false;
}

bool may_end(ExtensionState state) noexcept {
  return state == ExtensionState::name || state == ExtensionState::value || state == ExtensionState::closed;
}

}  // namespace

void BodyParser::begin(Framing framing, std::uint64_t content_length, const BodyLimits& limits,
                       std::span<http::HeaderField> trailer_slots) noexcept {
  if (framing == Framing::none) {  // the usual case: the rest is not looked at
    received_ = 0;
    trailers_ = {};
    phase_ = Phase::done;
    return;
  }
  limits_ = limits;
  remaining_ = 0;
  received_ = 0;
  extensions_ = 0;
  slots_ = trailer_slots;
  trailers_ = {};
  error_ = ParseError::none;
  switch (framing) {
    case Framing::none:
      break;
    case Framing::length:
      remaining_ = content_length;
      phase_ = content_length == 0 ? Phase::done : Phase::length;
      break;
    case Framing::chunked:
      phase_ = Phase::size_start;
      break;
    case Framing::until_close:
      phase_ = Phase::until_close;
      break;
  }
  if (limits.max_body != 0 && remaining_ > limits.max_body) static_cast<void>(fail(ParseError::body_too_large, 0));
}

BodyResult BodyParser::fail(ParseError error, std::size_t consumed) noexcept {
  phase_ = Phase::failed;
  error_ = error;
  return {ParseState::error, consumed, {}, error};
}

BodyResult BodyParser::parse(std::string_view bytes) noexcept {
  switch (phase_) {
    case Phase::done:
      return {ParseState::complete, 0, {}, ParseError::none};
    case Phase::failed:
      return {ParseState::error, 0, {}, error_};
    case Phase::length: {
      const std::size_t n = std::min<std::uint64_t>(bytes.size(), remaining_);
      remaining_ -= n;
      received_ += n;
      if (remaining_ == 0) phase_ = Phase::done;
      return {remaining_ == 0 ? ParseState::complete : ParseState::need_more, n, bytes.substr(0, n), ParseError::none};
    }
    case Phase::until_close:
      received_ += bytes.size();
      if (limits_.max_body != 0 && received_ > limits_.max_body) return fail(ParseError::body_too_large, 0);
      return {ParseState::need_more, bytes.size(), bytes, ParseError::none};
    default:
      return parse_chunked(bytes);
  }
}

BodyResult BodyParser::close() noexcept {
  if (phase_ == Phase::until_close) phase_ = Phase::done;
  if (phase_ == Phase::done) return {ParseState::complete, 0, {}, ParseError::none};
  if (phase_ == Phase::failed) return {ParseState::error, 0, {}, error_};
  return fail(ParseError::truncated, 0);
}

// The chunked coding (RFC 9112 section 7.1). Chunk size lines are short: they are taken byte by byte.
BodyResult BodyParser::parse_chunked(std::string_view bytes) noexcept {
  std::size_t at = 0;
  while (phase_ != Phase::trailers && at < bytes.size()) {
    const char c = bytes[at];
    switch (phase_) {
      case Phase::size_start:
        remaining_ = 0;
        digits_ = 0;
        phase_ = Phase::size;
        [[fallthrough]];
      case Phase::size:
        if (chars::is(c, chars::hex)) {
          if (++digits_ > 16) return fail(ParseError::bad_chunk_size, at);
          remaining_ = remaining_ * 16 + chars::hex_value(c);
        } else if (digits_ == 0) {
          return fail(ParseError::bad_chunk_size, at);
        } else if (c == '\r') {
          phase_ = Phase::size_lf;
        } else if (c == ';' || is_blank(c)) {
          phase_ = Phase::extension;
          extension_ = c == ';' ? ExtensionState::before_name : ExtensionState::after;
          ++extensions_;
        } else {
          return fail(c == '\n' ? ParseError::bad_line_ending : ParseError::bad_chunk_size, at);
        }
        break;
      case Phase::extension:
        if (c == '\r') {
          if (!may_end(extension_)) return fail(ParseError::bad_chunk_extension, at);
          phase_ = Phase::size_lf;
        } else {
          // Counted over the whole body: an endless row of small chunks with extensions is work for nothing.
          if (++extensions_ > limits_.max_chunk_extensions) return fail(ParseError::chunk_extensions_too_long, at);
          if (!step(extension_, c)) {
            return fail(c == '\n' ? ParseError::bad_line_ending : ParseError::bad_chunk_extension, at);
          }
        }
        break;
      case Phase::size_lf:
        if (c != '\n') return fail(ParseError::bad_line_ending, at);
        // Sizes from 2^63 on are nonsense, and sums of them could wrap.
        if ((remaining_ >> 63) != 0) return fail(ParseError::bad_chunk_size, at);
        if (limits_.max_body != 0 && remaining_ > limits_.max_body - received_)
          return fail(ParseError::body_too_large, at);
        if (((received_ + remaining_) >> 63) != 0) return fail(ParseError::bad_chunk_size, at);
        phase_ = remaining_ == 0 ? Phase::trailers : Phase::data;
        break;
      case Phase::data: {
        const std::size_t n = std::min<std::uint64_t>(bytes.size() - at, remaining_);
        remaining_ -= n;
        received_ += n;
        if (remaining_ == 0) phase_ = Phase::data_cr;
        return {ParseState::need_more, at + n, bytes.substr(at, n), ParseError::none};
      }
      case Phase::data_cr:
        if (c != '\r') return fail(ParseError::bad_chunk_end, at);
        phase_ = Phase::data_lf;
        break;
      case Phase::data_lf:
        if (c != '\n') return fail(ParseError::bad_chunk_end, at);
        phase_ = Phase::size_start;
        break;
      default:
        return fail(ParseError::bad_chunk_size, at);  // not reached: the other phases are not chunked
    }
    ++at;
    if (phase_ == Phase::trailers) {
      fields_.begin(0);
      trailer_base_ = bytes.data() + at;
    }
  }
  if (phase_ == Phase::trailers) return parse_trailers(bytes, at);
  return {ParseState::need_more, at, {}, ParseError::none};
}

// The trailer section lies at `at` and is kept by the caller until it is complete, as its fields are views.
BodyResult BodyParser::parse_trailers(std::string_view bytes, std::size_t at) noexcept {
  const bool keep = !slots_.empty();
  const char* base = bytes.data() + at;
  if (keep && base != trailer_base_) fields_.rebase(slots_, trailer_base_, base);
  trailer_base_ = base;
  const std::size_t window = std::min(bytes.size() - at, limits_.max_trailer_bytes);
  switch (fields_.parse(base, window, slots_, keep ? slots_.size() : max_trailer_fields, keep)) {
    case FieldsState::error:
      return fail(
          fields_.error() == ParseError::too_many_fields ? ParseError::trailers_too_large : ParseError::bad_trailer,
          at);
    case FieldsState::need_more:
      if (bytes.size() - at >= limits_.max_trailer_bytes) return fail(ParseError::trailers_too_large, at);
      return {ParseState::need_more, at, {}, ParseError::none};
    case FieldsState::complete:
      break;
  }
  if (fields_.present().intersects(refused_trailers)) return fail(ParseError::bad_trailer, at);
  if (keep) trailers_ = {slots_.data(), fields_.count(), fields_.present()};
  phase_ = Phase::done;
  return {ParseState::complete, at + fields_.position(), {}, ParseError::none};
}

}  // namespace weir::http1
