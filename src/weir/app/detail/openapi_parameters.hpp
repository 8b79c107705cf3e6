// Which parameters an operation of the API's description has.
#pragma once

#include <list>
#include <string_view>
#include <vector>

#include "weir/json/rules.hpp"
#include "weir/web/endpoint.hpp"

namespace weir::detail {

struct DocumentedParameters {
  std::vector<ParameterDoc> list;
  std::list<json::Rules> made;  ///< Rules that some in the list point to.
};

/// Those of the endpoint, with what its pattern says about placeholders, which are called as `names` has them from left
/// to right. Each is there once, as OpenAPI wants it. Lives as long as the endpoint.
[[nodiscard]] DocumentedParameters documented_parameters(const Endpoint& endpoint,
                                                         const std::vector<std::string_view>& names);

}  // namespace weir::detail
