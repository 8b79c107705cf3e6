// The fields of a response in the form in which nghttp2 takes them.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string_view>

#include <nghttp2/nghttp2.h>

#include "weir/base/recycle.hpp"
#include "weir/http/headers.hpp"
#include "weir/http/status.hpp"

namespace weir::http2::detail {

/// A list of fields that are sent as they lie: texts are not copied and must live until the frame has been made. The
/// list itself may go after it was handed over.
class FieldList {
 public:
  /// :status (RFC 9113 section 8.3.2). Codes outside of 100-599 go out as 500.
  void add_status(http::Status status);
  void add(http::HeaderId id, std::string_view value);
  /// All but those that HTTP/2 does not know (RFC 9113 section 8.2.2) and Content-Length, which the engine decides
  /// about.
  void add_response(const http::Headers& headers);
  /// The same for an interim response; these fields are copied.
  void add_interim(const http::Headers& headers);
  /// All that may be trailers (RFC 9110 section 6.5.1).
  void add_trailers(const http::Headers& headers);

  [[nodiscard]] std::span<const nghttp2_nv> view() const noexcept {
    return more_.empty() ? std::span(few_.data(), count_) : std::span(more_);
  }

 private:
  void push(std::string_view name, std::string_view value, std::uint8_t flags);

  // Few responses have more; they are not cleared, because only the first count_ are looked at.
  std::array<nghttp2_nv, 24> few_;
  std::size_t count_ = 0;
  recycle::Vector<nghttp2_nv> more_;  // all of them, once they are too many
};

}  // namespace weir::http2::detail
