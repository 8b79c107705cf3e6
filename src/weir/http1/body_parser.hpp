// Message bodies on the wire (RFC 9112 sections 6 and 7): a content length, chunks, or everything until the close.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "weir/http/headers.hpp"
#include "weir/http1/detail/field_parser.hpp"
#include "weir/http1/parse_error.hpp"

namespace weir::http1 {

/// How the end of a body is found (RFC 9112 section 6.3).
enum class Framing : std::uint8_t { none, length, chunked, until_close };

enum class ParseState : std::uint8_t { need_more, complete, error };

/// Limits on bodies; zero means no limit of its own.
struct BodyLimits {
  std::uint64_t max_body = 0;               ///< Bytes of content; 0: the caller counts.
  std::size_t max_chunk_extensions = 4096;  ///< Bytes of chunk extensions in the whole body.
  std::size_t max_trailer_bytes = 8192;

  /// These, with another max_body.
  [[nodiscard]] BodyLimits with_max_body(std::uint64_t bytes) const noexcept {
    BodyLimits result = *this;
    result.max_body = bytes;
    return result;
  }
};

/// One step through a body: the first `consumed` bytes are done with; `data`, a view into them, is content. As long as
/// `data` is not empty (and the state is not complete) call again with the rest, for it may hold further chunks;
/// need_more without data means that more bytes must come. The last data of a body with a length comes together with
/// complete.
struct BodyResult {
  ParseState state = ParseState::need_more;
  std::size_t consumed = 0;
  std::string_view data;
  ParseError error = ParseError::none;
};

/// Takes the framing off one body. Does no I/O, keeps no bytes.
class BodyParser {
 public:
  /// Begins a body. `trailer_slots` holds the trailer fields; with none of them trailers are checked and dropped.
  void begin(Framing framing, std::uint64_t content_length, const BodyLimits& limits,
             std::span<http::HeaderField> trailer_slots = {}) noexcept;

  /// REQUIRES: 64 readable bytes behind the end of `bytes` (their content does not matter).
  /// Bytes that were not consumed are passed again, at the same or another address, with what has come since.
  BodyResult parse(std::string_view bytes) noexcept;

  /// For Framing::until_close: the peer has closed, the body is complete. For the others: an error (truncated) unless
  /// the body was complete before.
  BodyResult close() noexcept;

  [[nodiscard]] bool complete() const noexcept { return phase_ == Phase::done; }
  /// Bytes of content so far.
  [[nodiscard]] std::uint64_t received() const noexcept { return received_; }
  /// After completion: the trailer fields. They lie in the bytes of the last parse() that consumed them.
  [[nodiscard]] http::HeaderView trailers() const noexcept { return trailers_; }

 private:
  enum class Phase : std::uint8_t {
    length,
    until_close,
    size_start,
    size,
    extension,
    size_lf,
    data,
    data_cr,
    data_lf,
    trailers,
    done,
    failed
  };
  BodyResult fail(ParseError error, std::size_t consumed) noexcept;
  BodyResult parse_chunked(std::string_view bytes) noexcept;
  BodyResult parse_trailers(std::string_view bytes, std::size_t at) noexcept;

  BodyLimits limits_;
  std::uint64_t remaining_ = 0;  // of the content length or of the chunk
  std::uint64_t received_ = 0;
  std::size_t extensions_ = 0;
  detail::ExtensionState extension_;
  detail::FieldParser fields_;
  const char* trailer_base_ = nullptr;  // where the trailer section lay in the last call
  std::span<http::HeaderField> slots_;
  http::HeaderView trailers_;
  Phase phase_ = Phase::done;
  std::uint8_t digits_ = 0;
  ParseError error_ = ParseError::none;
};

}  // namespace weir::http1
