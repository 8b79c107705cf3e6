// What a route takes and answers, as data: filled in from the handler's types when the route is registered, refined by
// the route's options and its middleware, and written out as OpenAPI.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "weir/http/status.hpp"
#include "weir/json/type_info.hpp"

namespace weir {

/// Where a parameter comes from (OpenAPI 3.1, Parameter Object).
enum class ParameterIn : std::uint8_t { path, query, header, cookie };

struct ParameterDoc {
  ParameterIn in = ParameterIn::query;
  std::string name;
  bool required = false;
  const json::TypeInfo* type = nullptr;
  const json::Rules* rules = nullptr;
  std::string description;
  std::string default_json;  ///< What holds when it is not given, as JSON; empty: nothing to say.
};

struct BodyDoc {
  std::string media_type;                ///< "application/json"
  const json::TypeInfo* type = nullptr;  ///< Null: not described further (bytes, streams).
  /// Of a form: its fields, when no type tells. Those without a type are files; `many`: any number of that name.
  struct Part {
    ParameterDoc field;
    bool many = false;
  };
  std::vector<Part> parts{};
};

struct ResponseDoc {
  http::Status status = http::Status::ok;
  std::string description;        ///< The reason phrase when empty.
  std::vector<BodyDoc> contents;  ///< Empty: no body.
  std::vector<ParameterDoc> headers;

  /// Says that the answer can have this field, unless that was said before. Null: text.
  void header(std::string_view name, std::string_view meaning, const json::TypeInfo* type = nullptr);
};

/// A security scheme that an operation needs (OpenAPI 3.1, Security Scheme Object).
struct SecurityDoc {
  std::string name;                      ///< Its key in components.securitySchemes: "bearer".
  std::string type;                      ///< "http", "apiKey", …
  std::string scheme;                    ///< For "http": "bearer", "basic".
  std::string bearer_format;             ///< "JWT"
  ParameterIn in = ParameterIn::header;  ///< For "apiKey": where the key is, and what it is called there.
  std::string parameter;
  std::vector<std::string> scopes;
  bool optional = false;  ///< Requests without it are answered, too.
};

struct OperationDoc {
  std::string summary;
  std::string description;
  std::string operation_id;  ///< Made from method and path when empty.
  std::vector<std::string> tags;
  bool deprecated = false;
  bool hidden = false;  ///< Not in the document.
  std::vector<ParameterDoc> parameters;
  std::vector<BodyDoc> request_bodies;
  bool request_body_required = false;
  std::vector<ResponseDoc> responses;
  std::vector<SecurityDoc> security;

  /// The body of this media type, added if there is none yet.
  BodyDoc& request_body(std::string_view media_type);
  /// The response with this status, added if there is none yet.
  ResponseDoc& response(http::Status status);
  /// Says that a problem (RFC 9457) with this status can be the answer.
  void problem(http::Status status, std::string meaning = {});
};

}  // namespace weir
