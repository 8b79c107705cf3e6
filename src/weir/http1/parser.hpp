// The request parser: HTTP/1.x requests from bytes (RFC 9112), strict, in place, resumable at every byte.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "weir/http/message.hpp"
#include "weir/http1/body_parser.hpp"
#include "weir/http1/detail/head_fields.hpp"
#include "weir/http1/parse_error.hpp"

namespace weir::http1 {

/// The parsers look at up to 64 bytes at a time: behind the bytes given to them, this many must be readable (whatever
/// they hold). Receive buffers are allocated with this much more than they are filled.
inline constexpr std::size_t padding = 64;

struct ParserLimits {
  std::size_t max_target = 8192;  ///< Bytes of the request target; more is 414.
  std::size_t max_head = 16384;   ///< Bytes of the whole head, from the method to the empty line; more is 431.
  std::size_t max_headers = 100;  ///< Fields; more is 431. Also bounded by the slots given.
  BodyLimits body;
};

/// The head of a request and what it says about the connection.
struct RequestHead {
  /// `field_slots` is where the header fields go; it must live as long as the head. 100 slots are 4 KB.
  explicit RequestHead(std::span<http::HeaderField> field_slots) noexcept : slots(field_slots) {}

  http::Request request;
  Framing framing = Framing::none;   ///< none, length or chunked.
  std::uint64_t content_length = 0;  ///< With Framing::length; may be 0.
  bool keep_alive = true;            ///< What the client asked for (RFC 9112 section 9.3).
  bool expect_continue = false;      ///< Expect: 100-continue, and there is a body to wait for.
  bool upgrade = false;              ///< Connection: upgrade and an Upgrade field (RFC 9110 section 7.8).
  std::span<http::HeaderField> slots;
};

struct HeadResult {
  ParseState state = ParseState::need_more;
  std::size_t size = 0;  ///< With complete: the bytes of the head; the body begins behind them.
  ParseError error = ParseError::none;
};

/// Parses the requests of one connection, one after the other: reset(), parse_head() until complete, parse_body() until
/// complete, and again. Copies nothing and allocates nothing. The result, errors included, does not depend on how the
/// input was cut into pieces.
class RequestParser {
 public:
  RequestParser() noexcept = default;
  explicit RequestParser(const ParserLimits& limits) noexcept : limits_(limits) {}

  /// Gets ready for the next request.
  void reset() noexcept;
  void set_limits(const ParserLimits& limits) noexcept { limits_ = limits; }
  [[nodiscard]] const ParserLimits& limits() const noexcept { return limits_; }

  /// `bytes` is everything of this request that has been received so far, from its first byte on; it may lie at another
  /// address than in the call before. `out` must be the same object in all calls for one request. Work is linear in
  /// the bytes received, however they arrive.
  /// REQUIRES: `padding` readable bytes behind the end of `bytes`.
  /// With complete, `out` is filled, and its views point into `bytes`: they are valid as long as those bytes stay.
  HeadResult parse_head(std::string_view bytes, RequestHead& out) noexcept;

  /// After an address change of a complete head (the receive buffer grew and moved): makes its views point into the new
  /// place. `from` and `to` are the first bytes of the request, before and after.
  static void rebase(RequestHead& head, const char* from, const char* to) noexcept;

  /// Whether no byte of a request has come yet (but empty lines): a close here is a clean one, and the idle time-out
  /// applies.
  [[nodiscard]] bool idle() const noexcept { return phase_ == Phase::start; }

  /// Sets the limit of this request's body and the place for its trailer fields; call it between the head and
  /// the first parse_body(). Without it the limits of the parser hold and trailers are dropped.
  void begin_body(const RequestHead& head, std::uint64_t max_body,
                  std::span<http::HeaderField> trailer_slots = {}) noexcept;
  /// See BodyParser::parse.
  BodyResult parse_body(std::string_view bytes) noexcept { return body_.parse(bytes); }
  [[nodiscard]] const BodyParser& body() const noexcept { return body_; }

 private:
  enum class Phase : std::uint8_t { start, method, target, version, fields, done, failed };
  HeadResult fail(ParseError error) noexcept;
  HeadResult need_more(std::string_view bytes, std::size_t window, ParseError beyond) noexcept;
  ParseError finish(const char* base, RequestHead& out) noexcept;

  ParserLimits limits_;
  BodyParser body_;
  detail::HeadFields fields_;
  std::size_t position_ = 0;  // where to go on
  std::size_t method_at_ = 0;
  std::size_t method_end_ = 0;
  std::size_t target_at_ = 0;
  std::size_t target_end_ = 0;
  std::size_t query_at_ = 0;  // of the '?'; 0: none
  Phase phase_ = Phase::start;
  ParseError error_ = ParseError::none;
};

}  // namespace weir::http1
