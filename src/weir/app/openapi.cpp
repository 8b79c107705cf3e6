#include "weir/app/openapi.hpp"

#include <algorithm>
#include <cctype>
#include <limits>
#include <list>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "weir/json/json.hpp"
#include "weir/json/schema.hpp"
#include "weir/json/writer.hpp"
#include "weir/router/pattern.hpp"
#include "weir/web/route_pattern.hpp"

namespace weir {

namespace {

/// A pattern as OpenAPI writes it: "/users/{id:int}" is "/users/{id}", "/files/{rest*}" is "/files/{rest}".
std::string path_template(std::string_view pattern) {
  std::string path;
  PatternReader reader(pattern);
  PatternSegment segment;
  while (reader.next(segment)) {
    path += '/';
    path += segment.text;
    if (segment.literal) continue;
    path += '{';
    path += segment.name;
    path += '}';
    path += segment.suffix;
  }
  return path.empty() ? "/" : path;
}

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return result;
}

/// "get /users/{id}" → "get_users_id".
std::string operation_id(const Endpoint& endpoint) {
  std::string id = lower(http::to_string(endpoint.method));
  bool gap = true;
  for (const char c : path_template(endpoint.pattern)) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) {
      gap = true;
      continue;
    }
    if (std::exchange(gap, false)) id += '_';
    id += c;
  }
  return id;
}

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

/// Writes one document.
class Document {
 public:
  Document(const OpenApiOptions& options, std::string_view name) : options_(options), name_(name) {}

  std::string write(std::span<const std::shared_ptr<const Endpoint>> endpoints) {
    // A path is one object with its methods, whatever the order of registration.
    std::vector<std::pair<std::string, std::vector<const Endpoint*>>> paths;
    for (const std::shared_ptr<const Endpoint>& endpoint : endpoints) {
      if (endpoint->doc.hidden) continue;
      const std::string path = path_template(endpoint->pattern);
      auto at = std::ranges::find(paths, path, [](const auto& entry) -> const std::string& { return entry.first; });
      if (at == paths.end()) at = paths.insert(paths.end(), {path, {}});
      // The same path on another host cannot be told apart in OpenAPI: the first one stands.
      const auto same = [&](const Endpoint* other) { return other->method == endpoint->method; };
      if (std::ranges::none_of(at->second, same)) at->second.push_back(endpoint.get());
    }

    w_.begin_object().member("openapi", "3.1.0").key("info").begin_object();
    w_.member("title", options_.title.empty() ? name_ : std::string_view(options_.title));
    w_.member("version", options_.version);
    if (!options_.description.empty()) w_.member("description", options_.description);
    w_.end_object();
    if (!options_.servers.empty()) {
      w_.key("servers").begin_array();
      for (const std::string& url : options_.servers) w_.begin_object().member("url", url).end_object();
      w_.end_array();
    }
    w_.key("paths").begin_object();
    for (const auto& [path, methods] : paths) {
      w_.key(path).begin_object();
      for (const Endpoint* endpoint : methods) operation(*endpoint);
      w_.end_object();
    }
    w_.end_object();
    components();
    tags();
    w_.end_object();
    return std::string(out_.view());
  }

 private:
  void operation(const Endpoint& endpoint) {
    const OperationDoc& doc = endpoint.doc;
    w_.key(lower(http::to_string(endpoint.method))).begin_object();
    if (!doc.tags.empty()) {
      w_.key("tags").begin_array();
      for (const std::string& tag : doc.tags) {
        w_.value(tag);
        if (std::ranges::find(tags_, tag) == tags_.end()) tags_.push_back(tag);
      }
      w_.end_array();
    }
    if (!doc.summary.empty()) w_.member("summary", doc.summary);
    if (!doc.description.empty()) w_.member("description", doc.description);
    w_.member("operationId", unique_id(doc.operation_id.empty() ? operation_id(endpoint) : doc.operation_id));
    if (doc.deprecated) w_.member("deprecated", true);
    parameters(endpoint);
    if (!doc.request_bodies.empty()) {
      w_.key("requestBody").begin_object().member("required", doc.request_body_required);
      contents(doc.request_bodies);
      w_.end_object();
    }
    responses(doc);
    security(doc);
    w_.end_object();
  }

  /// All schemes together, or without those that are optional.
  void security(const OperationDoc& doc) {
    if (doc.security.empty()) return;
    const auto alternative = [&](bool with_optional) {
      w_.begin_object();
      for (const SecurityDoc& scheme : doc.security) {
        if (scheme.optional && !with_optional) continue;
        w_.key(scheme.name).begin_array();
        for (const std::string& scope : scheme.scopes) w_.value(scope);
        w_.end_array();
        schemes_.emplace(scheme.name, scheme);
      }
      w_.end_object();
    };
    w_.key("security").begin_array();
    alternative(true);
    if (std::ranges::any_of(doc.security, &SecurityDoc::optional)) alternative(false);
    w_.end_array();
  }

  void parameters(const Endpoint& endpoint) {
    std::vector<ParameterDoc> parameters = endpoint.doc.parameters;
    std::list<json::Rules> of_pattern;  // pointers into it stay
    PatternReader reader(endpoint.pattern);
    PatternSegment segment;
    while (reader.next(segment)) {
      if (segment.literal) continue;
      const auto taken = [&](const ParameterDoc& p) { return p.in == ParameterIn::path && p.name == segment.name; };
      auto at = std::ranges::find_if(parameters, taken);
      if (at == parameters.end()) {  // One that the handler does not take is a parameter all the same.
        at = parameters.insert(at, ParameterDoc{.in = ParameterIn::path,
                                                .name = std::string(segment.name),
                                                .required = true,
                                                .type = &type_of(segment.constraint.kind),
                                                .rules = nullptr,
                                                .description = {},
                                                .default_json = {}});
      }
      if (at->rules != nullptr) continue;
      const json::Kind kind = json::value_type(*at->type).kind;
      const bool number = kind == json::Kind::integer || kind == json::Kind::floating;
      at->rules = &of_pattern.emplace_back(rules_of(segment.constraint, number));
    }
    // That of a host is no parameter of the path.
    std::erase_if(parameters, [&](const ParameterDoc& p) {
      return p.in == ParameterIn::path && !detail::pattern_has(endpoint.pattern, p.name);
    });
    if (parameters.empty()) return;
    static constexpr std::string_view places[] = {"path", "query", "header", "cookie"};
    w_.key("parameters").begin_array();
    for (const ParameterDoc& parameter : parameters) {
      w_.begin_object().member("name", parameter.name).member("in", places[static_cast<std::size_t>(parameter.in)]);
      if (!parameter.description.empty()) w_.member("description", parameter.description);
      w_.member("required", parameter.required);
      if (parameter.type != nullptr) {
        w_.key("schema");
        schemas_.write(json::value_type(*parameter.type), w_, parameter.rules, parameter.default_json);
      }
      w_.end_object();
    }
    w_.end_array();
  }

  void contents(const std::vector<BodyDoc>& bodies) {
    w_.key("content").begin_object();
    for (const BodyDoc& body : bodies) {
      w_.key(body.media_type).begin_object();
      if (body.type != nullptr) {
        w_.key("schema");
        schemas_.write(*body.type, w_);
      } else if (body.media_type == "application/problem+json") {
        w_.key("schema").begin_object().member("$ref", "#/components/schemas/Problem").end_object();
        problems_ = true;
      } else if (body.media_type.starts_with("text/")) {
        w_.key("schema").begin_object().member("type", "string").end_object();
      }
      w_.end_object();
    }
    w_.end_object();
  }

  void responses(const OperationDoc& doc) {
    std::vector<const ResponseDoc*> sorted;
    for (const ResponseDoc& response : doc.responses) sorted.push_back(&response);
    std::ranges::sort(sorted, {}, [](const ResponseDoc* response) { return response->status; });
    w_.key("responses").begin_object();
    if (sorted.empty() || http::to_code(sorted.front()->status) >= 400) {
      // The handler's type does not tell: a Response that it made itself.
      w_.key("200").begin_object().member("description", "OK").end_object();
    }
    for (const ResponseDoc* response : sorted) {
      w_.key(std::to_string(http::to_code(response->status))).begin_object();
      w_.member("description", response->description.empty() ? http::reason(response->status)
                                                             : std::string_view(response->description));
      if (!response->headers.empty()) {
        w_.key("headers").begin_object();
        for (const ParameterDoc& header : response->headers) {
          w_.key(header.name).begin_object();
          if (!header.description.empty()) w_.member("description", header.description);
          w_.key("schema");
          schemas_.write(header.type != nullptr ? *header.type : json::type_info<std::string>(), w_);
          w_.end_object();
        }
        w_.end_object();
      }
      if (!response->contents.empty()) contents(response->contents);
      w_.end_object();
    }
    w_.key("default").begin_object().member("description", "Any other failure.");
    contents({{"application/problem+json", nullptr}});
    w_.end_object().end_object();
  }

  void components() {
    Buffer schemas;
    json::Writer inner(schemas);
    schemas_.write_components(inner);
    std::string_view named = schemas.view();  // "{…}"
    w_.key("components").begin_object().key("schemas");
    if (problems_) {
      std::string merged(named.substr(0, named.size() - 1));
      if (merged.size() > 1) merged += ',';
      merged += problem_schema;
      merged += '}';
      w_.raw(merged);
    } else {
      w_.raw(named);
    }
    if (!schemes_.empty()) {
      w_.key("securitySchemes").begin_object();
      for (const auto& [key, scheme] : schemes_) {
        w_.key(key).begin_object().member("type", scheme.type);
        if (!scheme.scheme.empty()) w_.member("scheme", scheme.scheme);
        if (!scheme.bearer_format.empty()) w_.member("bearerFormat", scheme.bearer_format);
        w_.end_object();
      }
      w_.end_object();
    }
    w_.end_object();
  }

  void tags() {
    if (tags_.empty()) return;
    w_.key("tags").begin_array();
    for (const std::string& tag : tags_) w_.begin_object().member("name", tag).end_object();
    w_.end_array();
  }

  std::string unique_id(std::string id) {
    std::string unique = id;
    for (int n = 2; !ids_.insert(unique).second; ++n) unique = id + "_" + std::to_string(n);
    return unique;
  }

  static constexpr std::string_view problem_schema =
      R"("Problem":{"type":"object","description":"Problem details (RFC 9457).","properties":{)"
      R"("type":{"type":"string","format":"uri-reference","default":"about:blank"},"title":{"type":"string"},)"
      R"("status":{"type":"integer"},"detail":{"type":"string"},"instance":{"type":"string"},)"
      R"("code":{"type":"string"},"request_id":{"type":"string"},)"
      R"("errors":{"type":"array","items":{"type":"object","properties":{"field":{"type":"string"},)"
      R"("rule":{"type":"string"},"message":{"type":"string"}},"required":["field","rule","message"]}}}})";

  const OpenApiOptions& options_;
  std::string_view name_;
  Buffer out_;
  json::Writer w_{out_};
  json::SchemaSet schemas_;
  std::vector<std::string> tags_;
  std::set<std::string> ids_;
  std::map<std::string, SecurityDoc> schemes_;
  bool problems_ = false;
};

}  // namespace

std::string openapi_document(const OpenApiOptions& options, std::string_view name,
                             std::span<const std::shared_ptr<const Endpoint>> endpoints) {
  return Document(options, name).write(endpoints);
}

}  // namespace weir
