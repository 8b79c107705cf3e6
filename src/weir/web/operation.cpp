#include "weir/web/operation.hpp"

#include <algorithm>
#include <utility>

namespace weir {

ResponseDoc& OperationDoc::response(http::Status status) {
  const auto at = std::ranges::find(responses, status, &ResponseDoc::status);
  if (at != responses.end()) return *at;
  ResponseDoc& added = responses.emplace_back();
  added.status = status;
  return added;
}

void OperationDoc::problem(http::Status status, std::string meaning) {
  ResponseDoc& doc = response(status);
  if (doc.contents.empty()) doc.contents.push_back({"application/problem+json", nullptr});
  if (!meaning.empty()) doc.description = std::move(meaning);
}

}  // namespace weir
