// All series of one metric name.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "weir/telemetry/metrics.hpp"

namespace weir {

/// A callback metric's function, which its registration switches off.
struct MetricCallback::State {
  std::mutex mutex;
  std::function<double()> read;  // empty once the registration has ended
  std::string labels;
};

namespace telemetry {

enum class MetricType : std::uint8_t {
  counter,
  up_down_counter,
  gauge,
  timer,
  histogram,
  gauge_callback,
  counter_callback
};

/// Gives out runs of cells that lie in one chunk each. Thread-safe.
class SlotAllocator {
 public:
  /// False when there are no more.
  bool allocate(std::uint32_t cells, std::uint32_t& slot);

 private:
  std::mutex mutex_;
  std::uint32_t next_ = 0;
};

struct Series {
  std::string labels;  ///< As exposed: `method="GET",status="200"`; empty without labels.
  std::uint32_t slot = 0;
  std::atomic<double> value{0};  ///< A gauge's.
};

/// Thread-safe. Series are never removed, so a handle never dangles while the registry lives.
class Family {
 public:
  /// Throws std::invalid_argument when a name is not one, std::length_error when the registry has no cells left.
  Family(MetricsCells& cells, SlotAllocator& slots, MetricOptions&& options, MetricType type,
         std::vector<std::uint64_t>&& ns_bounds, std::vector<double>&& bounds);

  template <class Handle>
  Handle handle(std::span<const std::string_view> values) {
    return bind(values, static_cast<Handle*>(nullptr));
  }

  /// Throws std::invalid_argument when there is a live callback with these labels.
  std::shared_ptr<MetricCallback::State> add_callback(const std::vector<std::string>& values,
                                                      std::function<double()>&& read);
  /// The live callbacks; forgets the ended ones.
  std::vector<std::shared_ptr<MetricCallback::State>> callbacks();

  /// All series, in the order of their labels' text.
  [[nodiscard]] std::vector<const Series*> series() const;

  [[nodiscard]] const std::string& name() const noexcept { return options_.name; }
  [[nodiscard]] const std::string& help() const noexcept { return options_.help; }
  [[nodiscard]] const std::vector<std::string>& labels() const noexcept { return options_.labels; }
  [[nodiscard]] MetricType type() const noexcept { return type_; }
  /// Upper bounds in nanoseconds, the last one UINT64_MAX; a timer's.
  [[nodiscard]] const std::vector<std::uint64_t>& ns_bounds() const noexcept { return ns_bounds_; }
  /// Upper bounds, the last one infinite; a histogram's.
  [[nodiscard]] const std::vector<double>& bounds() const noexcept { return bounds_; }
  /// The names that this family's samples may have.
  [[nodiscard]] std::vector<std::string> sample_names() const;

 private:
  Series& find(std::span<const std::string_view> values);
  std::string label_text(std::span<const std::string_view> values) const;
  [[nodiscard]] std::uint32_t cells_per_series() const noexcept;
  Counter bind(std::span<const std::string_view> values, Counter*);
  UpDownCounter bind(std::span<const std::string_view> values, UpDownCounter*);
  Gauge bind(std::span<const std::string_view> values, Gauge*);
  DurationHistogram bind(std::span<const std::string_view> values, DurationHistogram*);
  Histogram bind(std::span<const std::string_view> values, Histogram*);

  MetricsCells& cells_;
  SlotAllocator& slots_;
  const MetricOptions options_;
  const MetricType type_;
  const std::vector<std::uint64_t> ns_bounds_;
  const std::vector<double> bounds_;
  mutable std::mutex mutex_;
  std::unordered_map<std::string, std::unique_ptr<Series>> series_;
  std::uint32_t overflow_slot_ = 0;  // reserved at the start, so that the overflow series can always be made
  std::vector<std::shared_ptr<MetricCallback::State>> callbacks_;
};

/// `text` with what a quoted label value may not hold escaped, and with U+FFFD for bytes that are not UTF-8.
void append_escaped(std::string& out, std::string_view text, bool quotes);

}  // namespace telemetry
}  // namespace weir
