#include "weir/middleware/recovery.hpp"

#include <optional>
#include <utility>

namespace weir {

namespace {

class ExceptionCounter {
 public:
  static constexpr std::string_view name = "recovery";

  explicit ExceptionCounter(MetricsRegistry& registry)
      : exceptions_(registry.counter({.name = "weir_handler_exceptions_total",
                                      .help = "Exceptions that left a handler or a middleware.",
                                      .labels = {"exception"},
                                      .max_series = 100})) {}

  void finish(Context& ctx, const Outcome&) const {
    if (!ctx.exception().empty()) [[unlikely]]
      exceptions_.with({ctx.exception()}).add();
  }

 private:
  MetricFamily<Counter> exceptions_;
};

}  // namespace

void apply_recovery(ChainEnvironment& environment, const RecoveryOptions& options, ErrorObserver observer) {
  environment.show_exceptions = options.show_exceptions;
  if (!observer) return;
  environment.on_exception = [observer = std::move(observer), answer = std::move(environment.on_exception)](
                                 Context& ctx, std::exception_ptr exception) -> std::optional<Response> {
    try {
      observer(ctx, exception);
    } catch (...) {  // It must not take the answer with it.
      ctx.log().error("the observer of exceptions threw itself");
    }
    return answer ? answer(ctx, std::move(exception)) : std::nullopt;
  };
}

Middleware recovery(MetricsRegistry& registry) {
  return ExceptionCounter(registry);
}

}  // namespace weir
