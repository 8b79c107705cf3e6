// The API's description as OpenAPI 3.1 (https://spec.openapis.org/oas/v3.1.1), made from the endpoints' types.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "weir/app/options.hpp"
#include "weir/web/endpoint.hpp"

namespace weir {

/// The document, JSON. Endpoints whose doc is hidden are left out. `name` is the title where the options have none.
/// Operations are described as they are served: GET once (HEAD is derived), paths without constraints of placeholders
/// ("/users/{id}"), tails as a parameter that may contain slashes. Routes that OpenAPI cannot tell apart, such as
/// "/users/{id:int}" and "/users/{name}" with one method, stand in "x-weir-others" of the one that was first; see
/// detail::DocumentedPath.
[[nodiscard]] std::string openapi_document(const OpenApiOptions& options, std::string_view name,
                                           std::span<const std::shared_ptr<const Endpoint>> endpoints);

}  // namespace weir
