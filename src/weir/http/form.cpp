#include "weir/http/form.hpp"

namespace weir::http {

void write_form_field(std::string_view name, std::string_view value, Buffer& out) {
  if (!out.empty()) out.push_back('&');
  encode_percent(name, Keep::nothing, out);
  out.push_back('=');
  encode_percent(value, Keep::nothing, out);
}

}  // namespace weir::http
