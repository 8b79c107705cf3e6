// Numbers of RFC 8259 section 6, and their conversion.
#pragma once

#include <cstdint>

namespace weir::json::detail {

/// A number as it stands in the text.
struct Number {
  const char* begin = nullptr;
  const char* end = nullptr;
  std::uint64_t digits = 0;  ///< All digits as one integer, unless `long_digits`.
  int exponent = 0;          ///< The value is digits · 10^exponent.
  bool negative = false;
  bool integral = true;      ///< No fraction and no exponent.
  bool long_digits = false;  ///< More digits than fit into `digits`.
};

constexpr bool is_digit(char c) noexcept {
  return static_cast<unsigned char>(c - '0') < 10;
}

/// What may follow a number or a literal.
constexpr bool ends_scalar(char c) noexcept {
  return c == ',' || c == '}' || c == ']' || c == ' ' || c == '\n' || c == '\r' || c == '\t' || c == ':';
}

/// Reads the number at `p`. REQUIRES: some byte that no number contains follows before the end of the memory (at
/// `limit` or before it). Returns false if it is none, or if something is stuck to it.
[[nodiscard]] inline bool scan_number(const char* p, const char* limit, Number& out) noexcept {
  out = Number{};
  out.begin = p;
  if (*p == '-') {
    out.negative = true;
    ++p;
  }
  const char* const first = p;
  std::uint64_t digits = 0;
  while (is_digit(*p)) digits = digits * 10 + static_cast<std::uint64_t>(*p++ - '0');
  auto count = p - first;
  if (count == 0 || (*first == '0' && count > 1)) return false;
  if (*p == '.') {
    ++p;
    const char* const fraction = p;
    while (is_digit(*p)) digits = digits * 10 + static_cast<std::uint64_t>(*p++ - '0');
    if (p == fraction) return false;
    out.exponent = -static_cast<int>(p - fraction < 100000 ? p - fraction : 100000);
    count += p - fraction;
    out.integral = false;
  }
  if (*p == 'e' || *p == 'E') {
    ++p;
    const bool minus = *p == '-';
    if (*p == '-' || *p == '+') ++p;
    const char* const begin = p;
    int exponent = 0;
    while (is_digit(*p)) {
      if (exponent < 100000) exponent = exponent * 10 + (*p - '0');
      ++p;
    }
    if (p == begin) return false;
    out.exponent += minus ? -exponent : exponent;
    out.integral = false;
  }
  if (p != limit && !ends_scalar(*p)) return false;
  out.end = p;
  out.digits = digits;
  out.long_digits = count > 19;
  return true;
}

/// The value of a number, correctly rounded. False if it is too large for the type; too small ones become 0.
[[nodiscard]] bool to_double(const Number& number, double& out) noexcept;
[[nodiscard]] bool to_float(const Number& number, float& out) noexcept;

/// The value as an integer. False if it has a fraction or is out of the range of `bytes` bytes. Numbers such as 1.0 and
/// 1e3 are integers, as JSON Schema has it.
enum class IntegerStatus : std::uint8_t { ok, not_integer, out_of_range };
[[nodiscard]] IntegerStatus to_integer(const Number& number, bool is_signed, unsigned bytes,
                                       std::uint64_t& out) noexcept;

/// Stores the low `bytes` bytes of `value` (an integer or the integer behind an enumeration).
inline void store_integer(void* out, unsigned bytes, std::uint64_t value) noexcept {
  switch (bytes) {
    case 1:
      *static_cast<std::uint8_t*>(out) = static_cast<std::uint8_t>(value);
      break;
    case 2: {
      const auto v = static_cast<std::uint16_t>(value);
      __builtin_memcpy(out, &v, 2);
      break;
    }
    case 4: {
      const auto v = static_cast<std::uint32_t>(value);
      __builtin_memcpy(out, &v, 4);
      break;
    }
    default:
      __builtin_memcpy(out, &value, 8);
      break;
  }
}
/// Loads an integer of `bytes` bytes, sign-extended if `is_signed`.
inline std::uint64_t load_integer(const void* in, unsigned bytes, bool is_signed) noexcept {
  switch (bytes) {
    case 1: {
      std::uint8_t v;
      __builtin_memcpy(&v, in, 1);
      return is_signed ? static_cast<std::uint64_t>(static_cast<std::int8_t>(v)) : v;
    }
    case 2: {
      std::uint16_t v;
      __builtin_memcpy(&v, in, 2);
      return is_signed ? static_cast<std::uint64_t>(static_cast<std::int16_t>(v)) : v;
    }
    case 4: {
      std::uint32_t v;
      __builtin_memcpy(&v, in, 4);
      return is_signed ? static_cast<std::uint64_t>(static_cast<std::int32_t>(v)) : v;
    }
    default: {
      std::uint64_t v;
      __builtin_memcpy(&v, in, 8);
      return v;
    }
  }
}

}  // namespace weir::json::detail
