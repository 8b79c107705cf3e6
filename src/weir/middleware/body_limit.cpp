#include "weir/middleware/body_limit.hpp"

#include <optional>
#include <string>

#include "weir/web/context.hpp"

namespace weir {

namespace {

class BodyLimit {
 public:
  static constexpr std::string_view name = "body_limit";

  explicit BodyLimit(const BodyLimitOptions& options) : bytes_(options.bytes) {}

  Result<void> before(Context& ctx) const {
    const std::uint64_t limit = ctx.endpoint()->body_limit.value_or(bytes_);
    ctx.limit_body(limit);
    const std::optional<std::uint64_t> length = ctx.exchange().content_length();
    if (limit != 0 && length && *length > limit) [[unlikely]] {
      return fail(Errc::too_large, "the request body has " + std::to_string(*length) + " bytes, more than the " +
                                       std::to_string(limit) + " that are accepted here");
    }
    return {};
  }

  void describe(OperationDoc& doc) const {
    if (!doc.request_bodies.empty()) doc.problem(Status::content_too_large);
  }

 private:
  std::uint64_t bytes_;
};

}  // namespace

Middleware body_limit(const BodyLimitOptions& options) {
  return BodyLimit(options);
}

}  // namespace weir
