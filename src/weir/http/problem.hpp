// Problem details (RFC 9457), and the one table from error codes to status codes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "weir/base/buffer.hpp"
#include "weir/base/error.hpp"
#include "weir/http/message.hpp"
#include "weir/http/status.hpp"

namespace weir::http {

/// The status code that an error of this code answers with. The codes of gRPC map as google.api.http does.
Status status_of(Errc code) noexcept;
/// The nearest error code of a status; for clients of other services. Errc::unknown for 1xx-3xx.
Errc errc_of(Status status) noexcept;

/// The value of an extension member.
using ProblemValue = std::variant<std::string, std::int64_t, std::uint64_t, bool>;

/// What application/problem+json says about one failed request. Empty members are left out.
struct Problem {
  Status status = Status::internal_server_error;
  std::string type;                 ///< A URI that names the kind of problem; "about:blank" when empty.
  std::string title;                ///< The reason phrase of the status when empty.
  std::string detail;               ///< About this occurrence, for the client to read.
  std::string instance;             ///< A URI of this occurrence: the request's path.
  std::uint32_t retry_after_s = 0;  ///< Field Retry-After, unless 0.
  std::string request_id;           ///< Extension member "request_id".
  /// Extension member "code": the canonical error code, for programs to switch on. When empty: the nearest of the
  /// status.
  std::string code;
  std::vector<FieldError> errors;                             ///< Extension member "errors": [{field, rule, message}].
  std::vector<std::pair<std::string, ProblemValue>> members;  ///< Further extension members.
};

inline constexpr std::string_view problem_media_type = "application/problem+json";

/// The problem that an error stands for. The details of internal errors (a 5xx other than 501, 503 and 504) stay here:
/// the client reads the title only.
Problem to_problem(Error error);

/// Appends the JSON object. Texts that are not UTF-8 have their bad bytes replaced by U+FFFD.
void write_problem(const Problem& problem, Buffer& out);

/// The whole response: status, Content-Type, Cache-Control: no-store, and Retry-After where there is one.
Response to_response(const Problem& problem);

/// For a response of to_response() that was made without a request at hand (Response::unfinished_problem): adds the
/// members that tell which request it was.
void finish_problem(Response& response, std::string_view instance, std::string_view request_id);

}  // namespace weir::http
