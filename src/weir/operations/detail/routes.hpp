// The endpoints by subject.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "weir/operations/operations.hpp"
#include "weir/web/typed_handler.hpp"

namespace weir::operations {

using Routes = std::vector<OperationRoute>;

template <class F>
void add_route(Routes& routes, http::Method method, std::string pattern, Audience audience, F handler) {
  routes.push_back({method, std::move(pattern), make_handler(std::move(handler)), audience});
}

void add_health_routes(Routes& routes, const OperationsContext& operations);
void add_metrics_routes(Routes& routes, const OperationsContext& operations);
void add_logger_routes(Routes& routes, const OperationsContext& operations);

}  // namespace weir::operations
