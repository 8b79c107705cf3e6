// Each coding at its default level, by the size of the body; the label is the ratio.
#include <string>

#include <benchmark/benchmark.h>

#include "weir/middleware/compression.hpp"
#include "weir/middleware/compression_test_support.hpp"
#include "weir/middleware/detail/compression_encoder.hpp"
#include "weir/middleware/detail/compression_stream.hpp"

namespace weir::middleware {
namespace {

int default_level(Coding coding) {
  const CompressionOptions options;
  return coding == Coding::gzip     ? options.gzip_level
         : coding == Coding::brotli ? options.brotli_level
                                    : options.zstd_level;
}

/// Arguments: the Coding, the size.
void BM_compress(benchmark::State& state) {
  const auto coding = static_cast<Coding>(state.range(0));
  const int level = default_level(coding);
  const std::string text = json_text(static_cast<std::size_t>(state.range(1)));
  std::size_t size = 0;
  for (auto _ : state) {
    const EncoderLease lease = EncoderLease::take(coding, level, 8);
    Buffer out;
    if (!lease->start(text.size()) || !compress_whole(*lease, text, out)) state.SkipWithError("failed");
    size = out.size();
    benchmark::DoNotOptimize(out.data());
  }
  state.SetBytesProcessed(state.iterations() * state.range(1));
  state.SetLabel(std::string(to_string(coding)) + " to " + std::to_string(100 * size / text.size()) + " %");
}
BENCHMARK(BM_compress)->ArgsProduct({{0, 1, 2}, {2048, 16384, 262144}});

}  // namespace
}  // namespace weir::middleware
