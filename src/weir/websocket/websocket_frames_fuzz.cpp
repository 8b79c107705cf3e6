// The frame parser on any bytes, whole against cut into pieces; the UTF-8 check likewise.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "weir/websocket/frame_parser.hpp"
#include "weir/websocket/utf8.hpp"

namespace {

using namespace weir::websocket;

std::string run(const std::string& input, std::size_t step, const FrameParser::Options& options) {
  FrameParser parser(options);
  Utf8Validator utf8;
  std::string buffer;
  std::string out;
  for (std::size_t at = 0; at < input.size(); at += step) {
    buffer += input.substr(at, step);
    for (;;) {
      const FrameEvent event = parser.next(buffer);
      if (event.consumed > buffer.size()) std::abort();
      if (event.kind == FrameEvent::Kind::need_more) break;
      if (event.kind == FrameEvent::Kind::error) return out + "!" + std::string(message_of(event.error));
      if (event.kind == FrameEvent::Kind::data) {
        if (event.begins) {
          out += "<";
          utf8.reset();
        }
        out += event.text();
        static_cast<void>(utf8.feed(event.text()));
        if (event.ends) out += utf8.complete() ? ">" : "#";
        if (event.ends == parser.in_message()) std::abort();
      } else {
        if (event.payload.size() > max_control_payload) std::abort();
        out.append("(").append(event.text()).append(")");
      }
      buffer.erase(0, event.consumed);
    }
    if (buffer.size() >= max_frame_header + max_control_payload) std::abort();
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const FrameParser::Options options{
      .from_client = (data[0] & 1) == 0, .compression = (data[0] & 2) != 0, .max_message = 4096};
  const std::string input(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::string whole = run(input, input.size() + 1, options);
  if (run(input, 1, options) != whole) std::abort();
  if (run(input, 1 + data[0] % 17, options) != whole) std::abort();
  return 0;
}
