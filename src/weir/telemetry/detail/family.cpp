#include "weir/telemetry/detail/family.hpp"

#include <algorithm>
#include <stdexcept>

#include "weir/telemetry/detail/utf8.hpp"

namespace weir::telemetry {
namespace {

bool valid_name(std::string_view name, bool colons) {
  const auto letter = [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (colons && c == ':');
  };
  if (name.empty() || !letter(name[0])) return false;
  return std::all_of(name.begin(), name.end(), [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

MetricOptions checked(MetricOptions&& options, MetricType type) {
  if (!valid_name(options.name, true)) {
    throw std::invalid_argument("metric \"" + options.name + "\": a name is letters, digits, _ and :");
  }
  const bool buckets = type == MetricType::timer || type == MetricType::histogram;
  for (const auto& label : options.labels) {
    if (!valid_name(label, false) || label.starts_with("__") || (buckets && label == "le")) {
      throw std::invalid_argument("metric " + options.name + ": \"" + label + "\" cannot be a label's name");
    }
    if (std::count(options.labels.begin(), options.labels.end(), label) > 1) {
      throw std::invalid_argument("metric " + options.name + ": label " + label + " stands there twice");
    }
  }
  return std::move(options);
}

}  // namespace

void append_escaped(std::string& out, std::string_view text, bool quotes) {
  while (!text.empty()) {
    const std::size_t size = utf8_sequence(text.data(), text.size());
    if (size == 0) {
      out += "\xef\xbf\xbd";
    } else if (text[0] == '\n') {
      out += "\\n";
    } else {
      if (text[0] == '\\' || (quotes && text[0] == '"')) out += '\\';
      out += text.substr(0, size);
    }
    text.remove_prefix(std::max<std::size_t>(size, 1));
  }
}

bool SlotAllocator::allocate(std::uint32_t cells, std::uint32_t& slot) {
  const std::lock_guard lock(mutex_);
  std::uint32_t at = next_;
  const std::uint32_t left = MetricsShard::chunk_cells - at % MetricsShard::chunk_cells;
  if (cells > left) at += left;
  if (cells > MetricsShard::chunk_cells || at + cells > MetricsShard::max_cells) return false;
  slot = at;
  next_ = at + cells;
  return true;
}

Family::Family(MetricsCells& cells, SlotAllocator& slots, MetricOptions&& options, MetricType type,
               std::vector<std::uint64_t>&& ns_bounds, std::vector<double>&& bounds)
    : cells_(cells),
      slots_(slots),
      options_(checked(std::move(options), type)),
      type_(type),
      ns_bounds_(std::move(ns_bounds)),
      bounds_(std::move(bounds)) {
  if (cells_per_series() != 0 && !slots_.allocate(cells_per_series(), overflow_slot_)) {
    throw std::length_error("metric " + options_.name + ": the registry is full, or there are too many buckets");
  }
}

std::uint32_t Family::cells_per_series() const noexcept {
  switch (type_) {
    case MetricType::counter:
    case MetricType::up_down_counter:
      return 1;
    case MetricType::timer:
      return TimerCells::buckets + static_cast<std::uint32_t>(ns_bounds_.size());
    case MetricType::histogram:
      return 1 + static_cast<std::uint32_t>(bounds_.size());
    default:
      return 0;
  }
}

std::string Family::label_text(std::span<const std::string_view> values) const {
  if (values.size() != options_.labels.size()) {
    throw std::invalid_argument("metric " + options_.name + ": " + std::to_string(values.size()) +
                                " label values were given, there are " + std::to_string(options_.labels.size()) +
                                " labels");
  }
  std::string text;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i != 0) text += ',';
    text += options_.labels[i];
    text += "=\"";
    append_escaped(text, values[i], true);
    text += '"';
  }
  return text;
}

Series& Family::find(std::span<const std::string_view> values) {
  std::string text = label_text(values);
  const std::lock_guard lock(mutex_);
  if (const auto at = series_.find(text); at != series_.end()) return *at->second;
  auto made = std::make_unique<Series>();
  const bool room = series_.size() < options_.max_series &&
                    (cells_per_series() == 0 || slots_.allocate(cells_per_series(), made->slot));
  if (!room) {
    const std::vector<std::string_view> overflow(options_.labels.size(), overflow_label);
    text = label_text(overflow);
    if (const auto at = series_.find(text); at != series_.end()) return *at->second;
    made->slot = overflow_slot_;
  }
  made->labels = text;
  return *series_.emplace(std::move(text), std::move(made)).first->second;
}

Counter Family::bind(std::span<const std::string_view> values, Counter*) {
  Counter handle;
  handle.slot_ = find(values).slot;
  handle.cells_ = &cells_;
  return handle;
}

UpDownCounter Family::bind(std::span<const std::string_view> values, UpDownCounter*) {
  UpDownCounter handle;
  handle.slot_ = find(values).slot;
  handle.cells_ = &cells_;
  return handle;
}

Gauge Family::bind(std::span<const std::string_view> values, Gauge*) {
  Gauge handle;
  handle.value_ = &find(values).value;
  return handle;
}

DurationHistogram Family::bind(std::span<const std::string_view> values, DurationHistogram*) {
  DurationHistogram handle;
  handle.slot_ = find(values).slot;
  handle.cells_ = &cells_;
  handle.bounds_ = ns_bounds_.data();
  return handle;
}

Histogram Family::bind(std::span<const std::string_view> values, Histogram*) {
  Histogram handle;
  handle.slot_ = find(values).slot;
  handle.cells_ = &cells_;
  handle.bounds_ = bounds_.data();
  return handle;
}

std::shared_ptr<MetricCallback::State> Family::add_callback(const std::vector<std::string>& values,
                                                            std::function<double()>&& read) {
  const std::vector<std::string_view> views(values.begin(), values.end());
  auto state = std::make_shared<MetricCallback::State>();
  state->read = std::move(read);
  state->labels = label_text(views);
  const auto live = callbacks();
  if (std::any_of(live.begin(), live.end(), [&](const auto& other) { return other->labels == state->labels; })) {
    throw std::invalid_argument("metric " + options_.name + "{" + state->labels + "} has a callback already");
  }
  const std::lock_guard lock(mutex_);
  callbacks_.push_back(state);
  return state;
}

std::vector<std::shared_ptr<MetricCallback::State>> Family::callbacks() {
  const std::lock_guard lock(mutex_);
  std::erase_if(callbacks_, [](const auto& state) {
    const std::lock_guard state_lock(state->mutex);
    return !state->read;
  });
  return callbacks_;
}

std::vector<const Series*> Family::series() const {
  std::vector<const Series*> all;
  {
    const std::lock_guard lock(mutex_);
    all.reserve(series_.size());
    for (const auto& [text, series] : series_) all.push_back(series.get());
  }
  std::sort(all.begin(), all.end(), [](const Series* a, const Series* b) { return a->labels < b->labels; });
  return all;
}

std::vector<std::string> Family::sample_names() const {
  const std::string& name = options_.name;
  switch (type_) {
    case MetricType::counter:
    case MetricType::counter_callback:
      return {name, name + "_total"};
    case MetricType::timer:
      return {name, name + "_count", name + "_sum", name + "_bucket", name + "_max"};
    case MetricType::histogram:
      return {name, name + "_count", name + "_sum", name + "_bucket"};
    default:
      return {name};
  }
}

}  // namespace weir::telemetry
