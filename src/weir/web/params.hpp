// What handlers take: each parameter says by its type where its value comes from.
#pragma once

#include <cstddef>
#include <string_view>

#include "weir/base/fixed_string.hpp"

namespace weir {

/// A placeholder of the route. Without a name the parameters bind to the route's placeholders from left to right; with
/// one, Path<int, "id">, to that placeholder. The placeholder of a host, "{tenant}.example.com", stands before those of
/// the path: it is bound by name, or when there are as many parameters. T is any type with a text form (numbers, bool,
/// texts, enums, dates), or a struct whose members are named as the placeholders.
template <class T, FixedString Name = "">
struct Path {
  T value{};
  const T& operator*() const noexcept { return value; }
  const T* operator->() const noexcept { return &value; }
};

/// Query parameters: Query<int, "page"> is one of them (std::optional<int>: it may be missing; std::vector<int>: it may
/// be repeated); Query<Paging> fills a struct, a parameter per member, validated by the struct's rules.
template <class T, FixedString Name = "">
struct Query {
  T value{};
  const T& operator*() const noexcept { return value; }
  const T* operator->() const noexcept { return &value; }
};

/// Request header fields: Header<std::string_view, "X-Api-Key">, or a struct whose members user_agent, x_api_key …
/// stand for User-Agent, X-Api-Key …
template <class T, FixedString Name = "">
struct Header {
  T value{};
  const T& operator*() const noexcept { return value; }
  const T* operator->() const noexcept { return &value; }
};

/// Cookies, likewise.
template <class T, FixedString Name = "">
struct Cookie {
  T value{};
  const T& operator*() const noexcept { return value; }
  const T* operator->() const noexcept { return &value; }
};

/// The body as JSON, validated. Members of type std::string_view view the request's memory.
template <class T>
struct Json {
  T value{};
  const T& operator*() const noexcept { return value; }
  const T* operator->() const noexcept { return &value; }
  T& operator*() noexcept { return value; }
  T* operator->() noexcept { return &value; }
};

/// Bounds of Form. They hold for every route when the application has them as state: `app.state(FormOptions{…})`.
struct FormOptions {
  std::size_t max_fields = 1000;  ///< Fields of one form, repeated ones each: 413.
};

/// The body as an HTML form without files (application/x-www-form-urlencoded), validated.
template <class T>
struct Form {
  T value{};
  const T& operator*() const noexcept { return value; }
  const T* operator->() const noexcept { return &value; }
};

/// A value of the application, by type (App::state). Shared by all loops: it must be safe to use from several threads.
template <class T>
struct State {
  T* value = nullptr;
  T& operator*() const noexcept { return *value; }
  T* operator->() const noexcept { return value; }
};

/// The raw body, whole.
struct RawBody {
  std::string_view value;
  std::string_view operator*() const noexcept { return value; }
};

}  // namespace weir
