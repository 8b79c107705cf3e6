// JSON written by hand, piece by piece: logs, problem documents, OpenAPI.
#pragma once

#include <concepts>
#include <cstdint>
#include <string_view>

#include "weir/json/write.hpp"

namespace weir::json {

/// Appends to a buffer and puts the commas. What is begun has to be ended, and in an object a key comes before each
/// value: that is the caller's to get right.
///
///   json::Writer w(out);
///   w.begin_object().member("status", "ok").key("checks").begin_array().value(1).value(2.5).end_array().end_object();
class Writer {
 public:
  explicit Writer(Buffer& out) noexcept : out_(out) {}

  Writer& begin_object() { return open('{'); }
  Writer& end_object() { return close('}'); }
  Writer& begin_array() { return open('['); }
  Writer& end_array() { return close(']'); }

  Writer& key(std::string_view name) {
    separate();
    escape(out_, name);
    out_.push_back(':');
    comma_ = false;
    return *this;
  }

  Writer& value(std::string_view text) {
    separate();
    escape(out_, text);
    return *this;
  }
  Writer& value(const char* text) { return value(std::string_view(text)); }
  Writer& value(const std::string& text) { return value(std::string_view(text)); }
  Writer& value(bool flag) { return raw(flag ? "true" : "false"); }
  Writer& value(std::nullptr_t) { return raw("null"); }
  template <std::integral N>
  Writer& value(N number) {
    separate();
    if constexpr (std::signed_integral<N>) {
      append_number(out_, static_cast<std::int64_t>(number));
    } else {
      append_number(out_, static_cast<std::uint64_t>(number));
    }
    return *this;
  }
  Writer& value(double number) {
    separate();
    append_number(out_, number);
    return *this;
  }
  /// Any type that has a TypeInfo.
  template <class T>
    requires(!std::is_arithmetic_v<T> && !std::is_convertible_v<const T&, std::string_view>)
  Writer& value(const T& object) {
    separate();
    write(object, out_);
    return *this;
  }
  /// Text that is JSON already.
  Writer& raw(std::string_view json) {
    separate();
    out_.append(json);
    return *this;
  }

  template <class T>
  Writer& member(std::string_view name, const T& v) {
    return key(name).value(v);
  }

 private:
  void separate() {
    if (comma_) out_.push_back(',');
    comma_ = true;
  }
  Writer& open(char bracket) {
    separate();
    out_.push_back(bracket);
    comma_ = false;
    return *this;
  }
  Writer& close(char bracket) {
    out_.push_back(bracket);
    comma_ = true;
    return *this;
  }

  Buffer& out_;
  bool comma_ = false;
};

}  // namespace weir::json
