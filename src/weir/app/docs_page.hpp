// The page that shows the API's description.
#pragma once

#include <string>

#include "weir/app/options.hpp"
#include "weir/app/route_builder.hpp"

namespace weir {

/// Adds the routes of the page: options.docs_path, and below it the files of the viewer (Swagger UI), which the build
/// embeds. A build without the viewer has a plain page with a link to the document. Nothing comes from another host;
/// the page's Content-Security-Policy says so.
void add_docs_page(RouteBuilder& routes, const OpenApiOptions& options);

}  // namespace weir
