// What a connection still has to write: bytes, and parts of files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "weir/base/buffer.hpp"
#include "weir/base/recycle.hpp"
#include "weir/http/message.hpp"
#include "weir/net/stream.hpp"

namespace weir::server {

/// Small pieces are gathered in one buffer; large ones and files are queued as they are, without a copy. An empty queue
/// holds no memory. One loop's thread.
class OutputQueue {
 public:
  /// Pieces below this are copied behind what is there: one longer write costs less than a longer list of pieces.
  static constexpr std::size_t copy_below = 4096;

  /// Where small pieces are written to directly.
  [[nodiscard]] Buffer& tail() noexcept { return tail_; }
  void append(std::string_view bytes) { tail_.append(bytes); }
  /// Takes over a body of known length (not a stream).
  void append(http::Body body);
  void append(http::FileBody file);
  /// A part of a file that somebody else owns: hand it to keep() before it is closed.
  void append_part(int fd, std::uint64_t offset, std::uint64_t size);
  /// Closes `file` when everything that waits now has been written.
  void keep(http::FileBody file);
  [[nodiscard]] bool has_segments() const noexcept { return first_ < segments_.size(); }

  /// Bytes that wait, those of files included.
  [[nodiscard]] std::uint64_t pending() const noexcept { return queued_ + tail_.size() - tail_sent_; }
  [[nodiscard]] bool empty() const noexcept { return pending() == 0; }
  /// Bytes written so far, in all.
  [[nodiscard]] std::uint64_t written() const noexcept { return written_; }
  /// How many of them the client has taken, about; `stream` is where they went. written() says little of a slow reader:
  /// the kernel has room again only when a good part of its buffer, which may be megabytes, has left. Asks the kernel;
  /// what TLS adds may look like a step back.
  [[nodiscard]] std::uint64_t delivered(const net::Stream& stream) const noexcept;

  enum class Flush : std::uint8_t { done, blocked, failed };  ///< blocked: the stream takes no more now.
  /// Writes until everything is gone or the stream takes no more. At most `budget` bytes, so that one fast reader of a
  /// large file does not hold up the loop; `blocked` then, and the stream is writable at once.
  [[nodiscard]] Flush flush(net::Stream& stream, std::uint64_t budget = 1u << 20) noexcept;

  /// Writes what waits and behind it `head` and `body`, from where they lie and with one call where only bytes wait.
  /// What the stream does not take is copied, and waits. May throw std::bad_alloc.
  [[nodiscard]] Flush write_through(net::Stream& stream, std::string_view head, std::string_view body);

  void clear() noexcept;

 private:
  struct Segment {
    std::variant<Buffer, http::Body> content;
    std::string_view bytes;  ///< What is left of it; empty for files.
    std::uint64_t file_left = 0;
    std::uint64_t file_offset = 0;
    int fd = -1;
  };
  void seal_tail();
  Flush flush_segments(net::Stream& stream, std::uint64_t budget) noexcept;

  recycle::Vector<Segment> segments_;  // before the tail
  std::size_t first_ = 0;              // the first segment that is not written yet
  Buffer tail_;
  std::size_t tail_sent_ = 0;
  std::uint64_t queued_ = 0;  // bytes in segments
  std::uint64_t written_ = 0;
};

}  // namespace weir::server
