// UTF-8 (RFC 3629) that arrives in pieces: text messages must be it (RFC 6455 section 8.1).
#pragma once

#include <cstdint>
#include <string_view>

namespace weir::websocket {

/// Checks text piece by piece, whatever the cuts. Says no at the first byte that no valid text could have there: no
/// surrogates, nothing overlong, nothing above U+10FFFF. ASCII costs one comparison for 16 bytes.
class Utf8Validator {
 public:
  /// False: the text is wrong, and stays so until reset().
  [[nodiscard]] bool feed(std::string_view piece) noexcept;
  /// Whether the text may end here.
  [[nodiscard]] bool complete() const noexcept { return missing_ == 0 && good_; }
  void reset() noexcept { *this = {}; }

 private:
  [[nodiscard]] bool lead(unsigned char byte) noexcept;

  std::uint8_t missing_ = 0;  // bytes of the current sequence that are to come
  std::uint8_t low_ = 0x80;   // what the next of them may be
  std::uint8_t high_ = 0xbf;
  bool good_ = true;
};

/// All of it at once.
[[nodiscard]] bool is_utf8(std::string_view text) noexcept;

}  // namespace weir::websocket
