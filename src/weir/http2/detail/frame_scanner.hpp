// Looks at what passes by for the few rules that nghttp2 leaves unchecked.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "weir/http2/session.hpp"

namespace weir::http2::detail {

/// Whom a FrameScanner tells and asks.
class FrameObserver {
 public:
  /// The header of each frame, of unknown types too. A text (static storage) ends the scan: the client is cut off.
  virtual std::string_view on_frame(const FrameHeader& frame) noexcept = 0;
  /// The client has ended the stream, or must know that it has ended: nothing more may come.
  [[nodiscard]] virtual bool ended(StreamId id) const noexcept = 0;

 protected:
  ~FrameObserver() = default;
};

/// Follows the frames of a connection from the client's preface on, however its bytes are cut. With RFC 7540's
/// priorities switched off nghttp2 skips PRIORITY frames unread, and what comes for a stream that has ended it skips
/// too; there are rules for both that hold nevertheless. And floods may be made of what nghttp2 skips.
class FrameScanner {
 public:
  struct Broken {
    ErrorCode code = ErrorCode::no_error;
    std::string_view why;  ///< Static storage.
  };
  /// The rule that is broken somewhere in `bytes`; `why` is empty: none. To be called before the session looks at them.
  /// Work is linear in the number of frames.
  Broken scan(std::string_view bytes, FrameObserver& observer) noexcept;

 private:
  Broken check(const char* frame, FrameObserver& observer) noexcept;
  void hold(std::size_t wanted, std::string_view& bytes) noexcept;

  static constexpr std::size_t header = 9;
  static constexpr std::size_t word = 4;  // of the payload: a stream, or an increment

  std::size_t skip_ = 24;  // what is left of the preface, or of a payload
  std::size_t held_ = 0;
  std::array<char, header + word> frame_{};  // the begin of a frame that was cut
  StreamId ended_ = 0;                       // the last stream that these very bytes end
};

}  // namespace weir::http2::detail
