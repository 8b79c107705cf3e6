// parameters = *( OWS ";" OWS [ name "=" ( token / quoted-string ) ] ), RFC 9110 section 5.6.6.
#pragma once

#include <optional>
#include <string_view>

namespace weir::http::detail {

struct Parameter {
  std::string_view name;
  std::string_view value;  // without its quotes, escapes as they stand there
};

/// The next parameter of `rest` (which begins behind a ';'), dropped from it. Nothing at the end, and at what is none.
/// Does not cross a comma outside of quotes: `rest` begins with it then.
std::optional<Parameter> next_parameter(std::string_view& rest) noexcept;

}  // namespace weir::http::detail
