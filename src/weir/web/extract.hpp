// From a request to a handler's parameters. The templates here only look up type tables; the work is in extract.cpp.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "weir/json/describe.hpp"
#include "weir/web/context.hpp"
#include "weir/web/handler.hpp"
#include "weir/web/operation.hpp"
#include "weir/web/params.hpp"

namespace weir {

/// The state of one request's extraction: failures of all parameters are gathered and answered together.
struct Extraction {
  Context& ctx;
  std::vector<FieldError> failures;
  std::optional<Error> refusal;  ///< Something that makes the rest pointless: malformed JSON, a wrong media type.
};

/// What a parameter's extractor is told at registration.
struct ParameterBinding {
  std::string name;  ///< Of the placeholder, for Path without a name of its own.
};

namespace detail {

enum class Source : std::uint8_t { path, query, header, cookie };

// The compiled core. Each returns false when it added a failure or a refusal.
bool extract_value(Extraction& extraction, Source source, std::string_view name, const json::TypeInfo& type, void* out);
bool extract_object(Extraction& extraction, Source source, const json::TypeInfo& type, void* out);
bool extract_json(Extraction& extraction, const json::TypeInfo& type, void* out);
bool extract_form(Extraction& extraction, const json::TypeInfo& type, void* out);
void describe_value(OperationDoc& doc, Source source, std::string_view name, const json::TypeInfo& type);
void describe_object(OperationDoc& doc, Source source, const json::TypeInfo& type);
void describe_body(OperationDoc& doc, std::string_view media_type, const json::TypeInfo& type);
/// The members of a struct as parts of a multipart/form-data: MultipartForm::bind<T>().
void describe_form_fields(OperationDoc& doc, const json::TypeInfo& type);
Response refused(Extraction& extraction);

template <class T, FixedString Name, Source From>
struct ValueExtractor {
  static constexpr BodyUse body = BodyUse::none;
  static constexpr bool is_struct = Name.empty() && std::is_aggregate_v<T>;
  static_assert(From == Source::path || is_struct || !Name.empty(),
                "say which one: Query<int, \"page\">, Header<std::string, \"User-Agent\">; or take a struct");

  static bool extract(Extraction& extraction, const ParameterBinding& binding, T& out) {
    if constexpr (is_struct)
      return extract_object(extraction, From, json::type_info<T>(), &out);
    else
      return extract_value(extraction, From, Name.empty() ? std::string_view(binding.name) : Name.view(),
                           json::type_info<T>(), &out);
  }
  static void describe(OperationDoc& doc, const ParameterBinding& binding) {
    if constexpr (is_struct)
      describe_object(doc, From, json::type_info<T>());
    else
      describe_value(doc, From, Name.empty() ? std::string_view(binding.name) : Name.view(), json::type_info<T>());
  }
};

}  // namespace detail

namespace detail {

template <class P>
concept FromContext = requires(Context& ctx) {
  { P::from_context(ctx) } -> std::same_as<Result<P>>;
};
template <class P>
concept FromContextAsync = requires(Context& ctx) {
  { P::from_context_async(ctx) } -> std::same_as<Task<Result<P>>>;
};

template <class P>
constexpr BodyUse declared_body_use() {
  if constexpr (requires { P::body_use; }) return P::body_use;
  return BodyUse::none;
}

template <class P>
bool accept(Extraction& extraction, Result<P>&& result, std::optional<P>& out) {
  if (!result) {
    if (!extraction.refusal) extraction.refusal = std::move(result.error());
    return false;
  }
  out.emplace(std::move(*result));
  return true;
}

}  // namespace detail

/// How a parameter type gets its value. Specialise it for types of your own, or give them one of
///
///   static Result<T>       from_context(Context&);
///   static Task<Result<T>> from_context_async(Context&);         // where it must wait: to read the body
///   static void            describe(OperationDoc&);              // optional: what it adds to the API's description
///   static constexpr BodyUse body_use = BodyUse::stream;         // optional: it reads the body itself
///
/// Those that wait run after all the others have their values, one after the other.
template <class P>
struct Extractor {
  static_assert(
      detail::FromContext<P> || detail::FromContextAsync<P>,
      "a handler's parameter is Context&, Path<T>, Query<T>, Header<T>, Cookie<T>, Json<T>, Form<T>, State<T>, "
      "RawBody, StopToken, Multipart, MultipartForm, or a type with static Result<P> from_context(Context&)");
  static constexpr BodyUse body = detail::declared_body_use<P>();
  static constexpr bool waits = !detail::FromContext<P>;
  static bool extract(Extraction& extraction, const ParameterBinding&, std::optional<P>& out)
    requires(!waits)
  {
    return detail::accept(extraction, P::from_context(extraction.ctx), out);
  }
  static Task<bool> extract_async(Extraction& extraction, std::optional<P>& out)
    requires waits
  {
    Task<Result<P>> task = P::from_context_async(extraction.ctx);
    Result<P> result = co_await std::move(task);
    co_return detail::accept(extraction, std::move(result), out);
  }
  static void describe(OperationDoc& doc, const ParameterBinding&) {
    if constexpr (requires { P::describe(doc); }) P::describe(doc);
  }
};

template <class T, FixedString Name>
struct Extractor<Path<T, Name>> : detail::ValueExtractor<T, Name, detail::Source::path> {
  /// Takes the next placeholder that no other Path has taken.
  static constexpr bool positional = Name.empty() && !detail::ValueExtractor<T, Name, detail::Source::path>::is_struct;
  static constexpr std::string_view placeholder = Name.view();
  static bool extract(Extraction& e, const ParameterBinding& b, Path<T, Name>& out) {
    return detail::ValueExtractor<T, Name, detail::Source::path>::extract(e, b, out.value);
  }
};
template <class T, FixedString Name>
struct Extractor<Query<T, Name>> : detail::ValueExtractor<T, Name, detail::Source::query> {
  static bool extract(Extraction& e, const ParameterBinding& b, Query<T, Name>& out) {
    return detail::ValueExtractor<T, Name, detail::Source::query>::extract(e, b, out.value);
  }
};
template <class T, FixedString Name>
struct Extractor<Header<T, Name>> : detail::ValueExtractor<T, Name, detail::Source::header> {
  static bool extract(Extraction& e, const ParameterBinding& b, Header<T, Name>& out) {
    return detail::ValueExtractor<T, Name, detail::Source::header>::extract(e, b, out.value);
  }
};
template <class T, FixedString Name>
struct Extractor<Cookie<T, Name>> : detail::ValueExtractor<T, Name, detail::Source::cookie> {
  static bool extract(Extraction& e, const ParameterBinding& b, Cookie<T, Name>& out) {
    return detail::ValueExtractor<T, Name, detail::Source::cookie>::extract(e, b, out.value);
  }
};

template <class T>
struct Extractor<Json<T>> {
  static constexpr BodyUse body = BodyUse::whole;
  static bool extract(Extraction& extraction, const ParameterBinding&, Json<T>& out) {
    return detail::extract_json(extraction, json::type_info<T>(), &out.value);
  }
  static void describe(OperationDoc& doc, const ParameterBinding&) {
    detail::describe_body(doc, "application/json", json::type_info<T>());
  }
};

template <class T>
struct Extractor<Form<T>> {
  static constexpr BodyUse body = BodyUse::whole;
  static bool extract(Extraction& extraction, const ParameterBinding&, Form<T>& out) {
    return detail::extract_form(extraction, json::type_info<T>(), &out.value);
  }
  static void describe(OperationDoc& doc, const ParameterBinding&) {
    detail::describe_body(doc, "application/x-www-form-urlencoded", json::type_info<T>());
  }
};

template <class T>
struct Extractor<State<T>> {
  static constexpr BodyUse body = BodyUse::none;
  using Needs = T;
  static bool extract(Extraction& extraction, const ParameterBinding&, State<T>& out) {
    out.value = extraction.ctx.states().find<T>();
    return true;
  }
  static void describe(OperationDoc&, const ParameterBinding&) {}
};

template <>
struct Extractor<Context> {
  static constexpr BodyUse body = BodyUse::none;
  static bool extract(Extraction& extraction, const ParameterBinding&, Context*& out) {
    out = &extraction.ctx;
    return true;
  }
  static void describe(OperationDoc&, const ParameterBinding&) {}
};

template <>
struct Extractor<RawBody> {
  static constexpr BodyUse body = BodyUse::whole;
  static bool extract(Extraction& extraction, const ParameterBinding&, RawBody& out) {
    out.value = extraction.ctx.received_body();
    return true;
  }
  static void describe(OperationDoc& doc, const ParameterBinding&) {
    doc.request_bodies.push_back({"application/octet-stream", nullptr});
  }
};

template <>
struct Extractor<StopToken> {
  static constexpr BodyUse body = BodyUse::none;
  static bool extract(Extraction& extraction, const ParameterBinding&, StopToken& out) {
    out = extraction.ctx.stop_token();
    return true;
  }
  static void describe(OperationDoc&, const ParameterBinding&) {}
};

}  // namespace weir
