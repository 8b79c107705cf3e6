#include "weir/json/detail/number.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <system_error>

namespace weir::json::detail {
namespace {

constexpr std::array<double, 23> powers_of_ten = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                                  1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                                  1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

template <class F>
bool convert(const Number& number, F& out) noexcept {
  const auto result = std::from_chars(number.begin, number.end, out);
  if (result.ec == std::errc{}) return true;
  // Out of range: from_chars does not say on which side.
  double wide = 0;
  const bool fits = !std::is_same_v<F, double> && std::from_chars(number.begin, number.end, wide).ec == std::errc{};
  const bool tiny = fits ? std::fabs(wide) < 1 : number.exponent < 0;
  if (!tiny) return false;
  out = number.negative ? -F{0} : F{0};
  return true;
}

}  // namespace

bool to_double(const Number& number, double& out) noexcept {
  // Clinger's fast path: both factors are exact, so one rounding is all there is.
  if (!number.long_digits && number.digits <= (std::uint64_t{1} << 53) && number.exponent >= -22 &&
      number.exponent <= 22) {
    auto value = static_cast<double>(number.digits);
    const auto power = static_cast<unsigned>(number.exponent < 0 ? -number.exponent : number.exponent);
    value = number.exponent < 0 ? value / powers_of_ten[power] : value * powers_of_ten[power];
    out = number.negative ? -value : value;
    return true;
  }
  return convert(number, out);
}

bool to_float(const Number& number, float& out) noexcept {
  return convert(number, out);
}

IntegerStatus to_integer(const Number& number, bool is_signed, unsigned bytes, std::uint64_t& out) noexcept {
  std::uint64_t magnitude = number.digits;
  if (!number.integral) {
    double value = 0;
    if (!to_double(number, value)) return IntegerStatus::out_of_range;
    if (std::trunc(value) != value) return IntegerStatus::not_integer;
    if (std::fabs(value) > 9007199254740992.0) return IntegerStatus::out_of_range;
    magnitude = static_cast<std::uint64_t>(std::fabs(value));
  } else if (number.end - number.begin - (number.negative ? 1 : 0) > 19) {
    // Twenty digits may still fit; more never do, as there are no leading zeros.
    const auto result = std::from_chars(number.begin + (number.negative ? 1 : 0), number.end, magnitude);
    if (result.ec != std::errc{}) return IntegerStatus::out_of_range;
  }
  const std::uint64_t largest = std::numeric_limits<std::uint64_t>::max() >> (64 - 8 * bytes);
  if (!is_signed) {
    if (number.negative && magnitude != 0) return IntegerStatus::out_of_range;
    if (magnitude > largest) return IntegerStatus::out_of_range;
    out = magnitude;
    return IntegerStatus::ok;
  }
  if (magnitude > largest / 2 + (number.negative ? 1 : 0)) return IntegerStatus::out_of_range;
  out = number.negative ? ~magnitude + 1 : magnitude;
  return IntegerStatus::ok;
}

}  // namespace weir::json::detail
