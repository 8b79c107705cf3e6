#include "weir/http/detail/parameters.hpp"

#include <cstddef>

#include "weir/http/chars.hpp"

namespace weir::http::detail {
namespace {

void skip_blanks(std::string_view& rest) noexcept {
  while (!rest.empty() && chars::is(rest.front(), chars::space)) rest.remove_prefix(1);
}

std::string_view take_token(std::string_view& rest) noexcept {
  std::size_t n = 0;
  while (n < rest.size() && chars::is(rest[n], chars::token)) ++n;
  const std::string_view token = rest.substr(0, n);
  rest.remove_prefix(n);
  return token;
}

// The text between the quotes; `rest` begins with the first.
std::optional<std::string_view> take_quoted(std::string_view& rest) noexcept {
  for (std::size_t i = 1; i < rest.size(); ++i) {
    if (rest[i] == '\\') {
      ++i;
    } else if (rest[i] == '"') {
      const std::string_view text = rest.substr(1, i - 1);
      rest.remove_prefix(i + 1);
      return text;
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<Parameter> next_parameter(std::string_view& rest) noexcept {
  skip_blanks(rest);
  while (!rest.empty() && rest.front() == ';') {
    rest.remove_prefix(1);
    skip_blanks(rest);
  }
  if (rest.empty() || rest.front() == ',') return std::nullopt;
  Parameter parameter;
  parameter.name = take_token(rest);
  if (parameter.name.empty() || !rest.starts_with('=')) {
    rest = {};
    return std::nullopt;
  }
  rest.remove_prefix(1);
  if (rest.starts_with('"')) {
    const auto value = take_quoted(rest);
    if (!value) {
      rest = {};
      return std::nullopt;
    }
    parameter.value = *value;
  } else {
    parameter.value = take_token(rest);
  }
  skip_blanks(rest);
  if (!rest.empty() && rest.front() != ';' && rest.front() != ',') rest = {};  // malformed: nothing behind it is read
  return parameter;
}

}  // namespace weir::http::detail
