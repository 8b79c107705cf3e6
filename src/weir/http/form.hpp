// application/x-www-form-urlencoded bodies (WHATWG URL section 5): the same text as a query.
#pragma once

#include "weir/http/uri.hpp"

namespace weir::http {

inline constexpr std::string_view form_media_type = "application/x-www-form-urlencoded";

/// `for (const FormField field : FormView(body)) { decode_form(field.name, arena); … }`
using FormView = QueryView;
using FormField = QueryParameter;

/// Appends `name=value` in this form, with '&' before it unless `out` is empty.
void write_form_field(std::string_view name, std::string_view value, Buffer& out);

}  // namespace weir::http
