// The text that Prometheus reads.
#pragma once

#include "weir/base/buffer.hpp"
#include "weir/telemetry/detail/family.hpp"

namespace weir::telemetry {

/// Appends one family in the Prometheus text format 0.0.4 or OpenMetrics 1.0 (without the final "# EOF").
class Exposition {
 public:
  Exposition(Buffer& out, MetricsFormat format, const MetricsCells& cells);
  void write(Family& family);

 private:
  void describe(std::string_view name, std::string_view help, std::string_view type);
  void sample(std::string_view name, std::string_view suffix, std::string_view labels, std::string_view le = {});
  void number(double value);
  void number(std::uint64_t value);
  void seconds(std::uint64_t ns);
  [[nodiscard]] std::uint64_t sum(std::uint32_t slot) const noexcept;
  [[nodiscard]] std::uint64_t maximum(std::uint32_t slot) const noexcept;

  void write_counters(Family& family, bool up_down);
  void write_gauges(Family& family);
  void write_callbacks(Family& family, bool counter);
  void write_timers(Family& family);
  void write_histograms(Family& family);

  Buffer& out_;
  const MetricsFormat format_;
  const MetricsCells& cells_;
  std::vector<const MetricsShard*> shards_;
};

}  // namespace weir::telemetry
