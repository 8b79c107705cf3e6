// Reverse URLs: from a route's name and values to a path.
#include <algorithm>

#include "weir/router/detail/snapshot.hpp"

namespace weir::router {
namespace {

/// RFC 3986 section 2.3. Everything else is escaped, ':' too, so that a value never turns into a verb.
constexpr bool is_unreserved(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
         c == '_' || c == '~';
}

void append_encoded(std::string& out, std::string_view text, bool keep_slashes = false) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  for (const char c : text) {
    if (is_unreserved(c) || (keep_slashes && c == '/')) {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += digits[byte >> 4];
    out += digits[byte & 15];
  }
}

/// Whether `text` has a segment "." or "..", which the receiver would resolve away, escaped or not.
bool has_dot_segment(std::string_view text) {
  for (std::size_t at = 0; at <= text.size();) {
    const auto end = std::min(text.find('/', at), text.size());
    const auto segment = text.substr(at, end - at);
    if (segment == "." || segment == "..") return true;
    at = end + 1;
  }
  return false;
}

std::string describe(const PatternSegment& segment) {
  const auto& constraint = segment.constraint;
  if (constraint.kind == ParamKind::regex) return "to match " + std::string(constraint.regex);
  std::string out = "to be a non-empty ";
  out += to_string(constraint.kind);
  if (constraint.min != ParamConstraint{}.min) out += ", at least " + std::to_string(constraint.min);
  if (constraint.max != ParamConstraint{}.max) out += ", at most " + std::to_string(constraint.max);
  return out;
}

const UrlParam* param_named(std::span<const UrlParam> params, std::string_view name) {
  const auto found = std::find_if(params.begin(), params.end(), [&](const auto& p) { return p.first == name; });
  return found == params.end() ? nullptr : &*found;
}

}  // namespace

bool Snapshot::accepts(const PatternSegment& segment, std::string_view value) const {
  if (value.find('\0') != std::string_view::npos) return false;
  const auto kind = segment.constraint.kind;
  if (kind == ParamKind::tail) return !has_dot_segment(value);
  const auto whole = std::string(segment.text).append(value).append(segment.suffix);
  if (value.empty() || whole == "." || whole == ".." || !satisfies(segment.constraint, value)) return false;
  if (kind != ParamKind::regex) return true;
  return std::any_of(params_.begin(), params_.end(), [&](const Param& param) {
    return param.regex != nullptr && param.regex->expression() == segment.constraint.regex &&
           param.regex->matches(value);
  });
}

Result<std::string> Snapshot::url_for(std::string_view name, std::span<const UrlParam> params,
                                      std::span<const UrlParam> query) const {
  const auto at = std::lower_bound(named_.begin(), named_.end(), name,
                                   [this](const Named& named, std::string_view n) { return view(named.name) < n; });
  if (at == named_.end() || view(at->name) != name) {
    return fail(Errc::not_found, "there is no route named \"" + std::string(name) + "\"");
  }
  const auto& record = records_[at->record];
  const auto pattern = std::string_view(text_).substr(record.pattern, record.pattern_size);
  const auto wrong = [&](const std::string& what) {
    return fail(Errc::invalid_argument,
                "url_for(\"" + std::string(name) + "\"), " + std::string(pattern) + ": " + what);
  };
  for (const auto& [key, value] : params) {
    const auto* first = names_.data() + record.names;
    if (std::find(first, first + record.name_count, key) == first + record.name_count) {
      return wrong("there is no parameter \"" + std::string(key) + "\"");
    }
  }
  std::string out;
  PatternReader reader(pattern);
  PatternSegment segment;
  while (reader.next(segment)) {
    out += '/';
    out += segment.text;
    if (segment.literal) continue;
    const auto* param = param_named(params, segment.name);
    if (param == nullptr) return wrong("the parameter \"" + std::string(segment.name) + "\" is missing");
    if (!accepts(segment, param->second)) {
      return wrong("the parameter \"" + std::string(segment.name) + "\" is \"" + std::string(param->second) +
                   "\", but has " + describe(segment));
    }
    append_encoded(out, param->second, segment.constraint.kind == ParamKind::tail);
    out += segment.suffix;
  }
  for (const auto& [key, value] : query) {
    out += out.find('?') == std::string::npos ? '?' : '&';
    append_encoded(out, key);
    out += '=';
    append_encoded(out, value);
  }
  return out;
}

}  // namespace weir::router
