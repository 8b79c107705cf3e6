#include "weir/http2/detail/names.hpp"

#include <array>
#include <cstddef>

#include "weir/http/chars.hpp"

namespace weir::http2::detail {
namespace {

struct Name {
  std::array<char, 47> text{};
  unsigned char size = 0;
};

std::array<Name, http::header_count + 1> make_names() noexcept {
  std::array<Name, http::header_count + 1> names{};
  for (std::size_t i = 0; i < http::header_count; ++i) {
    const std::string_view name = http::to_string(static_cast<http::HeaderId>(i));
    for (const char c : name.substr(0, names[i].text.size())) names[i].text[names[i].size++] = http::chars::to_lower(c);
  }
  return names;
}

}  // namespace

std::string_view lower_name(http::HeaderId id) noexcept {
  static const std::array<Name, http::header_count + 1> names = make_names();
  const Name& name = names[static_cast<std::size_t>(id)];
  return {name.text.data(), name.size};
}

}  // namespace weir::http2::detail
