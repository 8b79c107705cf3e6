#include "weir/http/message.hpp"

#include <unistd.h>

namespace weir::http {

FileBody::~FileBody() {
  if (fd_ >= 0) static_cast<void>(::close(fd_));
}

std::optional<std::uint64_t> Body::length() const noexcept {
  switch (content_.index()) {
    case 1:
      return std::get<1>(content_).size();
    case 2:
      return std::get<2>(content_).size();
    case 3:
      return std::get<3>(content_).size();
    case 4:
      return std::get<4>(content_).length();
    case 5:
      return std::get<5>(content_).content_length;
    case 6:
      return std::get<6>(content_).bytes.size();
    default:
      return 0;
  }
}

std::optional<std::string_view> Body::bytes() const noexcept {
  switch (content_.index()) {
    case 0:
      return std::string_view{};
    case 1:
      return std::get<1>(content_);
    case 2:
      return std::get<2>(content_).view();
    case 3:
      return std::string_view(std::get<3>(content_));
    case 6:
      return std::get<6>(content_).bytes;
    default:
      return std::nullopt;
  }
}

}  // namespace weir::http
