// What of a struct there is each way.
#pragma once

#include <cstddef>

#include "weir/json/schema.hpp"
#include "weir/json/type_info.hpp"

namespace weir::json::detail {

constexpr std::size_t index(Direction direction) {
  return static_cast<std::size_t>(direction);
}

/// Where unknown members are refused, one that is ignored is to be told from them.
[[nodiscard]] inline bool is_listed(const ObjectInfo& info, const Field& field, Direction direction) {
  return direction == Direction::in ? !field.read_only || info.reject_unknown : !field.write_only;
}

[[nodiscard]] inline bool is_required(const Field& field, Direction direction) {
  return direction == Direction::in ? field.required : !field.omit_empty;
}

}  // namespace weir::json::detail
