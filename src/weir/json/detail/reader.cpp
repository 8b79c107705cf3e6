#include "weir/json/detail/reader.hpp"

#include <algorithm>

#include "weir/json/detail/utf8.hpp"

namespace weir::json::detail {
namespace {

std::string describe_byte(const char* at, const char* end) {
  if (at >= end) return "the end of the document";
  const auto byte = static_cast<unsigned char>(*at);
  if (byte > 0x20 && byte < 0x7f) return std::string("'") + *at + "'";
  static constexpr char hex[] = "0123456789abcdef";
  return std::string("byte 0x") + hex[byte >> 4] + hex[byte & 15];
}

std::string position(std::string_view document, std::size_t offset) {
  offset = std::min(offset, document.size());
  const auto before = document.substr(0, offset);
  const auto line = std::count(before.begin(), before.end(), '\n') + 1;
  const auto newline = before.rfind('\n');
  const auto column = newline == before.npos ? offset + 1 : offset - newline;
  return "line " + std::to_string(line) + ", column " + std::to_string(column);
}

/// The opening quote of the last string that begins in `text`, or the first control character within a string.
std::size_t find_in_strings(std::string_view text, bool control_character) {
  std::size_t opened = 0;
  bool inside = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (inside && control_character && static_cast<unsigned char>(text[i]) < 0x20) return i;
    if (inside && text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      inside = !inside;
      if (inside) opened = i;
    }
  }
  return opened;
}

}  // namespace

std::string_view token_kind(char first) noexcept {
  switch (first) {
    case '"':
      return "a string";
    case '{':
      return "an object";
    case '[':
      return "an array";
    case 't':
    case 'f':
      return "a boolean";
    case 'n':
      return "null";
    default:
      return "a number";
  }
}

Result<void> Reader::document(const TypeInfo& type, void* out) {
  const auto status = workspace_.find_tokens(document_);
  if (status != Workspace::Status::ok) return refuse(status);
  at_ = workspace_.begin();
  last_ = workspace_.end();
  const char first = *token();
  if (first != '{' && first != '[') return scalar_document(type, out);
  const char* const final_token = text_ + last_[-1];
  if (*final_token != (first == '{' ? '}' : ']')) return unfinished_document(first == '{' ? '}' : ']');
  if (value(type, out, Path{}) && at_ != last_) static_cast<void>(syntax(token(), "the end of the document"));
  return finish();
}

// The document is cut off, or something stands behind it. To find out where, a copy that ends with the bracket is read.
Result<void> Reader::unfinished_document(char close) {
  std::string copy(document_);
  copy += close;
  text_ = copy.data();
  end_ = text_ + copy.size();
  if (const auto status = workspace_.find_tokens(copy); status != Workspace::Status::ok) return refuse(status);
  at_ = workspace_.begin();
  last_ = workspace_.end();
  if (skip()) {
    static_cast<void>(at_ == last_ ? syntax(end_, close == '}' ? "'}'" : "']'")
                                   : syntax(token(), "the end of the document"));
  }
  return finish();
}

// A scalar alone may end where the memory ends: numbers and literals are read from a copy with a zero byte behind it.
Result<void> Reader::scalar_document(const TypeInfo& type, void* out) {
  if (last_ - at_ != 1) {
    ++at_;
    static_cast<void>(syntax(token(), "the end of the document"));
    return finish();
  }
  static constexpr std::uint32_t zero = 0;
  if (*token() != '"') {
    const char* until = end_;
    while (until > token() && (until[-1] == ' ' || until[-1] == '\n' || until[-1] == '\r' || until[-1] == '\t'))
      --until;
    Buffer& copy = workspace_.key;
    copy.clear();
    copy.append({token(), static_cast<std::size_t>(until - token())});
    copied_from_ = *at_;
    copy.push_back('\0');
    text_ = copy.data();
    end_ = text_ + copy.size() - 1;
    at_ = &zero;
    last_ = at_ + 1;
  }
  static_cast<void>(value(type, out, Path{}));
  return finish();
}

Result<void> Reader::finish() {
  if (!message_.empty()) {
    if (error_at_ == nullptr) return fail(code_, std::move(message_));
    const auto offset = static_cast<std::size_t>(error_at_ - text_) + copied_from_;
    return fail(code_, position(document_, offset) + ": " + message_);
  }
  if (!failures_.empty()) return fail(std::move(failures_).take());
  return {};
}

Result<void> Reader::refuse(Workspace::Status status) {
  const auto at = [&](std::size_t offset, std::string_view what) {
    return fail(Errc::invalid_argument, position(document_, offset) + ": " + std::string(what));
  };
  switch (status) {
    case Workspace::Status::empty:
      return fail(Errc::invalid_argument, "the document is empty");
    case Workspace::Status::not_utf8:
      return at(valid_utf8_prefix(document_), "the text is not UTF-8");
    case Workspace::Status::unclosed_string:
      return at(find_in_strings(document_, false), "a string begins that does not end");
    case Workspace::Status::control_character:
      return at(find_in_strings(document_, true), "a control character in a string must be written as an escape");
    case Workspace::Status::too_large:
      return fail(Errc::too_large, "the document is larger than 4 GiB");
    default:
      return fail(Errc::resource_exhausted, "no memory to read the document");
  }
}

bool Reader::syntax(const char* at, std::string_view expected) {
  if (!message_.empty()) return false;
  code_ = Errc::invalid_argument;
  error_at_ = at;
  const char* const end = text_ + std::min(document_.size() - copied_from_, static_cast<std::size_t>(end_ - text_));
  message_ = "expected " + std::string(expected) + ", found " + describe_byte(at, end);
  return false;
}

bool Reader::limit(Errc code, std::string message) {
  if (!message_.empty()) return false;
  code_ = code;
  message_ = std::move(message);
  error_at_ = nullptr;
  return false;
}

bool Reader::enter() {
  if (++depth_ <= options_.max_depth) return true;
  code_ = Errc::invalid_argument;
  error_at_ = token();
  message_ = "arrays and objects nest deeper than " + std::to_string(options_.max_depth);
  return false;
}

bool Reader::charge(std::size_t bytes) {
  memory_ += bytes;
  if (memory_ <= options_.max_memory) return true;
  return limit(Errc::too_large, "the elements of the document take more than " + std::to_string(options_.max_memory) +
                                    " bytes of memory");
}

bool Reader::next(char close, bool& more) {
  if (at_ == last_) return syntax(end_, close == '}' ? "',' or '}'" : "',' or ']'");
  const char c = *token();
  if (c == ',') {
    ++at_;
    more = true;
    return true;
  }
  if (c != close) return syntax(token(), close == '}' ? "',' or '}'" : "',' or ']'");
  ++at_;
  more = false;
  return true;
}

bool Reader::mismatch(const TypeInfo& type, const Path& path) {
  const char* const at = token();
  const std::string_view found = token_kind(*at);
  if (!skip()) return false;
  std::string message = "must be ";
  message += expected_kind(type);
  message += ", not ";
  message += found;
  failed(path, "type", std::move(message));
  return true;
}

bool Reader::value(const TypeInfo& type, void* out, const Path& path) {
  switch (type.kind) {
    case Kind::null:
      return null(type, path);
    case Kind::boolean:
      return boolean(type, out, path);
    case Kind::integer:
      return integer(type, out, path);
    case Kind::floating:
      return floating(type, out, path);
    case Kind::string:
      return string(type, out, path);
    case Kind::string_view:
      return string_view(type, out, path);
    case Kind::text:
    case Kind::enumeration:
    case Kind::timestamp:
    case Kind::date:
    case Kind::duration:
    case Kind::bytes:
      return text_like(type, out, path);
    case Kind::optional:
      return optional(type, out, path);
    case Kind::sequence:
      return sequence(type, out, path);
    case Kind::map:
      return map(type, out, path);
    case Kind::tuple:
      return tuple(type, out, path);
    case Kind::variant:
      return variant(type, out, path);
    case Kind::object:
      return object(type, out, path);
    case Kind::value:
      return any_value(*static_cast<Value*>(out));
    case Kind::raw:
      return raw(out);
    case Kind::custom:
      return custom(type, out, path);
  }
  return false;
}

}  // namespace weir::json::detail

namespace weir::json {

Result<void> read(std::string_view text, const TypeInfo& type, void* out, const ReadOptions& options) {
  const detail::WorkspaceLease workspace;
  return detail::Reader(text, options, *workspace).document(type, out);
}

}  // namespace weir::json
