// Metrics that cost a few nanoseconds to count, and their text for Prometheus.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "weir/base/buffer.hpp"
#include "weir/telemetry/detail/metrics_core.hpp"
#include "weir/time/clock.hpp"

namespace weir {

namespace telemetry {
class Exposition;
class Family;
}  // namespace telemetry

/// What a metric is called and what it means.
struct MetricOptions {
  std::string name;                      ///< [a-zA-Z_:][a-zA-Z0-9_:]*, with its unit: "queue_wait_seconds".
  std::string help;                      ///< One sentence.
  std::vector<std::string> labels = {};  ///< The labels' names; with() gives their values in this order.
  /// How many label sets there may be. Further ones are counted together under `overflow_label` in every label, so that
  /// a label made from input cannot fill the memory.
  std::size_t max_series = 1000;
};
inline constexpr std::string_view overflow_label = "__other__";

// The handles: small values to be kept by whoever counts. They are valid as long as their registry, usable from any
// thread, and a default-constructed one does nothing. Counting never locks and never allocates in steady state (a
// thread's first count of a new series may allocate 4 KiB).

/// A number that only grows.
class Counter {
 public:
  Counter() noexcept = default;
  void add(std::uint64_t n = 1) const noexcept {
    if (cells_ != nullptr) telemetry::bump(*cells_->local(slot_), n);
  }
  /// The sum over all threads, about now.
  [[nodiscard]] std::uint64_t value() const { return cells_ == nullptr ? 0 : cells_->sum(slot_); }

 private:
  friend class telemetry::Family;
  telemetry::MetricsCells* cells_ = nullptr;
  std::uint32_t slot_ = 0;
};

/// A whole number that goes up and down by steps, from any thread, at a counter's price: requests in flight.
class UpDownCounter {
 public:
  UpDownCounter() noexcept = default;
  void add(std::int64_t n) const noexcept {
    if (cells_ != nullptr) telemetry::bump(*cells_->local(slot_), static_cast<std::uint64_t>(n));
  }
  [[nodiscard]] std::int64_t value() const {
    return cells_ == nullptr ? 0 : static_cast<std::int64_t>(cells_->sum(slot_));
  }

 private:
  friend class telemetry::Family;
  telemetry::MetricsCells* cells_ = nullptr;
  std::uint32_t slot_ = 0;
};

/// A number that is set. One cell shared by all threads: not for what happens on every request.
class Gauge {
 public:
  Gauge() noexcept = default;
  void set(double value) const noexcept {
    if (value_ != nullptr) value_->store(value, std::memory_order_relaxed);
  }
  void add(double by) const noexcept {
    if (value_ != nullptr) value_->fetch_add(by, std::memory_order_relaxed);
  }
  [[nodiscard]] double value() const noexcept {
    return value_ == nullptr ? 0 : value_->load(std::memory_order_relaxed);
  }

 private:
  friend class telemetry::Family;
  std::atomic<double>* value_ = nullptr;
};

/// A distribution of durations: `NAME_count`, `NAME_sum`, `NAME_bucket` and a gauge `NAME_max`, all in seconds.
///
/// The maximum decays as Micrometer's does: time is cut into periods of a minute and what is shown is the largest value
/// of the current period and the two before it. A period ends when a scrape (or MetricsRegistry::tick) finds it over,
/// so a maximum that nobody has come to see yet is kept. Values above 78 hours count as 78 hours there.
class DurationHistogram {
 public:
  DurationHistogram() noexcept = default;
  void record(Duration d) const noexcept {
    if (cells_ == nullptr) return;
    const auto ns = d.count() < 0 ? 0U : static_cast<std::uint64_t>(d.count());
    telemetry::TimerCells::record(cells_->local(slot_), bounds_, ns, cells_->period());
  }
  [[nodiscard]] std::uint64_t count() const;
  [[nodiscard]] Duration sum() const;

 private:
  friend class telemetry::Family;
  friend class HttpServerMetrics;
  telemetry::MetricsCells* cells_ = nullptr;
  const std::uint64_t* bounds_ = nullptr;
  std::uint32_t slot_ = 0;
};

/// A distribution of other quantities: `NAME_count`, `NAME_sum`, `NAME_bucket`.
class Histogram {
 public:
  Histogram() noexcept = default;
  void record(double value) const noexcept;
  [[nodiscard]] std::uint64_t count() const;
  [[nodiscard]] double sum() const;

 private:
  friend class telemetry::Family;
  telemetry::MetricsCells* cells_ = nullptr;
  const double* bounds_ = nullptr;
  std::uint32_t slot_ = 0;
};

/// All series of one name. with() takes the labels' values in the order in which MetricOptions named the labels, locks,
/// and gives the same series for the same values: call it once and keep the handle. Throws std::invalid_argument when
/// the number of values is not the number of labels.
template <class Handle>
class MetricFamily {
 public:
  MetricFamily() noexcept = default;
  Handle with(std::initializer_list<std::string_view> values) const { return with(std::span(values)); }
  Handle with(std::span<const std::string_view> values) const;

 private:
  friend class MetricsRegistry;
  explicit MetricFamily(telemetry::Family& family) noexcept : family_(&family) {}
  telemetry::Family* family_ = nullptr;
};

enum class MetricsFormat : std::uint8_t { prometheus, openmetrics };

struct ScrapeOptions {
  MetricsFormat format = MetricsFormat::prometheus;
  /// When not empty: only these, as `?includedNames=a,b` gives them. A name may be a family's or one of its samples'
  /// ("http_server_requests_seconds_count"); either selects the family.
  std::vector<std::string_view> included_names = {};
};

/// "text/plain; version=0.0.4; charset=utf-8" or OpenMetrics' 1.0.0. Static storage.
[[nodiscard]] std::string_view content_type(MetricsFormat format) noexcept;
/// What a scraper with this Accept header wants: OpenMetrics when it names it with a quality above zero.
[[nodiscard]] MetricsFormat metrics_format_for(std::string_view accept) noexcept;

/// The buckets that timers have unless told otherwise, from half a millisecond to ten seconds.
[[nodiscard]] std::span<const Duration> default_timer_buckets() noexcept;

/// Takes a callback metric out of its registry when it ends. The callback does not run during or after its end.
class [[nodiscard]] MetricCallback {
 public:
  MetricCallback() noexcept = default;
  MetricCallback(MetricCallback&&) noexcept = default;
  MetricCallback& operator=(MetricCallback&& other) noexcept;
  ~MetricCallback() { reset(); }
  void reset() noexcept;

 private:
  friend class MetricsRegistry;
  friend class telemetry::Family;
  friend class telemetry::Exposition;
  struct State;
  std::shared_ptr<State> state_;
};

/// All metrics of a service. Make it before what counts, let it outlive it; any thread may use it. Registering the same
/// name again with the same type and labels gives the same family; with others it throws std::invalid_argument, as does
/// a name that is not one.
class MetricsRegistry {
 public:
  explicit MetricsRegistry(Clock& clock = Clock::system());
  ~MetricsRegistry();
  MetricsRegistry(const MetricsRegistry&) = delete;
  MetricsRegistry& operator=(const MetricsRegistry&) = delete;

  /// A counter's samples end in `_total`; the name may be given with or without it.
  MetricFamily<Counter> counter(MetricOptions options);
  MetricFamily<UpDownCounter> up_down_counter(MetricOptions options);
  MetricFamily<Gauge> gauge(MetricOptions options);
  MetricFamily<DurationHistogram> timer(MetricOptions options,
                                        std::span<const Duration> buckets = default_timer_buckets());
  /// `buckets` are upper bounds, ascending; +Inf is added.
  MetricFamily<Histogram> histogram(MetricOptions options, std::span<const double> buckets);

  /// A value that is asked for at each scrape, on the scraping thread. `read` must not touch the registry.
  MetricCallback gauge_callback(MetricOptions options, std::vector<std::string> label_values,
                                std::function<double()> read);
  MetricCallback counter_callback(MetricOptions options, std::vector<std::string> label_values,
                                  std::function<double()> read);

  /// Appends the text of all metrics (or the included ones), families in the order of their registration.
  void write(Buffer& out, const ScrapeOptions& options = {});
  /// Ends the period of the maxima when it is over (see DurationHistogram). A scrape does it too.
  void tick();

  [[nodiscard]] telemetry::MetricsCells& cells() noexcept;
  [[nodiscard]] Clock& clock() noexcept;

 private:
  struct Impl;
  telemetry::Family& family(MetricOptions&& options, int type, std::vector<std::uint64_t> ns_bounds,
                            std::vector<double> bounds);
  MetricCallback callback(MetricOptions&& options, std::vector<std::string>&& values, std::function<double()>&& read,
                          int type);
  std::unique_ptr<Impl> impl_;
};

}  // namespace weir
