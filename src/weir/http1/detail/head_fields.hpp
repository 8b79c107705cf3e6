// The header section of a message that is received, wherever its bytes lie from one call to the next.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>

#include "weir/http/headers.hpp"
#include "weir/http1/detail/field_parser.hpp"

namespace weir::http1::detail {

/// A FieldParser for the head of a message, which begins at the first of the bytes given to it. The receive buffer may
/// have moved between two calls: the fields stored so far move with it.
class HeadFields : public FieldParser {
 public:
  /// The fields begin `at` bytes behind `base`.
  void begin(const char* base, std::size_t at) noexcept {
    base_ = base;
    FieldParser::begin(at);
  }
  /// Goes on in [base, base + end); at most `max_fields` and as many as there are slots.
  FieldsState parse(const char* base, std::size_t end, std::span<http::HeaderField> slots,
                    std::size_t max_fields) noexcept {
    if (base_ != base) {
      rebase(slots, base_, base);
      base_ = base;
    }
    return FieldParser::parse(base, end, slots, std::min(max_fields, slots.size()), true);
  }
  /// What was stored, once it is complete.
  [[nodiscard]] http::HeaderView view(std::span<http::HeaderField> slots) const noexcept {
    return {slots.data(), count(), present()};
  }

 private:
  const char* base_ = nullptr;  // where the bytes lay in the last call
};

}  // namespace weir::http1::detail
