// Writes one JSON object a line into memory that is known to be large enough.
#pragma once

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace weir::telemetry {

/// How many bytes a text may grow to: "\u00XX" for each of its bytes.
inline constexpr std::size_t max_escape = 6;

/// Writes `text` to `out` (max_escape x text.size() bytes of room) as the inside of a JSON string (RFC 8259 §7), with
/// U+FFFD for bytes that are not UTF-8. Returns the end.
char* escape_json(char* out, std::string_view text) noexcept;
/// The same by the plainest code: what the tests compare with.
char* escape_json_plain(char* out, std::string_view text) noexcept;

/// Remembers the second that it wrote last, since most lines share it with the line before.
class TimestampWriter {
 public:
  static constexpr std::size_t size = 27;
  /// Writes "2026-01-01T00:00:00.000000Z" (RFC 3339, UTC).
  char* write(char* out, std::int64_t wall_ns) noexcept;

 private:
  void write_second(std::int64_t second) noexcept;
  std::int64_t second_ = INT64_MIN;
  char text_[20];
};

/// A cursor for one line. Each call appends; the caller has made sure of the room.
class JsonLine {
 public:
  explicit JsonLine(char* at) noexcept : at_(at) {}
  [[nodiscard]] char* end() const noexcept { return at_; }

  /// Text that is JSON already. A literal's copy is inlined.
  template <std::size_t N>
  void literal(const char (&text)[N]) noexcept {
    std::memcpy(at_, text, N - 1);
    at_ += N - 1;
  }
  void raw(std::string_view text) noexcept {
    std::memcpy(at_, text.data(), text.size());
    at_ += text.size();
  }
  void escaped(std::string_view text) noexcept { at_ = escape_json(at_, text); }
  /// `,"key":"value"` where the value is not empty; `key` comes as `,"key":"`.
  template <std::size_t N>
  void member(const char (&key)[N], std::string_view value) noexcept {
    if (value.empty()) return;
    literal(key);
    escaped(value);
    *at_++ = '"';
  }
  template <class Number>
  void number(Number value) noexcept {
    at_ = std::to_chars(at_, at_ + 24, value).ptr;
  }
  void real(double value) noexcept;
  void hex(const std::uint8_t* bytes, std::size_t size) noexcept;
  void character(char c) noexcept { *at_++ = c; }
  void timestamp(TimestampWriter& writer, std::int64_t wall_ns) noexcept { at_ = writer.write(at_, wall_ns); }

 private:
  char* at_;
};

}  // namespace weir::telemetry
