// Failures of single fields, with their paths, collected while input is read.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "weir/base/error.hpp"

namespace weir::json::detail {

/// Where a reader is: a chain of names and indices on the stack, made into text only when something is wrong.
struct Path {
  static constexpr std::size_t no_index = static_cast<std::size_t>(-1);
  const Path* up = nullptr;
  std::string_view name{};
  std::size_t index = no_index;

  /// "items[3].price"; empty for the root.
  [[nodiscard]] std::string text() const;
};

class Failures {
 public:
  /// Counts all failures and keeps the first `limit`.
  explicit Failures(std::size_t limit) noexcept : limit_(limit) {}

  void add(const Path& path, std::string_view rule, std::string message);
  /// Adds failures whose fields are relative to `path`.
  void add_below(const Path& path, std::vector<FieldError>&& found);

  [[nodiscard]] bool empty() const noexcept { return count_ == 0; }
  [[nodiscard]] std::size_t count() const noexcept { return count_; }
  /// The error that says all of it, with code unprocessable. REQUIRES: !empty().
  [[nodiscard]] Error take() &&;

 private:
  std::vector<FieldError> list_;
  std::size_t limit_;
  std::size_t count_ = 0;
};

}  // namespace weir::json::detail
