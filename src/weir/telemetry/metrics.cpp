#include "weir/telemetry/metrics.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <mutex>
#include <set>
#include <stdexcept>

#include "weir/telemetry/detail/exposition.hpp"
#include "weir/telemetry/detail/family.hpp"

namespace weir {

using telemetry::Cell;
using telemetry::MetricType;
using telemetry::TimerCells;

std::uint64_t DurationHistogram::count() const {
  if (cells_ == nullptr) return 0;
  std::uint64_t total = 0;
  for (std::uint32_t i = 0;; ++i) {
    total += cells_->sum(slot_ + TimerCells::buckets + i);
    if (bounds_[i] == std::numeric_limits<std::uint64_t>::max()) return total;
  }
}

Duration DurationHistogram::sum() const {
  return Duration(cells_ == nullptr ? 0 : static_cast<std::int64_t>(cells_->sum(slot_ + TimerCells::sum)));
}

void Histogram::record(double value) const noexcept {
  if (cells_ == nullptr || std::isnan(value)) return;
  Cell* cells = cells_->local(slot_);
  const double total = std::bit_cast<double>(cells[0].load(std::memory_order_relaxed)) + value;
  cells[0].store(std::bit_cast<std::uint64_t>(total), std::memory_order_relaxed);
  std::uint32_t bucket = 0;
  while (value > bounds_[bucket]) ++bucket;
  telemetry::bump(cells[1 + bucket], 1);
}

std::uint64_t Histogram::count() const {
  if (cells_ == nullptr) return 0;
  std::uint64_t total = 0;
  for (std::uint32_t i = 0;; ++i) {
    total += cells_->sum(slot_ + 1 + i);
    if (std::isinf(bounds_[i])) return total;
  }
}

double Histogram::sum() const {
  double total = 0;
  if (cells_ == nullptr) return total;
  cells_->for_each([&](const telemetry::MetricsShard& shard) {
    const Cell* cell = shard.peek(slot_);
    if (cell != nullptr) total += std::bit_cast<double>(cell->load(std::memory_order_relaxed));
  });
  return total;
}

template <class Handle>
Handle MetricFamily<Handle>::with(std::span<const std::string_view> values) const {
  return family_ == nullptr ? Handle{} : family_->handle<Handle>(values);
}
template class MetricFamily<Counter>;
template class MetricFamily<UpDownCounter>;
template class MetricFamily<Gauge>;
template class MetricFamily<DurationHistogram>;
template class MetricFamily<Histogram>;

std::string_view content_type(MetricsFormat format) noexcept {
  return format == MetricsFormat::openmetrics ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                                              : "text/plain; version=0.0.4; charset=utf-8";
}

MetricsFormat metrics_format_for(std::string_view accept) noexcept {
  // Scrapers that can read OpenMetrics prefer it, so its presence decides; only q=0 takes it out again.
  while (!accept.empty()) {
    const std::size_t comma = accept.find(',');
    std::string_view range = accept.substr(0, comma);
    accept = comma == std::string_view::npos ? std::string_view{} : accept.substr(comma + 1);
    range.remove_prefix(std::min(range.find_first_not_of(" \t"), range.size()));
    constexpr std::string_view wanted = "application/openmetrics-text";
    if (range.size() < wanted.size()) continue;
    const bool same = std::equal(wanted.begin(), wanted.end(), range.begin(), [](char a, char b) {
      return a == (b >= 'A' && b <= 'Z' ? static_cast<char>(b + 32) : b);
    });
    const std::string_view rest = range.substr(wanted.size());
    if (!same || (!rest.empty() && rest.find_first_of(" \t;") != 0)) continue;
    const std::size_t q = rest.find("q=");
    if (q == std::string_view::npos) return MetricsFormat::openmetrics;
    const std::string_view weight = rest.substr(q + 2, rest.find_first_of("; \t", q) - q - 2);
    if (weight.find_first_of("123456789") != std::string_view::npos) return MetricsFormat::openmetrics;
  }
  return MetricsFormat::prometheus;
}

std::span<const Duration> default_timer_buckets() noexcept {
  using std::chrono::microseconds;
  static constexpr std::array<Duration, 14> buckets = {
      microseconds(500),     microseconds(1000),    microseconds(2500),    microseconds(5000),    microseconds(10000),
      microseconds(25000),   microseconds(50000),   microseconds(100000),  microseconds(250000),  microseconds(500000),
      microseconds(1000000), microseconds(2500000), microseconds(5000000), microseconds(10000000)};
  return buckets;
}

MetricCallback& MetricCallback::operator=(MetricCallback&& other) noexcept {
  if (this != &other) {
    reset();
    state_ = std::move(other.state_);
  }
  return *this;
}

void MetricCallback::reset() noexcept {
  if (!state_) return;
  {
    const std::lock_guard lock(state_->mutex);
    state_->read = nullptr;
  }
  state_.reset();
}

struct MetricsRegistry::Impl {
  explicit Impl(Clock& the_clock) : clock(the_clock), period_end(the_clock.now() + period) {}

  static constexpr Duration period = std::chrono::minutes(1);

  Clock& clock;
  telemetry::MetricsCells cells;
  telemetry::SlotAllocator slots;
  std::mutex mutex;
  std::vector<std::unique_ptr<telemetry::Family>> families;
  std::set<std::string, std::less<>> sample_names;
  Instant period_end;
};

MetricsRegistry::MetricsRegistry(Clock& clock) : impl_(std::make_unique<Impl>(clock)) {}
MetricsRegistry::~MetricsRegistry() = default;

telemetry::MetricsCells& MetricsRegistry::cells() noexcept {
  return impl_->cells;
}
Clock& MetricsRegistry::clock() noexcept {
  return impl_->clock;
}

telemetry::Family& MetricsRegistry::family(MetricOptions&& options, int type, std::vector<std::uint64_t> ns_bounds,
                                           std::vector<double> bounds) {
  const auto metric_type = static_cast<MetricType>(type);
  const std::lock_guard lock(impl_->mutex);
  for (const auto& known : impl_->families) {
    if (known->name() != options.name) continue;
    if (known->type() == metric_type && known->labels() == options.labels && known->ns_bounds() == ns_bounds &&
        known->bounds() == bounds) {
      return *known;
    }
    throw std::invalid_argument("metric " + options.name + " exists with another type, other labels or other buckets");
  }
  auto made = std::make_unique<telemetry::Family>(impl_->cells, impl_->slots, std::move(options), metric_type,
                                                  std::move(ns_bounds), std::move(bounds));
  for (const auto& name : made->sample_names()) {
    if (impl_->sample_names.contains(name)) {
      throw std::invalid_argument("metric " + made->name() + ": another metric has samples called " + name);
    }
  }
  for (auto& name : made->sample_names()) impl_->sample_names.insert(std::move(name));
  impl_->families.push_back(std::move(made));
  return *impl_->families.back();
}

namespace {
MetricOptions without_total(MetricOptions&& options) {
  constexpr std::string_view suffix = "_total";
  if (options.name.ends_with(suffix)) options.name.resize(options.name.size() - suffix.size());
  return std::move(options);
}
}  // namespace

MetricFamily<Counter> MetricsRegistry::counter(MetricOptions options) {
  return MetricFamily<Counter>(
      family(without_total(std::move(options)), static_cast<int>(MetricType::counter), {}, {}));
}

MetricFamily<UpDownCounter> MetricsRegistry::up_down_counter(MetricOptions options) {
  return MetricFamily<UpDownCounter>(family(std::move(options), static_cast<int>(MetricType::up_down_counter), {}, {}));
}

MetricFamily<Gauge> MetricsRegistry::gauge(MetricOptions options) {
  return MetricFamily<Gauge>(family(std::move(options), static_cast<int>(MetricType::gauge), {}, {}));
}

MetricFamily<DurationHistogram> MetricsRegistry::timer(MetricOptions options, std::span<const Duration> buckets) {
  std::vector<std::uint64_t> bounds;
  for (const Duration bucket : buckets) {
    const auto ns = static_cast<std::uint64_t>(bucket.count());
    if (bucket.count() <= 0 || (!bounds.empty() && ns <= bounds.back())) {
      throw std::invalid_argument("metric " + options.name + ": buckets must be positive and ascend");
    }
    bounds.push_back(ns);
  }
  bounds.push_back(std::numeric_limits<std::uint64_t>::max());
  return MetricFamily<DurationHistogram>(
      family(std::move(options), static_cast<int>(MetricType::timer), std::move(bounds), {}));
}

MetricFamily<Histogram> MetricsRegistry::histogram(MetricOptions options, std::span<const double> buckets) {
  std::vector<double> bounds;
  for (const double bucket : buckets) {
    if (!std::isfinite(bucket) || (!bounds.empty() && bucket <= bounds.back())) {
      throw std::invalid_argument("metric " + options.name + ": buckets must be finite and ascend");
    }
    bounds.push_back(bucket);
  }
  bounds.push_back(std::numeric_limits<double>::infinity());
  return MetricFamily<Histogram>(
      family(std::move(options), static_cast<int>(MetricType::histogram), {}, std::move(bounds)));
}

MetricCallback MetricsRegistry::callback(MetricOptions&& options, std::vector<std::string>&& values,
                                         std::function<double()>&& read, int type) {
  MetricCallback registration;
  registration.state_ = family(std::move(options), type, {}, {}).add_callback(values, std::move(read));
  return registration;
}

MetricCallback MetricsRegistry::gauge_callback(MetricOptions options, std::vector<std::string> label_values,
                                               std::function<double()> read) {
  return callback(std::move(options), std::move(label_values), std::move(read),
                  static_cast<int>(MetricType::gauge_callback));
}

MetricCallback MetricsRegistry::counter_callback(MetricOptions options, std::vector<std::string> label_values,
                                                 std::function<double()> read) {
  return callback(without_total(std::move(options)), std::move(label_values), std::move(read),
                  static_cast<int>(MetricType::counter_callback));
}

void MetricsRegistry::tick() {
  const std::lock_guard lock(impl_->mutex);
  const Instant now = impl_->clock.now();
  if (now < impl_->period_end) return;
  impl_->cells.next_period();
  impl_->period_end = now + Impl::period;
}

void MetricsRegistry::write(Buffer& out, const ScrapeOptions& options) {
  std::vector<telemetry::Family*> families;
  {
    const std::lock_guard lock(impl_->mutex);
    for (const auto& family : impl_->families) families.push_back(family.get());
  }
  telemetry::Exposition exposition(out, options.format, impl_->cells);
  for (telemetry::Family* family : families) {
    if (!options.included_names.empty()) {
      const auto names = family->sample_names();
      const bool wanted = std::any_of(options.included_names.begin(), options.included_names.end(), [&](auto included) {
        return std::find(names.begin(), names.end(), included) != names.end();
      });
      if (!wanted) continue;
    }
    exposition.write(*family);
  }
  if (options.format == MetricsFormat::openmetrics) out.append("# EOF\n");
  tick();  // after writing, so that this scrape still sees what was noted before it
}

}  // namespace weir
