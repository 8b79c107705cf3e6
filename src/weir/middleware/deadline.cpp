#include "weir/middleware/deadline.hpp"

#include "weir/web/context.hpp"

namespace weir {

namespace {

class RequestDeadline {
 public:
  static constexpr std::string_view name = "deadline";

  explicit RequestDeadline(const DeadlineOptions& options) : timeout_(options.timeout) {}

  void before(Context& ctx) const {
    if (ctx.endpoint()->timeout) return;  // The chain has set that one.
    ctx.set_timeout(timeout_);
  }

 private:
  Duration timeout_;
};

}  // namespace

Middleware deadline(const DeadlineOptions& options) {
  return RequestDeadline(options);
}

}  // namespace weir
