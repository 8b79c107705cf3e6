#include "weir/middleware/body_limit.hpp"

#include "weir/web/context.hpp"

namespace weir {

namespace {

class BodyLimit {
 public:
  static constexpr std::string_view name = "body_limit";

  explicit BodyLimit(const BodyLimitOptions& options) : bytes_(options.bytes) {}

  void before(Context& ctx) const { ctx.limit_body(ctx.endpoint()->body_limit.value_or(bytes_)); }

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
