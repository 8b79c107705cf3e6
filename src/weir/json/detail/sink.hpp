// The end of a Buffer as a cursor in registers: what the writer writes through.
#pragma once

#include <charconv>
#include <cmath>
#include <cstring>
#include <string_view>

#include "weir/base/buffer.hpp"

namespace weir::json::detail {

/// Writes behind the end of `buffer`; flush() or the destructor make it part of the buffer.
class Sink {
 public:
  explicit Sink(Buffer& buffer) noexcept
      : buffer_(buffer), at_(buffer.data() + buffer.size()), limit_(buffer.data() + buffer.capacity()) {}
  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;
  ~Sink() { flush(); }

  void flush() noexcept { buffer_.advance(static_cast<std::size_t>(at_ - buffer_.data()) - buffer_.size()); }

  /// Room for `n` bytes at the cursor. Throws std::bad_alloc.
  char* room(std::size_t n) {
    if (static_cast<std::size_t>(limit_ - at_) < n) grow(n);
    return at_;
  }
  void set(char* at) noexcept { at_ = at; }

  void put(char c) {
    char* to = room(1);
    *to = c;
    at_ = to + 1;
  }
  void put(std::string_view text) {
    char* to = room(text.size());
    std::memcpy(to, text.data(), text.size());
    at_ = to + text.size();
  }
  /// Text behind which 16 bytes may be read: keys of ObjectInfo.
  void put_key(std::string_view key) {
    char* to = room(key.size() + 16);
    std::memcpy(to, key.data(), 16);
    if (key.size() > 16) std::memcpy(to + 16, key.data() + 16, key.size() - 16);
    at_ = to + key.size();
  }
  template <class N>
  void put_number(N value) {
    char* to = room(32);
    if constexpr (std::is_floating_point_v<N>) {
      if (!std::isfinite(value)) return put("null");
    }
    at_ = std::to_chars(to, to + 32, value).ptr;
  }
  /// A JSON string.
  void put_string(std::string_view text);

 private:
  void grow(std::size_t n) {
    flush();
    at_ = buffer_.reserve_more(n);
    limit_ = buffer_.data() + buffer_.capacity();
  }
  void put_escaped(const char* p, const char* end);

  Buffer& buffer_;
  char* at_;
  char* limit_;
};

}  // namespace weir::json::detail
