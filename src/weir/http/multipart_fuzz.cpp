// The multipart parser on any bytes, whole against byte by byte.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "weir/http/multipart.hpp"

namespace {

using weir::http::MultipartParser;
using Kind = MultipartParser::Kind;

std::string run(std::string_view input, std::size_t piece) {
  MultipartParser parser("XX", {.max_parts = 5, .max_header_bytes = 200, .max_preamble = 100});
  std::string out;
  while (!input.empty()) {
    std::string_view bytes = input.substr(0, piece);
    input.remove_prefix(bytes.size());
    for (;;) {
      const auto event = parser.next(bytes);
      if (event.kind == Kind::need_more) {
        if (!bytes.empty()) std::abort();
        break;
      }
      switch (event.kind) {
        case Kind::part_begin:
          out.append("[").append(parser.part().name).append("|").append(parser.part().filename).append("|");
          out.append(parser.part().content_type).append(":");
          break;
        case Kind::data:
          if (event.data.empty()) std::abort();
          out += event.data;
          break;
        case Kind::part_end:
          out += "]";
          break;
        case Kind::finished:
          return out + "END";
        default:
          return out + "ERROR " + parser.error().message();
      }
    }
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  if (run(input, size + 1) != run(input, 1)) std::abort();
  if (run(input, size + 1) != run(input, 1 + size / 3)) std::abort();
  return 0;
}
