// json::Value.
#include <algorithm>

#include "weir/json/detail/reader.hpp"

namespace weir::json::detail {
namespace {

bool has_duplicate(const Value::Object& members) {
  if (members.size() <= 16) {
    for (std::size_t i = 1; i < members.size(); ++i) {
      for (std::size_t j = 0; j < i; ++j) {
        if (members[i].name == members[j].name) return true;
      }
    }
    return false;
  }
  std::vector<std::string_view> names;
  names.reserve(members.size());
  for (const auto& member : members) names.push_back(member.name);
  std::sort(names.begin(), names.end());
  return std::adjacent_find(names.begin(), names.end()) != names.end();
}

}  // namespace

bool Reader::any_value(Value& out) {
  switch (*token()) {
    case '{':
      return any_object(out);
    case '[':
      return any_array(out);
    case 't':
      out = true;
      return literal("true");
    case 'f':
      out = false;
      return literal("false");
    case 'n':
      out = nullptr;
      return literal("null");
    case '"': {
      std::string_view text;
      if (!string_token(text, workspace_.text) || !charge(sizeof(std::string) + text.size())) return false;
      out.make_string().assign(text);
      return true;
    }
    default:
      break;
  }
  Number number;
  if (!number_token(number)) return false;
  std::uint64_t integer = 0;
  if (number.integral && to_integer(number, true, 8, integer) == IntegerStatus::ok) {
    out = static_cast<std::int64_t>(integer);
    return true;
  }
  if (number.integral && to_integer(number, false, 8, integer) == IntegerStatus::ok) {
    out = integer;
    return true;
  }
  double value = 0;
  if (!to_double(number, value)) return syntax(number.begin, "a number up to 1.7e308");
  out = value;
  return true;
}

bool Reader::any_array(Value& out) {
  if (!enter()) return false;
  ++at_;
  auto& elements = out.make_array();
  elements.clear();
  bool more = *token() != ']';
  if (!more) ++at_;
  while (more) {
    if (!charge(sizeof(Value)) || !any_value(elements.emplace_back()) || !next(']', more)) return false;
  }
  leave();
  return true;
}

bool Reader::any_object(Value& out) {
  if (!enter()) return false;
  ++at_;
  auto& members = out.make_object();
  members.clear();
  bool more = *token() != '}';
  if (!more) ++at_;
  while (more) {
    if (*token() != '"') return syntax(token(), "a name in double quotes");
    std::string_view name;
    if (!string_token(name, workspace_.key)) return false;
    if (*token() != ':') return syntax(token(), "':' behind a name");
    ++at_;
    if (!charge(sizeof(Value::Member) + name.size())) return false;
    auto& member = members.emplace_back();
    member.name.assign(name);
    if (!any_value(member.value) || !next('}', more)) return false;
  }
  if (has_duplicate(members)) return limit(Errc::invalid_argument, "a name stands in an object twice");
  leave();
  return true;
}

}  // namespace weir::json::detail
