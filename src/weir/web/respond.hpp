// From what a handler returns to a response.
#pragma once

#include <concepts>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "weir/json/describe.hpp"
#include "weir/web/conditional.hpp"
#include "weir/web/context.hpp"
#include "weir/web/operation.hpp"

namespace weir {

/// A value with the status and headers it is answered with: what created() and its like return. The status is part of
/// the type, so that the API's description knows it.
template <class T, Status Code>
struct Reply {
  T value;
  http::Headers headers;
};

/// A response without content.
template <Status Code>
struct EmptyReply {
  http::Headers headers;
};

namespace detail {

Response json_response(Status status, const json::TypeInfo& type, const void* value);
Response text_response(Status status, std::string_view text);
void describe_json(OperationDoc& doc, Status status, const json::TypeInfo& type);
void describe_text(OperationDoc& doc);

/// Turns a returned R into a Response, and tells what the answer looks like.
template <class R>
struct Responder {
  static Response respond(Context&, const R& value) { return json_response(Status::ok, json::type_info<R>(), &value); }
  static void describe(OperationDoc& doc) { describe_json(doc, Status::ok, json::type_info<R>()); }
};

template <>
struct Responder<Response> {
  static Response respond(Context& ctx, Response&& response) {
    if (response.body.file() != nullptr) apply_conditions(ctx, response);
    return std::move(response);
  }
  static void describe(OperationDoc&) {}
};

template <>
struct Responder<void> {
  static Response respond(Context&) { return Response(Status::no_content); }
  static void describe(OperationDoc& doc) { doc.response(Status::no_content); }
};

template <class T>
  requires std::convertible_to<const T&, std::string_view>
struct Responder<T> {
  static Response respond(Context&, const T& text) { return text_response(Status::ok, text); }
  static void describe(OperationDoc& doc) { describe_text(doc); }
};

template <class T>
struct Responder<std::optional<T>> {
  static Response respond(Context& ctx, std::optional<T>&& value) {
    if (value) return Responder<T>::respond(ctx, std::move(*value));
    return error_response(ctx, Error(Errc::not_found, "there is nothing here"));
  }
  static void describe(OperationDoc& doc) {
    Responder<T>::describe(doc);
    doc.problem(Status::not_found);
  }
};

template <class T>
struct Responder<Result<T>> {
  static Response respond(Context& ctx, Result<T>&& result) {
    if (!result) return error_response(ctx, std::move(result.error()));
    if constexpr (std::is_void_v<T>)
      return Responder<void>::respond(ctx);
    else
      return Responder<T>::respond(ctx, std::move(*result));
  }
  static void describe(OperationDoc& doc) { Responder<T>::describe(doc); }
};

/// A handler that does nothing but fail: `return weir::unavailable("not yet");`
template <>
struct Responder<std::unexpected<Error>> {
  static Response respond(Context& ctx, std::unexpected<Error>&& failure) {
    return error_response(ctx, std::move(failure.error()));
  }
  static void describe(OperationDoc&) {}
};

template <class T, Status Code>
struct Responder<Reply<T, Code>> {
  static Response respond(Context&, Reply<T, Code>&& reply) {
    Response response = json_response(Code, json::type_info<T>(), &reply.value);
    for (const http::HeaderField field : reply.headers) response.headers.add(field.name, field.value);
    return response;
  }
  static void describe(OperationDoc& doc) { describe_json(doc, Code, json::type_info<T>()); }
};

template <Status Code>
struct Responder<EmptyReply<Code>> {
  static Response respond(Context&, EmptyReply<Code>&& reply) {
    Response response(Code);
    response.headers = std::move(reply.headers);
    return response;
  }
  static void describe(OperationDoc& doc) { doc.response(Code); }
};

}  // namespace detail
}  // namespace weir
