// The response parser, for clients: HTTP/1.x responses from bytes, as strict as the request parser.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "weir/http/message.hpp"
#include "weir/http1/body_parser.hpp"
#include "weir/http1/detail/head_fields.hpp"
#include "weir/http1/parse_error.hpp"
#include "weir/http1/parser.hpp"

namespace weir::http1 {

/// The head of a response. Views point into the bytes it was parsed from.
struct ResponseHead {
  /// `field_slots` is where the header fields go; it must live as long as the head.
  explicit ResponseHead(std::span<http::HeaderField> field_slots) noexcept : slots(field_slots) {}

  http::Status status = http::Status::ok;
  http::Version version = http::Version::http_1_1;
  std::string_view reason;
  http::HeaderView headers;
  Framing framing = Framing::none;
  std::uint64_t content_length = 0;  ///< With Framing::length; of a HEAD response: what it announces.
  bool keep_alive = true;            ///< False for bodies that end with the connection, too.
  /// A 1xx other than 101: the final response follows; reset() and parse on.
  bool interim = false;
  std::span<http::HeaderField> slots;
};

/// Parses the responses of one connection. See RequestParser for how bytes are passed and what is promised.
class ResponseParser {
 public:
  ResponseParser() noexcept = default;
  explicit ResponseParser(const ParserLimits& limits) noexcept : limits_(limits) {}

  void reset() noexcept;

  /// `method` is that of the request: it decides whether there is a body (RFC 9112 section 6.3).
  HeadResult parse_head(std::string_view bytes, http::Method method, ResponseHead& out) noexcept;
  /// Whether no byte of a response has come yet.
  [[nodiscard]] bool idle() const noexcept { return phase_ == Phase::start; }

  void begin_body(const ResponseHead& head, std::uint64_t max_body,
                  std::span<http::HeaderField> trailer_slots = {}) noexcept;
  BodyResult parse_body(std::string_view bytes) noexcept { return body_.parse(bytes); }
  /// The peer has closed the connection: ends a body of Framing::until_close, an error for the others.
  BodyResult close() noexcept { return body_.close(); }
  [[nodiscard]] const BodyParser& body() const noexcept { return body_; }

 private:
  enum class Phase : std::uint8_t { start, reason, reason_lf, fields, done, failed };
  HeadResult fail(ParseError error) noexcept;
  HeadResult need_more(std::string_view bytes, std::size_t window) noexcept;
  ParseError finish(const char* base, http::Method method, ResponseHead& out) noexcept;

  ParserLimits limits_;
  BodyParser body_;
  detail::HeadFields fields_;
  std::size_t position_ = 0;
  std::size_t reason_end_ = 0;
  Phase phase_ = Phase::start;
  ParseError error_ = ParseError::none;
};

}  // namespace weir::http1
