// multipart/form-data bodies (RFC 7578, RFC 2046 section 5.1), incrementally: bytes in, events out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "weir/base/error.hpp"
#include "weir/base/recycle.hpp"
#include "weir/http/mime.hpp"

namespace weir::http {

struct MultipartLimits {
  std::size_t max_parts = 128;
  std::size_t max_header_bytes = 4096;  ///< Of each part.
  std::size_t max_preamble = 1024;      ///< Bytes before the first boundary.
};

/// Takes a body apart. Push bytes, pull events; input may be cut anywhere. Copies only the header lines of parts.
///
///     MultipartParser parser(boundary);
///     while (…bytes come…) {
///       for (;;) {
///         const MultipartParser::Event event = parser.next(bytes);   // drops what it has used from `bytes`
///         if (event.kind == Kind::need_more) break;
///         …
///       }
///     }
class MultipartParser {
 public:
  enum class Kind : std::uint8_t {
    need_more,   ///< All bytes are used (or held back): push more.
    part_begin,  ///< A part begins; part() describes it.
    data,        ///< A piece of its content.
    part_end,
    finished,  ///< The last boundary was there. What follows is left alone.
    error,     ///< Malformed or over a limit; see error(). The parser stays in this state.
  };
  struct Event {
    Kind kind = Kind::need_more;
    std::string_view data;  ///< Lies in the pushed bytes or in the parser: valid until the next call.
  };
  /// The part under way. Views into the parser, valid until part_end has been pulled.
  struct Part {
    std::string_view name;
    std::string_view filename;      ///< As sent: it may hold "/" or "..". Never use it as a path.
    std::string_view content_type;  ///< Empty: text/plain.
    bool has_filename = false;      ///< A file, even if its name is empty.
    std::string_view header_lines;  ///< All its fields as they were sent, each line ended by CR LF.
  };

  /// `boundary` as in the parameter of Content-Type: see boundary_of().
  explicit MultipartParser(std::string_view boundary, const MultipartLimits& limits = {});

  /// The boundary of a media type, or an error: not multipart/form-data (unsupported_media_type), no boundary or a
  /// malformed one (invalid_argument; RFC 2046: 1-70 characters).
  static Result<std::string_view> boundary_of(std::string_view content_type);

  Event next(std::string_view& bytes);
  /// Whether the body may end here: finished has been pulled.
  [[nodiscard]] bool finished() const noexcept { return state_ == State::finished; }
  [[nodiscard]] const Part& part() const noexcept { return part_; }
  /// Of an error: Errc::invalid_argument or too_large, and a sentence.
  [[nodiscard]] Error error() const { return Error(code_, std::string(message_)); }

 private:
  enum class State : std::uint8_t {
    preamble,
    after_boundary,
    closing_dash,
    padding,
    boundary_lf,
    headers,
    content,
    finished,
    failed
  };

  Event fail(Errc code, std::string_view message) noexcept;
  Event next_content(std::string_view& bytes);
  Event end_of_boundary(std::string_view& bytes);
  Event take_headers(std::string_view& bytes);
  bool parse_headers();
  bool parse_disposition(std::string_view value);
  std::string_view unescape(std::string_view quoted);

  MultipartLimits limits_;
  recycle::String delimiter_;  // CR LF "--" boundary
  recycle::String headers_;    // lines of the part under way
  recycle::String names_;      // unescaped name and filename
  Part part_;
  std::string_view message_;
  std::size_t matched_ = 2;  // bytes of the delimiter seen at the end of the input so far
  std::size_t parts_ = 0;
  std::size_t preamble_ = 0;
  std::size_t assumed_ = 2;  // how many of those were not in the input: at the start, and behind a part's header
  State state_ = State::preamble;
  Errc code_ = Errc::invalid_argument;
  bool in_part_ = false;
};

}  // namespace weir::http
