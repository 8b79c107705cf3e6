// A whole multipart/form-data request: fields as texts, files on disk.
//
//   app.post("/attachments", [](weir::MultipartForm form) -> weir::Result<void> {
//     weir::UploadedFile* file = form.file("attachment");
//     if (file == nullptr) return weir::bad_request("attachment is missing");
//     return file->save_as("/srv/files/" + new_id());
//   }).body_limit(100 << 20);
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "weir/base/error.hpp"
#include "weir/coro/task.hpp"
#include "weir/json/describe.hpp"
#include "weir/web/multipart.hpp"
#include "weir/web/temporary_file.hpp"

namespace weir {

/// A file of a form. Gone with its owner unless it was saved. Functions may wait for the disk: large files are saved
/// from the blocking pool, or into the file system of MultipartOptions::directory, which is a link and quick.
class UploadedFile {
 public:
  UploadedFile(const Multipart::Part& part, TemporaryFile content)
      : name_(part.name), filename_(part.filename), content_type_(part.content_type), content_(std::move(content)) {}

  /// The form field's.
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  /// As the client sent it. Never use it as a path; see base_name().
  [[nodiscard]] const std::string& filename() const noexcept { return filename_; }
  /// As the client sent it; what the file holds may be something else.
  [[nodiscard]] const std::string& content_type() const noexcept { return content_type_; }
  [[nodiscard]] std::uint64_t size() const noexcept { return content_.size(); }
  [[nodiscard]] TemporaryFile& content() noexcept { return content_; }
  [[nodiscard]] const TemporaryFile& content() const noexcept { return content_; }
  [[nodiscard]] Result<void> save_as(const std::string& path, const SaveOptions& options = {}) {
    return content_.save_as(path, options);
  }

 private:
  std::string name_;
  std::string filename_;
  std::string content_type_;
  TemporaryFile content_;
};

/// The rest of the part, stored as a file in options().directory. `part` is the one that form.next() gave last.
/// Besides the form's errors: unavailable when there is no room on the disk; what was written is gone then.
[[nodiscard]] Task<Result<TemporaryFile>> store(Multipart& form, Multipart::Part part);

/// A form, complete. As a handler's parameter it is read before the handler is called, which may be a plain function;
/// MultipartOptions among the application's state bound it.
class MultipartForm {
 public:
  struct Field {
    std::string name;
    std::string value;
  };

  /// What is left of `form`. For handlers that take a Multipart, to give it options of their own.
  [[nodiscard]] static Task<Result<MultipartForm>> read(Multipart form);

  /// In the order of the form; a name may come more than once.
  [[nodiscard]] std::span<const Field> fields() const noexcept { return fields_; }
  /// The first field with this name.
  [[nodiscard]] std::optional<std::string_view> field(std::string_view name) const noexcept;
  /// Those for which a file was chosen.
  [[nodiscard]] std::span<UploadedFile> files() noexcept { return files_; }
  /// The first file with this name, or null.
  [[nodiscard]] UploadedFile* file(std::string_view name) noexcept;

  /// The fields as a struct, validated by its rules: the error (unprocessable) names every field that breaks one.
  /// Members of type std::string_view view the form.
  template <class T>
  [[nodiscard]] Result<T> bind() const {
    T value{};
    if (Result<void> bound = bind_to(json::type_info<T>(), &value); !bound) return fail(std::move(bound.error()));
    return value;
  }

  // For the framework: how it is a handler's parameter.
  static constexpr BodyUse body_use = BodyUse::stream;
  static Task<Result<MultipartForm>> from_context_async(Context& ctx);
  static void describe(OperationDoc& doc);

 private:
  [[nodiscard]] Result<void> bind_to(const json::TypeInfo& type, void* out) const;

  std::vector<Field> fields_;
  std::vector<UploadedFile> files_;
};

}  // namespace weir
