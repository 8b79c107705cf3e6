// Answers of the operations endpoints: JSON that no cache keeps.
#pragma once

#include <utility>

#include "weir/base/buffer.hpp"
#include "weir/http/message.hpp"

namespace weir::operations {

[[nodiscard]] inline http::Response json_answer(http::Status status, Buffer text) {
  http::Response response(status, http::Body(std::move(text)));
  response.headers.set_static(http::HeaderId::content_type, "application/json");
  response.headers.set_static(http::HeaderId::cache_control, "no-store");
  return response;
}

}  // namespace weir::operations
