#include "weir/web/multipart_form.hpp"

#include <algorithm>
#include <memory>

#include "weir/base/buffer.hpp"
#include "weir/json/text.hpp"
#include "weir/runtime/blocking_pool.hpp"

namespace weir {

namespace {

/// How much is gathered for one call of the pool.
constexpr std::size_t pool_piece = std::size_t{256} << 10;

Error storage_error(Error error) {
  error = std::move(error).with_context("storing the upload");
  switch (error.code()) {
    case Errc::resource_exhausted:
      // A full disk is the server's trouble, not a quota of the client's.
      return {Errc::unavailable, "there is no room to store the upload"};
    case Errc::cancelled:
    case Errc::deadline_exceeded:
    case Errc::unavailable:  // of the pool
      return error;
    default:
      // A directory that is not there, or is not ours. It has a path of this machine, so it is for the log.
      return {Errc::internal, error.message()};
  }
}

/// Writes through the pool. The file is shared with the call under way, which may go on when nobody waits for it any
/// more: a descriptor that was closed too early could be another file's by then.
Task<Result<void>> append_in_pool(BlockingPool& pool, std::shared_ptr<TemporaryFile> file, Buffer bytes,
                                  StopToken stop) {
  auto call = pool.run([file = std::move(file), bytes = std::move(bytes)] { return file->append(bytes.view()); }, stop);
  Result<void> written = co_await call;
  co_return written;
}

}  // namespace

Task<Result<TemporaryFile>> store(Multipart& form, Multipart::Part part) {
  BlockingPool* const pool = form.options().pool;
  Result<TemporaryFile> created = TemporaryFile::create(form.options().directory);
  if (!created) co_return fail(storage_error(std::move(created.error())));
  if (pool == nullptr) {
    for (;;) {
      Task<Result<std::string_view>> task = part.read();
      Result<std::string_view> piece = co_await std::move(task);
      if (!piece) co_return fail(std::move(piece.error()));
      if (piece->empty()) co_return std::move(*created);
      if (Result<void> written = created->append(*piece); !written) {
        co_return fail(storage_error(std::move(written.error())));
      }
    }
  }
  auto file = std::make_shared<TemporaryFile>(std::move(*created));
  Buffer gathered;
  for (bool more = true; more;) {
    Task<Result<std::string_view>> task = part.read();
    Result<std::string_view> piece = co_await std::move(task);
    if (!piece) co_return fail(std::move(piece.error()));
    gathered.append(*piece);
    more = !piece->empty();
    if (gathered.empty() || (more && gathered.size() < pool_piece)) continue;
    Task<Result<void>> writing = append_in_pool(*pool, file, std::move(gathered), form.stop_token());
    Result<void> written = co_await std::move(writing);
    if (!written) co_return fail(storage_error(std::move(written.error())));
    gathered.clear();
  }
  co_return std::move(*file);
}

Task<Result<MultipartForm>> MultipartForm::read(Multipart form) {
  MultipartForm result;
  std::size_t field_bytes = 0;
  for (;;) {
    auto asking = form.next();
    Result<std::optional<Multipart::Part>> next = co_await std::move(asking);
    if (!next) co_return fail(std::move(next.error()));
    if (!*next) co_return result;
    Multipart::Part part = **next;
    if (part.is_file) {
      Task<Result<TemporaryFile>> storing = store(form, part);
      Result<TemporaryFile> stored = co_await std::move(storing);
      if (!stored) co_return fail(std::move(stored.error()));
      // A browser sends an empty part without a name where no file was chosen.
      if (!part.filename.empty() || stored->size() != 0) result.files_.emplace_back(part, std::move(*stored));
      continue;
    }
    Task<Result<std::string>> reading = part.text(form.options().max_field_bytes);
    Result<std::string> text = co_await std::move(reading);
    if (!text) co_return fail(std::move(text.error()));
    field_bytes += part.name.size() + text->size();
    if (field_bytes > form.options().max_fields_bytes) {
      co_return fail(Errc::too_large, "the fields of the form are larger than " +
                                          std::to_string(form.options().max_fields_bytes) + " bytes");
    }
    result.fields_.push_back({std::string(part.name), std::move(*text)});
  }
}

Task<Result<MultipartForm>> MultipartForm::from_context_async(Context& ctx) {
  Result<Multipart> form = Multipart::from_context(ctx);
  if (!form) co_return fail(std::move(form.error()));
  Task<Result<MultipartForm>> task = read(std::move(*form));
  Result<MultipartForm> result = co_await std::move(task);
  co_return result;
}

void MultipartForm::describe(OperationDoc& doc) {
  Multipart::describe(doc);
  doc.problem(Status::service_unavailable, "There is no room to store the upload.");
}

std::optional<std::string_view> MultipartForm::field(std::string_view name) const noexcept {
  const auto at = std::ranges::find(fields_, name, &Field::name);
  if (at == fields_.end()) return std::nullopt;
  return std::string_view(at->value);
}

UploadedFile* MultipartForm::file(std::string_view name) noexcept {
  const auto at = std::ranges::find(files_, name, &UploadedFile::name);
  return at == files_.end() ? nullptr : &*at;
}

namespace {
class FormFields final : public json::FieldSource {
 public:
  explicit FormFields(std::span<const MultipartForm::Field> fields) noexcept : fields_(fields) {}
  void find(std::string_view name, recycle::Vector<std::string_view>& values) const override {
    for (const MultipartForm::Field& field : fields_) {
      if (field.name == name) values.push_back(field.value);
    }
  }

 private:
  std::span<const MultipartForm::Field> fields_;
};
}  // namespace

Result<void> MultipartForm::bind_to(const json::TypeInfo& type, void* out) const {
  return json::bind_fields(type, out, FormFields(fields_));
}

}  // namespace weir
