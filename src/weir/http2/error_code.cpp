#include "weir/http2/error_code.hpp"

#include <array>
#include <cstddef>

namespace weir::http2 {

std::string_view to_string(ErrorCode code) noexcept {
  static constexpr std::array<std::string_view, 14> names = {"no_error",
                                                             "protocol_error",
                                                             "internal_error",
                                                             "flow_control_error",
                                                             "settings_timeout",
                                                             "stream_closed",
                                                             "frame_size_error",
                                                             "refused_stream",
                                                             "cancel",
                                                             "compression_error",
                                                             "connect_error",
                                                             "enhance_your_calm",
                                                             "inadequate_security",
                                                             "http_1_1_required"};
  const auto index = static_cast<std::size_t>(code);
  return index < names.size() ? names[index] : std::string_view("unknown");
}

}  // namespace weir::http2
