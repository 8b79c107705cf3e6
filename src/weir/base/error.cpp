#include "weir/base/error.hpp"

#include <array>
#include <cerrno>
#include <exception>
#include <new>
#include <system_error>

namespace weir {

std::string_view to_string(Errc code) noexcept {
  static constexpr std::array<std::string_view, 19> names = {"cancelled",
                                                             "unknown",
                                                             "invalid_argument",
                                                             "deadline_exceeded",
                                                             "not_found",
                                                             "already_exists",
                                                             "permission_denied",
                                                             "resource_exhausted",
                                                             "failed_precondition",
                                                             "aborted",
                                                             "out_of_range",
                                                             "unimplemented",
                                                             "internal",
                                                             "unavailable",
                                                             "data_loss",
                                                             "unauthenticated",
                                                             "too_large",
                                                             "unsupported_media_type",
                                                             "unprocessable"};
  const auto index = static_cast<std::size_t>(code);
  return index < names.size() ? names[index] : "unknown";
}

Error Error::with_context(std::string_view context) && {
  std::string joined(context);
  joined += ": ";
  joined += message_;
  message_ = std::move(joined);
  return std::move(*this);
}

namespace {
Errc code_of_errno(int value) noexcept {
  switch (value) {
    case ENOENT:
    case ENOTDIR:
    case ENXIO:
      return Errc::not_found;
    case EEXIST:
    case EADDRINUSE:
      return Errc::already_exists;
    case EACCES:
    case EPERM:
    case EROFS:
      return Errc::permission_denied;
    case ENOSPC:
    case EDQUOT:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case ENOBUFS:
      return Errc::resource_exhausted;
    case EINVAL:
    case ENAMETOOLONG:
    case EISDIR:
      return Errc::invalid_argument;
    case ETIMEDOUT:
      return Errc::deadline_exceeded;
    case ECANCELED:
      return Errc::cancelled;
    case ECONNREFUSED:
    case ECONNRESET:
    case EPIPE:
    case ENETUNREACH:
    case EHOSTUNREACH:
    case EAGAIN:
      return Errc::unavailable;
    default:
      return Errc::unknown;
  }
}
}  // namespace

Error thrown_error() noexcept try {
  try {
    throw;
  } catch (const Error& error) {
    return error;
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& error) {
    return {Errc::internal, error.what()};
  } catch (...) {
    return {Errc::internal, "an unknown exception"};
  }
} catch (...) {                                        // There is none either for the text of another one.
  return {Errc::resource_exhausted, "out of memory"};  // Short enough to need none.
}

Error system_error(int errno_value, std::string_view what) {
  std::string message(what);
  message += ": ";
  message += std::generic_category().message(errno_value);
  return Error(code_of_errno(errno_value), std::move(message));
}

}  // namespace weir
