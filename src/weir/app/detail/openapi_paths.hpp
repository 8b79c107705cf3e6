// Which operations of which paths the API's description has.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "weir/web/endpoint.hpp"

namespace weir::detail {

/// An operation of the document, and those that have no place of their own in it: they have the same method and, for
/// OpenAPI, the same path.
struct DocumentedOperation {
  const Endpoint* shown;
  std::vector<const Endpoint*> others;
};

/// One path of the document. Templates that differ only in the names of their placeholders are identical (OpenAPI 3.1
/// section 4.8.8.2), which constraints do not change: "/users/{id:int}" and "/users/{name}" are one path, called as the
/// pattern is that was registered first.
struct DocumentedPath {
  std::string path;
  std::vector<std::string_view> placeholders;  ///< Their names, from left to right. Views of the first pattern.
  std::vector<DocumentedOperation> operations;
};

/// A pattern as OpenAPI writes it: "/users/{id:int}" is "/users/{id}", "/files/{rest*}" is "/files/{rest}".
[[nodiscard]] std::string path_template(std::string_view pattern);

/// The names of a pattern's placeholders. Views of it.
[[nodiscard]] std::vector<std::string_view> placeholders_of(std::string_view pattern);

/// All paths in the order of registration, without what is hidden. It lives as long as the endpoints.
[[nodiscard]] std::vector<DocumentedPath> documented_paths(std::span<const std::shared_ptr<const Endpoint>> endpoints);

/// The endpoint as its program calls it: "GET {tenant}.example.com/users/{id:int}".
[[nodiscard]] std::string called(const Endpoint& endpoint);

}  // namespace weir::detail
