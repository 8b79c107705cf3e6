// Whether a decoded segment is what a placeholder accepts.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "weir/router/pattern.hpp"

namespace re2 {
class RE2;
}

namespace weir::router {

/// A regular expression that is compiled when it is first used, so that a table with thousands of them costs neither
/// memory nor start-up time for those that are never asked. Shared by all snapshots of a table (hence shared_ptr where
/// it is held). Any thread.
class LazyRegex {
 public:
  LazyRegex(std::string expression, std::size_t max_length, int max_program);
  ~LazyRegex();
  LazyRegex(const LazyRegex&) = delete;
  LazyRegex& operator=(const LazyRegex&) = delete;

  [[nodiscard]] const std::string& expression() const noexcept { return expression_; }
  /// What is wrong with the expression, or empty. Compiles it and throws the program away.
  [[nodiscard]] std::string problem() const;
  /// Whether the whole of `text` matches. False for an expression that has a problem.
  [[nodiscard]] bool matches(std::string_view text) const;

 private:
  [[nodiscard]] std::unique_ptr<re2::RE2> compile() const;

  std::string expression_;
  std::size_t max_length_;
  int max_program_;
  mutable std::once_flag once_;
  mutable std::unique_ptr<re2::RE2> program_;
};

/// Whether `value`, which is not empty, satisfies every constraint but a regular expression or a tail (both: true).
[[nodiscard]] bool satisfies(const ParamConstraint& constraint, std::string_view value) noexcept;

}  // namespace weir::router
