#include "weir/telemetry/http_metrics.hpp"

#include <array>
#include <charconv>
#include <limits>
#include <optional>
#include <vector>

namespace weir {

/// What one thread knows: (route, method, status) → cells. Open addressing; a key is never removed.
struct HttpServerMetrics::Table : telemetry::ThreadSlot {
  struct Entry {
    std::uint64_t key = 0;  // 0: free
    std::uint32_t slot = 0;
  };
  std::vector<Entry> entries = std::vector<Entry>(64);
  std::size_t used = 0;
  std::optional<DurationHistogram> overflow;

  [[nodiscard]] static std::size_t hash(std::uint64_t key) noexcept {
    key *= 0x9e3779b97f4a7c15;
    return static_cast<std::size_t>(key ^ (key >> 32));
  }
  /// The key's entry, or the free one where it belongs.
  [[nodiscard]] Entry& find(std::uint64_t key) noexcept {
    const std::size_t mask = entries.size() - 1;
    for (std::size_t at = hash(key) & mask;; at = (at + 1) & mask) {
      if (entries[at].key == key || entries[at].key == 0) return entries[at];
    }
  }
  void grow() {
    std::vector<Entry> old(entries.size() * 2);
    old.swap(entries);
    for (const Entry& entry : old) {
      if (entry.key != 0) find(entry.key) = entry;
    }
  }
};

std::string_view http_outcome(int status) noexcept {
  switch (status / 100) {
    case 1:
      return "INFORMATIONAL";
    case 2:
      return "SUCCESS";
    case 3:
      return "REDIRECTION";
    case 4:
      return "CLIENT_ERROR";
    case 5:
      return "SERVER_ERROR";
    default:
      return "UNKNOWN";
  }
}

HttpServerMetrics::HttpServerMetrics(MetricsRegistry& registry, const HttpMetricsOptions& options)
    : cells_(registry.cells()),
      family_(registry.timer({.name = "http_server_requests_seconds",
                              .help = "Duration of HTTP server requests.",
                              .labels = {"error", "exception", "method", "outcome", "status", "uri"},
                              .max_series = options.max_series},
                             options.buckets)),
      active_(
          registry.up_down_counter({.name = "http_server_requests_active", .help = "HTTP requests being served now."})
              .with({})),
      max_entries_(options.max_series * 4) {
  for (const Duration bucket : options.buckets) bounds_.push_back(static_cast<std::uint64_t>(bucket.count()));
  bounds_.push_back(std::numeric_limits<std::uint64_t>::max());
}

HttpServerMetrics::~HttpServerMetrics() = default;

std::shared_ptr<HttpServerMetrics::Table> HttpServerMetrics::make_table() {
  return std::make_shared<Table>();
}

void HttpServerMetrics::record(const HttpObservation& request) noexcept {
  const auto ns = request.duration.count() < 0 ? 0U : static_cast<std::uint64_t>(request.duration.count());
  Table* table = tables_.local(make_table);
  if (table == nullptr || !request.exception.empty()) [[unlikely]]
    return record_slowly(request);
  const std::uint64_t key = std::uint64_t{request.route_id} << 32 | std::uint64_t{request.status} << 16 |
                            std::uint64_t{request.method_id} << 8 | 1;
  const Table::Entry& entry = table->find(key);
  if (entry.key == 0) [[unlikely]]
    return record_first(*table, key, request);
  telemetry::TimerCells::record(cells_.local(entry.slot), bounds_.data(), ns, cells_.period());
}

void HttpServerMetrics::record_first(Table& table, std::uint64_t key, const HttpObservation& request) noexcept {
  try {
    if (table.used >= max_entries_) {
      if (!table.overflow)
        table.overflow = family_.with(
            std::array{overflow_label, overflow_label, overflow_label, overflow_label, overflow_label, overflow_label});
      return table.overflow->record(request.duration);
    }
    const DurationHistogram series = series_of(request);
    if (table.used * 2 >= table.entries.size()) table.grow();
    table.find(key) = {key, series.slot_};
    ++table.used;
    series.record(request.duration);
  } catch (...) {  // out of memory: the request is not counted, and served all the same
  }
}

void HttpServerMetrics::record_slowly(const HttpObservation& request) noexcept {
  try {
    series_of(request).record(request.duration);
  } catch (...) {
  }
}

DurationHistogram HttpServerMetrics::series_of(const HttpObservation& request) const {
  std::array<char, 8> digits{};
  const char* end = std::to_chars(digits.data(), digits.data() + digits.size(), request.status).ptr;
  const bool gone = request.status == 0;
  const std::string_view exception = request.exception.empty() ? "none" : request.exception;
  return family_.with({exception, exception, request.method, http_outcome(request.status),
                       gone ? "CLIENT_GONE" : std::string_view(digits.data(), end), request.uri});
}

}  // namespace weir
