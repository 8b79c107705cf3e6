// The places of a JSON document's tokens, found by simdjson's first stage (16 to 64 bytes at a time), and memory for
// one read. simdjson.h is included by structure.cpp only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "weir/base/buffer.hpp"

namespace weir::json::detail {

/// What one read works with: the positions of tokens and room for unescaped text. A thread keeps it between reads, so
/// that reading calls malloc no more; a read inside a read (from a validate() function) gets its own.
class Workspace {
 public:
  enum class Status : std::uint8_t { ok, empty, not_utf8, unclosed_string, control_character, too_large, failed };

  /// Finds the tokens of `text`: the positions of { } [ ] : , of the opening quotes of strings, and of the first byte
  /// of everything else. Checks that the document is UTF-8, that strings end, and that they hold no control characters.
  [[nodiscard]] Status find_tokens(std::string_view text);

  [[nodiscard]] const std::uint32_t* begin() const noexcept { return begin_; }
  [[nodiscard]] const std::uint32_t* end() const noexcept { return end_; }

  Buffer text;  ///< Unescaped text of the string that was read last.
  Buffer key;   ///< The same of a key.

  Workspace();
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;
  ~Workspace();

 private:
  struct Stage1;
  std::unique_ptr<Stage1> stage1_;
  const std::uint32_t* begin_ = nullptr;
  const std::uint32_t* end_ = nullptr;

  friend class WorkspaceLease;
  void shrink();
};

/// Borrows the thread's workspace, or makes one when that is in use.
class WorkspaceLease {
 public:
  WorkspaceLease();
  WorkspaceLease(const WorkspaceLease&) = delete;
  WorkspaceLease& operator=(const WorkspaceLease&) = delete;
  ~WorkspaceLease();

  [[nodiscard]] Workspace& operator*() const noexcept { return *workspace_; }

 private:
  Workspace* workspace_;
  std::unique_ptr<Workspace> own_;
};

}  // namespace weir::json::detail
