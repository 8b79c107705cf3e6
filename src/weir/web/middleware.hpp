// Middleware: policies around handlers, by value.
#pragma once

#include <concepts>
#include <memory>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>

#include "weir/coro/task.hpp"
#include "weir/http/message.hpp"
#include "weir/server/exchange.hpp"
#include "weir/web/operation.hpp"

namespace weir {

class Context;
class Next;
using Response = http::Response;
using Outcome = server::Outcome;

template <class M>
concept HasBefore = requires(const M& m, Context& ctx) { m.before(ctx); };
template <class M>
concept HasAfter = requires(const M& m, Context& ctx, Response& response) { m.after(ctx, response); };
template <class M>
concept HasFinish = requires(const M& m, Context& ctx, const Outcome& outcome) { m.finish(ctx, outcome); };
template <class M>
concept HasAround = requires(const M& m, Context& ctx, Next next) {
  { m.around(ctx, next) } -> std::same_as<Task<Response>>;
};

/// Any middleware, held by value (copies share one immutable object). A middleware is a class with one or more of
///
///   void                    before(Context&) const;                  // on the way in; goes on
///   std::optional<Response> before(Context&) const;                  // … or answers: what follows does not run
///   Result<void>            before(Context&) const;                  // … or fails: the error becomes a problem
///   void                    after(Context&, Response&) const;        // on the way out, for those whose before() went
///   void                    finish(Context&, const Outcome&) const;  // when the exchange is over, however it ended
///   Task<Response>          around(Context&, Next) const;            // where it must wait: co_await next()
///   void                    describe(OperationDoc&) const;           // what it adds to the API's description
///   static constexpr std::string_view name = "rate_limit";
///
/// before, after and finish are plain calls: they cost neither a coroutine frame nor an allocation. A lambda that takes
/// (Context&) is a before, one that takes (Context&, Next) an around. One object serves all loops at once.
class Middleware {
 public:
  template <class M>
    requires(!std::same_as<std::remove_cvref_t<M>, Middleware>)
  Middleware(M&& middleware) {  // NOLINT(google-explicit-constructor): middleware converts
    using Type = std::remove_cvref_t<M>;
    if constexpr (requires(const Type& m, Context& ctx, Next next) { m(ctx, next); }) {
      adopt<AroundFunction<Type>>({std::forward<M>(middleware)});
    } else if constexpr (requires(const Type& m, Context& ctx) { m(ctx); }) {
      adopt<BeforeFunction<Type>>({std::forward<M>(middleware)});
    } else {
      static_assert(HasBefore<Type> || HasAfter<Type> || HasFinish<Type> || HasAround<Type>,
                    "a middleware needs before, after, finish or around, const and with the parameters that "
                    "middleware.hpp names");
      adopt<Type>(std::forward<M>(middleware));
    }
  }

  /// "custom" for those without a name. Static storage.
  [[nodiscard]] std::string_view name() const noexcept { return name_; }
  [[nodiscard]] bool waits() const noexcept { return around_ != nullptr; }
  void describe(OperationDoc& doc) const {
    if (describe_ != nullptr) describe_(self_.get(), doc);
  }

  // For the chain.
  [[nodiscard]] bool has_before() const noexcept { return before_ != nullptr; }
  [[nodiscard]] bool has_finish() const noexcept { return finish_ != nullptr; }
  /// Nothing: goes on.
  [[nodiscard]] std::optional<Response> before(Context& ctx) const { return before_(self_.get(), ctx); }
  void after(Context& ctx, Response& response) const {
    if (after_ != nullptr) after_(self_.get(), ctx, response);
  }
  void finish(Context& ctx, const Outcome& outcome) const { finish_(self_.get(), ctx, outcome); }
  Task<Response> around(Context& ctx, Next next) const;

 private:
  template <class F>
  struct BeforeFunction {
    F function;
    decltype(auto) before(Context& ctx) const { return function(ctx); }
  };
  template <class F>
  struct AroundFunction {
    F function;
    Task<Response> around(Context& ctx, Next next) const;
  };

  template <class M>
  void adopt(M middleware) {
    // Shared: one object is part of the chain of every endpoint below it.
    self_ = std::make_shared<const M>(std::move(middleware));
    if constexpr (requires { std::string_view(M::name); }) name_ = M::name;
    if constexpr (HasBefore<M>) before_ = &call_before<M>;
    if constexpr (HasAfter<M>) {
      after_ = [](const void* self, Context& ctx, Response& response) {
        static_cast<const M*>(self)->after(ctx, response);
      };
    }
    if constexpr (HasFinish<M>) {
      finish_ = [](const void* self, Context& ctx, const Outcome& outcome) {
        static_cast<const M*>(self)->finish(ctx, outcome);
      };
    }
    if constexpr (HasAround<M>) around_ = &call_around<M>;
    if constexpr (requires(const M& m, OperationDoc& doc) { m.describe(doc); }) {
      describe_ = [](const void* self, OperationDoc& doc) { static_cast<const M*>(self)->describe(doc); };
    }
  }
  template <class M>
  static std::optional<Response> call_before(const void* self, Context& ctx);
  template <class M>
  static Task<Response> call_around(const void* self, Context& ctx, Next next);

  std::shared_ptr<const void> self_;
  std::optional<Response> (*before_)(const void*, Context&) = nullptr;
  void (*after_)(const void*, Context&, Response&) = nullptr;
  void (*finish_)(const void*, Context&, const Outcome&) = nullptr;
  Task<Response> (*around_)(const void*, Context&, Next) = nullptr;
  void (*describe_)(const void*, OperationDoc&) = nullptr;
  std::string_view name_ = "custom";
};

/// The rest of the chain, from inside an around(): `Response response = co_await next();`. Call it at most once.
class Next {
 public:
  Next(Context& ctx, std::size_t position) noexcept : ctx_(&ctx), position_(position) {}
  [[nodiscard]] Task<Response> operator()() const;

 private:
  Context* ctx_;
  std::size_t position_;
};

inline Task<Response> Middleware::around(Context& ctx, Next next) const {
  return around_(self_.get(), ctx, next);
}

template <class F>
Task<Response> Middleware::AroundFunction<F>::around(Context& ctx, Next next) const {
  return function(ctx, next);
}

template <class M>
Task<Response> Middleware::call_around(const void* self, Context& ctx, Next next) {
  return static_cast<const M*>(self)->around(ctx, next);
}

namespace detail {
/// The problem that answers an error; sets nothing else.
Response error_response(Context& ctx, Error error);
}  // namespace detail

template <class M>
std::optional<Response> Middleware::call_before(const void* self, Context& ctx) {
  const M& m = *static_cast<const M*>(self);
  using R = decltype(m.before(ctx));
  if constexpr (std::is_void_v<R>) {
    m.before(ctx);
    return std::nullopt;
  } else if constexpr (std::same_as<R, Result<void>>) {
    R result = m.before(ctx);
    if (result) return std::nullopt;
    return detail::error_response(ctx, std::move(result.error()));
  } else {
    static_assert(std::same_as<R, std::optional<Response>>,
                  "before() returns void, Result<void> or std::optional<Response>");
    return m.before(ctx);
  }
}

}  // namespace weir
