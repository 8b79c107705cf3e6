// Any function as a Handler: its parameters are extracted, what it returns becomes the response.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "weir/web/extract.hpp"
#include "weir/web/handler.hpp"
#include "weir/web/respond.hpp"

namespace weir {

namespace detail {

template <class F>
struct Signature {
  static_assert(sizeof(F) == 0,
                "a handler is a function, or a lambda or object with one operator() whose parameters have types: "
                "neither [](auto x) nor std::bind_front() tells where values come from; write a lambda around it");
  using Returned = void;
  using Parameters = std::tuple<>;
};
template <class F>
  requires requires { &F::operator(); }
struct Signature<F> : Signature<decltype(&F::operator())> {};
template <class R, class... A>
struct Signature<R (*)(A...)> {
  using Returned = R;
  using Parameters = std::tuple<A...>;
};
template <class C, class R, class... A>
struct Signature<R (C::*)(A...) const> : Signature<R (*)(A...)> {};
template <class C, class R, class... A>
struct Signature<R (C::*)(A...) const noexcept> : Signature<R (*)(A...)> {};
template <class R, class... A>
struct Signature<R (*)(A...) noexcept> : Signature<R (*)(A...)> {};
template <class C, class R, class... A>
struct Signature<R (C::*)(A...)> : Signature<R (*)(A...)> {
  static_assert(sizeof(C) == 0, "a handler serves many requests at once: its lambda must not be mutable");
};

template <class R>
struct Unwrapped {
  using Type = R;
  static constexpr bool is_task = false;
};
template <class R>
struct Unwrapped<Task<R>> {
  using Type = R;
  static constexpr bool is_task = true;
};

/// What a parameter is kept in between extraction and the call. Types that cannot be made empty come in an optional.
template <class P>
struct Held {
  using Type = std::conditional_t<std::is_default_constructible_v<P> && !FromContext<P> && !FromContextAsync<P>, P,
                                  std::optional<P>>;
};
template <>
struct Held<Context> {
  using Type = Context*;
};
template <class P>
using HeldType = typename Held<std::remove_cvref_t<P>>::Type;

template <class P>
inline constexpr bool is_context = std::same_as<std::remove_cvref_t<P>, Context>;

template <class P>
constexpr BodyUse body_use() {
  return Extractor<std::remove_cvref_t<P>>::body;
}
/// Whether its value needs a coroutine.
template <class P>
constexpr bool waits_for_value() {
  if constexpr (requires { Extractor<std::remove_cvref_t<P>>::waits; }) {
    return Extractor<std::remove_cvref_t<P>>::waits;
  } else {
    return false;
  }
}
template <class P>
constexpr bool positional_path() {
  if constexpr (requires { Extractor<std::remove_cvref_t<P>>::positional; }) {
    return Extractor<std::remove_cvref_t<P>>::positional;
  } else {
    return false;
  }
}
/// The name of the placeholder that a Path names itself; empty otherwise.
template <class P>
constexpr std::string_view named_path() {
  if constexpr (requires { Extractor<std::remove_cvref_t<P>>::placeholder; }) {
    return Extractor<std::remove_cvref_t<P>>::placeholder;
  } else {
    return {};
  }
}

/// Gives the positional parameters the names of their placeholders. Not a template, to be compiled once.
void bind_placeholders(const RoutePlaceholders& placeholders, const bool* positional, const std::string_view* named,
                       std::size_t count, ParameterBinding* bindings, std::vector<std::string>& problems);
void missing_state(std::vector<std::string>& problems, std::string_view type);

template <class F, class Parameters = typename Signature<F>::Parameters>
class TypedHandler;

template <class F, class... P>
class TypedHandler<F, std::tuple<P...>> final : public Handler {
  using Returned = typename Signature<F>::Returned;
  using Answer = typename Unwrapped<Returned>::Type;
  static constexpr bool is_task = Unwrapped<Returned>::is_task;
  static constexpr std::size_t count = sizeof...(P);
  static_assert(((!std::is_lvalue_reference_v<P> || is_context<P> || std::is_const_v<std::remove_reference_t<P>>) &&
                 ...),
                "take parameters by value (or const reference); only Context is taken by reference");
  static_assert(!is_task || ((is_context<P> || !std::is_reference_v<P>) && ...),
                "a coroutine takes its parameters by value: references would dangle when it waits");

  /// A coroutine: because it is one, or because a parameter takes one.
  static constexpr bool is_async = is_task || (waits_for_value<P>() || ...);
  static_assert(!((body_use<P>() == BodyUse::stream) || ...) ||
                    ((body_use<P>() == BodyUse::none ? 0 : 1) + ... + 0) == 1,
                "the body can be read once: take one of Multipart, MultipartForm, Json, Form, RawBody");

  static constexpr BodyUse body_of() {
    BodyUse use = BodyUse::none;
    ((use = body_use<P>() == BodyUse::none ? use : body_use<P>()), ...);
    return use;
  }

 public:
  explicit TypedHandler(F function)
      : Handler(is_async, body_of() == BodyUse::none && is_async ? BodyUse::stream : body_of()),
        function_(std::move(function)) {}

  Response call(Context& ctx) const override {
    if constexpr (is_async) {
      return Response(Status::internal_server_error);  // Never: async() says so.
    } else {
      std::tuple<HeldType<P>...> held;
      Extraction extraction{ctx, {}, std::nullopt};  // with {} g++ clears the room for an error, too
      if (!extract(extraction, held, std::index_sequence_for<P...>())) return refused(extraction);
      return invoke_now(ctx, held, std::index_sequence_for<P...>());
    }
  }

  Task<Response> call_async(Context& ctx) const override {
    if constexpr (!is_async) {
      co_return call(ctx);
    } else {
      std::tuple<HeldType<P>...> held;
      Extraction extraction{ctx, {}, std::nullopt};
      if (!extract(extraction, held, std::index_sequence_for<P...>())) co_return refused(extraction);
      if constexpr ((waits_for_value<P>() || ...)) {
        Task<bool> waiting = extract_waiting<0, P...>(extraction, held);
        const bool good = co_await std::move(waiting);
        if (!good) co_return refused(extraction);
      }
      if constexpr (!is_task) {
        co_return invoke_now(ctx, held, std::index_sequence_for<P...>());
      } else {
        Returned task = start(held, std::index_sequence_for<P...>());
        if constexpr (std::is_void_v<Answer>) {
          co_await std::move(task);
          co_return Responder<void>::respond(ctx);
        } else {
          Answer answer = co_await std::move(task);
          co_return Responder<Answer>::respond(ctx, std::move(answer));
        }
      }
    }
  }

  void bind(const RoutePlaceholders& placeholders, const StateMap& state, std::vector<std::string>& problems) override {
    if constexpr (count != 0) {
      static constexpr bool positional[] = {positional_path<P>()...};
      static constexpr std::string_view named[] = {named_path<P>()...};
      bind_placeholders(placeholders, positional, named, count, bindings_.data(), problems);
      (need_state<P>(state, problems), ...);
    }
  }

  void describe(OperationDoc& doc) const override {
    describe_parameters(doc, std::index_sequence_for<P...>());
    Responder<Answer>::describe(doc);
  }

 private:
  template <std::size_t... I>
  bool extract(Extraction& extraction, std::tuple<HeldType<P>...>& held, std::index_sequence<I...>) const {
    bool good = true;
    // Every parameter is looked at, so that the client hears of all failures at once.
    ((good = extract_one<P>(extraction, bindings_[I], std::get<I>(held)) && good), ...);
    return good;
  }
  template <class Q>
  static bool extract_one(Extraction& extraction, const ParameterBinding& binding, HeldType<Q>& out) {
    if constexpr (waits_for_value<Q>())
      return true;  // Its turn comes in extract_waiting().
    else
      return Extractor<std::remove_cvref_t<Q>>::extract(extraction, binding, out);
  }
  /// The parameters from the I-th on that wait for their values; false after the first that has none.
  template <std::size_t I, class Q, class... Rest>
  static Task<bool> extract_waiting(Extraction& extraction, std::tuple<HeldType<P>...>& held) {
    if constexpr (waits_for_value<Q>()) {
      Task<bool> task = Extractor<std::remove_cvref_t<Q>>::extract_async(extraction, std::get<I>(held));
      const bool good = co_await std::move(task);
      if (!good) co_return false;
    }
    if constexpr ((waits_for_value<Rest>() || ...)) {
      Task<bool> rest = extract_waiting<I + 1, Rest...>(extraction, held);
      const bool good = co_await std::move(rest);
      co_return good;
    }
    co_return true;
  }
  template <class Q>
  static decltype(auto) pass(HeldType<Q>& held) {
    if constexpr (is_context<Q>)
      return static_cast<Context&>(*held);
    else if constexpr (std::same_as<HeldType<Q>, std::remove_cvref_t<Q>>)
      return std::move(held);
    else
      return std::move(*held);
  }
  template <std::size_t... I>
  Response invoke_now([[maybe_unused]] Context& ctx, [[maybe_unused]] std::tuple<HeldType<P>...>& held,
                      std::index_sequence<I...>) const {
    if constexpr (std::is_void_v<Answer>) {
      function_(pass<P>(std::get<I>(held))...);
      return Responder<void>::respond(ctx);
    } else {
      return Responder<std::remove_cvref_t<Answer>>::respond(ctx, function_(pass<P>(std::get<I>(held))...));
    }
  }
  template <std::size_t... I>
  Returned start([[maybe_unused]] std::tuple<HeldType<P>...>& held, std::index_sequence<I...>) const {
    return function_(pass<P>(std::get<I>(held))...);
  }
  template <class Q>
  static void need_state(const StateMap& state, std::vector<std::string>& problems) {
    if constexpr (requires { typename Extractor<std::remove_cvref_t<Q>>::Needs; }) {
      using Needed = typename Extractor<std::remove_cvref_t<Q>>::Needs;
      if (state.find<Needed>() == nullptr) missing_state(problems, json::reflect::short_type_name<Needed>);
    }
  }
  template <std::size_t... I>
  void describe_parameters([[maybe_unused]] OperationDoc& doc, std::index_sequence<I...>) const {
    (describe_one<P>(doc, bindings_[I]), ...);
  }
  template <class Q>
  static void describe_one(OperationDoc& doc, const ParameterBinding& binding) {
    Extractor<std::remove_cvref_t<Q>>::describe(doc, binding);
  }

  F function_;
  std::array<ParameterBinding, count == 0 ? 1 : count> bindings_;
};

}  // namespace detail

/// Makes a Handler of a function, a function object or a lambda. Its parameters: see params.hpp; what it may return: a
/// Response; a value, which becomes JSON; text; std::optional<T> (404 when empty); Result<T>, whose error becomes a
/// problem; Reply<T, …> from created() and its like; nothing (204); or a Task<> of any of these.
template <class F>
[[nodiscard]] std::unique_ptr<Handler> make_handler(F&& function) {
  return std::make_unique<detail::TypedHandler<std::decay_t<F>>>(std::forward<F>(function));
}

}  // namespace weir
