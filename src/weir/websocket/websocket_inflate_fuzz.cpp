// Decompressing any bytes: never past the limit, and the same however they are cut; what was compressed comes back.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "weir/websocket/deflate.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weir::websocket;
  using Outcome = Inflater::Outcome;
  constexpr std::size_t limit = 20000;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  weir::Buffer whole;
  Inflater inflater;
  const Outcome outcome = inflater.decompress(bytes, true, limit, whole);
  if (whole.size() > limit + 1) std::abort();

  weir::Buffer pieces;
  Inflater again;
  Outcome last = Outcome::good;
  for (std::size_t at = 0; at < size && last == Outcome::good; at += 3) {
    last = again.decompress(bytes.substr(at, 3), false, limit, pieces);
  }
  if (last == Outcome::good) last = again.decompress({}, true, limit, pieces);
  if (last != outcome) std::abort();
  if (outcome == Outcome::good && pieces.view() != whole.view()) std::abort();

  weir::Buffer packed;
  weir::Buffer back;
  Deflater deflater({.window_bits = 10, .memory_level = 2});
  Inflater reader(10);
  if (!deflater.compress(bytes, false, packed)) std::abort();
  if (reader.decompress(packed.view(), true, size, back) != Outcome::good || back.view() != bytes) std::abort();
  return 0;
}
