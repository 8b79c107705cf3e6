#include "weir/json/detail/failures.hpp"

namespace weir::json::detail {
namespace {
void append(const Path& path, std::string& out) {
  if (path.up == nullptr) return;
  append(*path.up, out);
  if (path.index != Path::no_index) {
    out += '[';
    out += std::to_string(path.index);
    out += ']';
    return;
  }
  if (!out.empty()) out += '.';
  out += path.name;
}
}  // namespace

std::string Path::text() const {
  std::string out;
  append(*this, out);
  return out;
}

void Failures::add(const Path& path, std::string_view rule, std::string message) {
  ++count_;
  if (list_.size() >= limit_) return;
  list_.push_back({.field = path.text(), .rule = std::string(rule), .message = std::move(message)});
}

void Failures::add_below(const Path& path, std::vector<FieldError>&& found) {
  const std::string base = path.text();
  for (auto& error : found) {
    ++count_;
    if (list_.size() >= limit_) continue;
    if (!base.empty()) {
      const bool joined = error.field.empty() || error.field[0] == '[';
      error.field = base + (joined ? "" : ".") + error.field;
    }
    list_.push_back(std::move(error));
  }
}

Error Failures::take() && {
  std::string message;
  if (!list_.empty()) {
    const auto& first = list_.front();
    message = (first.field.empty() ? "the input" : first.field) + " " + first.message;
    if (count_ > 1) message += " (and " + std::to_string(count_ - 1) + " more)";
  }
  return Error(Errc::unprocessable, std::move(message)).with_fields(std::move(list_));
}

}  // namespace weir::json::detail
