// What the process itself uses: CPU, memory, file descriptors, threads.
#pragma once

#include <cstdint>
#include <vector>

#include "weir/base/error.hpp"
#include "weir/telemetry/metrics.hpp"

namespace weir {

struct ProcessUsage {
  double cpu_seconds = 0;            ///< User and system.
  std::uint64_t resident_bytes = 0;  ///< RSS: shared pages count in full.
  std::uint64_t pss_bytes = 0;       ///< Shared pages count by their share; 0 when the kernel does not tell.
  std::uint64_t virtual_bytes = 0;
  std::uint64_t open_fds = 0;
  std::uint64_t max_fds = 0;
  std::uint64_t threads = 0;
  double start_time_seconds = 0;  ///< Since 1970.
};

/// Reads /proc/self. It takes some 50 µs, and about a millisecond per GB of memory.
[[nodiscard]] Result<ProcessUsage> process_usage();

/// Registers `process_cpu_seconds_total`, `process_resident_memory_bytes`, `process_pss_bytes`,
/// `process_virtual_memory_bytes`, `process_open_fds`, `process_max_fds`, `process_threads`,
/// `process_start_time_seconds` and `process_uptime_seconds`. They are read at most once a second of the registry's
/// clock, however often it is scraped. They stay registered as long as what is returned.
[[nodiscard]] std::vector<MetricCallback> register_process_metrics(MetricsRegistry& registry);

}  // namespace weir
