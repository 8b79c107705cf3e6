#include "weir/json/detail/structure.hpp"

#include <simdjson.h>

namespace weir::json::detail {
namespace {

/// A thread keeps the tables for documents up to this size; they take 4 bytes per byte of the document.
constexpr std::size_t keep_capacity = std::size_t{1} << 18;
constexpr std::size_t first_capacity = 4096;

}  // namespace

struct Workspace::Stage1 {
  std::unique_ptr<simdjson::internal::dom_parser_implementation> parser;
  std::size_t capacity = 0;

  [[nodiscard]] bool reserve(std::size_t size) {
    if (size <= capacity) return true;
    std::size_t wanted = capacity == 0 ? first_capacity : capacity;
    while (wanted < size) wanted *= 2;
    parser.reset();
    capacity = 0;
    // The depth is simdjson's second stage's business, which is not used.
    if (simdjson::get_active_implementation()->create_dom_parser_implementation(wanted, 1, parser) !=
        simdjson::SUCCESS) {
      return false;
    }
    capacity = wanted;
    return true;
  }
};

Workspace::Workspace() : stage1_(std::make_unique<Stage1>()) {}
Workspace::~Workspace() = default;

Workspace::Status Workspace::find_tokens(std::string_view document) {
  begin_ = end_ = nullptr;
  if (document.empty()) return Status::empty;
  if (document.size() > 0xfffffff0U - simdjson::SIMDJSON_PADDING) return Status::too_large;
  if (!stage1_->reserve(document.size())) return Status::failed;
  auto& parser = *stage1_->parser;
  const auto error = parser.stage1(reinterpret_cast<const std::uint8_t*>(document.data()), document.size(),
                                   simdjson::stage1_mode::regular);
  switch (error) {
    case simdjson::SUCCESS:
      break;
    case simdjson::EMPTY:
      return Status::empty;
    case simdjson::UTF8_ERROR:
      return Status::not_utf8;
    case simdjson::UNCLOSED_STRING:
      return Status::unclosed_string;
    case simdjson::UNESCAPED_CHARS:
      return Status::control_character;
    case simdjson::CAPACITY:
      return Status::too_large;
    default:
      return Status::failed;
  }
  begin_ = parser.structural_indexes.get();
  end_ = begin_ + parser.n_structural_indexes;
  return Status::ok;
}

void Workspace::shrink() {
  if (stage1_->capacity > keep_capacity) {
    stage1_->parser.reset();
    stage1_->capacity = 0;
  }
  if (text.capacity() > keep_capacity) text.release();
  if (key.capacity() > keep_capacity) key.release();
}

namespace {
struct ThreadWorkspace {
  Workspace workspace;
  bool in_use = false;
};
ThreadWorkspace& of_this_thread() {
  thread_local ThreadWorkspace one;
  return one;
}
}  // namespace

WorkspaceLease::WorkspaceLease() {
  auto& shared = of_this_thread();
  if (!shared.in_use) {
    shared.in_use = true;
    workspace_ = &shared.workspace;
    return;
  }
  own_ = std::make_unique<Workspace>();
  workspace_ = own_.get();
}

WorkspaceLease::~WorkspaceLease() {
  if (own_ != nullptr) return;
  workspace_->shrink();
  of_this_thread().in_use = false;
}

}  // namespace weir::json::detail
