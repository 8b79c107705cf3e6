// Byte ranges (RFC 9110 section 14).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "weir/base/buffer.hpp"

namespace weir::http {

/// `length` bytes from `offset`; never empty.
struct ByteRange {
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
  friend constexpr bool operator==(const ByteRange&, const ByteRange&) noexcept = default;
};

/// What a Range field asks for.
class RangeRequest {
 public:
  static constexpr std::size_t max_ranges = 16;
  enum class Kind : std::uint8_t {
    whole,          ///< No range, a malformed one, another unit, or an abusive one: answer 200 with everything.
    partial,        ///< Answer 206 with ranges().
    unsatisfiable,  ///< Answer 416 with Content-Range: bytes */size.
  };

  /// The value of Range against a representation of `size` bytes. Ranges that begin behind the end are dropped (416
  /// when all are), the others are cut to it. More than max_ranges ranges, and ranges that overlap, are answered with
  /// the whole (section 14.2 allows it: they are how one small request asks for the same bytes many times).
  static RangeRequest parse(std::string_view value, std::uint64_t size) noexcept;

  [[nodiscard]] Kind kind() const noexcept { return kind_; }
  /// In the order of the request; not empty for Kind::partial.
  [[nodiscard]] std::span<const ByteRange> ranges() const noexcept { return {ranges_.data(), count_}; }

 private:
  [[nodiscard]] bool overlap() const noexcept;
  std::array<ByteRange, max_ranges> ranges_;
  std::size_t count_ = 0;
  Kind kind_ = Kind::whole;
};

/// Appends "bytes 0-99/1000".
void write_content_range(const ByteRange& range, std::uint64_t size, Buffer& out);
/// Appends "bytes */1000": of a 416.
void write_unsatisfied_range(std::uint64_t size, Buffer& out);

}  // namespace weir::http
