#include "weir/telemetry/detail/exposition.hpp"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>

namespace weir::telemetry {
namespace {

/// A bucket's bound as the canonical numbers of OpenMetrics are written ("0.0005", "1.0", "1e+06"): in both formats, so
/// that the label does not change with the scraper.
std::string bound_text(double bound) {
  if (std::isinf(bound)) return "+Inf";
  char digits[32];
  const double size = std::abs(bound);
  const bool plain = size == 0 || (size >= 1e-4 && size < 1e6);
  const auto format = plain ? std::chars_format::fixed : std::chars_format::scientific;
  const auto end = std::to_chars(digits, digits + sizeof digits, bound, format).ptr;
  std::string text(digits, end);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

}  // namespace

Exposition::Exposition(Buffer& out, MetricsFormat format, const MetricsCells& cells)
    : out_(out), format_(format), cells_(cells) {
  cells.for_each([this](const MetricsShard& shard) { shards_.push_back(&shard); });
}

void Exposition::write(Family& family) {
  switch (family.type()) {
    case MetricType::counter:
      return write_counters(family, false);
    case MetricType::up_down_counter:
      return write_counters(family, true);
    case MetricType::gauge:
      return write_gauges(family);
    case MetricType::timer:
      return write_timers(family);
    case MetricType::histogram:
      return write_histograms(family);
    case MetricType::gauge_callback:
      return write_callbacks(family, false);
    case MetricType::counter_callback:
      return write_callbacks(family, true);
  }
}

void Exposition::describe(std::string_view name, std::string_view help, std::string_view type) {
  // A counter's family is called NAME_total in the one format and NAME in the other.
  const bool total = type == "counter" && format_ == MetricsFormat::prometheus;
  std::string text = "# HELP ";
  text.append(name).append(total ? "_total " : " ");
  append_escaped(text, help, format_ == MetricsFormat::openmetrics);
  text.append("\n# TYPE ").append(name).append(total ? "_total " : " ").append(type).append("\n");
  out_.append(text);
}

void Exposition::sample(std::string_view name, std::string_view suffix, std::string_view labels, std::string_view le) {
  out_.append(name);
  out_.append(suffix);
  if (!labels.empty() || !le.empty()) {
    out_.push_back('{');
    out_.append(labels);
    if (!le.empty()) {
      out_.append(labels.empty() ? "le=\"" : ",le=\"");
      out_.append(le);
      out_.push_back('"');
    }
    out_.push_back('}');
  }
  out_.push_back(' ');
}

void Exposition::number(double value) {
  char* at = out_.reserve_more(40);
  char* end = at;
  if (std::isnan(value)) {
    end = std::copy_n("NaN", 3, at);
  } else if (std::isinf(value)) {
    end = std::copy_n(value > 0 ? "+Inf" : "-Inf", 4, at);
  } else {
    end = std::to_chars(at, at + 32, value).ptr;
  }
  *end++ = '\n';
  out_.advance(static_cast<std::size_t>(end - at));
}

void Exposition::number(std::uint64_t value) {
  char* at = out_.reserve_more(24);
  char* end = std::to_chars(at, at + 20, value).ptr;
  *end++ = '\n';
  out_.advance(static_cast<std::size_t>(end - at));
}

void Exposition::seconds(std::uint64_t ns) {
  char* at = out_.reserve_more(40);
  char* end = std::to_chars(at, at + 20, ns / 1'000'000'000).ptr;
  if (std::uint64_t fraction = ns % 1'000'000'000; fraction != 0) {
    *end++ = '.';
    for (std::uint64_t unit = 100'000'000; fraction != 0; fraction %= unit, unit /= 10) {
      *end++ = static_cast<char>('0' + fraction / unit);
      if (unit == 1) break;
    }
  }
  *end++ = '\n';
  out_.advance(static_cast<std::size_t>(end - at));
}

std::uint64_t Exposition::sum(std::uint32_t slot) const noexcept {
  std::uint64_t total = 0;
  for (const auto* shard : shards_) {
    const Cell* cell = shard->peek(slot);
    if (cell != nullptr) total += cell->load(std::memory_order_relaxed);
  }
  return total;
}

std::uint64_t Exposition::maximum(std::uint32_t slot) const noexcept {
  std::uint64_t largest = 0;
  const std::uint32_t now = cells_.period();
  for (const auto* shard : shards_) {
    const Cell* cells = shard->peek(slot + TimerCells::maxima);
    if (cells == nullptr) continue;
    for (std::uint32_t age = 0; age < TimerCells::max_periods; ++age) {
      const std::uint32_t period = now - age;
      const std::uint64_t held = cells[period % TimerCells::max_periods].load(std::memory_order_relaxed);
      if (held >> 48 == (period & 0xffff)) largest = std::max(largest, held & TimerCells::max_value);
    }
  }
  return largest;
}

void Exposition::write_counters(Family& family, bool up_down) {
  describe(family.name(), family.help(), up_down ? "gauge" : "counter");
  for (const Series* series : family.series()) {
    sample(family.name(), up_down ? "" : "_total", series->labels);
    if (up_down) {
      number(static_cast<double>(static_cast<std::int64_t>(sum(series->slot))));
    } else {
      number(sum(series->slot));
    }
  }
}

void Exposition::write_gauges(Family& family) {
  describe(family.name(), family.help(), "gauge");
  for (const Series* series : family.series()) {
    sample(family.name(), "", series->labels);
    number(series->value.load(std::memory_order_relaxed));
  }
}

void Exposition::write_callbacks(Family& family, bool counter) {
  const auto callbacks = family.callbacks();
  if (callbacks.empty()) return;
  describe(family.name(), family.help(), counter ? "counter" : "gauge");
  for (const auto& state : callbacks) {
    double value = 0;
    try {
      const std::lock_guard lock(state->mutex);
      if (!state->read) continue;
      value = state->read();
    } catch (...) {
      continue;  // one that cannot tell is left out; the others are still wanted
    }
    sample(family.name(), counter ? "_total" : "", state->labels);
    number(value);
  }
}

void Exposition::write_timers(Family& family) {
  const auto all = family.series();
  const std::string& name = family.name();
  std::vector<std::string> bounds;
  for (const std::uint64_t bound : family.ns_bounds()) {
    bounds.push_back(bound == UINT64_MAX ? "+Inf" : bound_text(static_cast<double>(bound) / 1e9));
  }
  describe(name, family.help(), "histogram");
  for (const Series* series : all) {
    std::uint64_t count = 0;
    for (std::size_t i = 0; i < bounds.size(); ++i) {
      count += sum(series->slot + TimerCells::buckets + static_cast<std::uint32_t>(i));
      sample(name, "_bucket", series->labels, bounds[i]);
      number(count);
    }
    sample(name, "_count", series->labels);
    number(count);
    sample(name, "_sum", series->labels);
    seconds(sum(series->slot + TimerCells::sum));
  }
  const std::string max_name = name + "_max";
  describe(max_name, family.help(), "gauge");
  for (const Series* series : all) {
    sample(max_name, "", series->labels);
    seconds(maximum(series->slot));
  }
}

void Exposition::write_histograms(Family& family) {
  const std::string& name = family.name();
  std::vector<std::string> bounds;
  for (const double bound : family.bounds()) bounds.push_back(bound_text(bound));
  describe(name, family.help(), "histogram");
  for (const Series* series : family.series()) {
    std::uint64_t count = 0;
    for (std::size_t i = 0; i < bounds.size(); ++i) {
      count += sum(series->slot + 1 + static_cast<std::uint32_t>(i));
      sample(name, "_bucket", series->labels, bounds[i]);
      number(count);
    }
    double total = 0;
    for (const auto* shard : shards_) {
      const Cell* cell = shard->peek(series->slot);
      if (cell != nullptr) total += std::bit_cast<double>(cell->load(std::memory_order_relaxed));
    }
    sample(name, "_count", series->labels);
    number(count);
    sample(name, "_sum", series->labels);
    number(total);
  }
}

}  // namespace weir::telemetry
