// Any coroutine as the handler of a WebSocket route: its parameters are extracted from the handshake.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "weir/json/reflect.hpp"
#include "weir/web/detail/websocket_session.hpp"
#include "weir/web/typed_handler.hpp"
#include "weir/web/websocket.hpp"

namespace weir {

namespace detail {

template <class T>
constexpr bool owns_memory();

template <class T, std::size_t... I>
constexpr bool members_own_memory(std::index_sequence<I...>) {
  return (owns_memory<json::reflect::MemberType<T, I>>() && ...);
}

/// Whether a value still means something when the request is gone. Types that cannot be looked into are trusted.
template <class T>
constexpr bool owns_memory() {
  if constexpr (std::is_same_v<T, std::string_view> || std::is_pointer_v<T> || std::is_reference_v<T>) {
    return false;
  } else if constexpr (requires { typename T::value_type; } && std::ranges::view<T>) {
    return false;  // span and its like
  } else if constexpr (requires { typename T::value_type; }) {
    return owns_memory<typename T::value_type>();
  } else if constexpr (std::is_aggregate_v<T> && std::is_class_v<T>) {
    return members_own_memory<T>(std::make_index_sequence<json::reflect::member_count<T>>());
  } else {
    return true;
  }
}

/// What a WebSocket's handler may take beside the WebSocket itself.
template <class P>
struct OutlivesRequest : std::bool_constant<owns_memory<P>()> {};
template <class T, FixedString Name>
struct OutlivesRequest<Path<T, Name>> : std::bool_constant<owns_memory<T>()> {};
template <class T, FixedString Name>
struct OutlivesRequest<Query<T, Name>> : std::bool_constant<owns_memory<T>()> {};
template <class T, FixedString Name>
struct OutlivesRequest<Header<T, Name>> : std::bool_constant<owns_memory<T>()> {};
template <class T, FixedString Name>
struct OutlivesRequest<Cookie<T, Name>> : std::bool_constant<owns_memory<T>()> {};
template <class T>
struct OutlivesRequest<State<T>> : std::true_type {};
template <>
struct OutlivesRequest<Context> : std::false_type {};
template <>
struct OutlivesRequest<StopToken> : std::false_type {};

template <class F, class Parameters = typename Signature<F>::Parameters>
class WebSocketStarter {
  static_assert(sizeof(F) == 0, "a WebSocket's handler takes a WebSocket& first");
};

/// The function that answers the handshake: extracted as any handler, it keeps the parameters for the connection.
template <class F, class... P>
class WebSocketStarter<F, std::tuple<WebSocket&, P...>> {
  static_assert(std::is_same_v<typename Signature<F>::Returned, Task<void>>,
                "a WebSocket's handler is a coroutine: Task<void>");
  static_assert((!std::is_reference_v<P> && ...),
                "take parameters by value: the request is over when the handler runs");
  static_assert((OutlivesRequest<std::remove_cvref_t<P>>::value && ...),
                "the request is over when the handler runs: take what owns its memory, Path<std::string> instead of "
                "Path<std::string_view>; instead of the request's Context and StopToken use the WebSocket's");
  static_assert(((body_use<P>() == BodyUse::none) && ...), "the handshake of a WebSocket has no body");

 public:
  WebSocketStarter(F function, std::shared_ptr<const WebSocketRoute> route)
      : function_(std::make_shared<const F>(std::move(function))), route_(std::move(route)) {}

  Response operator()(Context& ctx, P... parameters) const {
    if (std::optional<Response> refused = refuse_handshake(ctx, route_->options)) return std::move(*refused);
    return accept_handshake(ctx, route_, std::make_unique<Session>(function_, std::move(parameters)...));
  }

 private:
  class Session final : public WebSocketSession {
   public:
    Session(std::shared_ptr<const F> function, P... parameters)
        : function_(std::move(function)), parameters_(std::move(parameters)...) {}
    Task<void> start(WebSocket& socket, std::shared_ptr<const void>& keep) override {
      keep = function_;
      return std::apply([&](auto&... each) { return (*function_)(socket, std::move(each)...); }, parameters_);
    }

   private:
    std::shared_ptr<const F> function_;
    std::tuple<P...> parameters_;
  };

  std::shared_ptr<const F> function_;  // shared with the connections, which may outlive the route
  std::shared_ptr<const WebSocketRoute> route_;
};

template <class F, class... P>
struct Signature<WebSocketStarter<F, std::tuple<WebSocket&, P...>>> {
  using Returned = Response;
  using Parameters = std::tuple<Context&, P...>;
};

}  // namespace detail

/// Makes a Handler of a coroutine `Task<void>(WebSocket&, P…)`, whose further parameters are those of any handler as
/// far as they own their values (params.hpp).
template <class F>
[[nodiscard]] std::unique_ptr<Handler> make_websocket_handler(F&& function, WebSocketOptions options,
                                                              std::string_view pattern) {
  using Starter = detail::WebSocketStarter<std::decay_t<F>>;
  return make_handler(Starter(std::forward<F>(function), detail::make_websocket_route(std::move(options), pattern)));
}

}  // namespace weir
