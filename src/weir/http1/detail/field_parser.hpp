// Header and trailer sections (RFC 9112 section 5): field lines up to the empty line.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "weir/http/headers.hpp"
#include "weir/http1/parse_error.hpp"

namespace weir::http1::detail {

/// Where in a chunk extension the parser stands (RFC 9112 section 7.1.1).
enum class ExtensionState : std::uint8_t {
  before_name,
  name,
  after_name,
  before_value,
  value,
  quoted,
  escaped,
  closed,
  after
};

enum class FieldsState : std::uint8_t { need_more, complete, error };

/// A resumable parser of field lines. Offsets count from the base of the bytes given to parse().
class FieldParser {
 public:
  void begin(std::size_t at) noexcept {
    position_ = at;
    line_ = at;
    count_ = 0;
    present_.clear();
    repeated_.clear();
    phase_ = Phase::line;
    error_ = ParseError::none;
  }

  /// Goes on at position() in [base, base + end). With `keep` false the fields are checked and not stored.
  FieldsState parse(const char* base, std::size_t end, std::span<http::HeaderField> slots, std::size_t max_fields,
                    bool keep) noexcept;
  /// Moves the views of the fields stored so far.
  void rebase(std::span<http::HeaderField> slots, const char* from, const char* to) const noexcept;

  [[nodiscard]] std::size_t position() const noexcept { return position_; }
  [[nodiscard]] std::size_t count() const noexcept { return count_; }
  [[nodiscard]] const http::HeaderSet& present() const noexcept { return present_; }
  [[nodiscard]] const http::HeaderSet& repeated() const noexcept { return repeated_; }
  [[nodiscard]] ParseError error() const noexcept { return error_; }

 private:
  enum class Phase : std::uint8_t { line, name, before_value, value, end_lf };
  FieldsState fail(ParseError error) noexcept {
    error_ = error;
    return FieldsState::error;
  }
  std::size_t position_ = 0;  // where to go on
  std::size_t line_ = 0;      // first byte of the current line
  std::size_t value_at_ = 0;
  std::size_t count_ = 0;
  http::HeaderSet present_;
  http::HeaderSet repeated_;
  Phase phase_ = Phase::line;
  ParseError error_ = ParseError::none;
};

}  // namespace weir::http1::detail
