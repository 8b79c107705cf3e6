// How many threads are worth having.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>

namespace weir {

/// The processors that the calling thread may run on (sched_getaffinity(2)), and of these not more than the CPU time
/// that the process's control groups allow, rounded up: a container with a quota of 1.5 gets 2. At least 1.
[[nodiscard]] std::size_t available_processors() noexcept;

namespace runtime {

/// The least quota of a control group (cgroup v2) and of those around it, in processors; nothing where there is none.
/// `groups`: where they are mounted. `own`: the file that names the group, as /proc/self/cgroup. May throw
/// std::bad_alloc.
[[nodiscard]] std::optional<double> cpu_quota(const std::filesystem::path& groups, const std::filesystem::path& own);

}  // namespace runtime
}  // namespace weir
