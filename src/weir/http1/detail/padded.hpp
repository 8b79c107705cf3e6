// A copy of bytes with the padding that the parsers need behind it: for tests, fuzzing and inputs that come from
// elsewhere.
#pragma once

#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>

namespace weir::http1::detail {

class Padded {
 public:
  /// `fill` is what the padding holds: the parsers must not care.
  explicit Padded(std::string_view bytes, char fill = '\0') : storage_(bytes), size_(bytes.size()) {
    storage_.append(64, fill);
  }
  [[nodiscard]] std::string_view view() const noexcept { return {storage_.data(), size_}; }

 private:
  std::string storage_;
  std::size_t size_;
};

}  // namespace weir::http1::detail
