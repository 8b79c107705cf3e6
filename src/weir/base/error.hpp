// Errors as values: what failed (a canonical code), and a sentence for the person who has to mend it.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir {

/// The canonical error codes. They are gRPC's (google.rpc.Code), so that one table per protocol maps them: see
/// http/problem.hpp for HTTP. A module that needs finer codes has its own enum and a function to this one.
enum class Errc : std::uint8_t {
  cancelled,            ///< The caller went away or asked to stop.
  unknown,              ///< Something failed and nobody knows what.
  invalid_argument,     ///< The input is wrong whatever the state of the system.
  deadline_exceeded,    ///< Time ran out.
  not_found,            ///< The thing named does not exist.
  already_exists,       ///< The thing to create exists.
  permission_denied,    ///< The caller is known and may not.
  resource_exhausted,   ///< A limit, a quota or a disk is full.
  failed_precondition,  ///< The system is not in the state that the operation needs.
  aborted,              ///< A conflict with something concurrent; trying again may work.
  out_of_range,         ///< Past the end of what exists.
  unimplemented,        ///< Not supported here.
  internal,             ///< A bug of ours.
  unavailable,          ///< Not now; trying again may work.
  data_loss,            ///< Data is gone or corrupt.
  unauthenticated,      ///< The caller is not known.
  // Beyond gRPC's: HTTP says these apart from invalid_argument.
  too_large,               ///< A body or message over its limit (HTTP 413).
  unsupported_media_type,  ///< A representation that the receiver cannot read (HTTP 415).
  unprocessable,           ///< Well-formed, but its content breaks the rules (HTTP 422).
};

/// The code's name as it stands in the enum, for example "not_found". Static storage.
std::string_view to_string(Errc code) noexcept;

/// One rule that one field of the input broke. `field` is the path with the names that the sender used:
/// "address.zip", "items[3].price", or empty for the whole input.
struct FieldError {
  std::string field;
  std::string rule;     ///< The rule's name: "required", "type", "min", "max_length", "pattern", …
  std::string message;  ///< What would be right: "must be at least 18".
};

/// An error value. `message` says what was wrong, where, and what would be right; it may reach a client, so it holds no
/// secret. Cheap to move; copying copies the strings.
class [[nodiscard]] Error {
 public:
  Error(Errc code, std::string message) : message_(std::move(message)), code_(code) {}

  [[nodiscard]] Errc code() const noexcept { return code_; }
  [[nodiscard]] const std::string& message() const noexcept { return message_; }

  /// The failures of single fields, where the error is about input; empty otherwise.
  [[nodiscard]] const std::vector<FieldError>& fields() const noexcept { return fields_; }
  Error& with_fields(std::vector<FieldError> fields) & {
    fields_ = std::move(fields);
    return *this;
  }
  Error&& with_fields(std::vector<FieldError> fields) && {
    fields_ = std::move(fields);
    return std::move(*this);
  }

  /// After how many seconds trying again makes sense: Retry-After, where a client is answered with it. 0: not said.
  [[nodiscard]] std::uint32_t retry_after_s() const noexcept { return retry_after_s_; }
  Error&& with_retry_after_s(std::uint32_t seconds) && {
    retry_after_s_ = seconds;
    return std::move(*this);
  }

  /// The same error with "`context`: " before its message.
  [[nodiscard]] Error with_context(std::string_view context) &&;

 private:
  std::string message_;
  std::vector<FieldError> fields_;
  std::uint32_t retry_after_s_ = 0;
  Errc code_;
};

template <class T = void>
using Result = std::expected<T, Error>;

/// `return fail(Errc::not_found, "…")` from a function that returns any Result.
[[nodiscard]] inline std::unexpected<Error> fail(Errc code, std::string message) {
  return std::unexpected<Error>(Error(code, std::move(message)));
}
[[nodiscard]] inline std::unexpected<Error> fail(Error error) {
  return std::unexpected<Error>(std::move(error));
}

/// What was thrown, as a value: an Error stays the same, the text of other exceptions becomes the message. To be called
/// where an exception is being handled: `catch (...) { log(thrown_error().message()); }`.
[[nodiscard]] Error thrown_error() noexcept;

/// The error of a failed system call: `what` names the operation and its object ("open /etc/weir.yaml"), `errno_value`
/// is turned into its text and the nearest code (ENOENT → not_found, EACCES → permission_denied, ENOSPC and EMFILE →
/// resource_exhausted, …).
[[nodiscard]] Error system_error(int errno_value, std::string_view what);

}  // namespace weir
