// For the tests of this module: a log whose lines can be looked at, and metrics as text.
#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "weir/base/buffer.hpp"
#include "weir/telemetry/log.hpp"
#include "weir/telemetry/metrics.hpp"

namespace weir::middleware {

/// A log that keeps its lines.
class LogCapture {
 public:
  LogCapture()
      : log_(log_to_callback([this](std::string_view lines) {
          const std::lock_guard lock(mutex_);
          text_ += lines;
        })) {}

  [[nodiscard]] Log& log() noexcept { return log_; }

  /// The lines so far that contain `needle`.
  [[nodiscard]] std::vector<std::string> lines(std::string_view needle = {}) {
    log_.flush(std::chrono::seconds(10));
    const std::lock_guard lock(mutex_);
    std::vector<std::string> found;
    std::string_view rest = text_;
    while (!rest.empty()) {
      const std::string_view line = rest.substr(0, rest.find('\n'));
      rest.remove_prefix(line.size() + 1);
      if (line.find(needle) != std::string_view::npos) found.emplace_back(line);
    }
    return found;
  }

 private:
  std::mutex mutex_;
  std::string text_;
  Log log_;  // last: its writer thread uses the others
};

/// The sample lines of the registry's text that begin with `prefix`.
[[nodiscard]] inline std::vector<std::string> samples(MetricsRegistry& registry, std::string_view prefix) {
  Buffer text;
  registry.write(text);
  std::vector<std::string> found;
  std::string_view rest = text.view();
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(line.size() + 1);
    if (line.starts_with(prefix)) found.emplace_back(line);
  }
  return found;
}

}  // namespace weir::middleware
