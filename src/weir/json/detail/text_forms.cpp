#include "weir/json/detail/text_forms.hpp"

#include <limits>

#include "weir/json/detail/base64.hpp"
#include "weir/json/detail/number.hpp"
#include "weir/json/detail/time_text.hpp"

namespace weir::json::detail {
namespace {

std::string enumerator_list(const EnumInfo& info) {
  std::string list;
  for (const auto& name : info.names) {
    if (!list.empty()) list += ", ";
    list += name.name;
  }
  return list;
}

TextFailure parse_enumeration(const TypeInfo& type, std::string_view text, void* out) {
  for (const auto& name : type.detail.enumeration->names) {
    if (name.name == text) {
      store_integer(out, type.size, static_cast<std::uint64_t>(name.value));
      return {};
    }
  }
  return {"one_of", "must be one of " + enumerator_list(*type.detail.enumeration)};
}

TextFailure parse_time(const TypeInfo& type, std::string_view text, void* out) {
  std::int64_t seconds = 0;
  std::uint32_t nanoseconds = 0;
  const bool is_duration = type.kind == Kind::duration;
  if (!(is_duration ? parse_duration(text, seconds, nanoseconds) : parse_timestamp(text, seconds, nanoseconds))) {
    return {"format", is_duration ? "must be a duration such as PT1.5S or 1.5s"
                                  : "must be a time of RFC 3339 such as 2026-01-31T12:00:00Z"};
  }
  std::int64_t count = 0;
  if (!to_count(seconds, nanoseconds, type.detail.time->num, type.detail.time->den, type.size, count)) {
    return {"range", "is outside the times that can be held"};
  }
  store_integer(out, type.size, static_cast<std::uint64_t>(count));
  return {};
}

TextFailure parse_day(const TypeInfo& type, std::string_view text, void* out) {
  Date date;
  if (!parse_date(text, date)) return {"format", "must be a date such as 2026-01-31"};
  type.detail.date->set(out, date.year, date.month, date.day);
  return {};
}

TextFailure parse_bytes(const TypeInfo& type, std::string_view text, void* out) {
  const auto bytes = type.detail.bytes->resize(out, base64_decoded_size(text));
  if (base64_decode(text, bytes.data())) return {};
  static_cast<void>(type.detail.bytes->resize(out, 0));
  return {"format", "must be base64"};
}

unsigned fraction_digits(const TimeInfo& time) noexcept {
  unsigned digits = 0;
  for (std::int64_t den = time.den; den > 1 && digits < 9; den /= 10) ++digits;
  return digits;
}

std::string_view filled(Buffer& scratch, char* end) {
  scratch.advance(static_cast<std::size_t>(end - scratch.data()));
  return scratch.view();
}

}  // namespace

std::string expected_kind(const TypeInfo& type) {
  switch (type.kind) {
    case Kind::null:
      return "null";
    case Kind::boolean:
      return "a boolean";
    case Kind::integer:
      return "an integer";
    case Kind::floating:
      return "a number";
    case Kind::string:
    case Kind::string_view:
    case Kind::text:
      return "a string";
    case Kind::enumeration:
      return "one of " + enumerator_list(*type.detail.enumeration);
    case Kind::timestamp:
      return "a string with a time of RFC 3339";
    case Kind::date:
      return "a string with a date";
    case Kind::duration:
      return "a string with a duration";
    case Kind::bytes:
      return "a string with base64";
    case Kind::optional:
      return expected_kind(*type.detail.optional->value) + " or null";
    case Kind::sequence:
    case Kind::tuple:
      return "an array";
    case Kind::map:
    case Kind::object:
      return "an object";
    case Kind::variant: {
      std::string list;
      for (const TypeInfo* alternative : type.detail.variant->alternatives) {
        const std::string one = expected_kind(*alternative);
        if (list.ends_with(one)) continue;
        if (!list.empty()) list += " or ";
        list += one;
      }
      return list;
    }
    case Kind::value:
    case Kind::raw:
      return "any value";
    case Kind::custom:
      return expected_kind(*type.detail.custom->as);
  }
  return {};
}

std::string integer_range(const TypeInfo& type) {
  const std::uint64_t largest = std::numeric_limits<std::uint64_t>::max() >> (64 - 8 * type.size);
  if (!type.is_signed) return "between 0 and " + std::to_string(largest);
  const auto top = static_cast<std::int64_t>(largest / 2);
  return "between " + std::to_string(-top - 1) + " and " + std::to_string(top);
}

TextFailure parse_text(const TypeInfo& type, std::string_view text, void* out) {
  switch (type.kind) {
    case Kind::enumeration:
      return parse_enumeration(type, text, out);
    case Kind::timestamp:
    case Kind::duration:
      return parse_time(type, text, out);
    case Kind::date:
      return parse_day(type, text, out);
    case Kind::bytes:
      return parse_bytes(type, text, out);
    default:
      break;
  }
  if (const char* wrong = type.detail.text->parse(text, out)) return {"format", wrong};
  return {};
}

std::string_view enumerator_name(const EnumInfo& info, std::int64_t value) noexcept {
  for (const auto& name : info.names) {
    if (name.value == value) return name.name;
  }
  return {};
}

std::string_view print_text(const TypeInfo& type, const void* value, Buffer& scratch) {
  scratch.clear();
  switch (type.kind) {
    case Kind::enumeration:
      return enumerator_name(*type.detail.enumeration,
                             static_cast<std::int64_t>(load_integer(value, type.size, type.is_signed)));
    case Kind::timestamp:
    case Kind::duration: {
      std::int64_t seconds = 0;
      std::uint32_t nanoseconds = 0;
      const TimeInfo& time = *type.detail.time;
      from_count(static_cast<std::int64_t>(load_integer(value, type.size, true)), time.num, time.den, seconds,
                 nanoseconds);
      char* const to = scratch.reserve_more(64);
      return filled(scratch, type.kind == Kind::duration
                                 ? print_duration(to, seconds, nanoseconds)
                                 : print_timestamp(to, seconds, nanoseconds, fraction_digits(time)));
    }
    case Kind::date: {
      Date date;
      type.detail.date->get(value, date.year, date.month, date.day);
      return filled(scratch, print_date(scratch.reserve_more(64), date));
    }
    case Kind::bytes: {
      const auto bytes = type.detail.bytes->get(value);
      char* const to = scratch.reserve_more(base64_encoded_size(bytes.size()));
      base64_encode(bytes.data(), bytes.size(), to);
      scratch.advance(base64_encoded_size(bytes.size()));
      return scratch.view();
    }
    default:
      return type.detail.text->print(value, scratch);
  }
}

}  // namespace weir::json::detail
