#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

// Turns the WebSocket frames of a client, which arrive in pieces, into the same frames of a server, in place: the least
// that an echo must do (RFC 6455 section 5.2: a server's frames have no masking key). It takes back no mask: the load's
// key is 0. Nor does it join a frame's head that is cut in two: the load sends each head in one piece.
class EchoFrames {
 public:
  // What to send for the bytes that came, within them. Empty: nothing is due, or a head was cut.
  std::string_view echo(char* data, std::size_t size) {
    char* const end = data + size;
    char* to = nullptr;  // the end of what is to be sent
    char* begin = data;
    for (char* at = data; at != end;) {
      if (left_ == 0) {
        const std::size_t head = head_size(at, end);
        if (head == 0) return {};
        // Before the first payload the head moves over the key, and the payload stays where it is.
        if (to == nullptr) to = begin = at + key_size;
        std::memmove(to, at, head);
        to[1] = static_cast<char>(to[1] & 0x7f);
        to += head;
        at += head + key_size;
      }
      const std::size_t part =
          left_ < static_cast<std::uint64_t>(end - at) ? left_ : static_cast<std::size_t>(end - at);
      if (to == nullptr) to = at;
      if (to != at) std::memmove(to, at, part);
      to += part;
      at += part;
      left_ -= part;
    }
    return to == nullptr ? std::string_view() : std::string_view(begin, static_cast<std::size_t>(to - begin));
  }

 private:
  static constexpr std::size_t key_size = 4;

  // Bytes of the head without its key, and the payload's size into left_; 0 where it is not all there.
  std::size_t head_size(const char* at, const char* end) {
    if (end - at < 2) return 0;
    const std::size_t code = static_cast<unsigned char>(at[1]) & 0x7f;
    const std::size_t width = code == 126 ? 2 : code == 127 ? 8 : 0;
    if (static_cast<std::size_t>(end - at) < 2 + width + key_size) return 0;
    left_ = width == 0 ? code : 0;
    for (std::size_t i = 0; i < width; ++i) left_ = (left_ << 8) | static_cast<unsigned char>(at[2 + i]);
    return 2 + width;
  }

  std::uint64_t left_ = 0;  // of the payload under way
};
