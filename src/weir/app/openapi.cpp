#include "weir/app/openapi.hpp"

#include <algorithm>
#include <cctype>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "weir/app/detail/openapi_parameters.hpp"
#include "weir/app/detail/openapi_paths.hpp"
#include "weir/json/json.hpp"
#include "weir/json/schema.hpp"
#include "weir/json/writer.hpp"

namespace weir {

namespace {

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return result;
}

/// "get /users/{id}" → "get_users_id".
std::string operation_id(const Endpoint& endpoint) {
  std::string id = lower(http::to_string(endpoint.method));
  bool gap = true;
  for (const char c : detail::path_template(endpoint.pattern)) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) {
      gap = true;
      continue;
    }
    if (std::exchange(gap, false)) id += '_';
    id += c;
  }
  return id;
}

/// A method as a member of a Path Item Object, which has none for CONNECT.
std::string key_of(http::Method method) {
  return method == http::Method::connect ? "x-connect" : lower(http::to_string(method));
}

/// By ParameterIn.
constexpr std::string_view places[] = {"path", "query", "header", "cookie"};

/// Writes one document.
class Document {
 public:
  Document(const OpenApiOptions& options, std::string_view name) : options_(options), name_(name) {}

  std::string write(std::span<const std::shared_ptr<const Endpoint>> endpoints) {
    const std::vector<detail::DocumentedPath> paths = detail::documented_paths(endpoints);
    for (const char* name : {"Problem", "FieldError"}) schemas_.reserve(name);
    for (const detail::DocumentedPath& path : paths) {
      for (const detail::DocumentedOperation& operation : path.operations) {
        use_types(operation.shown->doc);
        for (const Endpoint* other : operation.others) use_types(other->doc);
      }
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
    for (const detail::DocumentedPath& path : paths) {
      w_.key(path.path).begin_object();
      for (const detail::DocumentedOperation& documented : path.operations) {
        w_.key(key_of(documented.shown->method));
        operation(*documented.shown, path.placeholders, documented.others);
      }
      w_.end_object();
    }
    w_.end_object();
    components();
    tags();
    w_.end_object();
    return std::string(out_.view());
  }

 private:
  /// Names of schemas depend on which types go both ways.
  void use_types(const OperationDoc& doc) {
    for (const ParameterDoc& parameter : doc.parameters) {
      if (parameter.type != nullptr) schemas_.use(*parameter.type, json::Direction::in);
    }
    for (const BodyDoc& body : doc.request_bodies) {
      if (body.type != nullptr) schemas_.use(*body.type, json::Direction::in);
      for (const BodyDoc::Part& part : body.parts) {
        if (part.field.type != nullptr) schemas_.use(*part.field.type, json::Direction::in);
      }
    }
    for (const ResponseDoc& response : doc.responses) {
      for (const ParameterDoc& header : response.headers) {
        if (header.type != nullptr) schemas_.use(*header.type, json::Direction::out);
      }
      for (const BodyDoc& body : response.contents) {
        if (body.type != nullptr) schemas_.use(*body.type, json::Direction::out);
      }
    }
  }

  /// `placeholders` are the names that its path has in the document.
  void operation(const Endpoint& endpoint, const std::vector<std::string_view>& placeholders,
                 const std::vector<const Endpoint*>& others = {}) {
    const OperationDoc& doc = endpoint.doc;
    w_.begin_object();
    if (!doc.tags.empty()) {
      w_.key("tags").begin_array();
      for (const std::string& tag : doc.tags) {
        w_.value(tag);
        if (std::ranges::find(tags_, tag) == tags_.end()) tags_.push_back(tag);
      }
      w_.end_array();
    }
    if (!doc.summary.empty()) w_.member("summary", doc.summary);
    if (const std::string text = description_of(doc, others); !text.empty()) w_.member("description", text);
    w_.member("operationId", unique_id(doc.operation_id.empty() ? operation_id(endpoint) : doc.operation_id));
    if (doc.deprecated) w_.member("deprecated", true);
    parameters(endpoint, placeholders);
    if (!doc.request_bodies.empty()) {
      w_.key("requestBody").begin_object().member("required", doc.request_body_required);
      contents(doc.request_bodies, json::Direction::in);
      w_.end_object();
    }
    responses(doc);
    security(doc);
    if (!endpoint.host.empty()) w_.member("x-weir-host", endpoint.host);
    if (!others.empty()) {
      w_.key("x-weir-others").begin_array();
      for (const Endpoint* other : others) {
        w_.begin_object().member("path", detail::path_template(other->pattern)).key("operation");
        operation(*other, detail::placeholders_of(other->pattern));
        w_.end_object();
      }
      w_.end_array();
    }
    w_.end_object();
  }

  /// Viewers do not show what they do not know: people are told of the other routes here.
  static std::string description_of(const OperationDoc& doc, const std::vector<const Endpoint*>& others) {
    std::string text = doc.description;
    for (const Endpoint* other : others) {
      text += (text.empty() ? "Also at this path: `" : "\n\nAlso at this path: `") + detail::called(*other) + '`';
      if (!other->doc.summary.empty()) text += " (" + other->doc.summary + ')';
      text += '.';
    }
    return text;
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

  void parameters(const Endpoint& endpoint, const std::vector<std::string_view>& placeholders) {
    const detail::DocumentedParameters parameters = detail::documented_parameters(endpoint, placeholders);
    if (parameters.list.empty()) return;
    w_.key("parameters").begin_array();
    for (const ParameterDoc& parameter : parameters.list) write_parameter(parameter);
    w_.end_array();
  }

  void write_parameter(const ParameterDoc& parameter) {
    json::Rules rules = parameter.rules != nullptr ? *parameter.rules : json::Rules();
    w_.begin_object().member("name", parameter.name).member("in", places[static_cast<std::size_t>(parameter.in)]);
    // What is said about the parameter is not said in its schema, where viewers and generators do not look for it.
    const std::string_view about =
        parameter.description.empty() ? rules.description : std::string_view(parameter.description);
    if (!about.empty()) w_.member("description", about);
    w_.member("required", parameter.required);
    if (rules.deprecated) w_.member("deprecated", true);
    if (parameter.type != nullptr) {
      rules.description = {};
      rules.deprecated = false;
      w_.key("schema");
      schemas_.write(json::value_type(*parameter.type), json::Direction::in, w_, &rules, parameter.default_json);
    }
    w_.end_object();
  }

  void contents(const std::vector<BodyDoc>& bodies, json::Direction direction) {
    std::set<std::string_view> written;  // a type may be told by a handler and by its route
    w_.key("content").begin_object();
    for (const BodyDoc& body : bodies) {
      if (!written.insert(body.media_type).second) continue;
      w_.key(body.media_type).begin_object().key("schema");
      if (body.type != nullptr) {
        schemas_.write(*body.type, direction, w_);
      } else if (!body.parts.empty() || body.media_type == "multipart/form-data") {
        form(body.parts);
      } else {
        untyped(body.media_type);
      }
      w_.end_object();
    }
    w_.end_object();
  }

  /// OpenAPI 3.1 does not ask for a schema here, but openapi-generator gives up on a body without one.
  void untyped(std::string_view media_type) {
    w_.begin_object();
    if (media_type == "application/problem+json") {
      w_.member("$ref", "#/components/schemas/Problem");
      problems_ = true;
    } else if (media_type.starts_with("text/")) {
      w_.member("type", "string");
    } else if (!media_type.ends_with("json")) {
      bytes();
    }
    w_.end_object();
  }

  /// "binary" is what generators and viewers take for a file.
  void bytes() { w_.member("type", "string").member("format", "binary"); }

  void form(const std::vector<BodyDoc::Part>& parts) {
    w_.begin_object().member("type", "object");
    if (parts.empty()) {
      w_.member("additionalProperties", true).end_object();
      return;
    }
    w_.key("properties").begin_object();
    for (const BodyDoc::Part& part : parts) {
      w_.key(part.field.name);
      if (part.field.type != nullptr) {
        schemas_.write(json::value_type(*part.field.type), json::Direction::in, w_, part.field.rules,
                       part.field.default_json);
      } else {
        file(part);
      }
    }
    w_.end_object();
    if (std::ranges::any_of(parts, [](const BodyDoc::Part& part) { return part.field.required; })) {
      w_.key("required").begin_array();
      for (const BodyDoc::Part& part : parts) {
        if (part.field.required) w_.value(part.field.name);
      }
      w_.end_array();
    }
    w_.end_object();
  }

  void file(const BodyDoc::Part& part) {
    w_.begin_object();
    if (!part.field.description.empty()) w_.member("description", part.field.description);
    if (part.many) {
      w_.member("type", "array").key("items").begin_object();
      bytes();
      w_.end_object();
    } else {
      bytes();
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
          schemas_.write(header.type != nullptr ? *header.type : json::type_info<std::string>(), json::Direction::out,
                         w_, header.rules);
          w_.end_object();
        }
        w_.end_object();
      }
      if (!response->contents.empty()) contents(response->contents, json::Direction::out);
      w_.end_object();
    }
    w_.key("default").begin_object().member("description", "Any other failure.");
    contents({{"application/problem+json", nullptr}}, json::Direction::out);
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
        if (scheme.type == "apiKey") {
          w_.member("name", scheme.parameter).member("in", places[static_cast<std::size_t>(scheme.in)]);
        }
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
      R"("status":{"type":"integer","format":"int32"},"detail":{"type":"string"},"instance":{"type":"string"},)"
      R"("code":{"type":"string"},"request_id":{"type":"string"},)"
      R"("errors":{"type":"array","items":{"$ref":"#/components/schemas/FieldError"}}},)"
      R"("required":["type","title","status"]},)"
      R"("FieldError":{"type":"object","description":"What is wrong with one field of the input.","properties":)"
      R"({"field":{"type":"string"},"rule":{"type":"string"},"message":{"type":"string"}},)"
      R"("required":["field","rule","message"]})";

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
