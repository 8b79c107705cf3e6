#include "weir/app/detail/openapi_parameters.hpp"

#include <algorithm>
#include <limits>
#include <string>

#include "weir/http/headers.hpp"
#include "weir/json/describe.hpp"
#include "weir/router/pattern.hpp"

namespace weir::detail {

namespace {

/// What a placeholder's constraint says, as rules of a parameter of this type.
json::Rules rules_of(const ParamConstraint& constraint, bool number) {
  using Limits = std::numeric_limits<std::int64_t>;
  json::Rules rules;
  switch (constraint.kind) {
    case ParamKind::unsigned_integer:
    case ParamKind::integer: {
      if (!number) {
        rules.pattern = constraint.kind == ParamKind::integer ? "-?[0-9]+" : "[0-9]+";
        break;
      }
      const auto bound = [](std::int64_t at) {
        return json::Bound{.integer = at, .is_integer = true, .is = json::Bound::Is::inclusive};
      };
      if (constraint.min != Limits::min()) rules.min = bound(constraint.min);
      if (constraint.max != Limits::max()) rules.max = bound(constraint.max);
      break;
    }
    case ParamKind::uuid:
      rules.format = format::uuid;
      break;
    case ParamKind::date:
      rules.format = format::date;
      break;
    case ParamKind::datetime:
      rules.format = format::date_time;
      break;
    case ParamKind::alpha:
      rules.pattern = "[A-Za-z]+";
      break;
    case ParamKind::regex:
      rules.pattern = constraint.regex;
      break;
    case ParamKind::text:
      if (constraint.min > 0) rules.min_length = static_cast<std::size_t>(constraint.min);
      if (constraint.max != Limits::max()) rules.max_length = static_cast<std::size_t>(constraint.max);
      break;
    case ParamKind::boolean:
    case ParamKind::floating:
    case ParamKind::tail:
      break;
  }
  return rules;
}

/// The type of a placeholder that no parameter of the handler takes.
const json::TypeInfo& type_of(ParamKind kind) {
  switch (kind) {
    case ParamKind::boolean:
      return json::type_info<bool>();
    case ParamKind::unsigned_integer:
      return json::type_info<std::uint64_t>();
    case ParamKind::integer:
      return json::type_info<std::int64_t>();
    case ParamKind::floating:
      return json::type_info<double>();
    default:
      return json::type_info<std::string>();
  }
}

/// The parameter for a placeholder. One that the handler does not take is a parameter all the same.
ParameterDoc parameter_of(const std::vector<ParameterDoc>& parameters, const PatternSegment& segment) {
  const auto taken = [&](const ParameterDoc& p) { return p.in == ParameterIn::path && p.name == segment.name; };
  const auto at = std::ranges::find_if(parameters, taken);
  if (at != parameters.end()) return *at;
  return {.in = ParameterIn::path,
          .name = std::string(segment.name),
          .required = true,
          .type = &type_of(segment.constraint.kind),
          .rules = nullptr,
          .description = {},
          .default_json = {}};
}

bool is_same(const ParameterDoc& a, const ParameterDoc& b) {
  if (a.in != b.in) return false;
  return a.in == ParameterIn::header ? http::equals_ignoring_case(a.name, b.name) : a.name == b.name;
}

/// A parameter of a path that is called as another route's has that one's names. It has rules.
void rename(ParameterDoc& parameter, std::string_view name) {
  if (parameter.name == name) return;
  const bool described = !parameter.description.empty() || !parameter.rules->description.empty();
  if (!described) parameter.description = "The route calls it `" + parameter.name + "`.";
  parameter.name = name;
}

}  // namespace

DocumentedParameters documented_parameters(const Endpoint& endpoint, const std::vector<std::string_view>& names) {
  DocumentedParameters result;
  PatternReader reader(endpoint.pattern);
  PatternSegment segment;
  while (reader.next(segment)) {
    if (segment.literal) continue;
    ParameterDoc parameter = parameter_of(endpoint.doc.parameters, segment);
    if (segment.constraint.kind == ParamKind::tail && parameter.description.empty()) {
      parameter.description = "The rest of the path, which may have slashes.";
    }
    if (parameter.rules == nullptr) {
      const json::Kind kind = json::value_type(*parameter.type).kind;
      const bool number = kind == json::Kind::integer || kind == json::Kind::floating;
      parameter.rules = &result.made.emplace_back(rules_of(segment.constraint, number));
    }
    rename(parameter, names[result.list.size()]);
    result.list.push_back(std::move(parameter));
  }
  for (const ParameterDoc& parameter : endpoint.doc.parameters) {
    if (parameter.in == ParameterIn::path) continue;  // said already, or of the host
    const auto same = [&](const ParameterDoc& other) { return is_same(parameter, other); };
    if (std::ranges::none_of(result.list, same)) result.list.push_back(parameter);
  }
  return result;
}

}  // namespace weir::detail
