// multipart/form-data bodies (RFC 7578) as they come, part by part: for uploads that should not lie in memory.
//
//   app.post("/upload", [](weir::Multipart form) -> weir::Task<weir::Result<void>> {
//     for (;;) {
//       auto part = co_await form.next();
//       if (!part) co_return weir::fail(std::move(part.error()));
//       if (!*part) break;                                      // that was the last one
//       for (;;) {
//         auto piece = co_await (*part)->read();
//         if (!piece) co_return weir::fail(std::move(piece.error()));
//         if (piece->empty()) break;
//         … (*part)->name, *piece …
//       }
//     }
//     co_return weir::Result<void>{};
//   }).body_limit(10'000'000'000).timeout(1h);   // the time counts from the head of the request to the answer
//
// For forms as a whole, with their files on disk: multipart_form.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "weir/base/error.hpp"
#include "weir/coro/task.hpp"
#include "weir/web/context.hpp"
#include "weir/web/handler.hpp"
#include "weir/web/operation.hpp"

namespace weir {

class BlockingPool;

/// Bounds of forms. They hold for every route when the application has them as state: `app.state(MultipartOptions{…})`.
/// The size of the whole body is bounded by the route's body_limit().
struct MultipartOptions {
  std::size_t max_parts = 100;                          ///< 413
  std::size_t max_header_bytes = 4096;                  ///< Of each part: 413.
  std::uint64_t max_part_bytes = 0;                     ///< Content of each part: 413. 0: any.
  std::size_t max_field_bytes = std::size_t{64} << 10;  ///< Of a field's text: 413.
  std::size_t max_fields_bytes = std::size_t{1} << 20;  ///< Of all fields of a MultipartForm: 413.
  std::string directory;  ///< Where MultipartForm keeps files until they are saved. Empty: $TMPDIR, or /tmp.
  /// Where files are written. Null: on the loop, in pieces of at most 128 KiB, which the page cache takes as fast as
  /// memory until the disk falls far behind. With a pool the loop never waits for the disk, for one more copy.
  BlockingPool* pool = nullptr;
};

/// A form under way; a handler takes it by value. Only one coroutine reads it. Errors of its functions are the
/// client's (invalid_argument: malformed or cut short; too_large; deadline_exceeded; cancelled): return them.
class Multipart {
 public:
  class Part;

  ~Multipart();
  Multipart(Multipart&&) noexcept;
  Multipart& operator=(Multipart&&) noexcept;

  /// The next part, nothing behind the last one. What was not read of the part before is skipped.
  [[nodiscard]] Task<Result<std::optional<Part>>> next();

  [[nodiscard]] const MultipartOptions& options() const noexcept;
  /// The request's: stops when the client has gone.
  [[nodiscard]] StopToken stop_token() const noexcept;
  /// Other bounds than the application's, before the first next().
  void set_options(MultipartOptions options);

  // For the framework: how it is a handler's parameter.
  static constexpr BodyUse body_use = BodyUse::stream;
  static Result<Multipart> from_context(Context& ctx);
  static void describe(OperationDoc& doc);

 private:
  struct State;
  explicit Multipart(std::unique_ptr<State> state) noexcept;
  std::unique_ptr<State> state_;
};

/// One part. A light handle: copies mean the same part. Its views live until the next part is asked for.
class Multipart::Part {
 public:
  std::string_view name;
  std::string_view filename;      ///< As sent: it may hold "/" or "..". Never use it as a path; see base_name().
  std::string_view content_type;  ///< As sent; empty: text/plain.
  bool is_file = false;           ///< It was sent with a file name, even if that is empty (no file was chosen).

  /// The value of one of the part's own fields; empty if there is none.
  [[nodiscard]] std::string_view header(std::string_view field) const noexcept;
  /// The next piece of the content, empty at its end. Valid until the next call of any function of the form.
  [[nodiscard]] Task<Result<std::string_view>> read();
  /// All that is left of the content, at most `max_bytes` (else too_large).
  [[nodiscard]] Task<Result<std::string>> text(std::size_t max_bytes = std::size_t{64} << 10);

 private:
  friend class Multipart;
  State* state_ = nullptr;
  std::string_view header_lines_;
};

/// The last component of a file name that a client sent, without control characters, for the name of a file of ours:
/// "C:\\x\\a.txt" and "../a.txt" are "a.txt". Empty for names that have none ("..", "", ".", "a/").
[[nodiscard]] std::string base_name(std::string_view filename);

}  // namespace weir
