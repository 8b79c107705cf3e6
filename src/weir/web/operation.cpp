#include "weir/web/operation.hpp"

#include <algorithm>
#include <utility>

namespace weir {

void ResponseDoc::header(std::string_view name, std::string_view meaning, const json::TypeInfo* type) {
  if (std::ranges::find(headers, name, &ParameterDoc::name) != headers.end()) return;
  headers.push_back({.in = ParameterIn::header,
                     .name = std::string(name),
                     .required = false,
                     .type = type,
                     .rules = nullptr,
                     .description = std::string(meaning),
                     .default_json = {}});
}

BodyDoc& OperationDoc::request_body(std::string_view media_type) {
  const auto at = std::ranges::find(request_bodies, media_type, &BodyDoc::media_type);
  if (at != request_bodies.end()) return *at;
  BodyDoc& added = request_bodies.emplace_back();
  added.media_type = media_type;
  return added;
}

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
