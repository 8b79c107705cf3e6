#include "weir/runtime/processors.hpp"

#include <algorithm>
#include <cmath>
#include <exception>
#include <fstream>
#include <string>

#include <sched.h>

namespace weir {

namespace runtime {

namespace {

/// The path of the process's group: of the lines "hierarchy:controllers:path" that of hierarchy 0 (cgroups(7)).
std::filesystem::path group_of(const std::filesystem::path& own) {
  std::ifstream file(own);
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("0::/")) return line.substr(4);
  }
  return {};
}

}  // namespace

std::optional<double> cpu_quota(const std::filesystem::path& groups, const std::filesystem::path& own) {
  std::optional<double> least;
  for (std::filesystem::path group = group_of(own);; group = group.parent_path()) {
    // "max 100000" or "150000 100000": microseconds of CPU time in each period of so many microseconds.
    std::ifstream file(groups / group / "cpu.max");
    double quota = 0;
    double period = 0;
    if (file >> quota >> period && quota > 0 && period > 0)
      least = std::min(least.value_or(quota / period), quota / period);
    if (group.empty()) return least;
  }
}

}  // namespace runtime

std::size_t available_processors() noexcept {
  cpu_set_t allowed;
  if (::sched_getaffinity(0, sizeof allowed, &allowed) != 0) return 1;
  auto count = static_cast<std::size_t>(std::max(1, CPU_COUNT(&allowed)));
  try {
    const std::optional<double> quota = runtime::cpu_quota("/sys/fs/cgroup", "/proc/self/cgroup");
    if (quota && *quota < static_cast<double>(count))
      count = static_cast<std::size_t>(std::max(1.0, std::ceil(*quota)));
  } catch (const std::exception&) {  // Without it there are only more threads.
  }
  return count;
}

}  // namespace weir
