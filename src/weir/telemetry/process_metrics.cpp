#include "weir/telemetry/process_metrics.hpp"

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

namespace weir {
namespace {

/// A file of /proc, which tells no size beforehand.
Result<std::string> read_file(const char* path) {
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return fail(system_error(errno, std::string("open ") + path));
  std::string text;
  std::array<char, 4096> piece{};
  ssize_t got = 0;
  while ((got = read(fd, piece.data(), piece.size())) > 0) text.append(piece.data(), static_cast<std::size_t>(got));
  const int error = errno;
  close(fd);
  if (got < 0) return fail(system_error(error, std::string("read ") + path));
  return text;
}

std::uint64_t number(std::string_view text) {
  std::uint64_t value = 0;
  text.remove_prefix(std::min(text.find_first_of("0123456789"), text.size()));
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

/// The number behind `key` in lines of "key:   123 kB".
std::uint64_t number_after(std::string_view text, std::string_view key) {
  const std::size_t at = text.find(key);
  return at == std::string_view::npos ? 0 : number(text.substr(at + key.size()));
}

std::uint64_t count_fds() {
  DIR* folder = opendir("/proc/self/fd");
  if (folder == nullptr) return 0;
  std::uint64_t count = 0;
  while (const dirent* entry = readdir(folder)) {
    if (entry->d_name[0] != '.') ++count;
  }
  closedir(folder);
  return count - 1;  // without the one that counts
}

/// Field `index` (counted from 1, as proc(5) does) of /proc/self/stat, for fields behind the name.
std::uint64_t stat_field(std::string_view stat, int index) {
  std::size_t at = stat.rfind(')');  // the name may hold spaces and parentheses
  for (int field = 2; field < index && at != std::string_view::npos; ++field) at = stat.find(' ', at + 1);
  return at == std::string_view::npos ? 0 : number(stat.substr(at));
}

}  // namespace

Result<ProcessUsage> process_usage() {
  const auto stat = read_file("/proc/self/stat");
  if (!stat) return fail(stat.error());
  const auto ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
  ProcessUsage usage;
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  usage.cpu_seconds = seconds(used.ru_utime) + seconds(used.ru_stime);
  usage.threads = stat_field(*stat, 20);
  usage.virtual_bytes = stat_field(*stat, 23);
  usage.resident_bytes = stat_field(*stat, 24) * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  if (const auto boot = read_file("/proc/stat")) {
    usage.start_time_seconds =
        static_cast<double>(number_after(*boot, "\nbtime ")) + static_cast<double>(stat_field(*stat, 22)) / ticks;
  }
  if (const auto rollup = read_file("/proc/self/smaps_rollup")) {
    usage.pss_bytes = number_after(*rollup, "\nPss:") * 1024;
  }
  usage.open_fds = count_fds();
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) usage.max_fds = limit.rlim_cur;
  return usage;
}

std::vector<MetricCallback> register_process_metrics(MetricsRegistry& registry) {
  /// The last reading, shared by the callbacks of one scrape.
  struct Reading {
    std::mutex mutex;
    ProcessUsage usage;
    Instant valid_until{};

    ProcessUsage get(Clock& clock) {
      const std::lock_guard lock(mutex);
      if (const Instant now = clock.now(); now >= valid_until) {
        if (auto fresh = process_usage()) usage = *fresh;
        valid_until = now + std::chrono::seconds(1);
      }
      return usage;
    }
  };
  // Shared, because each callback may be the last to go.
  const auto reading = std::make_shared<Reading>();
  Clock& clock = registry.clock();
  std::vector<MetricCallback> callbacks;
  const auto gauge = [&](const char* name, const char* help, auto read) {
    callbacks.push_back(registry.gauge_callback(
        {.name = name, .help = help}, {}, [=, &clock] { return static_cast<double>(read(reading->get(clock))); }));
  };
  callbacks.push_back(
      registry.counter_callback({.name = "process_cpu_seconds_total", .help = "CPU time used, user and system."}, {},
                                [reading, &clock] { return reading->get(clock).cpu_seconds; }));
  gauge("process_resident_memory_bytes", "Resident memory; shared pages count in full.",
        [](const ProcessUsage& u) { return u.resident_bytes; });
  gauge("process_pss_bytes", "Proportional set size: shared pages count by their share.",
        [](const ProcessUsage& u) { return u.pss_bytes; });
  gauge("process_virtual_memory_bytes", "Address space in use.", [](const ProcessUsage& u) { return u.virtual_bytes; });
  gauge("process_open_fds", "Open file descriptors.", [](const ProcessUsage& u) { return u.open_fds; });
  gauge("process_max_fds", "The limit of open file descriptors.", [](const ProcessUsage& u) { return u.max_fds; });
  gauge("process_threads", "Threads of the process.", [](const ProcessUsage& u) { return u.threads; });
  gauge("process_start_time_seconds", "When the process started, in seconds since 1970.",
        [](const ProcessUsage& u) { return u.start_time_seconds; });
  gauge("process_uptime_seconds", "How long the process has been running.", [&clock](const ProcessUsage& u) {
    return std::chrono::duration<double>(clock.wall().time_since_epoch()).count() - u.start_time_seconds;
  });
  return callbacks;
}

}  // namespace weir
