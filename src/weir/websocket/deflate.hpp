// Compressing and decompressing the payload of messages (RFC 7692 section 7.2) with zlib.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "weir/base/buffer.hpp"

// zlib.h is not included here: its macros are for deflate.cpp only.
struct z_stream_s;

namespace weir::websocket {

namespace detail {
struct DeflateEnd {
  void operator()(z_stream_s* stream) const noexcept;
};
struct InflateEnd {
  void operator()(z_stream_s* stream) const noexcept;
};
}  // namespace detail

/// A compressor. Takes its memory with the first message: about 2^(window_bits + 2) + 2^(memory_level + 9) bytes, 256
/// KiB with 15 and 8. One thread at a time.
class Deflater {
 public:
  struct Options {
    std::uint8_t window_bits = 15;  ///< 9 to 15
    std::uint8_t memory_level = 8;  ///< 1 to 9
    std::uint8_t level = 1;         ///< 0 to 9: speed against size.
    bool operator==(const Options&) const noexcept = default;
  };
  explicit Deflater(const Options& options) noexcept : options_(options) {}

  /// Appends `message`, compressed, to `out`; without the four bytes that every compressed message ends with (section
  /// 7.2.1). `keep_context`: the next message may refer to this one. False: no memory, and `out` is as it was.
  [[nodiscard]] bool compress(std::string_view message, bool keep_context, Buffer& out) noexcept;
  /// The next message refers to nothing before it: after something was sent that this compressor has not seen.
  void forget() noexcept;
  [[nodiscard]] const Options& options() const noexcept { return options_; }

 private:
  Options options_;
  std::unique_ptr<z_stream_s, detail::DeflateEnd> stream_;
};

/// A decompressor. Takes its memory (2^window_bits and about 10 KiB) with the first message. One thread at a time.
class Inflater {
 public:
  explicit Inflater(std::uint8_t window_bits = 15) noexcept : window_bits_(window_bits) {}

  enum class Outcome : std::uint8_t { good, corrupt, too_big, no_memory };
  /// Appends what `piece` of a message decompresses to, until `out` would hold more than `limit` bytes (too_big).
  /// `last`: the message ends with this piece.
  [[nodiscard]] Outcome decompress(std::string_view piece, bool last, std::size_t limit, Buffer& out) noexcept;
  /// Ready for the next message: what comes refers to nothing before.
  void forget() noexcept;

 private:
  Outcome run(std::string_view input, std::size_t limit, Buffer& out);
  bool restart() noexcept;

  std::unique_ptr<z_stream_s, detail::InflateEnd> stream_;
  std::uint8_t window_bits_;
};

}  // namespace weir::websocket
