// The reader: walks the tokens of a document along a TypeInfo.
#pragma once

#include "weir/json/detail/failures.hpp"
#include "weir/json/detail/number.hpp"
#include "weir/json/detail/structure.hpp"
#include "weir/json/detail/text_forms.hpp"
#include "weir/json/read.hpp"
#include "weir/json/value.hpp"

namespace weir::json::detail {

/// One read. Functions that read return false when the document is no JSON or a limit is hit: then `error()` says so
/// and nothing more is read. What does not fit the type goes to the failures, and the reading goes on behind it.
///
/// Bounds: the last token of a document that begins with '{' or '[' is checked first to be a '}' or ']'. So every token
/// but a closing one is followed by another, scalars end before the end of the text, and only behind a value can the
/// tokens be used up.
class Reader {
 public:
  Reader(std::string_view text, const ReadOptions& options, Workspace& workspace)
      : text_(text.data()),
        end_(text.data() + text.size()),
        document_(text),
        options_(options),
        workspace_(workspace),
        failures_(options.max_failures) {}

  Result<void> document(const TypeInfo& type, void* out);

 private:
  // reader.cpp: documents, errors
  Result<void> scalar_document(const TypeInfo& type, void* out);
  Result<void> unfinished_document(char close);
  Result<void> finish();
  Result<void> refuse(Workspace::Status status);
  [[nodiscard]] bool syntax(const char* at, std::string_view expected);
  [[nodiscard]] bool limit(Errc code, std::string message);
  /// A failure of a field because of the value's type; skips the value.
  [[nodiscard]] bool mismatch(const TypeInfo& type, const Path& path);
  void failed(const Path& path, std::string_view rule, std::string message) {
    failures_.add(path, rule, std::move(message));
  }

  [[nodiscard]] const char* token() const noexcept { return text_ + *at_; }
  [[nodiscard]] bool enter();
  void leave() noexcept { --depth_; }
  [[nodiscard]] bool charge(std::size_t bytes);
  /// Behind a value in a container: moves over a ',' (more = true) or over `close`.
  [[nodiscard]] bool next(char close, bool& more);

  [[nodiscard]] bool value(const TypeInfo& type, void* out, const Path& path);

  // reader_scalars.cpp
  [[nodiscard]] bool boolean(const TypeInfo& type, void* out, const Path& path);
  [[nodiscard]] bool integer(const TypeInfo& type, void* out, const Path& path);
  [[nodiscard]] bool floating(const TypeInfo& type, void* out, const Path& path);
  [[nodiscard]] bool string(const TypeInfo& type, void* out, const Path& path);
  [[nodiscard]] bool string_view(const TypeInfo& type, void* out, const Path& path);
  [[nodiscard]] bool text_like(const TypeInfo& type, void* out, const Path& path);
  [[nodiscard]] bool null(const TypeInfo& type, const Path& path);
  [[nodiscard]] bool literal(std::string_view word);
  /// The string at the cursor, a view of the document or of `scratch`.
  [[nodiscard]] bool string_token(std::string_view& out, Buffer& scratch);
  [[nodiscard]] bool unescape(const char* from, const char* backslash, std::string_view& out, Buffer& scratch);
  [[nodiscard]] bool number_token(Number& out);
  [[nodiscard]] bool skip();
  [[nodiscard]] bool skip_container(char close);

  // reader_containers.cpp
  [[nodiscard]] bool object(const TypeInfo& type, void* out, const Path& path);
  [[nodiscard]] bool member(const ObjectInfo& info, std::string_view name, const Field* field, std::uint64_t& seen,
                            void* out, const Path& path);
  [[nodiscard]] bool tag_member(const ObjectInfo& info, const Path& path);
  [[nodiscard]] bool unknown_member(const ObjectInfo& info, std::string_view name, const Path& path);
  void missing_members(const ObjectInfo& info, std::uint64_t missing, const Path& path);
  [[nodiscard]] bool optional(const TypeInfo& type, void* out, const Path& path);
  [[nodiscard]] bool sequence(const TypeInfo& type, void* out, const Path& path);
  [[nodiscard]] bool element(const SequenceInfo& info, void* out, std::size_t index, const Path& path);
  [[nodiscard]] bool set_element(const SequenceInfo& info, void* out, const Path& path);
  [[nodiscard]] bool map(const TypeInfo& type, void* out, const Path& path);
  [[nodiscard]] bool tuple(const TypeInfo& type, void* out, const Path& path);
  [[nodiscard]] bool custom(const TypeInfo& type, void* out, const Path& path);
  [[nodiscard]] bool any_value(Value& out);
  [[nodiscard]] bool any_array(Value& out);
  [[nodiscard]] bool any_object(Value& out);
  [[nodiscard]] bool raw(void* out);

  // reader_variant.cpp
  [[nodiscard]] bool variant(const TypeInfo& type, void* out, const Path& path);
  [[nodiscard]] bool tagged(const VariantInfo& info, void* out, const Path& path);
  [[nodiscard]] bool by_shape(const TypeInfo& type, void* out, const Path& path);
  [[nodiscard]] bool best_object(const VariantInfo& info, std::size_t& found);
  [[nodiscard]] bool scalar_alternative(const TypeInfo& type, void* out, const Path& path);

  const char* text_;
  const char* end_;
  std::string_view document_;
  std::size_t copied_from_ = 0;  ///< Where in document_ text_ begins, while a scalar is read from a copy.
  const std::uint32_t* at_ = nullptr;
  const std::uint32_t* last_ = nullptr;  ///< Behind the last token.
  const char* value_end_ = nullptr;      ///< Behind the value that skip() went over.
  const ReadOptions& options_;
  Workspace& workspace_;
  Failures failures_;
  std::size_t depth_ = 0;
  std::size_t memory_ = 0;

  // The error that ended the reading.
  Errc code_ = Errc::invalid_argument;
  std::string message_;
  const char* error_at_ = nullptr;
};

/// What a token begins, for messages: "a string".
std::string_view token_kind(char first) noexcept;

}  // namespace weir::json::detail
